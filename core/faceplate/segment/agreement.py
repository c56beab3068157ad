"""How well a matte agrees with the truth."""

import numpy as np
import numpy.typing as npt

from faceplate.errors import BadShape

__all__ = ["mask_iou"]


def mask_iou(
    found: npt.NDArray[np.floating],
    truth: npt.NDArray[np.floating],
    *,
    threshold: float = 0.5,
    within: npt.NDArray[np.bool_] | None = None,
) -> float:
    """Return the intersection of two mattes over their union, both cut at a threshold.

    Args:
        found: H x W in 0..1.
        truth: H x W in 0..1.
        threshold: Values at or above it count as face.
        within: H x W; pixels that count. None: all do.

    Returns:
        0..1; 1 where both are empty.

    Raises:
        BadShape: Mattes of different shapes.

    Example:
        >>> mask_iou(np.array([[1.0, 1.0]]), np.array([[1.0, 0.0]]))
        0.5
    """
    if found.shape != truth.shape:
        raise BadShape("matte to compare", found.shape, f"{truth.shape}, as the truth")
    a, b = found >= threshold, truth >= threshold
    if within is not None:
        a, b = a & within, b & within
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 1.0
