"""The best faces to train on: even over head turns, sharp, and unlike each other."""

import numpy as np
from numpy.typing import NDArray

from faceplate.facesets.kernels import farthest_first

__all__ = ["best_faces"]

_CELL_DEG = 5.0
_CHOICE = 10
"""Of this many times the faces that a cell is to give, the sharpest, those are picked that differ
most."""


def best_faces(
    yaw: NDArray[np.float64],
    pitch: NDArray[np.float64],
    blur: NDArray[np.float64],
    looks: NDArray[np.float32],
    target: int,
) -> NDArray[np.int64]:
    """Order faces so that the first `target` are the best ones to have.

    Head turns are divided into cells of 5 x 5 degrees. All cells give alike until they are empty or
    the target is reached. A cell gives of its sharpest faces those that differ most. Each round
    takes one face of every cell, so any number of first faces is nearly even.

    Args:
        yaw: Degrees, one per face.
        pitch: Degrees.
        blur: Smaller is better.
        looks: N x M; their distances tell how unlike two faces are.
        target: How many faces are wanted.

    Returns:
        All places, best first.
    """
    cells: dict[tuple[int, int], list[int]] = {}
    for at in np.argsort(blur, kind="stable"):
        cell = int(np.floor(yaw[at] / _CELL_DEG)), int(np.floor(pitch[at] / _CELL_DEG))
        cells.setdefault(cell, []).append(int(at))
    shares = _shares([len(faces) for faces in cells.values()], target)
    picked: list[tuple[int, float, int]] = []
    for faces, share in zip(cells.values(), shares, strict=True):
        if share:
            choice = np.array(faces[: _CHOICE * share])
            chosen = choice[farthest_first(np.ascontiguousarray(looks[choice]), share)]
            picked += [(round, float(blur[at]), int(at)) for round, at in enumerate(chosen)]
    first = np.array([at for _, _, at in sorted(picked)], np.int64)
    left = np.ones(len(yaw), bool)
    left[first] = False
    rest = np.flatnonzero(left)
    return np.concatenate([first, rest[np.argsort(blur[rest], kind="stable")]])


def _shares(counts: list[int], target: int) -> list[int]:
    """Return how many each cell gives: alike, as far as each has them."""
    shares = [0] * len(counts)
    left = min(target, sum(counts))
    fullest_last = sorted(range(len(counts)), key=lambda at: counts[at])
    for done, at in enumerate(fullest_last):
        shares[at] = min(counts[at], -(-left // (len(counts) - done)))
        left -= shares[at]
    return shares
