"""A track changed by hand: points taken over, and the frames around them fitted again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadSettings, BadShape
from faceplate.extract.assemble import Fitting
from faceplate.extract.sighting import box_of
from faceplate.extract.smooth import Smoothing
from faceplate.extract.view import plate_to_square, square_to_plate
from faceplate.geometry.pose import estimate_pose
from faceplate.geometry.umeyama import umeyama
from faceplate.io.tracked import Box, PersonTrack, PlateInfo, Pose, TrackedFace
from faceplate.io.trackfile import Track
from faceplate.io.tracknuke import Moved

__all__ = ["MOVED_PX", "Applied", "apply_points", "refit"]

MOVED_PX = 0.02
"""A point that lies no further from the track's is not one that an artist moved."""
_UNCHANGED_PX = 0.003
"""What rounding in the file may change; a face that moves less stays as it is, to the byte."""


@dataclass(frozen=True)
class Applied:
    """What came of points from outside."""

    person: PersonTrack
    corrected: tuple[int, ...]
    """Frames whose points were taken over."""
    drawn: tuple[int, ...]
    """Frames without a face that got a box for the next analysis."""
    unchanged: int
    """Frames whose points had not been moved."""


def refit(track: Track, reach: int | None = None) -> Track:
    """Return a track whose uncorrected faces are smoothed again and pulled after the corrections.

    It follows from the landmarker's points and the corrections alone, so a second time changes
    nothing.

    Args:
        track: With ``raw_landmarks``, as analyse writes it.
        reach: Frames beyond the outer corrections; None takes what the track was analysed with.
    """
    settings = track.settings
    smoothing = Smoothing(
        settings.get("smooth_window", Smoothing.window),
        settings.get("smooth_method", Smoothing.method),
    )
    at = {frame: index for index, frame in enumerate(track.frames)}
    far = settings.get("reach", Fitting.reach) if reach is None else reach
    fitting = Fitting(smoothing, far, tuple(at[cut] for cut in track.cuts))
    people = tuple(_refitted(person, track.plate, at, fitting) for person in track.people)
    changed = {**settings, "reach": far}
    return replace(track, people=people, settings=changed)


def apply_points(
    track: Track, person: PersonTrack, moved: Moved, frames: frozenset[int] | None = None
) -> Applied:
    """Take an artist's points over as corrections.

    A face of which only some points are given follows with the rest by the similarity of those that
    are; a frame without this person gets a box around the points.

    Args:
        track: Of the plate.
        person: Whose points they are.
        moved: The points.
        frames: Take only these frames; None: all.

    Raises:
        BadSettings: A frame that is not in the track, or points far outside the plate.
    """
    wanted = {n: points for n, points in moved.items() if frames is None or n in frames}
    _check(track, person, wanted)
    faces = {face.frame: face for face in person.faces}
    boxes = dict(person.boxes)
    corrected, drawn = [], []
    for frame, points in sorted(wanted.items()):
        face = faces.get(frame)
        if face is None:
            boxes[frame] = _box_around(points)
            drawn.append(frame)
            continue
        new = _with_points(face, points, track.plate)
        if new is not None:
            faces[frame] = new
            corrected.append(frame)
    changed = replace(person, faces=tuple(faces[n] for n in sorted(faces)), boxes=boxes)
    unchanged = len(wanted) - len(corrected) - len(drawn)
    return Applied(changed, tuple(corrected), tuple(drawn), unchanged)


def _check(track: Track, person: PersonTrack, moved: Moved) -> None:
    unknown = sorted(set(moved) - set(track.frames))
    if unknown:
        raise BadSettings(
            f"frame {unknown[0]} has points but is not among the track's frames, "
            f"{track.frames[0]} to {track.frames[-1]}"
        )
    plate = track.plate
    for frame, points in sorted(moved.items()):
        for index, (x, y) in points.items():
            near_x = -plate.width < x - plate.origin[0] < 2 * plate.width
            if not (near_x and -plate.height < y - plate.origin[1] < 2 * plate.height):
                raise BadSettings(
                    f"person {person.person}, frame {frame}: point {index} at {x:.1f},{y:.1f} lies "
                    f"far outside the plate of {plate.width} x {plate.height}"
                )


