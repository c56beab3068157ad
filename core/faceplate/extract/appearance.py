"""What a face looks like, in few numbers: enough to keep two people of one shot apart.

No identity network: an aligned thumbnail is compared by the colour of its skin, brows and hair and
by their coarse pattern. It tells two people of one shot apart, not one of a thousand, and it is
only asked where the motion does not answer.
"""

from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.warp import warp_crop

__all__ = ["Gallery", "Signature", "difference", "sign", "turn_of"]

_SIDE = 48
_CELLS = 8
_YAW_BIN = 0.25
"""Of the nose's sideways place between the eyes, in eye distances; about 20 degrees."""

_REACH_CELLS = 2.2
"""Spread of the cells' weights about the middle: what is behind the head hardly counts."""


@dataclass(frozen=True, eq=False)
class Signature:
    """The look of one face in one frame."""

    cells: NDArray[np.float32]
    """8 x 8 x 3: lightness against the face's mean, and two colour ratios."""
    turn: float
    """Sideways place of the nose's tip between the eyes, in eye distances."""


@dataclass
class Gallery:
    """How one person looked, per turn of the head."""

    seen: dict[int, Signature] = field(default_factory=dict)

    def add(self, signature: Signature, weight: float = 0.3) -> None:
        """Take in one more look; older ones of that turn fade."""
        turn = turn_of(signature)
        known = self.seen.get(turn)
        cells = signature.cells
        if known is not None:
            cells = known.cells + np.float32(weight) * (cells - known.cells)
        self.seen[turn] = Signature(cells, turn * _YAW_BIN)

    def difference(self, signature: Signature) -> float:
        """Return how unlike this person a face is; 0 where nothing is known."""
        return min((difference(signature, known) for known in self.seen.values()), default=0.0)


def turn_of(signature: Signature) -> int:
    """Return which way a head is turned, in steps of about 20 degrees."""
    return round(signature.turn / _YAW_BIN)


def sign(image: NDArray[np.float32], points: NDArray[np.float64]) -> Signature:
    """Return the look of a face.

    Args:
        image: HxWx3, view encoding, the face and what is around it.
        points: 68 x 2 pixels of the image.
    """
    to_crop = plate_to_crop(points, FaceType.WHOLE_FACE, _SIDE)
    crop = warp_crop(image, to_crop, _SIDE, interpolation="linear")
    return Signature(_describe(crop), _turn(points))


def difference(one: Signature, other: Signature) -> float:
    """Return how unlike two looks are.

    Measured on rendered heads: one person against the nearest of the same turn .06 (99 % < .14),
    two people .19 (99 % > .15).
    """
    squares = (one.cells - other.cells) ** 2
    return float(np.sqrt(np.mean(cell_weights() * squares)))


@cache
def cell_weights() -> NDArray[np.float32]:
    """Return how much each of the 8 x 8 cells counts, 8 x 8 x 1, with a mean of 1."""
    away = (np.arange(_CELLS) - (_CELLS - 1) / 2) / _REACH_CELLS
    weights = np.exp(-(away[:, None] ** 2 + away**2) / 2)
    return np.asarray(weights / weights.mean(), np.float32)[..., None]


def _describe(crop: NDArray[np.float32]) -> NDArray[np.float32]:
    small = cv2.resize(crop, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA) + np.float32(0.02)
    logs = np.log(small)
    light = logs.mean(axis=-1)
    middle = np.median(light[2:6, 2:6])
    return np.stack([light - middle, logs[..., 0] - logs[..., 1], logs[..., 2] - logs[..., 1]], -1)


def _turn(points: NDArray[np.float64]) -> float:
    right, left = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    across = left - right
    distance = float(across @ across)
    return float((points[30] - (right + left) / 2) @ across / distance) if distance > 0 else 0.0
