"""The delta composite: only what the network changed goes into the plate."""

import numba
import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadShape

__all__ = ["delta_composite"]

FloatArray = NDArray[np.float32]


def delta_composite(
    plate: FloatArray, swap: FloatArray, seen: FloatArray, matte: FloatArray
) -> FloatArray:
    """Return ``plate + matte * (swap - seen)``, in scene-linear light.

    `seen` is the plate as the network saw it, decoded (`Encodings.seen`): clipped, where the plate
    was not. What the clipping took off stays in the plate, so highlights above 1 and negative
    values survive the swap.

    Where the matte is 0 or swap equals seen, the plate comes back bit for bit, NaN and infinity
    included. Inside the matte a bad plate pixel stays as it is and spreads nowhere; a swap value
    that is not finite counts as no change.

    Args:
        plate: HxWxC float32, scene-linear.
        swap: HxWxC float32, decoded to the plate's space.
        seen: HxWxC float32, likewise.
        matte: HxW float32, 0..1.

    Raises:
        BadShape: The shapes do not fit.
    """
    _check(plate, swap, seen, matte)
    result = np.array(plate, np.float32, order="C")
    _add(result, *(np.ascontiguousarray(each, np.float32) for each in (swap, seen, matte)))
    return result


def _check(plate: FloatArray, swap: FloatArray, seen: FloatArray, matte: FloatArray) -> None:
    for name, image in (("swap", swap), ("seen", seen)):
        if image.shape != plate.shape:
            raise BadShape(name, image.shape, f"{plate.shape}, as the plate")
    if matte.shape != plate.shape[:2]:
        raise BadShape("matte", matte.shape, f"{plate.shape[:2]}, as the plate")


@numba.njit(cache=True, nogil=True)
def _add(result: FloatArray, swap: FloatArray, seen: FloatArray, matte: FloatArray) -> None:
    """Lay in the change, in one pass; pixels without a matte are not even read."""
    for y in range(matte.shape[0]):
        for x in range(matte.shape[1]):
            share = matte[y, x]
            if share == 0:
                continue
            for c in range(result.shape[2]):
                delta = share * (swap[y, x, c] - seen[y, x, c])
                if delta != 0 and np.isfinite(delta) and np.isfinite(result[y, x, c]):
                    result[y, x, c] += delta
