"""The faces of one person in memory, and the order in which they are shown.

Nothing here has a state that a resumed training would miss: which face comes when follows from the
seed and the number of the sample alone.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.errors import NotFound
from faceplate.geometry.hull import eyes_matte, mouth_matte
from faceplate.io.faceset import Faceset

__all__ = ["FaceBank", "Sampler", "TrainingFace"]

Q = TypeVar("Q", np.uint8, np.uint16)

_YAW_BINS = 128
_YAW_RANGE_DEG = 68.75  # 1.2 radians


@dataclass(frozen=True, eq=False)
class TrainingFace:
    """A face as it is kept in memory, somewhat larger than the model wants it."""

    image: NDArray[np.uint16]
    """K x K x 3, working encoding, 0..65535."""
    mattes: NDArray[np.uint8]
    """K x K x 2: face, eyes and mouth; 0..255."""

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return self.image.nbytes + self.mattes.nbytes


class FaceBank:
    """The kept faces of a faceset, decoded once as far as memory allows.

    Args:
        path: The faceset.
        resolution: Side of the model's face in pixels. Faces are kept at 1.5 times this at most:
            large enough for the affine to sample sharply, small enough not to alias.
        cache_bytes: Memory for decoded faces.

    Raises:
        NotFound: There is no faceset, or it has no kept face.
    """

    def __init__(self, path: Path, resolution: int, cache_bytes: int) -> None:
        self._faceset = Faceset.open(path, readonly=True)
        self.info = self._faceset.info
        poses = self._faceset.poses()
        if not poses:
            self.close()
            raise NotFound(f"{path} has no kept faces: extract some, or take culled ones back")
        self._ids = [face_id for face_id, _ in poses]
        self.yaws = [pose.yaw for _, pose in poses]
        self._side = min(self.info.size, round(resolution * 1.5))
        self._room = cache_bytes
        self._kept: dict[int, TrainingFace] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._ids)

    def get(self, index: int) -> TrainingFace:
        """Return the face of an index below `len`."""
        with self._lock:
            kept = self._kept.get(index)
        return kept if kept is not None else self._load(index)

    def close(self) -> None:
        """Close the faceset."""
        self._faceset.close()

    def _load(self, index: int) -> TrainingFace:
        face = self._faceset.read(self._ids[index])
        shape = (face.size, face.size)
        eyes_mouth = eyes_matte(face.landmarks, shape) + mouth_matte(face.landmarks, shape)
        # What an occluder hides is no eye either.
        eyes_mouth = np.minimum(eyes_mouth, 1) * (face.mask > 0)
        mattes = np.stack([face.mask, eyes_mouth], axis=-1)
        made = TrainingFace(
            _quantised(_shrunk(face.image, self._side), np.uint16),
            _quantised(_shrunk(mattes, self._side), np.uint8),
        )
        with self._lock:
            if made.nbytes <= self._room:
                self._kept[index] = made
                self._room -= made.nbytes
        return made


class Sampler:
    """Deals faces in shuffled rounds without replacement.

    With uniform yaw a round goes over the bins of head turns that hold faces, and each bin deals
    its own faces in shuffled rounds.

    Args:
        yaws: Degrees, one per face.
        seed: Of the shuffles, different for the two people.
        uniform_yaw: Deal head turns uniformly instead of faces.

    Example:
        >>> sampler = Sampler([0.0] * 3, seed=1)
        >>> sorted(sampler.face(number) for number in range(3, 6))
        [0, 1, 2]
    """

    def __init__(self, yaws: Sequence[float], seed: int, uniform_yaw: bool = False) -> None:
        self._seed = seed
        groups: dict[int, list[int]] = {}
        for index, yaw in enumerate(yaws):
            groups.setdefault(_yaw_bin(yaw) if uniform_yaw else 0, []).append(index)
        self._groups = [groups[key] for key in sorted(groups)]

    def face(self, number: int) -> int:
        """Return the index of the face of the number-th sample."""
        count = len(self._groups)
        turn, place = divmod(number, count)
        group_index = _order(self._seed, 0, turn, count)[place]
        group = self._groups[group_index]
        turn, place = divmod(turn, len(group))
        return group[_order(self._seed, group_index + 1, turn, len(group))[place]]


@lru_cache(maxsize=1024)
def _order(seed: int, stream: int, turn: int, count: int) -> tuple[int, ...]:
    if count == 1:
        return (0,)
    shuffled = np.random.default_rng([seed, stream, turn]).permutation(count)
    return tuple(shuffled.tolist())


def _yaw_bin(yaw: float) -> int:
    share = (yaw + _YAW_RANGE_DEG) / (2 * _YAW_RANGE_DEG)
    return min(max(int(share * _YAW_BINS), 0), _YAW_BINS - 1)


def _shrunk(image: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    if image.shape[0] <= side:
        return image
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.float32)


def _quantised(image: NDArray[np.float32], kind: type[Q]) -> NDArray[Q]:
    top = np.iinfo(kind).max
    return np.rint(np.clip(image, 0, 1) * top).astype(kind)
