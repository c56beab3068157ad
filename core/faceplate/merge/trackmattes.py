"""The network's mattes as a track keeps them, smoothed over the shot: small PNGs as text."""

import base64
import binascii
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadSettings, NotReady
from faceplate.io.tracked import TrackedFace
from faceplate.merge.recipe import Recipe

__all__ = ["LearnedMattes", "SIDES", "chosen_mattes", "matte_text", "measured_mattes", "read_matte"]

Matte = NDArray[np.float32]
LearnedMattes = tuple[Matte, Matte]
"""Of the likeness and of the performer, SxS in 0..1, in the crop of the network."""

SIDES = ("likeness", "performer")
"""Whose mattes they are, in this order."""


def chosen_mattes(
    own: LearnedMattes, measured: LearnedMattes | None, recipe: Recipe
) -> LearnedMattes:
    """Return the frame's own mattes or the track's, as the recipe says.

    Raises:
        NotReady: The recipe wants the track's, and there are none.
        BadSettings: The track's are of another size than the model's crop.
    """
    if recipe.learned_from == "frame":
        return own
    if measured is None:
        if recipe.learned_from == "auto":
            return own
        raise NotReady(
            "recipe: learned_from is 'track', but the track has no mattes measured with this model "
            "in this frame: run faceplate measure with --matte-smoothing, or use 'auto'"
        )
    if measured[0].shape != own[0].shape:
        raise BadSettings(
            f"the track's mattes are {measured[0].shape}, the model's {own[0].shape}: measure again"
        )
    return measured


def measured_mattes(face: TrackedFace, model_sha256: str) -> LearnedMattes | None:
    """Return the mattes that `measure` wrote into a track's face for a model, or None.

    Raises:
        BadSettings: They cannot be read.
    """
    texts = face.swap_mattes.get(model_sha256)
    if texts is None:
        return None
    likeness, performer = (read_matte(_text(texts, side)) for side in SIDES)
    return likeness, performer


def matte_text(matte: Matte) -> str:
    """Return a matte as a grey PNG of 8 bits, base64."""
    pixels = np.rint(np.clip(matte, 0, 1) * 255).astype(np.uint8)
    _, encoded = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return base64.b64encode(encoded.tobytes()).decode()


def read_matte(text: str) -> Matte:
    """Return what `matte_text` wrote. Raises BadSettings."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadSettings(f"a matte in the track is not base64: {error}; measure again") from error
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if pixels is None or pixels.dtype != np.uint8:
        raise BadSettings("a matte in the track is no picture; measure again")
    return pixels.astype(np.float32) / np.float32(255)


def _text(texts: Mapping[str, str], side: str) -> str:
    if side not in texts:
        raise BadSettings(f"the track's mattes lack the {side}'s; measure again")
    return texts[side]
