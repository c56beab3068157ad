"""RetinaFace with the MobileNet 0.25 backbone, run by ONNX Runtime.

J. Deng et al., "RetinaFace: Single-stage Dense Face Localisation in the Wild", CVPR 2020. Anchors
on strides 8, 16 and 32, two sizes each; boxes and points are offsets from the anchors.
"""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from faceplate.detect import Detection
from faceplate.errors import BadShape
from faceplate.io.onnxfile import open_onnx

__all__ = ["RetinaFace"]

Floats = npt.NDArray[np.float32]

_ANCHORS = {8: (16, 32), 16: (64, 128), 32: (256, 512)}  # stride: sides of its anchors in pixels
_VARIANCES = (0.1, 0.2)
_MEAN_BGR = np.array([104.0, 117.0, 123.0], dtype=np.float32)
_MULTIPLE = 32


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
        self._session = open_onnx(weights, "RetinaFace", threads=threads)
        self._input = self._session.get_inputs()[0].name
        self._long_side = long_side
        self._score_threshold = score_threshold
        self._overlap_threshold = overlap_threshold

    def __call__(self, view: npt.NDArray[np.float32]) -> list[Detection]:
        """Return the faces, the best score first. Raises BadShape."""
        if view.ndim != 3 or view.shape[2] != 3 or 0 in view.shape:
            raise BadShape("image to find faces in", view.shape, "HxWx3")
        height, width = view.shape[:2]
        shrink = min(1.0, self._long_side / max(height, width))
        small = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        blob = _blob(view, small)
        boxes, scores, points = self._session.run(None, {self._input: blob})
        to_view = np.array([width / small[0], height / small[1]])
        return self._detections(boxes[0], scores[0, :, 1], points[0], blob.shape[2:], to_view)

    def _detections(
        self,
        offsets: Floats,
        scores: Floats,
        point_offsets: Floats,
        shape: tuple[int, ...],
        to_view: npt.NDArray[np.float64],
    ) -> list[Detection]:
        sure = np.flatnonzero(scores >= self._score_threshold)
        anchors = anchor_boxes(shape[0], shape[1])[sure]
        corners = _decode_boxes(offsets[sure], anchors) * np.tile(to_view, 2) - 0.5
        points = _decode_points(point_offsets[sure], anchors) * to_view - 0.5
        sides = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
        kept = cv2.dnn.NMSBoxes(
            sides.tolist(), scores[sure].tolist(), self._score_threshold, self._overlap_threshold
        )
        found = []
        for index in np.asarray(kept, dtype=int).ravel():
            x0, y0, x1, y1 = (float(value) for value in corners[index])
            found.append(Detection((x0, y0, x1, y1), float(scores[sure][index]), points[index]))
        return sorted(found, key=lambda face: -face.score)


def anchor_boxes(height: int, width: int) -> npt.NDArray[np.float64]:
    """Return the anchors of an image, Nx3: centre x, centre y, side, in (edge-based) pixels."""
    rows = []
    for stride, sides in _ANCHORS.items():
        ys, xs = np.mgrid[0 : -(-height // stride), 0 : -(-width // stride)]
        centres = (np.stack([xs, ys], axis=-1) + 0.5) * stride  # (h, w, 2)
        grid = np.empty((*centres.shape[:2], len(sides), 3))
        grid[..., :2] = centres[:, :, None]
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


def _blob(view: Floats, size: tuple[int, int]) -> Floats:
    """Return 1x3xHxW: BGR 0..255 minus the mean, zero beyond the image up to whole strides."""
    same = size == (view.shape[1], view.shape[0])
    resized = view if same else cv2.resize(view, size, interpolation=cv2.INTER_AREA)
    small = np.clip(np.nan_to_num(resized, nan=0.0, posinf=1.0, neginf=0.0), 0, 1)
    height, width = (-(-side // _MULTIPLE) * _MULTIPLE for side in small.shape[:2])
    blob = np.zeros((1, 3, height, width), dtype=np.float32)
    centred = small[:, :, ::-1] * np.float32(255) - _MEAN_BGR
    blob[0, :, : small.shape[0], : small.shape[1]] = centred.transpose(2, 0, 1)
    return blob