def _with_points(
    face: TrackedFace, points: Mapping[int, tuple[float, float]], plate: PlateInfo
) -> TrackedFace | None:
    """Return a face with an artist's points; None where none was moved."""
    indexes = sorted(points)
    given = np.array([points[index] for index in indexes])
    old = face.landmarks.astype(np.float64)
    if np.abs(given - old[indexes]).max() <= MOVED_PX:
        return None
    landmarks = _following(old, indexes, given, plate.pixel_aspect)
    box = _face_box(landmarks, plate)
    pose = _pose(landmarks, plate) or face.pose
    new = face.corrected(landmarks.astype(np.float32), box)
    return replace(new, pose=pose)


def _following(
    old: NDArray[np.float64], indexes: list[int], given: NDArray[np.float64], aspect: float
) -> NDArray[np.float64]:
    """Return 68 points: the given ones, and the others carried along by them."""
    before, after = plate_to_square(old, aspect), plate_to_square(given, aspect)
    if len(indexes) < 3:
        carried = before + (after - before[indexes]).mean(axis=0)
    else:
        matrix = umeyama(before[indexes], after)
        carried = before @ matrix[:, :2].T + matrix[:, 2]
    new = square_to_plate(carried, aspect)
    new[indexes] = given
    return new


def _box_around(points: Mapping[int, tuple[float, float]]) -> Box:
    """Return a box for the landmarker around some points of a face."""
    places = np.array(list(points.values()))
    (x0, y0), (x1, y1) = places.min(axis=0), places.max(axis=0)
    grow = 0.15 * max(x1 - x0, y1 - y0, 20.0)
    return float(x0 - grow), float(y0 - grow), float(x1 + grow), float(y1 + grow)


def _refitted(
    person: PersonTrack, plate: PlateInfo, at: Mapping[int, int], fitting: Fitting
) -> PersonTrack:
    faces = person.faces
    if not faces:
        return person
    aspect = plate.pixel_aspect
    raw = np.array([plate_to_square(face.raw_landmarks, aspect) for face in faces])
    artist = {
        row: plate_to_square(face.landmarks, aspect)
        for row, face in enumerate(faces)
        if face.source == "corrected"
    }
    fitted = fitting.fit(raw, [at[face.frame] for face in faces], artist)
    new = [
        face if row in artist else _moved_face(face, square_to_plate(fitted[row], aspect), plate)
        for row, face in enumerate(faces)
    ]
    return replace(person, faces=tuple(new))


def _moved_face(face: TrackedFace, landmarks: NDArray[np.float64], plate: PlateInfo) -> TrackedFace:
    if np.abs(landmarks - face.landmarks).max() <= _UNCHANGED_PX:
        return face
    pose = _pose(landmarks, plate) or face.pose
    box = _face_box(landmarks, plate)
    return replace(face, landmarks=landmarks.astype(np.float32), box=box, pose=pose)


def _face_box(landmarks: NDArray[np.float64], plate: PlateInfo) -> Box:
    box = box_of(plate_to_square(landmarks, plate.pixel_aspect))
    corners = square_to_plate(np.reshape(box, (2, 2)), plate.pixel_aspect)
    (x0, y0), (x1, y1) = corners.tolist()
    return x0, y0, x1, y1


def _pose(landmarks: NDArray[np.float64], plate: PlateInfo) -> Pose | None:
    size = plate.width, plate.height
    try:
        return Pose(*estimate_pose(landmarks - np.array(plate.origin), size, plate.pixel_aspect))
    except BadShape:
        return None
