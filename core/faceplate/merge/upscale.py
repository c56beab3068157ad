"""Learned upscalers of the predicted face, by card.

Their networks know values from 0 to 1. What a face has beyond goes around them, enlarged cubically,
and is added again, so highlights and blacks survive.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadSettings, BadShape, Damaged
from faceplate.io.onnxfile import open_onnx
from faceplate.registry import Registry

__all__ = [
    "UPSCALERS",
    "OnnxUpscaler",
    "OwnUpscaler",
    "RealEsrgan",
    "Upscaler",
    "UpscalerType",
    "load_upscaler",
    "super_resolve",
]

Image = NDArray[np.float32]


class Upscaler(Protocol):
    """Makes a face larger and finer."""

    card: str
    """The model card of its weights."""

    def __call__(self, face: Image) -> Image:
        """Return an SxSx3 face in 0..1 as kSxkSx3, k whatever the network has. Raises Damaged."""
        ...


class UpscalerType(Protocol):
    """What `UPSCALERS` holds: a class to be made with the path of its card's weights."""

    card: str

    def __call__(self, weights: Path, *, threads: int = 0) -> Upscaler:
        """Load the weights. `threads` 0 leaves the library's own default."""
        ...


class OnnxUpscaler:
    """An ONNX network: 1x3xHxW RGB 0..1 to 1x3xkHxkW, for any size or for one.

    Args:
        weights: Its file.
        threads: Threads of the network; 0 leaves ONNX Runtime's own default.

    Raises:
        Damaged: The file is no such network.
    """

    card = ""

    def __init__(self, weights: Path, *, threads: int = 0) -> None:
        self._session = open_onnx(weights, "an upscaler", threads=threads)
        given, made = self._session.get_inputs()[0], self._session.get_outputs()[0]
        if len(given.shape) != 4 or given.shape[1] != 3 or len(made.shape) != 4:
            raise Damaged(
                f"{weights} is no upscaler of 1x3xHxW pictures: it takes {given.shape} and makes "
                f"{made.shape}"
            )
        self._input = given.name
        self._side = given.shape[2] if isinstance(given.shape[2], int) else None

    def __call__(self, face: Image) -> Image:
        """Return the face at the network's size. Raises Damaged."""
        fitted = face
        if self._side is not None and face.shape[0] != self._side:
            fitted = np.clip(_resized(face, self._side), 0, 1)
        blob = np.ascontiguousarray(fitted.transpose(2, 0, 1)[None])  # (1, C, H, W)
        (found,) = self._session.run(None, {self._input: blob})[:1]
        if found.shape[:2] != (1, 3) or not np.isfinite(found).all():
            raise Damaged(f"the upscaler gives {found.shape} or NaN, no picture: other weights")
        return np.asarray(found[0].transpose(1, 2, 0), np.float32)


class RealEsrgan(OnnxUpscaler):
    """Real-ESRGAN x4: sharp brows and lashes, skin slightly painted."""

    card = "realesrgan-x4"


class OwnUpscaler(OnnxUpscaler):
    """A network of one's own, imported under the card `upscaler-own`."""

    card = "upscaler-own"


UPSCALERS: Registry[UpscalerType] = Registry(
    "upscaler",
    {
        "realesrgan": "faceplate.merge.upscale:RealEsrgan",
        "own": "faceplate.merge.upscale:OwnUpscaler",
    },
    group="faceplate.upscalers",
)
"""Names of upscalers. None has weights that come with Faceplate: fetch or import their cards."""


def load_upscaler(
    name: str, weights: Callable[[str], Path], *, threads: int = 0
) -> Upscaler | None:
    """Return the upscaler that a recipe names, ready; None for `none`.

    Args:
        name: One of `UPSCALERS`, or `none`.
        weights: Gives the file of a card, such as the `path` of a weight store.
        threads: Threads of its network; 0 leaves the library's own default.

    Raises:
        UnknownComponent: No upscaler has that name.
        WeightsMissing: From `weights`: a face is never left as it is without a word.
        Damaged: The file is no such network.
    """
    if name == "none":
        return None
    kind = UPSCALERS.load(name)
    return kind(weights(kind.card), threads=threads)


def super_resolve(face: Image, upscaler: Upscaler | None, name: str, power: float) -> Image:
    """Make a face larger: `power` per cent of an upscaler's result, the rest cubic.

    Args:
        face: float32 SxSx3, working encoding, of any range.
        upscaler: What `load_upscaler` gave for `name`.
        name: What the recipe asks for.
        power: Per cent.

    Returns:
        float32 kSxkSx3; `face` itself where the recipe asks for none.

    Raises:
        BadSettings: The recipe names an upscaler and none was loaded.
        BadShape: The face is not square.
        Damaged: The network makes no picture.
    """
    if name == "none":
        return face
    if upscaler is None:
        raise BadSettings(f"recipe: super_resolution is {name!r}, and no upscaler was loaded")
    if face.ndim != 3 or face.shape[0] != face.shape[1]:
        raise BadShape("face to enlarge", face.shape, "SxSx3")
    held = np.clip(face, 0, 1)
    finer = upscaler(held)
    side = finer.shape[0]
    finer = finer + _resized(face - held, side)
    plain = _resized(face, side)
    return np.asarray(plain + (finer - plain) * np.float32(power / 100), np.float32)


def _resized(image: Image, side: int) -> Image:
    method = cv2.INTER_AREA if side < image.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (side, side), interpolation=method), np.float32)
