"""What detectors share: the image that a network gets, and the best of the boxes that it gives."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from faceplate.detect import Detection
from faceplate.errors import BadShape

__all__ = [
    "Level",
    "cell_corners",
    "check_view",
    "chosen",
    "chosen_of_levels",
    "covered",
    "shrunk",
    "without_doubles",
]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]
Level = tuple[npt.NDArray[np.floating], Doubles, Doubles]
"""Scores (N), corners (Nx4) and points (Nx5x2) of one stride, in the network's edge pixels."""

_OVERLAP = 0.4
"""Least intersection over union of two boxes of one face that were found in different looks."""
_INSIDE = 0.6
"""Least share of the smaller box inside the larger one; the smaller may be part of a face only."""


def check_view(view: Floats) -> None:
    """Raise BadShape for what is no HxWx3 image."""
    if view.ndim != 3 or view.shape[2] != 3 or 0 in view.shape:
        raise BadShape("image to find faces in", view.shape, "HxWx3")


def shrunk(view: Floats, size: tuple[int, int]) -> Floats:
    """Return an image at another size (width, height), finite and within 0..1; NaN is black."""
    same = size == (view.shape[1], view.shape[0])
    resized = view if same else cv2.resize(view, size, interpolation=cv2.INTER_AREA)
    return np.clip(np.nan_to_num(resized, nan=0.0, posinf=1.0, neginf=0.0), 0, 1)


def cell_corners(height: int, width: int, stride: int) -> Doubles:
    """Return the upper left corners of the cells of an image, row by row, Nx2, in edge pixels."""
    ys, xs = np.mgrid[0 : -(-height // stride), 0 : -(-width // stride)]
    return np.stack([xs, ys], axis=-1).reshape(-1, 2) * float(stride)


def chosen(
    corners: Doubles,
    scores: npt.NDArray[np.floating],
    points: Doubles | None,
    *,
    score_threshold: float,
    overlap_threshold: float,
) -> list[Detection]:
    """Return the best boxes that do not overlap much, the best score first.

    Args:
        corners: Nx4, x0, y0, x1, y1 in array pixels.
        scores: N.
        points: Nx5x2, or None.
        score_threshold: Boxes below it are left out.
        overlap_threshold: Of two boxes whose intersection over union is larger, the better stays.
    """
    finite = np.isfinite(corners).all(axis=1)
    corners, scores = corners[finite], scores[finite]
    points = None if points is None else points[finite]
    sides = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
    kept = cv2.dnn.NMSBoxes(sides.tolist(), scores.tolist(), score_threshold, overlap_threshold)
    found = []
    for index in np.asarray(kept, dtype=int).ravel():
        x0, y0, x1, y1 = (float(value) for value in corners[index])
        five = None if points is None else points[index]
        found.append(Detection((x0, y0, x1, y1), min(float(scores[index]), 1.0), five))
    return sorted(found, key=lambda face: -face.score)


def chosen_of_levels(
    levels: Sequence[Level], to_view: Doubles, *, score_threshold: float, overlap_threshold: float
) -> list[Detection]:
    """Return what `chosen` does of all strides of a network together.

    Args:
        levels: One for each stride.
        to_view: What the network's pixels are times, along x and y, in the view.
        score_threshold: As for `chosen`.
        overlap_threshold: Likewise.
    """
    scores, corners, points = (np.concatenate(parts) for parts in zip(*levels, strict=True))
    sure = np.flatnonzero(scores >= score_threshold)
    return chosen(
        corners[sure] * np.tile(to_view, 2) - 0.5,
        scores[sure],
        points[sure] * to_view - 0.5,
        score_threshold=score_threshold,
        overlap_threshold=overlap_threshold,
    )


def without_doubles(faces: Sequence[Detection]) -> list[Detection]:
    """Return faces found in several looks at one image, each once, the best score first."""
    kept: list[Detection] = []
    for face in sorted(faces, key=lambda one: -one.score):
        if not any(_same(face.box, other.box) for other in kept):
            kept.append(face)
    return kept


def covered(one: Box, other: Box) -> float:
    """Return the share of the smaller of two boxes that lies in the larger one, 0..1."""
    smaller = min((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other))
    return _shared(one, other) / smaller if smaller > 0 else 0.0


def _same(one: Box, other: Box) -> bool:
    shared = _shared(one, other)
    both = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)) - shared
    return shared > _OVERLAP * both or covered(one, other) > _INSIDE


def _shared(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)
