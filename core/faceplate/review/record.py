"""The record of a published version: what there is of it, in one JSON file that hooks read.

    sh010_v003.1001.exr ...         the frames
    sh010_v003.publish.json         this
    sh010_v003.publish.log          what hooks said

It holds no personal name and no secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from faceplate.config import from_json, to_json
from faceplate.errors import Damaged
from faceplate.io.atomic import write_text

__all__ = [
    "SUFFIX",
    "HookState",
    "Note",
    "PublishRecord",
    "PublishedFile",
    "PublishedFrames",
    "differences",
    "read_record",
    "write_record",
]

SUFFIX = ".publish.json"
"""How the name of every record ends."""


@dataclass(frozen=True)
class PublishedFile:
    """One file of a version."""

    path: str
    """Absolute."""
    sha256: str
    bytes: int


@dataclass(frozen=True)
class PublishedFrames:
    """The frames of a version."""

    pattern: str
    """Absolute, with a printf token."""
    frames: str
    """Such as ``1001-1100``."""
    count: int
    size: tuple[int, int]
    """Width and height of the display window in pixels."""
    fps: float | None
    """Frames per second, where the files say."""
    color_space: str
    """What the files say, else empty."""
    layers: tuple[str, ...]
    """Layers of the first frame, besides R, G, B and A."""
    bytes: int
    """Of all files together."""


@dataclass(frozen=True)
class Note:
    """Something to be said about the version."""

    text: str
    frame: int | None = None
    """The frame it is about; None: all of it."""


@dataclass(frozen=True)
class HookState:
    """How one hook fared."""

    name: str
    """``command``, or the name of a tracker."""
    done: bool
    at: str
    """When it ended, ISO 8601, UTC."""
    seconds: float
    detail: str
    """What came of it, or why it failed."""
    reached: Mapping[str, str] = field(default_factory=dict)
    """What a tracker has made already, by its ids: another try goes on from there."""


@dataclass(frozen=True)
class PublishRecord:
    """A version of a shot."""

    name: str
    """Of the version's files, such as ``sh010_v003``."""
    shot: str
    version: int
    status: str
    frames: PublishedFrames
    movie: PublishedFile | None
    timeline: PublishedFile | None
    sidecar: PublishedFile | None
    signature: str
    """Of the sidecar: ``trusted``, ``foreign`` or ``absent``."""
    signer: str
    notes: tuple[Note, ...]
    provenance: Mapping[str, str]
    """What all frames say of their making: digital source type, likeness, consent, model."""
    project: str
    sequence: str
    task: str
    """Where it belongs, for trackers; empty: as their settings say."""
    published: str
    """When, ISO 8601, UTC."""
    generator: str
    """What wrote the record."""
    hooks: tuple[HookState, ...] = ()
    """How the hooks fared, in their order."""
    format: int = 1

    def hook(self, name: str) -> HookState | None:
        """Return how a hook fared; None where it was never run."""
        return next((each for each in self.hooks if each.name == name), None)

    def with_hook(self, state: HookState) -> "PublishRecord":
        """Return the record with a hook's new state."""
        others = tuple(each for each in self.hooks if each.name != state.name)
        return replace(self, hooks=(*others, state))


_NOT_THE_VERSION = {"published", "generator", "hooks", "timeline", "format"}
"""What may differ when the same version is looked at again: timelines gain other shots."""


def differences(there: PublishRecord, now: PublishRecord) -> list[str]:
    """Return the names of what a record says otherwise than an earlier one of that version.

    Notes on frames may come in between; those given by hand may not.
    """
    found = []
    for each in fields(PublishRecord):
        before, after = getattr(there, each.name), getattr(now, each.name)
        if each.name == "notes":
            before, after = ([note for note in notes if note.frame is None]
                             for notes in (before, after))  # fmt: skip
        if each.name not in _NOT_THE_VERSION and before != after:
            found.append(each.name)
    return found


def read_record(path: Path) -> PublishRecord:
    """Read a record. Raises NotFound, BadSettings, or Damaged where it is of a newer format."""
    record = from_json(PublishRecord, path)
    if record.format != 1:
        raise Damaged(f"{path} is of format {record.format}, known here is 1: update Faceplate")
    return record


def write_record(record: PublishRecord, path: Path) -> None:
    """Write a record atomically. Raises NotFound or DiskFull."""
    write_text(path, to_json(record))
