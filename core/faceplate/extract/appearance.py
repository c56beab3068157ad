"""What a face looks like, in few numbers: enough to keep two people of one shot apart.

No identity network: an aligned thumbnail is compared by the colour of its skin, brows and hair and
by their coarse pattern. It tells two people of one shot apart, not one of a thousand, and it is
only asked where the motion does not answer.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.extract.view import FrameView, SquareBox, SquarePoints
from faceplate.geometry.facetype import FaceType, plate_to_crop

__all__ = ["Gallery", "Signature", "difference", "sign"]

_SIDE = 48
_CELLS = 8
_YAW_BIN = 0.25
"""Of the nose's sideways place between the eyes, in eye distances; about 20 degrees."""

_WEIGHT = np.ones((_CELLS, _CELLS, 3), np.float32)


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
        turn = round(signature.turn / _YAW_BIN)
        known = self.seen.get(turn)
        cells = signature.cells
        if known is not None:
            cells = known.cells + np.float32(weight) * (cells - known.cells)
        self.seen[turn] = Signature(cells, turn * _YAW_BIN)

    def difference(self, signature: Signature) -> float:
        """Return how unlike this person a face is; 0 where nothing is known."""
        return min((difference(signature, known) for known in self.seen.values()), default=0.0)


def sign(view: FrameView, points: SquarePoints) -> Signature:
    """Return the look of a face with these 68 points (square pixels)."""
    to_crop = plate_to_crop(points, FaceType.WHOLE_FACE, _SIDE)
    reach = _reach(to_crop)
    patch = view.part(reach, long_side=3 * _SIDE)
    if patch is None:
        return Signature(np.zeros((_CELLS, _CELLS, 3), np.float32), 0.0)
    to_crop = to_crop.copy()  # now from pixels of the patch
    to_crop[:, 2] += to_crop[:, :2] @ (np.array(patch.origin) + 0.5 * np.array(patch.scale))
    to_crop[:, :2] *= patch.scale
    crop = cv2.warpAffine(
        patch.image, to_crop, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return Signature(_describe(np.asarray(crop, np.float32)), _turn(points))


def difference(one: Signature, other: Signature) -> float:
    """Return how unlike two looks are: about 1 where they are as unlike as two people."""
    return float(np.sqrt(np.mean(_WEIGHT * (one.cells - other.cells) ** 2)))


def _describe(crop: NDArray[np.float32]) -> NDArray[np.float32]:
    small = cv2.resize(crop, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA) + np.float32(0.02)
    logs = np.log(small)
    light = logs.mean(axis=-1)
    middle = np.median(light[2:6, 2:6])
    return np.stack([light - middle, logs[..., 0] - logs[..., 1], logs[..., 2] - logs[..., 1]], -1)


def _turn(points: SquarePoints) -> float:
    right, left = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    across = left - right
    distance = float(across @ across)
    return float((points[30] - (right + left) / 2) @ across / distance) if distance > 0 else 0.0


def _reach(to_crop: NDArray[np.float64]) -> SquareBox:
    inverse = cv2.invertAffineTransform(to_crop)
    corners = np.array([[0, 0], [_SIDE, 0], [_SIDE, _SIDE], [0, _SIDE]]) @ inverse[:, :2].T
    corners = corners + inverse[:, 2]
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)
