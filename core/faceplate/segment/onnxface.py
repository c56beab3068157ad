"""Segmenters that come as ONNX files: XSeg and BiSeNet.

Both take a crop of any size; it is resized to the network's input, and the matte back.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceplate.errors import Damaged
from faceplate.io.onnxfile import open_onnx
from faceplate.segment.crops import checked_view, matte_to_size, view_to_size

__all__ = ["BiSeNet", "XSeg"]

Floats = npt.NDArray[np.float32]

_XSEG_SIDE, _BISENET_SIDE = 256, 512
_XSEG_NOISE = 0.1  # its values below are meant as 0
# Those of its regions that are the face: skin, brows, eyes, nose, inner mouth, both lips. Not
# glasses, ears, hair or what is worn.
_REGIONS = 19
_FACE_REGIONS = (1, 2, 3, 4, 5, 10, 11, 12, 13)
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32)


class XSeg:
    """The matte of a face without what covers it, as an XSeg export gives it.

    Takes BGR 0..1 at 256 pixels, channels last as it is exported, or channels first.

    Args:
        weights: File of the card `xseg`, or of an XSeg of one's own.
        threads: Threads of the network; 0 leaves ONNX Runtime's own default.

    Raises:
        Damaged: The file is not this network.
    """

    card = "xseg"

    def __init__(self, weights: Path, *, threads: int = 0) -> None:
        self._session = open_onnx(weights, "XSeg", threads=threads)
        (given,) = self._session.get_inputs()[:1]
        if len(given.shape) != 4 or 3 not in (given.shape[1], given.shape[3]):
            raise Damaged(f"{weights} is not XSeg: its input is {given.shape}")
        self._input, self._channels_first = given.name, given.shape[1] == 3

    def __call__(self, view: Floats) -> Floats:
        """Return the matte of a crop. Raises BadShape."""
        small = view_to_size(checked_view(view), _XSEG_SIDE)[..., ::-1][None]  # (1, H, W, C)
        blob = small.transpose(0, 3, 1, 2) if self._channels_first else small
        (matte,) = self._session.run(None, {self._input: np.ascontiguousarray(blob)})[:1]
        found = np.asarray(matte, np.float32).reshape(_XSEG_SIDE, _XSEG_SIDE)
        return matte_to_size(np.where(found < _XSEG_NOISE, 0, found), view.shape[0])


class BiSeNet:
    """The sum of the regions of a face: skin, brows, eyes, nose, mouth.

    C. Yu et al., "BiSeNet", ECCV 2018, trained on CelebAMask-HQ's 19 regions.

    Args:
        weights: File of the card `bisenet-r18`.
        threads: Threads of the network; 0 leaves ONNX Runtime's own default.

    Raises:
        Damaged: The file is not this network.
    """

    card = "bisenet-r18"

    def __init__(self, weights: Path, *, threads: int = 0) -> None:
        self._session = open_onnx(weights, "BiSeNet", threads=threads)
        self._input = self._session.get_inputs()[0].name
        shape = self._session.get_outputs()[0].shape
        if len(shape) != 4 or shape[1] != _REGIONS:
            raise Damaged(f"{weights} is not BiSeNet with 19 regions: its output is {shape}")

    def __call__(self, view: Floats) -> Floats:
        """Return the matte of a crop. Raises BadShape."""
        small = view_to_size(checked_view(view), _BISENET_SIDE)
        blob = ((small - _IMAGENET_MEAN) / _IMAGENET_STD).transpose(2, 0, 1)[None]
        (scores,) = self._session.run(None, {self._input: np.ascontiguousarray(blob)})[:1]
        powers = np.exp(scores[0] - scores[0].max(axis=0))  # (regions, H, W)
        return matte_to_size(
            powers[list(_FACE_REGIONS)].sum(axis=0) / powers.sum(axis=0), view.shape[0]
        )
