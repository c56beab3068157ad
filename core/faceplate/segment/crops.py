"""What every segmenter does to a crop before its network, and to the matte after it."""

import cv2
import numpy as np
import numpy.typing as npt

from faceplate.errors import BadShape

__all__ = ["checked_view", "matte_to_size", "view_to_size"]

Floats = npt.NDArray[np.float32]


def checked_view(view: Floats) -> Floats:
    """Return a square crop HxHx3 in 0..1, NaN as black.

    Raises:
        BadShape: Another shape.
    """
    if view.ndim != 3 or view.shape[2] != 3 or view.shape[0] != view.shape[1] or not view.size:
        raise BadShape("crop to segment", view.shape, "a square HxHx3")
    return np.clip(np.nan_to_num(view, nan=0.0, posinf=1.0, neginf=0.0), 0, 1)


def view_to_size(image: Floats, side: int) -> Floats:
    """Resize a square picture: smaller by area, larger by cubic, clamped to 0..1."""
    if image.shape[0] == side:
        return np.asarray(np.clip(image, 0, 1), np.float32)
    method = cv2.INTER_AREA if side < image.shape[0] else cv2.INTER_CUBIC
    resized = cv2.resize(image, (side, side), interpolation=method)
    return np.asarray(np.clip(resized, 0, 1), np.float32)


def matte_to_size(matte: npt.NDArray[np.floating], side: int) -> Floats:
    """Resize a square matte as `view_to_size` does, NaN as 0."""
    return view_to_size(np.asarray(np.nan_to_num(matte), np.float32), side)
