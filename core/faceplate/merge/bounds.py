"""The rows and columns that a matte fills."""

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["bounds_of"]


def bounds_of(
    matte: NDArray[np.float32], margin: int, aspect: float = 1.0
) -> tuple[slice, slice] | None:
    """Return the rows and columns of a matte that are not empty, and some more.

    Args:
        matte: HxW.
        margin: Rows added above and below.
        aspect: Width of a column over the height of a row: so many times fewer columns are added.

    Returns:
        Slices inside the matte; None where it is empty.
    """
    x, y, width, height = cv2.boundingRect((matte != 0).view(np.uint8))
    if not width:
        return None
    sideways = int(np.ceil(margin / aspect))
    return (
        slice(max(y - margin, 0), min(y + height + margin, matte.shape[0])),
        slice(max(x - sideways, 0), min(x + width + sideways, matte.shape[1])),
    )
