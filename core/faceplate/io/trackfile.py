"""The track file: the faces of the people of one shot, as JSON that an artist can read and edit.

Points and boxes are plate pixels (see docs/architecture.md), one list to a line and rounded to
0.001 px, so that two versions of a track can be compared line by line and the same track gives the
same bytes. A face whose ``source`` is ``"corrected"`` is an artist's: a later analyse keeps it. A
corrected face may give only its box; analyse then finds the points in it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faceplate.config import from_dict, to_dict
from faceplate.errors import BadSettings, NotFound
from faceplate.io.atomic import write_text
from faceplate.io.checked import check_keys, read_object
from faceplate.io.tracked import (
    Box,
    FaceColor,
    FaceSource,
    PersonTrack,
    PlateInfo,
    Points,
    Pose,
    TrackedFace,
)
from faceplate.io.tracktext import frame_runs, people_text, read_frames, read_people

__all__ = [
    "Box",
    "FaceColor",
    "FaceSource",
    "PersonTrack",
    "PlateInfo",
    "Points",
    "Pose",
    "Track",
    "TrackedFace",
]

_FORMAT = "faceplate-track"
_VERSION = 1
_KEYS = ("format", "version", "plate", "settings", "frames", "people")


@dataclass(frozen=True, eq=False)
class Track:
    """All that analyse found in one shot."""

    plate: PlateInfo
    frames: tuple[int, ...]
    """The frames that were analysed, with and without faces, in order."""
    people: tuple[PersonTrack, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The settings of the analysis, as plain JSON values."""

    @classmethod
    def load(cls, path: Path) -> "Track":
        """Read a track file.

        Raises:
            NotFound: No such file.
            BadSettings: Not a track file, a newer version, or a wrong value; says where.
        """
        values, where = _load_json(path), str(path)
        check_keys(values, _KEYS, where)
        plate = from_dict(PlateInfo, read_object(values["plate"], where), f"{where}: plate")
        frames = read_frames(values["frames"], f"{where}: frames")
        people = read_people(values["people"], frames, where)
        return cls(plate, frames, people, read_object(values["settings"], where))

    def save(self, path: Path) -> None:
        """Write the track file, atomically; the same track gives the same bytes."""
        write_text(path, self.text())

    def text(self) -> str:
        """Return the text of the track file."""
        lines = [
            f'  "format": "{_FORMAT}",',
            f'  "version": {_VERSION},',
            f'  "plate": {_indented(to_dict(self.plate))},',
            f'  "settings": {_indented(dict(self.settings))},',
            f'  "frames": {json.dumps(frame_runs(self.frames))},',
            f'  "people": {people_text(self.people)}',
        ]
        return "\n".join(["{", *lines, "}"]) + "\n"

    def faces_at(self, frame: int) -> list[TrackedFace]:
        """Return the faces in a frame, in the order of the people's numbers."""
        found = (person.at(frame) for person in self.people)
        return [face for face in found if face is not None]

    def empty_frames(self) -> list[int]:
        """Return the analysed frames without a face."""
        full = {frame for person in self.people for frame in person.frames}
        return [frame for frame in self.frames if frame not in full]

    def person(self, number: int) -> PersonTrack | None:
        """Return the person with this number; 0 is the one with most face in the shot."""
        if number == 0:
            return max(self.people, key=lambda found: found.amount, default=None)
        return next((found for found in self.people if found.person == number), None)


def _indented(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, allow_nan=False).replace("\n", "\n  ")


def _load_json(path: Path) -> Mapping[str, Any]:
    try:
        values = read_object(json.loads(path.read_text(encoding="utf-8")), str(path))
    except FileNotFoundError as error:
        raise NotFound(f"{path} does not exist; faceplate analyse writes it") from error
    except ValueError as error:
        raise BadSettings(f"{path} is not JSON: {error}") from error
    if values.get("format") != _FORMAT:
        raise BadSettings(f"{path} is not a track file: it has no 'format': '{_FORMAT}'")
    if values.get("version") != _VERSION:
        raise BadSettings(
            f"{path}: version {values.get('version')!r}; this Faceplate reads version {_VERSION}: "
            "analyse the plate again, or use the Faceplate that wrote it"
        )
    return values
