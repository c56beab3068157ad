"""Poisson blending: the gradients of the swap, the boundary of the plate, in scene-linear float.

Pérez, Gangnet, Blake, "Poisson image editing", 2003, for a matte of any shape: holes, several
parts, parts at the frame's edge. Not the blended picture is solved for but what must be added to
the swap: a field that is the plate minus the swap along the matte's edge and as smooth as can be
inside. So no face moves, no value is clipped, and a NaN inside the face stays one pixel.

Where the matte reaches the edge of the frame there is no plate to meet; nothing flows across that
edge, and the field runs out flat. A plate pixel next to the matte that is NaN or infinite counts as
unknown too: the field goes around it.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadSettings, BadShape
from faceplate.merge.gridsetup import choose, ring_of
from faceplate.merge.harmonic import add_harmonic
from faceplate.merge.stops import knee_of, scaled, to_stops

__all__ = ["Domain", "poisson_blend"]

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

Domain = Literal["linear", "log", "robust"]

_SPREADS = 3.0  # a boundary difference further from the median than this many deviations is held
_LEAST = 0.1  # but never one of less than a tenth, as ln: about a seventh of a stop


def poisson_blend(
    swap: FloatArray,
    plate: FloatArray,
    matte: FloatArray,
    *,
    domain: Domain = "robust",
    iterations: int = 6,
    name: str = "",
) -> FloatArray:
    """Return the swap with its level drawn to the plate's along the edge of the matte.

    The domain says what is added: `linear` adds light, exactly as in the paper, so a highlight at
    the edge throws its light over the whole face. `log` adds stops (asinh, which is linear around
    black), so that bright and dark parts are scaled alike. `robust` is `log` with the few boundary
    differences that stand out from the others (a highlight, a strand of hair) held at three
    deviations of them: there the seam stays open and is left to the matte's feather.

    Args:
        swap: HxWx3, scene-linear, of any range; the face and what is around it, on the pixels of
            the plate.
        plate: HxWx3, scene-linear. One pixel more than the matte on every side where the plate
            goes on: the boundary is read there.
        matte: HxW; the face is where it is above 0. It should lie soft over the result.
        domain: See above.
        iterations: After so many the result should stand to 1e-4 of the largest boundary
            difference; it does after 4 as a rule, and no more are done. Where it does not, more
            are done, or the region is solved directly (harmonic.py).
        name: What is blended, as the log is to name it: a warning is logged where all that does
            not do.

    Returns:
        HxWx3; outside the matte the swap as it came. A matte with no plate around it, too, gives
        back the swap. The result does not depend on how far the arrays go beyond the matte.

    Raises:
        BadShape: The shapes do not fit.
        BadSettings: No such domain, or no iterations.
    """
    _check(swap, plate, matte, domain, iterations)
    result = np.array(swap, np.float32)
    region = matte > 0
    if not region.any():
        return result
    place = _around(region)
    region = region[place]
    mask, ring = _boundary(region, swap[place], plate[place])
    if len(ring) == 0:
        return result
    at = ring[:, 0], ring[:, 1]
    plate_ring, swap_ring = plate[place][at], swap[place][at]
    whole = np.count_nonzero(mask == 1) == np.count_nonzero(region)  # no unknown plate pixels
    with np.errstate(over="ignore", invalid="ignore"):  # NaN and infinity inside the face stay
        if domain == "linear" and whole:
            difference = _finite(plate_ring - swap_ring)
            add_harmonic(result, mask, ring, difference, iterations, name, place)
            return result
        added = np.zeros_like(swap[place])
        if domain == "linear":
            difference = _finite(plate_ring - swap_ring)
            add_harmonic(added, mask, ring, difference, iterations, name)
            added += swap[place]
        else:
            knee = knee_of(plate_ring)
            difference = to_stops(plate_ring, knee) - to_stops(swap_ring, knee)
            if domain == "robust":
                difference = _held(difference)
            add_harmonic(added, mask, ring, difference, iterations, name)
            added = scaled(swap[place], added, knee)
    choose(result[place], added, region)
    return result


def _finite(difference: FloatArray) -> FloatArray:
    """Hold differences of huge values at what a float can be."""
    most = np.finfo(np.float32).max / 4
    return np.clip(difference, -most, most)


def _check(
    swap: FloatArray, plate: FloatArray, matte: FloatArray, domain: str, iterations: int
) -> None:
    if swap.ndim != 3 or plate.shape != swap.shape:
        raise BadShape("swap and plate", (swap.shape, plate.shape), "HxWxC, both the same")
    if matte.shape != swap.shape[:2]:
        raise BadShape("matte", matte.shape, f"{swap.shape[:2]}, as the swap")
    if domain not in get_args(Domain):
        choices = ", ".join(get_args(Domain))
        raise BadSettings(f"Poisson domain: expected one of {choices}, got {domain!r}")
    if iterations < 1:
        raise BadSettings(f"Poisson iterations: expected at least 1, got {iterations}")


def _around(region: BoolArray) -> tuple[slice, slice]:
    """Return the region's bounds, one pixel wider; from them grids are laid, not from the array."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    return (
        slice(max(int(rows[0]) - 1, 0), int(rows[-1]) + 2),
        slice(max(int(columns[0]) - 1, 0), int(columns[-1]) + 2),
    )


def _boundary(
    region: BoolArray, swap: FloatArray, plate: FloatArray
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the solver's mask and the known pixels next to the region."""
    mask = _mask_of(region)
    ring = ring_of(mask)
    at = ring[:, 0], ring[:, 1]
    if np.isfinite(plate[at]).all() and np.isfinite(swap[at]).all():
        return mask, ring
    known = np.isfinite(plate).all(axis=-1) & np.isfinite(swap).all(axis=-1)
    mask = _mask_of(region | ~known)
    return mask, ring_of(mask)


def _mask_of(region: BoolArray) -> NDArray[np.uint8]:
    """Return 1 unknown, 0 known, 2 beyond an edge of the array that the region reaches."""
    mask = np.pad(region.astype(np.uint8), 1)
    for edge, inside in ((0, 1), (-1, -2)):
        mask[edge] = 2 if mask[inside].any() else 0
        mask[:, edge] = 2 if region[:, edge].any() else 0
    return mask


def _held(difference: FloatArray) -> FloatArray:
    """Hold what stands out, channel by channel: beyond three deviations from the median."""
    middle = np.median(difference, axis=0)
    deviation = 1.4826 * np.median(np.abs(difference - middle), axis=0)
    reach = np.maximum(_SPREADS * deviation, _LEAST)
    return np.clip(difference, middle - reach, middle + reach).astype(np.float32)
