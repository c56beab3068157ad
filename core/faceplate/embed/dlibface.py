"""dlib's face descriptor (King 2017): 128 numbers of a ResNet-29. dlib is an optional extra."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceplate.embed import Embedding
from faceplate.errors import BadShape, Damaged, ExtraMissing

__all__ = ["DlibFace"]

_CHIP_SIZE, _CHIP_PADDING = 150, 0.25  # what the network was trained on


class DlibFace:
    """dlib's network on one CPU.

    Args:
        weights: Its file, as dlib serialises it.
        threads: Of no use: dlib runs this network on one.
    """

    card = "dlib-resnet"
    same = 0.6
    """As dlib's documentation has it."""

    def __init__(self, weights: Path, *, threads: int = 0) -> None:
        # an optional extra: imported only where somebody asks for it
        try:
            import dlib
        except ImportError as error:
            raise ExtraMissing("dlib (embedder dlib)", "identity") from error
        self._dlib = dlib
        try:
            self._network = dlib.face_recognition_model_v1(str(weights))
        except RuntimeError as error:
            raise Damaged(f"{weights} is not dlib's network: {error}") from error

    def __call__(self, view: NDArray[np.float32], landmarks68: NDArray[np.floating]) -> Embedding:
        """Return the 128 numbers of one face (see `embed.Embedder`)."""
        if view.ndim != 3 or view.shape[2] != 3 or np.shape(landmarks68) != (68, 2):
            got = f"{view.shape} and {np.shape(landmarks68)}"
            raise BadShape("picture and landmarks of a face", got, "HxWx3 and 68 x 2")
        pixels = np.rint(np.clip(np.nan_to_num(view), 0, 1) * 255).astype(np.uint8)
        points = [self._dlib.point(round(float(x)), round(float(y))) for x, y in landmarks68]
        left, top = np.asarray(landmarks68).min(axis=0)
        right, bottom = np.asarray(landmarks68).max(axis=0)
        box = self._dlib.rectangle(int(left), int(top), int(right), int(bottom))
        found = self._dlib.full_object_detection(box, self._dlib.points(points))
        chip = self._dlib.get_face_chip(
            np.ascontiguousarray(pixels), found, _CHIP_SIZE, _CHIP_PADDING
        )
        return np.array(self._network.compute_face_descriptor(chip), np.float64)
