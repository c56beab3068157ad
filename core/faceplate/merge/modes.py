"""How a face is laid in: what each mode makes of the swap before the matte mixes it in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.merge.histogram import hist_match
from faceplate.merge.multiband import multiband_blend
from faceplate.merge.poisson import poisson_blend
from faceplate.merge.recipe import Recipe

__all__ = ["Blend", "blend"]

FloatArray = NDArray[np.float32]

_MATCHED = ("hist-match", "seamless-hist-match")
_SEAMLESS = ("seamless", "seamless-hist-match")


@dataclass(frozen=True, eq=False)
class Blend:
    """A face and what it is laid over; arrays of one size, all finite."""

    swap: FloatArray
    """HxWx3, working encoding: the face, at its place in the plate."""
    seen: FloatArray
    """HxWx3, scene-linear: the plate as a network sees it."""
    plate: FloatArray
    """HxWx3, scene-linear: the plate, not clipped."""
    matte: FloatArray
    """HxW, 0..1."""
    name: str = ""
    """Of the frame, for the log."""


def blend(inputs: Blend, encodings: Encodings, recipe: Recipe) -> FloatArray:
    """Return the swap as the mode has it, HxWx3, scene-linear; the matte mixes it in afterwards."""
    if recipe.mode in _SEAMLESS:
        return _seamless(inputs, encodings, recipe)
    if recipe.mode == "multiband":
        swap = encodings.from_working(inputs.swap)
        levels = recipe.multiband_levels
        return multiband_blend(swap, inputs.seen, inputs.matte, levels=levels)
    if recipe.mode in _MATCHED:
        return encodings.from_working(_matched(inputs.swap, inputs, encodings, recipe))
    return encodings.from_working(inputs.swap)


def _seamless(inputs: Blend, encodings: Encodings, recipe: Recipe) -> FloatArray:
    """Draw the swap to the plate along the edge of the matte.

    To the plate as a network sees it: what the clipping took off comes back with the delta, and
    must not be counted twice.
    """
    swap = encodings.from_working(inputs.swap)
    blended = poisson_blend(
        swap,
        inputs.seen,
        inputs.matte,
        domain=recipe.poisson_domain,
        iterations=recipe.poisson_iterations,
        name=inputs.name,
    )
    if recipe.mode not in _MATCHED:
        return blended
    return encodings.from_working(
        _matched(encodings.to_working(blended), inputs, encodings, recipe)
    )


def _matched(swap: FloatArray, inputs: Blend, encodings: Encodings, recipe: Recipe) -> FloatArray:
    """Match the histograms of a swap in the working encoding to the plate's, over its place."""
    plate = np.clip(encodings.to_working(inputs.plate), 0, 1)
    return hist_match(swap, plate, inputs.matte, recipe.hist_threshold, recipe.hist_masked)
