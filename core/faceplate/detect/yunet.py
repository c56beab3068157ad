"""YuNet, a very small detector without anchors, run by ONNX Runtime.

W. Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023.
Each cell of strides 8, 16 and 32 says: a face, an object, a box and five points about its corner.
OpenCV's own `FaceDetectorYN` reads the same file and is what the tests compare with; it takes three
times as long, and its threads are those of the whole process.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceplate.detect import Detection
from faceplate.detect.boxes import Level, cell_corners, chosen_of_levels
from faceplate.detect.onnxnet import Answer, Colours, OnnxNet

__all__ = ["YuNet"]

Doubles = npt.NDArray[np.float64]

_STRIDES = (8, 16, 32)
_KINDS = ("cls", "obj", "bbox", "kps")
_OUTPUTS = tuple(f"{kind}_{stride}" for stride in _STRIDES for kind in _KINDS)


class YuNet:
    """Finds faces fast.

    Args:
        weights: File of the card `yunet`. It is made for 640 x 640 pixels: larger images are shrunk
            to fit, whatever `long_side` says; tiles show it more.
        threads: Threads of the network; 0 leaves ONNX Runtime's own default.
        long_side: Larger images are shrunk to this before the network sees them, in pixels.
        score_threshold: Faces below it are not returned.
        overlap_threshold: Of two boxes whose intersection over union is larger, the better stays.

    Raises:
        Damaged: The file is not this network.
    """

    card = "yunet"

    def __init__(
        self,
        weights: Path,
        *,
        threads: int = 0,
        long_side: int = 640,
        score_threshold: float = 0.6,
        overlap_threshold: float = 0.3,
    ) -> None:
        self._net = OnnxNet(
            weights, "YuNet", _OUTPUTS, Colours(bgr=True), threads=threads, long_side=long_side
        )
        self._score_threshold = score_threshold
        self._overlap_threshold = overlap_threshold

    def __call__(self, view: npt.NDArray[np.float32]) -> list[Detection]:
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
    cells = cell_corners(*answer.shape, stride)
    first = level * len(_KINDS)
    face, thing = (np.clip(answer.floats(first + k, len(cells)), 0.0, 1.0) for k in (0, 1))
    box = answer.floats(first + 2, len(cells), 4).astype(np.float64)
    centres = cells + box[:, :2] * stride
    with np.errstate(over="ignore"):  # a broken file: `chosen` drops what is infinite
        half = np.exp(box[:, 2:]) * (stride / 2)
    corners = np.hstack([centres - half, centres + half])
    points = cells[:, None] + answer.floats(first + 3, len(cells), 5, 2) * float(stride)
    return np.sqrt(face.astype(np.float64) * thing), corners, points
