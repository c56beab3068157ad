"""Pairs of a likeness's and a performer's face, where no camera ever saw one.

A swap is asked of the performer's faces, and for those there is no target: an autoencoder meets
them in training only on the way to the performer's own decoder. Where footage is short the codes of
the two people lie apart, and the likeness's decoder answers a performer's code with a mean face.
Here is a target that is nearly right: a performer's face is bent, by a thin-plate spline over the
landmarks, to where the performer's landmarks would be while doing what the likeness does in one of
its faces. The network sees the bent face and is asked for the likeness's, in the performer's light.
What tells the two people's landmarks apart is fitted over both facesets, so the bent face keeps
the performer's proportions: the network learns to change shape too, not only the skin.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from faceplate.train.facecache import TrainingFace
from faceplate.train.faces import FaceBank

__all__ = ["Pairs", "shape_difference"]

Floats = NDArray[np.float64]

_GRID = 25
_NEAREST = 4
_POOL = 2000
"""Faces of each person among which pairs are sought; more would take minutes to look at."""
_MAX_TURN_DEG = 25.0
_PARTS = ((36, 39, 24, 14), (42, 45, 24, 14), (48, 54, 24, 16))
"""Eyes and mouth: the points of their corners, and the size of their pictures."""
_APPEARANCE = 0.15
"""What a fully different part costs, in squared shares of the side; a point moved by 4 % costs
.0016."""
_RIDGE = 1e-2
_SMOOTHING = 1e-4
_AROUND = np.array(
    [(x, y) for x in (-0.25, 0.125, 0.5, 0.875, 1.25) for y in (-0.25, 1.25)]
    + [(x, y) for x in (-0.25, 1.25) for y in (0.125, 0.5, 0.875)]
)
"""Points beyond the crop that stay where they are, shares of the side."""


class Pairs:
    """Finds likenesses for performers' faces, and bends the performers to them.

    Args:
        likeness: Faces of the likeness.
        performer: Faces of the performer.
    """

    def __init__(self, likeness: FaceBank, performer: FaceBank) -> None:
        self._performer = performer
        ours, theirs = (_gathered(bank) for bank in (likeness, performer))
        self._chosen = ours.indices
        self._place = {int(index): place for place, index in enumerate(theirs.indices)}
        self._turns, self._looks = (ours.turns, theirs.turns), (ours.looks, theirs.looks)
        self._theirs = theirs.points
        constant, per_turn = shape_difference((ours.points, theirs.points), self._turns)
        # N x 68 x 2: where the performer's landmarks would be in the likeness's faces
        self._wanted = ours.points + constant + per_turn * (ours.turns[:, None, None] / 45)
        self._alike = lru_cache(maxsize=_POOL)(self._find_alike)
        self._field = lru_cache(maxsize=4096)(self._make_field)

    def pair(self, performer: int, rng: np.random.Generator) -> tuple[int, TrainingFace] | None:
        """Return a likeness's index and the performer's face bent to it; None if none is near.

        Args:
            performer: Index of the performer's face.
            rng: Chooses among the few likenesses that are most like it.
        """
        place = self._place.get(performer)
        alike = self._alike(place) if place is not None else ()
        if place is None or not alike:
            return None
        likeness = alike[int(rng.integers(len(alike)))]
        bent = _bent(self._performer.get(performer), self._field(place, likeness))
        return int(self._chosen[likeness]), bent

    def _find_alike(self, performer: int) -> tuple[int, ...]:
        turned = np.abs(self._turns[0] - self._turns[1][performer])
        near = np.flatnonzero(turned <= _MAX_TURN_DEG)
        moved = np.square(self._wanted[near] - self._theirs[performer]).sum(axis=(1, 2))
        # Landmarks of a closed eye differ little from an open one's, and no bending opens it.
        alike = (self._looks[0][near] * self._looks[1][performer]).sum(axis=2)  # N x parts, -1..1
        distances = moved + _APPEARANCE * (1 - alike).sum(axis=1)
        return tuple(near[np.argsort(distances, kind="stable")[:_NEAREST]].tolist())

    def _make_field(self, performer: int, likeness: int) -> NDArray[np.float32]:
        """Return where a bent face is taken from, G x G x 2, shares of the side."""
        wanted, have = self._wanted[likeness], self._theirs[performer]
        spline = RBFInterpolator(
            np.concatenate([wanted, _AROUND]),
            np.concatenate([have - wanted, np.zeros_like(_AROUND)]),
            kernel="thin_plate_spline",
            smoothing=_SMOOTHING,
        )
        x, y = np.meshgrid(np.linspace(0, 1, _GRID), np.linspace(0, 1, _GRID))
        places = np.stack([x.ravel(), y.ravel()], axis=-1)
        field = np.asarray(places + spline(places), np.float32)
        return field.reshape(_GRID, _GRID, 2)


@dataclass(frozen=True, eq=False)
class _Gathered:
    """What is known of the faces among which pairs are sought."""

    indices: NDArray[np.intp]
    """N: of the bank."""
    turns: Floats
    """N: yaw, degrees."""
    points: Floats
    """N x 68 x 2 landmarks, shares of the side."""
    looks: Floats
    """N x parts x P: grey pictures of the parts, each of mean light taken out and norm one."""


def _gathered(bank: FaceBank) -> _Gathered:
    indices = np.unique(np.linspace(0, len(bank) - 1, min(len(bank), _POOL)).round().astype(int))
    points = np.stack([bank.landmarks(int(index)) for index in indices])
    size = max(wide * high for _, _, wide, high in _PARTS)
    looks = np.zeros((len(indices), len(_PARTS), size))
    for place, index in enumerate(indices):
        image = bank.get(int(index)).image.astype(np.float32)
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)
        for part, (first, last, wide, high) in enumerate(_PARTS):
            corners = points[place, [first, last]] * len(grey) - 0.5
            patch = _between(grey, corners, wide, high)
            patch -= cv2.GaussianBlur(patch, (0, 0), wide / 3)  # the light is no expression
            looks[place, part, : patch.size] = patch.ravel() / max(
                float(np.linalg.norm(patch)), 1e-9
            )
    return _Gathered(indices, np.asarray(bank.yaws, np.float64)[indices], points, looks)


def _between(
    grey: NDArray[np.float32], corners: Floats, wide: int, high: int
) -> NDArray[np.float32]:
    """Cut the picture about two corners, which lie at 1/6 and 5/6 of its width."""
    along = (corners[1] - corners[0]) / (wide * 2 / 3)
    across = np.array([-along[1], along[0]])
    origin = corners.mean(axis=0) - along * (wide - 1) / 2 - across * (high - 1) / 2
    matrix = np.column_stack([along, across, origin])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(grey, matrix, (wide, high), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.float32)


def _bent(face: TrainingFace, field: NDArray[np.float32]) -> TrainingFace:
    side = face.image.shape[0]
    steps = (np.arange(side, dtype=np.float32) + 0.5) / side * (_GRID - 1)
    columns, rows = np.meshgrid(steps, steps)
    places = cv2.remap(field, columns, rows, cv2.INTER_LINEAR)
    x, y = (np.asarray(places[..., axis] * side - 0.5, np.float32) for axis in (0, 1))
    image = cv2.remap(face.image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    mattes = cv2.remap(face.mattes, x, y, cv2.INTER_LINEAR)
    return TrainingFace(np.asarray(image, face.image.dtype), np.asarray(mattes, face.mattes.dtype))


def shape_difference(
    points: tuple[Floats, Floats], turns: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Return by how much the second person's landmarks differ from the first's at the same act.

    A ridge regression of all landmarks on the head turn, on how far mouth and eyes are open, on the
    width of the mouth, and on who it is; so what the two did in front of the camera, which need not
    be the same, does not pass for their proportions.

    Args:
        points: N x 68 x 2 of each person, shares of the crop's side.
        turns: Yaw of each person's faces, degrees.

    Returns:
        68 x 2 for a head seen from the front, and 68 x 2 more per 45 degrees of yaw.
    """
    rows = [
        _acts(shapes, turn, who)
        for who, (shapes, turn) in enumerate(zip(points, turns, strict=True))
    ]
    known, seen = np.concatenate(rows), np.concatenate([p.reshape(len(p), -1) for p in points])
    ridge = np.full(known.shape[1], _RIDGE * len(known))
    ridge[0] = 0  # the mean face is not drawn towards zero
    solved = np.linalg.solve(known.T @ known + np.diag(ridge), known.T @ seen)
    constant, per_turn = solved[-2:].reshape(2, 68, 2)
    return constant, per_turn


def _acts(shapes: Floats, turn: Floats, who: int) -> Floats:
    def apart(a: int, b: int) -> Floats:
        return np.asarray(np.linalg.norm(shapes[:, a] - shapes[:, b], axis=1) * 10)

    t, one = turn / 45, np.ones(len(turn))
    eyes = apart(37, 41) + apart(43, 47)
    return np.stack([one, t, t**2, apart(62, 66), eyes, apart(48, 54), who * one, who * t], axis=1)
