"""The square, turned crops that landmark networks look at."""

import math

import numpy as np
import numpy.typing as npt

from faceplate.errors import BadShape
from faceplate.geometry.points import Matrix, Points, invert, transform
from faceplate.landmarks import Place

__all__ = ["check_face", "upright_box", "view_to_place", "view_to_square"]


def view_to_square(centre: npt.ArrayLike, side_px: float, roll: float, size: int) -> Matrix:
    """Return the 2x3 matrix from view pixels to a square crop in which the head is upright.

    Args:
        centre: x, y of the crop's centre in view pixels.
        side_px: Side of the crop in view pixels.
        roll: Tilt of the head in degrees, above 0 counter-clockwise.
        size: Side of the crop in its own pixels; it spans [-0.5, size - 0.5].
    """
    zoom, angle = size / side_px, math.radians(roll)
    cos, sin = zoom * math.cos(angle), zoom * math.sin(angle)
    linear = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([linear, (size - 1) / 2 - linear @ np.asarray(centre, dtype=float)])


def view_to_place(place: Place, size: int) -> Matrix:
    """Return the 2x3 matrix from view pixels to the pixels of a place, `size` of them a side."""
    return view_to_square(place.centre, place.side_px, place.roll, size)


def upright_box(points: Points, roll: float) -> tuple[Points, float, float]:
    """Return centre, width and height of the box around points, turned as the head is.

    Args:
        points: Nx2 view pixels.
        roll: Tilt of the head in degrees, above 0 counter-clockwise.
    """
    upright = view_to_square((0.0, 0.0), 1.0, roll, 1)
    turned = transform(points, upright)
    low, high = turned.min(axis=0), turned.max(axis=0)
    centre = transform([(low + high) / 2], invert(upright))[0]
    return centre, float(high[0] - low[0]), float(high[1] - low[1])


def check_face(
    view: npt.NDArray[np.float32], box: tuple[float, float, float, float]
) -> tuple[npt.NDArray[np.float64], float, float]:
    """Return the centre, width and height of a box. Raises BadShape for a useless view or box."""
    if view.ndim != 3 or view.shape[2] != 3 or 0 in view.shape:
        raise BadShape("image to find landmarks in", view.shape, "HxWx3")
    x0, y0, x1, y1 = box
    if not (np.isfinite(box).all() and x1 > x0 and y1 > y0):
        raise BadShape("box of a face", box, "x0, y0, x1, y1 with an area")
    return np.array([(x0 + x1) / 2, (y0 + y1) / 2]), x1 - x0, y1 - y0
