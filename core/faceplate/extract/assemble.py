"""From the faces that were seen to the people of a track: numbers, fitted points, pose."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from faceplate.errors import BadShape
from faceplate.extract.people import People, Person
from faceplate.extract.refit import pull
from faceplate.extract.sighting import Sighting, box_of
from faceplate.extract.smooth import Smoothing, runs_of
from faceplate.extract.view import FrameView, SquareBox, SquarePoints
from faceplate.geometry.pose import estimate_pose
from faceplate.io.trackfile import Box, PersonTrack, Pose, TrackedFace

__all__ = ["Fitting", "assemble"]


@dataclass(frozen=True)
class Fitting:
    """How the points of a person become those of the track."""

    smoothing: Smoothing = field(default_factory=Smoothing)
    reach: int = 12
    """Frames around a corrected face that are pulled after it."""
    cuts: tuple[int, ...] = ()
    """Indexes of the frames that begin another camera shot, rising."""

    def fit(
        self, raw: SquarePoints, at: Sequence[int], corrected: Mapping[int, SquarePoints]
    ) -> SquarePoints:
        """Return a person's points, smoothed and pulled after the corrections.

        Args:
            raw: N x 68 x 2 square pixels, as the landmarker gave them.
            at: Index of each row's frame, rising.
            corrected: An artist's points, by row.
        """
        shots = [bisect_right(self.cuts, index) for index in at]
        smoothed = np.array(raw, np.float64)
        for run in runs_of(at, shots):
            smoothed[run] = self.smoothing.smooth(raw[run])
        return pull(smoothed, at, corrected, self.reach, shots)


def assemble(
    people: People,
    frames: Mapping[int, int],
    view: FrameView,
    fitting: Fitting,
    names: Mapping[int, str] | None = None,
) -> tuple[PersonTrack, ...]:
    """Return the people of a plate, in the order of their numbers.

    Args:
        people: Who was seen where.
        frames: Index of a frame in the plate to its number.
        view: A frame of the plate, for the shape of its pixels.
        fitting: Smoothing, and what corrections do to their neighbours.
        names: What an artist called people, by their numbers.
    """
    called = names or {}
    tracks = (
        PersonTrack(number, _faces(number, person, frames, view, fitting), called.get(number, ""))
        for number, person in people.numbers().items()
    )
    return tuple(track for track in tracks if track.faces)


def _faces(
    number: int, person: Person, frames: Mapping[int, int], view: FrameView, fitting: Fitting
) -> tuple[TrackedFace, ...]:
    indexes = sorted(person.sightings)
    seen = [person.sightings[index] for index in indexes]
    raw = np.array([face.points if face.automatic is None else face.automatic for face in seen])
    corrected = {row: face.points for row, face in enumerate(seen) if face.source == "corrected"}
    fitted = fitting.fit(raw, indexes, corrected)
    faces = [
        _face(number, frames[index], face, points, found, view)
        for index, face, points, found in zip(indexes, seen, fitted, raw, strict=True)
    ]
    return tuple(face for face in faces if face is not None)


def _face(
    number: int,
    frame: int,
    face: Sighting,
    points: SquarePoints,
    raw: SquarePoints,
    view: FrameView,
) -> TrackedFace | None:
    """Return a face of the track; None for points that no head could show."""
    landmarks = view.to_plate(points)
    window = view.shape.display_window
    try:
        yaw, pitch, roll = estimate_pose(
            landmarks - [window.x0, window.y0], view.display_size, view.aspect
        )
    except BadShape:
        return None
    return TrackedFace(
        person=number,
        frame=frame,
        box=_plate_box(face.drawn or box_of(points), view),
        landmarks=landmarks.astype(np.float32),
        raw_landmarks=view.to_plate(raw).astype(np.float32),
        pose=Pose(yaw, pitch, roll),
        confidence=face.confidence,
        presence=face.presence,
        source=face.source,
        iris=None if face.iris is None else view.to_plate(face.iris).astype(np.float32),
        color=face.color,
    )


def _plate_box(box: SquareBox, view: FrameView) -> Box:
    (x0, y0), (x1, y1) = view.to_plate(np.reshape(box, (2, 2))).tolist()
    return x0, y0, x1, y1
