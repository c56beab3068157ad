"""The sidecar of a sequence: what every frame is made of, in one JSON file that can be signed.

    shot.1001.exr ... shot.1024.exr     the frames
    shot.provenance.json                what they are: this
    shot.provenance.c2pa                the signature over it

It holds no personal name and nothing that depends on the time: sealed again, it is the same file.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from faceplate.config import from_dict, to_dict
from faceplate.errors import BadSettings, Damaged
from faceplate.provenance.header import DIGITAL_SOURCE_TYPE

__all__ = [
    "FRAME_STRINGS",
    "MEDIA_TYPE",
    "SUFFIX",
    "Making",
    "SealedConsent",
    "SealedFile",
    "SealedFrame",
    "SealedInput",
    "SealedModel",
    "Sidecar",
    "gathered",
    "parse_sidecar",
    "sidecar_name",
    "sidecar_text",
    "signature_path",
]

MEDIA_TYPE = "application/json"
"""Of a sidecar, as it is signed."""

SUFFIX = ".provenance.json"
"""How the name of every sidecar ends."""

FRAME_STRINGS = ("inputSha256", "params", "frame", "occlusion", "earlier")
"""Header strings that differ from frame to frame; all others are of a whole making."""


@dataclass(frozen=True)
class SealedFile:
    """One file of a frame."""

    name: str
    """Beside the sidecar, without its folder."""
    sha256: str
    """Of all its bytes."""
    bytes: int
    """Its length."""


@dataclass(frozen=True)
class SealedFrame:
    """One frame."""

    frame: int
    """Its number."""
    files: tuple[SealedFile, ...]
    """The result, and the layers where they lie beside it."""
    header: Mapping[str, str]
    """What its header says that differs from frame to frame, without our prefix."""
    making: int
    """Which of the sidecar's makings it comes from."""


@dataclass(frozen=True)
class SealedInput:
    """A file or folder that went in: track, recipe, cast, plate."""

    name: str
    """Its name without folders."""
    sha256: str = ""
    """Of its bytes; empty for the plate, of which each frame is hashed by itself."""


@dataclass(frozen=True)
class SealedModel:
    """A swap model and what it learnt from."""

    likeness: str
    sha256: str
    """Of the weights."""
    step: int
    """Training steps."""
    consent_id: str
    """Record under which it was trained; empty where it names none."""
    datasets: Mapping[str, str]
    """Name of each faceset of its training to the sha256 of the faces; empty in models of early
    versions and from elsewhere."""


@dataclass(frozen=True)
class SealedConsent:
    """A consent record under which the frames were made."""

    consent_id: str
    likeness: str
    sha256: str
    """Of the record's file."""
    document_sha256: str
    """Of the signed document, as the record has it."""


@dataclass(frozen=True)
class Making:
    """How a part of the frames was made: one job, or several that were alike."""

    header: Mapping[str, str]
    """What the headers of its frames say in common, without our prefix."""
    plate: SealedInput | None = None
    track: SealedInput | None = None
    recipes: tuple[SealedInput, ...] = ()
    cast: SealedInput | None = None
    models: tuple[SealedModel, ...] = ()
    consents: tuple[SealedConsent, ...] = ()
    shot: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of the libraries that made the pixels; empty where the frames were made elsewhere,
    as on a farm: then only the header names Faceplate's."""


@dataclass(frozen=True)
class Sidecar:
    """All of it."""

    name: str
    """Of the sequence, such as ``shot``."""
    pattern: str
    """Of its files, without their folder."""
    makings: tuple[Making, ...]
    frames: tuple[SealedFrame, ...]
    """In order."""
    digital_source_type: str = DIGITAL_SOURCE_TYPE
    generator: str = ""
    """What wrote this file; the makings say what made the frames."""
    version: int = 1

    def frame(self, number: int) -> SealedFrame | None:
        """Return what is recorded of a frame."""
        return next((each for each in self.frames if each.frame == number), None)


def sidecar_name(head: str) -> str:
    """Return the name of the sidecar of files that begin with `head`.

    Example:
        >>> sidecar_name("sh010.")
        'sh010.provenance.json'
    """
    return (head.rstrip(".") or "frames") + SUFFIX


def signature_path(sidecar: Path) -> Path:
    """Return where the signature of a sidecar lies."""
    return sidecar.with_suffix(".c2pa")


def sidecar_text(sidecar: Sidecar) -> str:
    """Return a sidecar as JSON, a frame to a line, so that a difference shows where it lies."""
    values = to_dict(sidecar)
    lines = {key: [_line(each) for each in values.pop(key)] for key in ("makings", "frames")}
    head = json.dumps(values, indent=1, sort_keys=True)[:-2]
    parts = [f',\n "{key}": [\n  ' + ",\n  ".join(each) + "\n ]" for key, each in lines.items()]
    return head + "".join(parts) + "\n}\n"


def parse_sidecar(content: bytes, what: str) -> Sidecar:
    """Read a sidecar.

    Raises:
        Damaged: It is no sidecar, or of a newer format; the message names what is wrong.
    """
    try:
        values = json.loads(content)
        if not isinstance(values, dict):
            raise ValueError("not an object")
        sidecar = from_dict(Sidecar, values, what)
    except (ValueError, BadSettings) as error:
        raise Damaged(f"{what} is no sidecar of frames: {error}") from error
    if sidecar.version != 1:
        raise Damaged(f"{what} is of version {sidecar.version}, known here is 1: update Faceplate")
    if any(not 0 <= each.making < len(sidecar.makings) for each in sidecar.frames):
        raise Damaged(f"{what} names a making that it does not hold")
    return sidecar


def gathered(
    frames: Iterable[tuple[SealedFrame, Making]],
) -> tuple[tuple[Making, ...], tuple[SealedFrame, ...]]:
    """Return each making once, and the frames in order, naming the makings by their place."""
    makings: list[Making] = []
    found: list[SealedFrame] = []
    for frame, making in sorted(frames, key=lambda pair: pair[0].frame):
        if making not in makings:
            makings.append(making)
        found.append(replace(frame, making=makings.index(making)))
    return tuple(makings), tuple(found)


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
