"""What an artist corrected in a track, brought back when the plate is analysed again."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from faceplate.errors import BadSettings
from faceplate.extract.finder import roll_of_face
from faceplate.extract.recall import RecallingFinder
from faceplate.extract.sighting import Sighting, box_of
from faceplate.extract.view import FrameView, SquareBox, SquarePoints
from faceplate.io.plate import Plate
from faceplate.io.trackfile import Box, Track, TrackedFace

__all__ = ["Corrections"]

logger = logging.getLogger(__name__)

_SEEN = 0.5
"""Presence from which the landmarker's points are worth comparing with the artist's."""


class Corrections:
    """The corrected faces of an earlier track of the same plate.

    Args:
        path: The track file; none there means that nothing is corrected.
        plate: The plate that is analysed now.
        finder: Finds the points in boxes that were drawn without them.

    Raises:
        BadSettings: The file is no track, its corrections are of another plate, or they lie in
            frames that are not analysed now and would be lost.
    """

    def __init__(self, path: Path, plate: Plate, finder: RecallingFinder) -> None:
        self._path = path
        self._finder = finder
        self._faces: dict[int, list[TrackedFace]] = {}
        self._boxes: dict[int, list[tuple[int, Box]]] = {}
        self.names: dict[int, str] = {}
        """Names of the people with corrected faces, by their numbers."""
        if path.exists():
            self._take(Track.load(path), path, plate)

    def __call__(self, view: FrameView) -> list[Sighting]:
        """Return the corrected faces of a frame."""
        faces = [self._from_points(view, face) for face in self._faces.get(view.number, ())]
        drawn = self._boxes.get(view.number, ())
        found = [self._from_box(view, person, box) for person, box in drawn]
        return [*faces, *(face for face in found if face is not None)]

    def _take(self, track: Track, path: Path, plate: Plate) -> None:
        for person in track.people:
            for face in person.faces:
                if face.source == "corrected":
                    self._faces.setdefault(face.frame, []).append(face)
            for frame, box in person.boxes.items():
                self._boxes.setdefault(frame, []).append((person.person, box))
            if person.boxes or any(face.source == "corrected" for face in person.faces):
                self.names[person.person] = person.name
        frames = sorted({*self._faces, *self._boxes})
        if frames and Path(track.plate.pattern) != Path(plate.pattern):
            raise BadSettings(
                f"{path} holds corrected faces of {track.plate.pattern}, not of {plate.pattern}: "
                "write to another file"
            )
        lost = sorted(set(frames) - set(plate.frames))
        if lost:
            raise BadSettings(
                f"{path} holds corrected faces in frames that would not be analysed, such as "
                f"{lost[0]}: take those frames in, or write to another file"
            )

    def _from_points(self, view: FrameView, face: TrackedFace) -> Sighting:
        points = view.from_plate(face.landmarks)
        self._check_inside(view, face.person, face.box)
        signature, color = self._finder.describe(view, points)
        return Sighting(
            points=points,
            box=box_of(points),
            presence=face.presence,
            score=1.0,
            source="corrected",
            signature=signature,
            iris=None if face.iris is None else view.from_plate(face.iris),
            color=color,
            person=face.person,
            drawn=_square(view, face.box),
            automatic=self._automatic(view, face, points),
        )

    def _automatic(
        self, view: FrameView, face: TrackedFace, points: SquarePoints
    ) -> SquarePoints | None:
        """Return what the landmarker sees where the artist put the face.

        The frames around it are tracked from there, so that they go wrong by what it does.
        """
        seen = self._finder.look(view, box_of(points), 1.0, "tracked", roll_of_face(points))
        if seen is not None and seen.presence >= _SEEN:
            return seen.points
        return view.from_plate(face.raw_landmarks)

    def _check_inside(self, view: FrameView, person: int, box: Box) -> None:
        x0, y0, x1, y1 = box
        window = view.shape.data_window
        if x1 <= window.x0 or y1 <= window.y0 or x0 >= window.x1 or y0 >= window.y1:
            raise BadSettings(
                f"{self._path}: person {person}, frame {view.number}: the box {list(box)} lies "
                f"outside the picture, which spans {window.x0},{window.y0} to "
                f"{window.x1},{window.y1}"
            )

    def _from_box(self, view: FrameView, person: int, box: Box) -> Sighting | None:
        self._check_inside(view, person, box)
        drawn = _square(view, box)
        face = self._finder.look(view, drawn, 1.0, "corrected")
        if face is None or face.presence < _SEEN:
            logger.warning(
                "person %d, frame %d: the landmarker sees no face in the box that was drawn; its "
                "points want correcting by hand",
                person,
                view.number,
            )
        return face and face.named(person, drawn)


def _square(view: FrameView, box: Box) -> SquareBox:
    corners: Iterator[float] = iter(view.from_plate(np.reshape(box, (2, 2))).ravel().tolist())
    return next(corners), next(corners), next(corners), next(corners)
