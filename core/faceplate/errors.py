"""The errors of the engine.

Every error says what was wrong, what was got and what to do::

    FaceplateError
    ├── InvalidInput            the request cannot be right
    │   ├── UnknownComponent    no such detector, landmarker, architecture, ...
    │   ├── UnknownColorSpace   no such space in the OCIO config
    │   ├── BadImage            a file that cannot be read as the image that it should be
    │   ├── BadShape            an array of the wrong shape or type
    │   ├── BadSequence         a frame pattern or range that means nothing
    │   └── BadSettings         a recipe, config or record with wrong or unknown values
    ├── NotFound                a file, model, face or job that is not there
    │   └── MissingFrames       frames of a plate that are not there
    ├── NotReady                a thing that must come first has not been done
    │   ├── WeightsMissing      a card's weights are not in the store
    │   └── ExtraMissing        an optional package is not installed
    ├── Refused                 it is not allowed
    │   ├── ConsentRefused      no valid consent for this use of a likeness
    │   └── OutsideRoots        a path outside the allowed roots
    ├── Exhausted               no room: disk, memory or queue
    │   ├── DiskFull
    │   └── OutOfMemory
    ├── Damaged                 it is there, and it is broken
    │   ├── FramesFailed        some frames of a shot failed, all others are done
    │   └── HashMismatch        the bytes are not those that were recorded
    ├── NoFace                  it is done, and frames that must have a face have none
    ├── HookFailed              it is published, and a hook or a tracker did not take it
    └── Cancelled               somebody asked to stop
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

__all__ = [
    "BadImage",
    "BadSequence",
    "BadSettings",
    "BadShape",
    "Cancelled",
    "ConsentRefused",
    "Damaged",
    "DiskFull",
    "Exhausted",
    "ExtraMissing",
    "FaceplateError",
    "FramesFailed",
    "HashMismatch",
    "HookFailed",
    "InvalidInput",
    "MissingFrames",
    "NoFace",
    "NotFound",
    "NotReady",
    "OutOfMemory",
    "OutsideRoots",
    "Refused",
    "UnknownColorSpace",
    "UnknownComponent",
    "WeightsMissing",
    "near_names",
    "ran_out_of_memory",
]

_NO_MEMORY = (
    "can't allocate memory", "not enough memory", "out of memory", "insufficient memory",
)  # fmt: skip
"""In the messages of libraries that have no class of their own for it."""


def near_names(got: str, known: Iterable[str], limit: int = 5) -> list[str]:
    """Return the known names nearest to `got`, best first, ignoring case.

    Example:
        >>> near_names("acesgc", ["ACEScg", "Raw", "ACEScct"])[0]
        'ACEScg'
    """
    by_folded = {name.casefold(): name for name in known}
    matches = get_close_matches(got.casefold(), list(by_folded), n=limit, cutoff=0.4)
    return [by_folded[match] for match in matches]


def ran_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of a library, or what caused it, says that memory ran out.

    Example:
        >>> ran_out_of_memory(MemoryError()), ran_out_of_memory(RuntimeError("no such layer"))
        (True, False)
    """
    found: BaseException | None = error
    while found is not None:
        kinds = {kind.__name__ for kind in type(found).__mro__}
        of_library = isinstance(found, RuntimeError) or "cv2" in type(found).__module__
        said = of_library and any(words in str(found).lower() for words in _NO_MEMORY)
        if said or kinds & {"MemoryError", "OutOfMemoryError"}:  # the last is torch's
            return True
        found = found.__cause__
    return False


class FaceplateError(Exception):
    """Any error that the engine raises on purpose.

    Attributes:
        exit_code: What a command line returns for it (see docs/exit-codes.md).
    """

    exit_code = 1


class InvalidInput(FaceplateError):
    """The request cannot be right, whatever the state of the world."""

    exit_code = 2


class UnknownComponent(InvalidInput):
    """No component of that name; the message lists those that there are."""

    def __init__(self, kind: str, name: str, choices: Sequence[str]) -> None:
        self.kind, self.name, self.choices = kind, name, tuple(choices)
        super().__init__(f"no {kind} is called {name!r}; there are: {', '.join(choices) or 'none'}")


