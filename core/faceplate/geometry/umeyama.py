"""The least-squares similarity between two sets of points.

S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
IEEE TPAMI 13(4), 1991.
"""

import numpy as np
import numpy.typing as npt

from faceplate.errors import BadShape
from faceplate.geometry.points import Matrix, as_points

__all__ = ["umeyama"]


def umeyama(src: npt.ArrayLike, dst: npt.ArrayLike) -> Matrix:
    """Fit the rotation, uniform scale and shift that bring `src` nearest to `dst`; never a mirror.

    Args:
        src: Nx2 points, N >= 2.
        dst: Nx2 points, in the same order.

    Returns:
        2x3 float64, mapping src to dst.

    Raises:
        BadShape: Other shapes, values that are not finite, or points that all lie at one place.

    Example:
        >>> umeyama([[0, 0], [1, 0], [0, 1]], [[5, 5], [7, 5], [5, 7]]).round(6).tolist()
        [[2.0, 0.0, 5.0], [0.0, 2.0, 5.0]]
    """
    source = as_points(src, None, "source points")
    target = as_points(dst, len(source), "target points")
    if len(source) == 0:
        raise BadShape("source points", "no points", "two points or more")
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    source, target = source - source_mean, target - target_mean
    spread = (source**2).sum() / len(source)
    if spread < 1e-18:
        raise BadShape("source points", "points at one place", "points with some extent")
    covariance = target.T @ source / len(source)
    left, stretch, right = np.linalg.svd(covariance)
    # the sign of det(covariance), and still right where that is zero: points in a line
    proper = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = left @ np.diag(proper) @ right
    scale = (stretch * proper).sum() / spread
    shift = target_mean - scale * rotation @ source_mean
    return np.column_stack([scale * rotation, shift])
