"""RetinaFace with the MobileNet 0.25 or the ResNet-50 backbone, run by ONNX Runtime.

J. Deng et al., "RetinaFace: Single-stage Dense Face Localisation in the Wild", CVPR 2020. Anchors
on strides 8, 16 and 32, two sizes each; boxes and points are offsets from the anchors.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceplate.detect import Detection
from faceplate.detect.boxes import cell_corners, chosen
from faceplate.detect.onnxnet import Colours, OnnxNet

__all__ = ["RetinaFace", "RetinaFaceR50"]

Floats = npt.NDArray[np.float32]

_ANCHORS = {8: (16, 32), 16: (64, 128), 32: (256, 512)}  # stride: sides of its anchors in pixels
_VARIANCES = (0.1, 0.2)
_COLOURS = Colours(bgr=True, mean=(104.0, 117.0, 123.0))


class RetinaFace:
    """Finds faces of about 1/40 of the image's long side and larger.

    Args:
        weights: File of the card `retinaface-mobilenet0.25`.
        threads: Threads of the network; 0 leaves ONNX Runtime's own default.
        long_side: Larger images are shrunk to this before the network sees them, in pixels.
        score_threshold: Faces below it are not returned.
        overlap_threshold: Of two boxes whose intersection over union is larger, the better stays.

    Raises:
        Damaged: The file is not this network.
    """

    card = "retinaface-mobilenet0.25"

    def __init__(
        self,
        weights: Path,
        *,
        threads: int = 0,
        long_side: int = 640,
        score_threshold: float = 0.5,
        overlap_threshold: float = 0.4,
    ) -> None:
        self._net = OnnxNet(
            weights, "RetinaFace", 3, _COLOURS, threads=threads, long_side=long_side
        )
        self._score_threshold = score_threshold
        self._overlap_threshold = overlap_threshold

    def __call__(self, view: Floats) -> list[Detection]:
        """Return the faces, the best score first. Raises BadShape."""
        answer = self._net(view)
        anchors = anchor_boxes(*answer.shape)
        scores = answer.floats(1, len(anchors), 2)[:, 1]
        offsets = answer.floats(0, len(anchors), 4)
        point_offsets = answer.floats(2, len(anchors), 10)
        sure = np.flatnonzero(scores >= self._score_threshold)
        corners = _decode_boxes(offsets[sure], anchors[sure]) * np.tile(answer.to_view, 2) - 0.5
        points = _decode_points(point_offsets[sure], anchors[sure]) * answer.to_view - 0.5
        return chosen(
            corners,
            scores[sure],
            points,
            score_threshold=self._score_threshold,
            overlap_threshold=self._overlap_threshold,
        )


class RetinaFaceR50(RetinaFace):
    """The large one: surer of small and hidden faces, some thirty times the arithmetic."""

    card = "retinaface-r50"


def anchor_boxes(height: int, width: int) -> npt.NDArray[np.float64]:
    """Return the anchors of an image, Nx3: centre x, centre y, side, in (edge-based) pixels."""
    rows = []
    for stride, sides in _ANCHORS.items():
        centres = cell_corners(height, width, stride) + stride / 2  # (cells, 2)
        grid = np.empty((len(centres), len(sides), 3))
        grid[..., :2] = centres[:, None]
        grid[..., 2] = sides
        rows.append(grid.reshape(-1, 3))
    return np.concatenate(rows)


def _decode_boxes(offsets: Floats, anchors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    centres = anchors[:, :2] + offsets[:, :2] * _VARIANCES[0] * anchors[:, 2:]
    half = anchors[:, 2:] * np.exp(offsets[:, 2:] * _VARIANCES[1]) / 2
    return np.hstack([centres - half, centres + half])


def _decode_points(offsets: Floats, anchors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    steps = offsets.reshape(-1, 5, 2) * _VARIANCES[0]
    decoded: npt.NDArray[np.float64] = anchors[:, None, :2] + steps * anchors[:, None, 2:]
    return decoded
