"""The track file: the faces of the people of one shot, as JSON that an artist can read and edit.

Points and boxes are plate pixels (see docs/architecture.md), one list to a line and rounded to
0.001 px, so that two versions of a track can be compared line by line and the same track gives the
same bytes. A face whose ``source`` is ``"corrected"`` is an artist's: a later analyse keeps it. A
corrected face may give only its box; analyse then finds the points in it.
"""

import json
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from faceplate.config import from_dict, to_dict
from faceplate.errors import BadSettings, NotFound
from faceplate.io.atomic import write_text
from faceplate.io.checked import check_keys, read_object
from faceplate.io.jsonplace import line_of
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
_KEYS = ("format", "version", "plate", "settings", "frames", "cuts", "people")
_OPTIONAL = ("cuts",)


@dataclass(frozen=True, eq=False)
class Track:
    """All that analyse found in one shot."""

    plate: PlateInfo
    frames: tuple[int, ...]
    """The frames that were analysed, with and without faces, in order."""
    cuts: tuple[int, ...] = field(default=(), kw_only=True)
    """The frames with which another camera shot begins, in order; the first frame is none."""
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
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"{path} does not exist; faceplate analyse writes it") from error
        return cls.parse(content, str(path))

    @classmethod
    def parse(cls, content: bytes, where: str) -> "Track":
        """Read what a track file holds.

        Args:
            content: Of the file.
            where: Its path, for messages.

        Raises:
            BadSettings: Not a track file, a newer version, or a wrong value; says where.
        """
        values, text = _parsed(content, where)
        check_keys(values, _KEYS, where, optional=_OPTIONAL)
        plate = from_dict(PlateInfo, read_object(values["plate"], where), f"{where}: plate")
        frames = read_frames(values["frames"], f"{where}: frames")
        _check_inside(frames, plate, where)
        cuts = _read_cuts(values.get("cuts", []), frames, f"{where}: cuts")
        people = read_people(values["people"], frames, where, partial(line_of, text))
        return cls(plate, frames, people, read_object(values["settings"], where), cuts=cuts)

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
            f'  "cuts": {json.dumps(list(self.cuts))},',
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

    def shot_of(self, frame: int) -> int:
        """Return the number of the camera shot that a frame is in, from 0.

        What is measured over neighbouring frames, as motion is, must not reach into another one.
        """
        return bisect_right(self.cuts, frame)

    def person(self, number: int) -> PersonTrack | None:
        """Return the person with this number; 0 is the one with most face in the shot."""
        if number == 0:
            return max(self.people, key=lambda found: found.amount, default=None)
        return next((found for found in self.people if found.person == number), None)


def _read_cuts(value: Any, frames: tuple[int, ...], where: str) -> tuple[int, ...]:
    cuts = read_frames(value, where)
    for cut in cuts:
        if cut not in frames[1:]:
            raise BadSettings(
                f"{where}: {cut} begins no shot: it is the first frame or not among the track's "
                "frames"
            )
    return cuts


def _check_inside(frames: tuple[int, ...], plate: PlateInfo, where: str) -> None:
    outside = [frame for frame in frames if not plate.first <= frame <= plate.last]
    if outside:
        raise BadSettings(
            f"{where}: frames: {outside[0]} lies outside the plate, which has {plate.first} to "
            f"{plate.last}"
        )


def _indented(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, allow_nan=False).replace("\n", "\n  ")


def _parsed(content: bytes, where: str) -> tuple[Mapping[str, Any], str]:
    try:
        text = content.decode("utf-8")
        values = read_object(json.loads(text), where)
    except ValueError as error:
        raise BadSettings(f"{where} is not JSON: {error}") from error
    if values.get("format") != _FORMAT:
        raise BadSettings(f"{where} is not a track file: it has no 'format': '{_FORMAT}'")
    if values.get("version") != _VERSION:
        raise BadSettings(
            f"{where}: version {values.get('version')!r}; this Faceplate reads version {_VERSION}: "
            "analyse the plate again, or use the Faceplate that wrote it"
        )
    return values, text
