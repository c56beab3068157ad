"""The layers of a face as it is laid over the plate, in one pass and under its matte only."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["lay_over"]

FloatArray = NDArray[np.float32]


def lay_over(
    layers: tuple[FloatArray, FloatArray, FloatArray],
    place: tuple[slice, slice],
    pictures: tuple[FloatArray, FloatArray, FloatArray],
    matte: FloatArray,
    coverage: FloatArray,
    confidence: float,
) -> None:
    """Lay a face over the layers of those before it, in place. Where the matte is 0 nothing is.

    What is laid in is plate + (swap - seen): what clipping took off the plate is in it too. A
    change that is not finite counts as none.

    Args:
        layers: The face HxWx3 (premultiplied), its matte HxW, and the confidence HxW.
        place: Rows and columns of the layers that all that follows covers.
        pictures: The swap, the plate as a network sees it, and the plate (finite, not
            premultiplied); HxWx3 each, scene-linear.
        matte: HxW, 0..1.
        coverage: HxW, 0..1: where the plate covers nothing, there is only the change.
        confidence: Of the face.
    """
    compiled: Callable[..., Any] = _lay
    arrays = (*pictures, matte, coverage)
    top, left = place[0].start, place[1].start
    compiled(
        top, left, *layers, *(np.ascontiguousarray(each) for each in arrays), np.float32(confidence)
    )


@numba.njit(cache=True, nogil=True)
def _lay(  # type: ignore[no-untyped-def]  # numba
    top, left, face, face_matte, sure, swap, seen, plate, matte, coverage, confidence
):
    for y in range(matte.shape[0]):
        for x in range(matte.shape[1]):
            share = matte[y, x]
            if share == 0:
                continue
            rest = np.float32(1) - share
            for c in range(3):
                change = swap[y, x, c] - seen[y, x, c]
                if not np.isfinite(change):
                    change = np.float32(0)
                if coverage[y, x] > 0:
                    change += plate[y, x, c]
                below = face[top + y, left + x, c]
                face[top + y, left + x, c] = below * rest + change * share
            below = face_matte[top + y, left + x]
            face_matte[top + y, left + x] = below * rest + share
            sure[top + y, left + x] = confidence
