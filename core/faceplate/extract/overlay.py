"""Draws what was found over the plate, for an artist to judge at a glance."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.extract.sheet import Cell, write_sheet
from faceplate.extract.view import FrameView, Patch, plate_to_square
from faceplate.io.trackfile import Track, TrackedFace

__all__ = ["draw_faces", "overlay_cell", "write_overlay"]

_CELL_PX = 480
"""Longer side of a picture on an overlay sheet."""

_COLORS = ((80, 255, 120), (255, 170, 60), (90, 170, 255), (255, 90, 200), (240, 240, 80))
_NOTE = (
    "a colour for each person; arrow: where the nose points; d detected, t tracked, c corrected; "
    "then confidence and yaw, pitch, roll in degrees"
)
_FINE = 4  # fractional bits of cv2's coordinates


def overlay_cell(view: FrameView) -> Patch:
    """Return a frame small enough for a sheet."""
    return view.whole(_CELL_PX)


def write_overlay(
    path: Path, track: Track, pictures: Sequence[tuple[int, Patch]], columns: int = 4, rows: int = 5
) -> list[Path]:
    """Write overlay sheets.

    Args:
        path: The first page, a PNG.
        track: What was found.
        pictures: Frame numbers and their small pictures.
        columns: Pictures beside each other.
        rows: Pictures below each other on one page.

    Returns:
        The files.
    """
    cells = []
    for frame, patch in pictures:
        faces = track.faces_at(frame)
        told = ", ".join(_told(face) for face in faces) or "no face"
        image = draw_faces(patch, faces, track.plate.pixel_aspect)
        cells.append(Cell(image, f"{frame}: {told}"))
    if not cells:
        return []
    height, width = cells[0].image.shape[:2]
    return write_sheet(path, cells, (width, height), columns, rows, _NOTE)


def draw_faces(
    patch: Patch, faces: Sequence[TrackedFace], pixel_aspect: float
) -> NDArray[np.float32]:
    """Return a picture with box, points, number and gaze of the head drawn over it.

    Args:
        patch: The picture.
        faces: The faces of that frame.
        pixel_aspect: Of the plate.
    """
    picture = np.rint(np.clip(patch.image, 0, 1) * 255).astype(np.uint8)
    picture = np.ascontiguousarray(picture)
    for face in faces:
        _draw(picture, patch, face, pixel_aspect)
    return picture.astype(np.float32) / np.float32(255)


def _draw(picture: NDArray[np.uint8], patch: Patch, face: TrackedFace, aspect: float) -> None:
    color = _COLORS[(face.person - 1) % len(_COLORS)]
    corners = patch.from_square(plate_to_square(np.reshape(face.box, (2, 2)), aspect))
    (x0, y0), (x1, y1) = np.rint(corners).astype(int).tolist()
    cv2.rectangle(picture, (x0, y0), (x1, y1), color, 1, cv2.LINE_AA)
    points = patch.from_square(plate_to_square(face.landmarks, aspect))
    for point in points:
        x, y = np.rint(point * (1 << _FINE)).astype(int).tolist()
        radius = round(1.2 * (1 << _FINE))
        cv2.circle(picture, (x, y), radius, color, cv2.FILLED, cv2.LINE_AA, _FINE)
    _draw_pose(picture, points, face, color)
    mark = f"{face.person}{'*' if face.source == 'corrected' else ''}"
    cv2.putText(
        picture, mark, (x0 + 3, y0 + 14), cv2.FONT_HERSHEY_SIMPLEX, 0.5, color, 1, cv2.LINE_AA
    )


def _draw_pose(
    picture: NDArray[np.uint8],
    points: NDArray[np.float64],
    face: TrackedFace,
    color: tuple[int, int, int],
) -> None:
    """Draw where the nose points to, one eye distance long when seen from the side."""
    length = 1.5 * np.linalg.norm(points[45] - points[36])
    toward = [np.sin(np.radians(face.pose.yaw)), np.sin(np.radians(face.pose.pitch))]
    start, end = points[30], points[30] + length * np.array(toward)
    (ax, ay), (bx, by) = np.rint([start, end]).astype(int).tolist()
    cv2.arrowedLine(picture, (ax, ay), (bx, by), color, 1, cv2.LINE_AA, tipLength=0.2)


def _told(face: TrackedFace) -> str:
    pose = f"{face.pose.yaw:+.0f} {face.pose.pitch:+.0f} {face.pose.roll:+.0f}"
    return f"#{face.person} {face.source[0]} {face.confidence:.2f} ypr {pose}"
