"""How a face is laid in: what each mode makes of the swap before the matte mixes it in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
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
    working: FloatArray
    """HxWx3, working encoding: the plate, not clipped."""
    matte: FloatArray
    """HxW, 0..1."""


def blend(inputs: Blend, encodings: Encodings, recipe: Recipe) -> FloatArray:
    """Return the swap as the mode has it, HxWx3, scene-linear; the matte mixes it in afterwards."""
    return encodings.from_working(inputs.swap)
