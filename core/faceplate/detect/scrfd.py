"""SCRFD, run by ONNX Runtime.

J. Guo et al., "Sample and Computation Redistribution for Efficient Face Detection", ICLR 2022. Each
cell of strides 8, 16 and 32 has two anchors at its corner, which tell the distances to the four
sides of the box and to five points, in strides.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceplate.detect import Detection
from faceplate.detect.boxes import Level, cell_corners, chosen_of_levels
from faceplate.detect.onnxnet import Answer, Colours, OnnxNet

__all__ = ["SCRFD"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_STRIDES = (8, 16, 32)
_ANCHORS = 2  # per cell
_BLACK = -127.5 / 128
_COLOURS = Colours(bgr=False, mean=(127.5, 127.5, 127.5), scale=1 / 128, beyond=_BLACK)
_OUTSIDE = np.array([-1.0, -1.0, 1.0, 1.0])  # from the anchor to the left, top, right, bottom


class SCRFD:
    """Finds faces with any network of the family that gives five points.

    Args:
        weights: File of the card `scrfd-10g`, or another of the family in the same form: scores,
            boxes and points of the three strides.
        threads: Threads of the network; 0 leaves ONNX Runtime's own default.
        long_side: Larger images are shrunk to this before the network sees them, in pixels.
        score_threshold: Faces below it are not returned.
        overlap_threshold: Of two boxes whose intersection over union is larger, the better stays.

    Raises:
        Damaged: The file is not such a network.
    """

    card = "scrfd-10g"

    def __init__(
        self,
        weights: Path,
        *,
        threads: int = 0,
        long_side: int = 640,
        score_threshold: float = 0.5,
        overlap_threshold: float = 0.4,
    ) -> None:
        outputs = 3 * len(_STRIDES)
        self._net = OnnxNet(
            weights, "SCRFD", outputs, _COLOURS, threads=threads, long_side=long_side
        )
        self._score_threshold = score_threshold
        self._overlap_threshold = overlap_threshold

    def __call__(self, view: Floats) -> list[Detection]:
        """Return the faces, the best score first. Raises BadShape."""
        answer = self._net(view)
        levels = [_decode(answer, number, stride) for number, stride in enumerate(_STRIDES)]
        return chosen_of_levels(
            levels,
            answer.to_view,
            score_threshold=self._score_threshold,
            overlap_threshold=self._overlap_threshold,
        )


def _decode(answer: Answer, level: int, stride: int) -> Level:
    """Return the scores, corners (Nx4) and points (Nx5x2) of a stride, in edge-based pixels."""
    anchors = np.repeat(cell_corners(*answer.shape, stride), _ANCHORS, axis=0)
    count, levels = len(anchors), len(_STRIDES)
    scores = answer.floats(level, count)
    distances = answer.floats(levels + level, count, 4) * float(stride)
    corners = np.tile(anchors, 2) + distances * _OUTSIDE
    points = anchors[:, None] + answer.floats(2 * levels + level, count, 5, 2) * float(stride)
    return scores, corners, points
