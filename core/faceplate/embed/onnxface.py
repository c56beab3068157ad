"""Embedders that others trained, as ONNX files: SFace and ArcFace.

Both see a face of 112 x 112 pixels whose eyes, nose and mouth corners lie on one template (Deng et
al. 2019, ArcFace), and give a vector of which only the direction counts.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.embed import Embedding
from faceplate.errors import BadShape, Damaged
from faceplate.geometry.umeyama import umeyama
from faceplate.io.onnxfile import open_onnx

__all__ = ["ArcFace", "SFace", "aligned_face", "five_points"]

_SIDE = 112
_TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
     [70.7299, 92.2041]]
)  # fmt: skip
"""The image's left eye, its right eye, nose, left and right corner of the mouth, pixels."""


class _OnnxFace:
    """One network on one CPU."""

    card = ""
    same = 0.0
    _levels = (0.0, 1.0)
    """What black and white are to the network."""

    def __init__(self, weights: Path, *, threads: int = 0) -> None:
        what = type(self).__name__
        self._session = open_onnx(weights, what, threads=threads)
        shape = self._session.get_inputs()[0].shape
        if len(shape) != 4 or shape[1] != 3:
            raise Damaged(f"{weights} is not the network of {what}: it takes {shape}")

    def __call__(self, view: NDArray[np.float32], landmarks68: NDArray[np.floating]) -> Embedding:
        """Return the numbers of one face (see `embed.Embedder`)."""
        face = aligned_face(view, landmarks68)
        black, white = self._levels
        batch = (black + face * (white - black)).transpose(2, 0, 1)[None]  # (1, 3, 112, 112)
        name = self._session.get_inputs()[0].name
        (found, *_) = self._session.run(None, {name: np.ascontiguousarray(batch, np.float32)})
        vector = np.asarray(found, np.float64).reshape(-1)
        return vector / max(float(np.linalg.norm(vector)), 1e-12)


class SFace(_OnnxFace):
    """SFace (Zhong et al. 2021) of OpenCV's model zoo; RGB of 0..255."""

    card = "sface"
    same = 1.128
    """A cosine of 0.363, as OpenCV's own demonstration has it."""
    _levels = (0.0, 255.0)


class ArcFace(_OnnxFace):
    """ArcFace of InsightFace, ResNet-50 on WebFace600K; RGB of -1..1. Not for paid work."""

    card = "arcface-r50"
    same = 1.2
    """A cosine of 0.28, which verifies at a false rate of about one in a million (InsightFace)."""
    _levels = (-1.0, 1.0)


def five_points(landmarks68: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the middles of the eyes, the tip of the nose and the corners of the mouth, 5 x 2."""
    points = np.asarray(landmarks68, np.float64)
    if points.shape != (68, 2):
        raise BadShape("landmarks of a face", points.shape, "68 x 2 points")
    eyes = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    return np.array([*eyes, points[30], points[48], points[54]])


def aligned_face(
    view: NDArray[np.float32], landmarks68: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Return a face on the template, 112 x 112 x 3, in the encoding of the view, 0..1."""
    if view.ndim != 3 or view.shape[2] != 3:
        raise BadShape("picture of a face", view.shape, "HxWx3")
    to_face = umeyama(five_points(landmarks68), _TEMPLATE)
    clean = np.nan_to_num(np.ascontiguousarray(view, np.float32))
    face = cv2.warpAffine(clean, to_face, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR)
    return np.clip(np.asarray(face, np.float32), 0, 1)
