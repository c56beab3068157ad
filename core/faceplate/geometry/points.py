"""Checks of arrays of points, shared by the geometry."""

import numpy as np
import numpy.typing as npt

from faceplate.errors import BadShape

__all__ = ["Box", "Matrix", "Points", "as_points", "invert", "transform"]

Points = npt.NDArray[np.float64]
"""Nx2: x right, y down; the centre of the top left pixel is (0, 0)."""
Matrix = npt.NDArray[np.float64]
"""2x3, named after what it maps: ``plate_to_crop``."""
Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in whole pixels, half-open."""


def as_points(points: npt.ArrayLike, count: int | None, what: str) -> Points:
    """Return finite float64 points of shape (count, 2).

    Args:
        points: Anything that numpy makes an Nx2 array of.
        count: How many there must be; None for any number.
        what: Their name in the error message.

    Raises:
        BadShape: Another shape, or a value that is not finite.
    """
    array = np.asarray(points, dtype=np.float64)
    wanted = "N" if count is None else str(count)
    if array.ndim != 2 or array.shape[1] != 2 or (count is not None and len(array) != count):
        raise BadShape(what, array.shape, f"{wanted}x2 points")
    if not np.isfinite(array).all():
        raise BadShape(what, "NaN or infinite coordinates", "finite coordinates")
    return array


def invert(matrix: npt.ArrayLike) -> Matrix:
    """Return the inverse of a 2x3 affine matrix. Raises BadShape where it has none.

    Example:
        >>> invert([[2, 0, 6], [0, 2, 0]]).tolist()
        [[0.5, 0.0, -3.0], [0.0, 0.5, 0.0]]
    """
    array = np.asarray(matrix, dtype=np.float64)
    if array.shape != (2, 3) or not np.isfinite(array).all():
        raise BadShape("matrix", array.tolist(), "a finite 2x3 matrix")
    if abs(np.linalg.det(array[:, :2])) < 1e-18:
        raise BadShape("matrix", array.tolist(), "a 2x3 matrix that can be inverted")
    linear = np.linalg.inv(array[:, :2])
    return np.hstack([linear, -(linear @ array[:, 2:])]) + 0.0


def transform(points: npt.ArrayLike, matrix: npt.ArrayLike) -> Points:
    """Map Nx2 points through a 2x3 matrix.

    Example:
        >>> transform([[1, 2]], [[2, 0, 6], [0, 2, 0]]).tolist()
        [[8.0, 4.0]]
    """
    array = np.asarray(matrix, dtype=np.float64)
    return as_points(points, None, "points") @ array[:, :2].T + array[:, 2]