class UnknownColorSpace(InvalidInput):
    """No colour space of that name in the OCIO config; the message lists near names."""

    exit_code = 5

    def __init__(self, name: str, config: str, near: Sequence[str]) -> None:
        self.name, self.config, self.near = name, config, tuple(near)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        super().__init__(f"the OCIO config {config} has no colour space {name!r}{hint}")


class BadImage(InvalidInput):
    """A file that cannot be read as the image or movie that it should be."""

    exit_code = 3


class BadShape(InvalidInput):
    """An array of the wrong shape or type."""

    def __init__(self, what: str, got: object, expected: str) -> None:
        self.got, self.expected = got, expected
        super().__init__(f"{what}: expected {expected}, got {got}")


class BadSequence(InvalidInput):
    """A frame pattern or a frame range that means nothing."""


class BadSettings(InvalidInput):
    """A recipe, config or record with wrong, missing or unknown values."""


class NotFound(FaceplateError):
    """A file, model, face or job that is not there."""

    exit_code = 6


class MissingFrames(NotFound):
    """Frames of a plate that are not there."""

    exit_code = 3

    def __init__(self, pattern: str, frames: Sequence[int]) -> None:
        self.pattern, self.frames = pattern, tuple(frames)
        shown = ", ".join(str(frame) for frame in frames[:12])
        more = f" and {len(frames) - 12} more" if len(frames) > 12 else ""
        super().__init__(
            f"{pattern}: {len(frames)} frame(s) are missing: {shown}{more}. Render them, narrow "
            "--frames, or choose --missing hold, black or skip"
        )


class NotReady(FaceplateError):
    """A thing that must come first has not been done."""

    exit_code = 6


class WeightsMissing(NotReady):
    """The weights of a card are not in the store."""

    def __init__(self, card: str, store: str) -> None:
        self.card = card
        super().__init__(
            f"the weights of {card!r} are not in {store}: run `faceplate models fetch {card}`, or "
            f"`faceplate models import FILE` on a machine without a network"
        )


class ExtraMissing(NotReady):
    """An optional package is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} is not installed: pip install 'faceplate[{extra}]'")


class Refused(FaceplateError):
    """It is not allowed."""

    exit_code = 6


class ConsentRefused(Refused):
    """There is no valid consent for this use of a likeness."""


class OutsideRoots(Refused):
    """A path outside the allowed roots."""


class Exhausted(FaceplateError):
    """No room: disk, memory or queue. May work later."""

    exit_code = 7


class DiskFull(Exhausted):
    """The disk has no room for what must be written; nothing half-written was kept."""


class OutOfMemory(Exhausted):
    """Host or device memory ran out."""


class Damaged(FaceplateError):
    """It is there, and it is broken."""

    exit_code = 3


class FramesFailed(Damaged):
    """Some frames of a shot failed; all others are done."""

    def __init__(self, failed: Mapping[int, str], total: int) -> None:
        self.failed = dict(failed)
        lines = "; ".join(f"{number}: {reason}" for number, reason in list(failed.items())[:10])
        more = f"; and {len(failed) - 10} more" if len(failed) > 10 else ""
        super().__init__(
            f"{len(failed)} of {total} frames failed, all others are written. {lines}{more}. Mend "
            "them and run the same job again: only they are made"
        )


class HashMismatch(Damaged):
    """The bytes are not those that were recorded."""

    def __init__(self, what: str, got: str, expected: str) -> None:
        self.got, self.expected = got, expected
        super().__init__(f"{what}: sha256 is {got}, expected {expected}; nothing was kept")


class NoFace(FaceplateError):
    """It is done, and frames that must have a face have none."""

    exit_code = 4


class HookFailed(FaceplateError):
    """It is published, and a hook or a tracker did not take it: the record stays."""

    exit_code = 11


class Cancelled(FaceplateError):
    """Somebody asked to stop."""

    exit_code = 130
