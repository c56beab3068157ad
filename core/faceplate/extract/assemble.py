"""From the faces that were seen to the people of a track: numbers, smoothing, pose."""

from collections.abc import Mapping

import numpy as np

from faceplate.errors import BadShape
from faceplate.extract.people import People, Person
from faceplate.extract.sighting import Sighting, box_of
from faceplate.extract.smooth import runs_of, smooth_points
from faceplate.extract.view import FrameView, SquareBox, SquarePoints
from faceplate.geometry.pose import estimate_pose
from faceplate.io.trackfile import Box, PersonTrack, Pose, TrackedFace

__all__ = ["assemble"]


def assemble(
    people: People,
    frames: Mapping[int, int],
    view: FrameView,
    smooth: int,
    max_people: int = 0,
    names: Mapping[int, str] | None = None,
) -> tuple[PersonTrack, ...]:
    """Return the people of a shot, in the order of their numbers.

    Args:
        people: Who was seen where.
        frames: Index of a frame in the shot to its number.
        view: A frame of the shot, for the shape of its pixels.
        smooth: Frames that take part in the smoothing.
        max_people: Keep those with most face; 0 keeps all.
        names: What an artist called people, by their numbers.
    """
    called = names or {}
    tracks = [
        PersonTrack(number, _faces(number, person, frames, view, smooth), called.get(number, ""))
        for number, person in people.numbers().items()
    ]
    if max_people:
        largest = sorted(tracks, key=lambda track: -track.amount)[:max_people]
        tracks = [track for track in tracks if track in largest]
    return tuple(track for track in tracks if track.faces)


def _faces(
    number: int, person: Person, frames: Mapping[int, int], view: FrameView, smooth: int
) -> tuple[TrackedFace, ...]:
    indexes = sorted(person.sightings)
    seen = [person.sightings[index] for index in indexes]
    raw = np.array([face.points for face in seen])
    smoothed = raw.copy()
    for run in runs_of(indexes):
        smoothed[run] = smooth_points(raw[run], smooth)
    faces = [
        _face(number, frames[index], face, points, view)
        for index, face, points in zip(indexes, seen, smoothed, strict=True)
    ]
    return tuple(face for face in faces if face is not None)


def _face(
    number: int, frame: int, face: Sighting, smoothed: SquarePoints, view: FrameView
) -> TrackedFace | None:
    """Return a face of the track; None for points that no head could show."""
    points = face.points if face.source == "corrected" else smoothed
    landmarks = view.to_plate(points)
    window = view.frame.display_window
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
        raw_landmarks=view.to_plate(face.points).astype(np.float32),
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
