"""S3FD, the reference detector, as the face-alignment package builds it.

S. Zhang et al., "S3FD: Single Shot Scale-invariant Face Detector", ICCV 2017. The package loads the
weights from our store, by their path: its own download is never reached.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from face_alignment.detection.sfd import FaceDetector
from face_alignment.detection.sfd.detect import get_predictions

from faceplate.detect import Detection
from faceplate.detect.boxes import check_view, chosen, shrunk
from faceplate.io.torchfile import FastNet, reading

__all__ = ["S3FD"]

_MEAN_BGR = np.array([104.0, 117.0, 123.0], dtype=np.float32)
_MIN_SIDE = 64


class S3FD:
    """Finds faces down to about 1/100 of the image's long side; takes a second per frame on a CPU.

    Args:
        weights: File of the card `s3fd`.
        threads: Kept for the protocol; PyTorch's threads are set once per process, not here.
        long_side: Larger images are shrunk to this before the network sees them, in pixels.
        score_threshold: Faces below it are not returned.
        overlap_threshold: Of two boxes whose intersection over union is larger, the better stays.
        dtype: Number format of the network; None takes the one in which this machine is fast.

    Raises:
        Damaged: The file is not this network.
    """

    card = "s3fd"

    def __init__(
        self,
        weights: Path,
        *,
        threads: int = 0,
        long_side: int = 640,
        score_threshold: float = 0.5,
        overlap_threshold: float = 0.3,
        dtype: torch.dtype | None = None,
    ) -> None:
        with reading(weights, "S3FD"):
            library = FaceDetector("cpu", path_to_detector=str(weights))
        self._net = FastNet(library.face_detector, dtype)
        self._long_side = long_side
        self._score_threshold = score_threshold
        self._overlap_threshold = overlap_threshold

    def __call__(self, view: npt.NDArray[np.float32]) -> list[Detection]:
        """Return the faces, the best score first; S3FD gives no points. Raises BadShape."""
        check_view(view)
        height, width = view.shape[:2]
        shrink = min(1.0, self._long_side / max(height, width))
        small = (max(_MIN_SIDE, round(width * shrink)), max(_MIN_SIDE, round(height * shrink)))
        rows = self._rows(view, small)
        scale = np.array([width / small[0], height / small[1]] * 2)
        corners = rows[:, :4] * scale - 0.5
        return chosen(
            corners,
            rows[:, 4],
            None,
            score_threshold=self._score_threshold,
            overlap_threshold=self._overlap_threshold,
        )

    def _rows(
        self, view: npt.NDArray[np.float32], size: tuple[int, int]
    ) -> npt.NDArray[np.float64]:
        """Return Nx5: corners in pixels of the network's (edge-based) image, score."""
        centred = shrunk(view, size)[:, :, ::-1] * np.float32(255) - _MEAN_BGR
        blob = torch.from_numpy(np.ascontiguousarray(centred.transpose(2, 0, 1)[None]))
        answers = self._net(blob)
        answers[::2] = [torch.softmax(scores, dim=1) for scores in answers[::2]]
        rows = get_predictions([answer.numpy() for answer in answers], 1)
        return np.asarray(rows, dtype=np.float64).reshape(-1, 5)
