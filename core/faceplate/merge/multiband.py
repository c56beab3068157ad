"""Multi-band blending that keeps the contrast of the swap and the light of the plate.

Burt, Adelson, "A multiresolution spline with application to image mosaics", 1983: each band of a
Laplacian pyramid is blended over a width of its own. As Naruniec, Helminger, Schroers, Weber,
"High-resolution neural face swapping for visual effects" (EGSR 2020) ask of a blend for faces, it
preserves contrast and low-frequency light, where Poisson blending trades contrast for a seam: the
coarsest band, which is the light on the face, stays the plate's, all others are the swap's, and
bands are ratios of light, not differences (stops.py), so that a face in brighter light keeps the
contrast of its features. What we add: pyramids are taken under the matte alone, normalised by it,
so no background bleeds into the face, and the blending lies inside the matte's edge.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadSettings, BadShape
from faceplate.merge.stops import knee_of, scaled, to_stops

__all__ = ["multiband_blend"]

FloatArray = NDArray[np.float32]

_COARSEST = 8  # pixels of the coarsest band across the face's shorter side, at least
_SPECK = np.float32(1e-4)  # of the matte: less than this of it in a cell says nothing about it


def multiband_blend(
    swap: FloatArray, plate: FloatArray, matte: FloatArray, *, levels: int = 0
) -> FloatArray:
    """Return the swap with the plate's coarsest band, its other bands faded to the plate's inside.

    Args:
        swap: HxWx3, scene-linear, of any range, on the pixels of the plate.
        plate: HxWx3, scene-linear.
        matte: HxW, 0..1; the face is where it is above 0. It should lie over the result.
        levels: Bands that come from the swap, each twice as coarse as the last; 0 takes as many as
            leave 8 pixels of the coarsest across the face.

    Returns:
        HxWx3; outside the matte the swap as it came. Pixels that are not finite stay one pixel.

    Raises:
        BadShape: The shapes do not fit.
        BadSettings: Less than no levels.
    """
    _check(swap, plate, matte, levels)
    result = np.array(swap, np.float32)
    region = matte > 0
    if not region.any():
        return result
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    place = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    region, above, below = region[place], swap[place], plate[place]
    known = region & np.isfinite(above).all(axis=-1) & np.isfinite(below).all(axis=-1)
    if not known.any():
        return result
    knee = knee_of(below[known])
    clean = np.where(known[..., None], below, 0).astype(np.float32)
    difference = to_stops(np.where(known[..., None], above, 0).astype(np.float32), knee)
    difference -= to_stops(clean, knee)
    changed = scaled(clean, _faded(difference, known, region, levels or _levels(region)), knee)
    np.copyto(result[place], changed, where=known[..., None])
    return result


def _check(swap: FloatArray, plate: FloatArray, matte: FloatArray, levels: int) -> None:
    if swap.ndim != 3 or plate.shape != swap.shape:
        raise BadShape("swap and plate", (swap.shape, plate.shape), "HxWxC, both the same")
    if matte.shape != swap.shape[:2]:
        raise BadShape("matte", matte.shape, f"{swap.shape[:2]}, as the swap")
    if levels < 0:
        raise BadSettings(f"multiband levels: expected 0 (as many as fit) or more, got {levels}")


def _levels(region: NDArray[np.bool_]) -> int:
    return max(1, int(np.log2(max(min(region.shape), _COARSEST) / _COARSEST)))


def _faded(
    difference: FloatArray, known: NDArray[np.bool_], region: NDArray[np.bool_], levels: int
) -> FloatArray:
    """Return a difference without its coarsest band, each other band faded inside the matte."""
    weight, wide = known.astype(np.float32), region.astype(np.float32)
    bands, fades = [], []
    for _ in range(levels):
        coarse_weight = _smaller(weight)
        coarse = _smaller(difference * weight[..., None])
        coarse /= np.maximum(coarse_weight, _SPECK)[..., None]
        bands.append(difference - _larger(coarse, weight.shape))
        # half of a blurred edge lies inside: from there on it rises from 0 to 1
        fades.append(np.clip(2 * wide - 1, 0, 1))
        difference, weight, wide = coarse, coarse_weight, _smaller(wide)
    total = np.zeros_like(difference)
    for band, fade in zip(reversed(bands), reversed(fades), strict=True):
        total = _larger(total, fade.shape) + band * fade[..., None]
    return np.asarray(total, np.float32)


def _smaller(image: FloatArray) -> FloatArray:
    return np.asarray(cv2.pyrDown(image), np.float32)


def _larger(image: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    return np.asarray(cv2.pyrUp(image, dstsize=(shape[1], shape[0])), np.float32)
