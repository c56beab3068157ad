"""Defocus of a face: by a round aperture, as far as the plate's own face is out of focus.

How far that is comes from the energies of the bands of both faces (bands.py): the face is blurred
until they fall off from band to band as the plate's do. Contrast does not count, and neither does
the plate's noise, which is measured (grain.py) and taken off. Light is compared through
x / (x + mean): as film does it holds highlights back, and it makes nothing of noise in the dark.
"""

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.merge.bands import bands, gains
from faceplate.merge.grain import luminance, measure_grain

__all__ = ["defocus", "match_defocus"]

Image = NDArray[np.float32]
Matte = NDArray[np.float32]
Energies = NDArray[np.float64]

_BANDS = 5
_FINER = 8
_DIAMETERS = np.concatenate([[0.0], np.geomspace(0.8, 40.0, 34)])  # pixels that a match tries
_LOOKED_AT = 640  # pixels of side; of a larger face its middle says enough
_FEWEST_PIXELS = 400
_SURE = 0.02  # of a band's energy that is believed even where noise could be all of it


def defocus(image: Image, diameter: float) -> Image:
    """Blur an image with a disc.

    Args:
        image: float32 HxW or HxWx3, scene-linear.
        diameter: Of the disc in pixels; 0 changes nothing.
    """
    if diameter <= 0:
        return image
    kernel = _disc(diameter)
    blurred = cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32)


def match_defocus(face: Image, plate: Image, matte: Matte) -> float:
    """Return the diameter of the disc that makes a face as blurred as the plate, in pixels.

    Args:
        face: float32 HxWx3, scene-linear, at its place in the plate.
        plate: float32 HxWx3, scene-linear, finite.
        matte: float32 HxW; where it is nearly full both are compared.

    Returns:
        0 where the face is no sharper than the plate, or where there is too little of it; at most
        40.
    """
    place = _middle(matte)
    inside = matte[place] > 0.9
    if inside.sum() < _FEWEST_PIXELS:
        return 0.0
    ours, theirs = _toned(face[place], inside), _toned(plate[place], inside)
    energies = _energies(theirs, inside)
    signal = energies - _noise(theirs, inside)
    trust = np.square(np.maximum(signal, 0) / np.maximum(energies, 1e-30)) + 1e-6
    wanted = np.log(np.maximum(signal, _SURE * energies) + 1e-30)

    def distance(diameter: float) -> float:
        apart = np.log(_energies(defocus(ours, diameter), inside) + 1e-30) - wanted
        contrast = np.average(apart, weights=trust)
        return float(np.average((apart - contrast) ** 2, weights=trust))

    return _least(distance)


def _least(distance: Callable[[float], float]) -> float:
    """Return where a distance is least: the best of the diameters, and then between them."""
    found = [distance(0.0)]
    for diameter in _DIAMETERS[1:]:
        found.append(distance(float(diameter)))
        if found[-1] > 4 * min(found) and len(found) > 6:
            break  # further ones are only worse
    best = int(np.argmin(found))
    if best == 0 or best + 1 >= len(found):
        return float(_DIAMETERS[best])
    low, high = _DIAMETERS[best - 1], _DIAMETERS[best + 1]
    finer = np.linspace(low, high, 7)[1:-1]
    return float(finer[int(np.argmin([distance(float(each)) for each in finer]))])


def _toned(image: Image, inside: NDArray[np.bool_]) -> Image:
    level = luminance(np.nan_to_num(image))
    mean = max(float(level[inside].mean()), 1e-9)
    return np.asarray(level / (np.maximum(level, 0) + mean), np.float32)


def _energies(image: Image, inside: NDArray[np.bool_]) -> Energies:
    parts = [band[inside].astype(np.float64) for band in bands(image, _BANDS)]
    return np.array([float((part**2).mean()) for part in parts])


def _noise(image: Image, inside: NDArray[np.bool_]) -> Energies:
    """Return the energy of the noise in each band; the coarsest has none worth the name."""
    grain = measure_grain(np.dstack([image] * 3), inside.astype(np.float32))
    level = cv2.GaussianBlur(image, (0, 0), 2.0)[inside]
    sizes = [np.interp(level, grain.levels, each).mean() for each in grain.variances[:, 0].T]
    return np.append(gains() @ np.array(sizes), 0.0)


def _disc(diameter: float) -> Image:
    """Return a disc as weights of pixels, each the share of the pixel that it covers."""
    reach = math.ceil((diameter - 1) / 2) if diameter > 1 else 0
    side = 2 * reach + 1
    fine = (np.arange(side * _FINER) + 0.5) / _FINER - side / 2
    inside = np.hypot(fine[:, None], fine[None]) <= diameter / 2
    weights = inside.reshape(side, _FINER, side, _FINER).mean(axis=(1, 3))
    return np.asarray(weights / weights.sum(), np.float32)


def _middle(matte: Matte) -> tuple[slice, slice]:
    """Return rows and columns around a matte, or around its middle where it is large."""
    found = []
    for axis in (1, 0):
        lines = np.flatnonzero((matte > 0.9).any(axis=axis))
        if not len(lines):
            return slice(0, 0), slice(0, 0)
        first, last = int(lines[0]), int(lines[-1]) + 1
        cut = max((last - first - _LOOKED_AT) // 2, 0)
        found.append(slice(first + cut, last - cut))
    return found[0], found[1]
