"""Landmarks as a shape in a place: what a face does, and where it is.

The place is the similarity that brings the template to the 33 aligning points; the shape is what is
left, in template units. What moves a head moves the place, what moves a mouth moves the shape.
"""

import numpy as np
import numpy.typing as npt

from faceplate.errors import BadShape
from faceplate.geometry.points import Points, as_points
from faceplate.geometry.templates import ALIGN_INDEX, TEMPLATE_51
from faceplate.geometry.umeyama import umeyama

__all__ = ["TEMPLATE_EYE_DISTANCE", "from_shape", "to_shape"]

Place = npt.NDArray[np.float64]
"""a, b, x, y: the template's centre comes to (x, y), [[a, -b], [b, a]] turns and scales it."""

_ALIGN = np.array(ALIGN_INDEX)
TEMPLATE_EYE_DISTANCE = float(
    np.linalg.norm(TEMPLATE_51[19:25].mean(axis=0) - TEMPLATE_51[25:31].mean(axis=0))
)
"""Distance of the middles of the template's eyes, in template units."""


def to_shape(landmarks68: npt.ArrayLike) -> tuple[Points, Place]:
    """Return shape and place of a face.

    Args:
        landmarks68: 68x2 points in square pixels.

    Returns:
        68x2 points in template units about the template's centre, and a, b, x, y.

    Raises:
        BadShape: Not 68 finite points, or points that all lie at one place.
    """
    points = as_points(landmarks68, 68, "landmarks68")
    matrix = umeyama(TEMPLATE_51[_ALIGN - 17], points[_ALIGN])
    if np.hypot(matrix[0, 0], matrix[1, 0]) < 1e-9:
        raise BadShape("landmarks68", "points at one place", "the landmarks of a face")
    centre = matrix[:, :2] @ [0.5, 0.5] + matrix[:, 2]
    place = np.array([matrix[0, 0], matrix[1, 0], *centre])
    return (points - centre) @ np.linalg.inv(_linear(place)).T, place


def from_shape(shape: npt.ArrayLike, place: npt.ArrayLike) -> Points:
    """Return the points of a shape in a place: the inverse of `to_shape`."""
    where = np.asarray(place, dtype=np.float64)
    return as_points(shape, None, "shape") @ _linear(where).T + where[2:]


def _linear(place: Place) -> npt.NDArray[np.float64]:
    return np.array([[place[0], -place[1]], [place[1], place[0]]])
