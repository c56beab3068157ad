"""The faces of one person, and the order in which they are shown.

Nothing here has a state that a resumed training would miss: which face comes when follows from the
seed and the number of the sample alone.
"""

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceplate.errors import NotFound
from faceplate.geometry.facetype import FaceType
from faceplate.geometry.hull import eyes_matte, mouth_matte
from faceplate.geometry.points import transform
from faceplate.geometry.warp import warp_crop
from faceplate.io.faceset import Face, Faceset
from faceplate.train.facecache import FaceCache, TrainingFace
from faceplate.train.recrop import check_recrop, recrop_matrix, side_share

__all__ = ["FaceBank", "Sampler", "TrainingFace", "cache_figures"]

Q = TypeVar("Q", np.uint8, np.uint16)

_YAW_BINS = 128
_YAW_RANGE_DEG = 68.75  # 1.2 radians


class FaceBank:
    """The kept faces of a faceset, decoded when asked for and kept as far as memory allows.

    Only row numbers and head turns of all faces are held: some bytes each.

    Args:
        path: The faceset.
        resolution: Side of the model's face in pixels. Faces are kept at 1.5 times this at most:
            large enough for the affine to sample sharply, small enough not to alias.
        cache_bytes: Memory for decoded faces.
        face_type: Framing that the model sees; None takes the faceset's own.

    Raises:
        NotFound: There is no faceset, or it has no kept face.
        BadSettings: The framing cannot be cut out of the faceset's crops.
    """

    def __init__(
        self, path: Path, resolution: int, cache_bytes: int, face_type: str | None = None
    ) -> None:
        self.path, self.resolution, self.cache_bytes = path, resolution, cache_bytes
        self._faceset = Faceset.open(path, readonly=True)
        self.info = self._faceset.info
        self._cut = FaceType(self.info.face_type)
        self.face_type = FaceType(face_type or self._cut)
        self._table = self._faceset.poses()
        try:
            check_recrop(self._cut, self.face_type, str(path))
            if not len(self._table):
                raise NotFound(f"{path} has no kept faces: extract some, or take culled ones back")
        except BaseException:
            self.close()
            raise
        self.yaws = self._table.yaw
        """Degrees, one per face."""
        share = side_share(self._cut, self.face_type)
        self._side = min(round(self.info.size * share), round(resolution * 1.5))
        self.cache = FaceCache(len(self._table), cache_bytes)
        """Decoded faces."""

    @property
    def face_bytes(self) -> int:
        """Memory of one decoded face."""
        return self._side**2 * (3 * 2 + 2)

    def __len__(self) -> int:
        return len(self._table)

    @property
    def stamp(self) -> int:
        """A number that tells whether two banks have the same faces in the same order."""
        return zlib.crc32(self._table.ids.tobytes() + self._table.yaw.tobytes())

    def get(self, index: int) -> TrainingFace:
        """Return the face of an index below `len`."""
        kept = self.cache.get(index)
        if kept is None:
            kept = self._load(index)
            self.cache.offer(index, kept)
        return kept

    def landmarks(self, index: int) -> NDArray[np.float64]:
        """Return the 68 x 2 landmarks of a face, as shares of the crop's side."""
        face = self._faceset.read(int(self._table.ids[index]))
        if self.face_type == self._cut:
            return (np.asarray(face.landmarks, np.float64) + 0.5) / face.size
        matrix = recrop_matrix(face, self.face_type, self._side)
        return (np.asarray(transform(face.landmarks, matrix), np.float64) + 0.5) / self._side

    def close(self) -> None:
        """Close the faceset."""
        self._faceset.close()

    def _load(self, index: int) -> TrainingFace:
        face = self._faceset.read(int(self._table.ids[index]))
        if self.face_type == self._cut:
            image, mask, points = face.image, face.mask, face.landmarks
        else:
            image, mask, points = self._recropped(face)
        shape = mask.shape[:2]
        eyes_mouth = eyes_matte(points, shape) + mouth_matte(points, shape)
        # What an occluder hides is no eye either.
        eyes_mouth = np.minimum(eyes_mouth, 1) * (mask > 0)
        mattes = np.stack([mask, eyes_mouth], axis=-1)
        return TrainingFace(
            _quantised(_shrunk(image, self._side), np.uint16),
            _quantised(_shrunk(mattes, self._side), np.uint8),
        )

    def _recropped(
        self, face: Face
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        matrix = recrop_matrix(face, self.face_type, self._side)
        image = warp_crop(face.image, matrix, self._side)
        mask = warp_crop(face.mask, matrix, self._side, interpolation="linear", border="zero")
        return image, mask, np.asarray(transform(face.landmarks, matrix), np.float32)


class Sampler:
    """Deals faces in shuffled rounds without replacement.

    With uniform yaw a round goes over the bins of head turns that hold faces, and each bin deals
    its own faces in shuffled rounds.

    Args:
        yaws: Degrees, one per face.
        seed: Of the shuffles, different for each person.
        uniform_yaw: Deal head turns uniformly instead of faces.

    Example:
        >>> sampler = Sampler([0.0] * 3, seed=1)
        >>> sorted(sampler.face(number) for number in range(3, 6))
        [0, 1, 2]
    """

    def __init__(self, yaws: ArrayLike, seed: int, uniform_yaw: bool = False) -> None:
        self._seed = seed
        bins = _yaw_bins(np.asarray(yaws, np.float64)) * int(uniform_yaw)
        self._groups = [np.flatnonzero(bins == value) for value in np.unique(bins)]
        self._rounds: dict[int, dict[int, NDArray[np.int32]]] = {}

    def face(self, number: int) -> int:
        """Return the index of the face of the number-th sample."""
        turn, place = divmod(number, len(self._groups))
        picked = int(self._order(0, turn, len(self._groups))[place])
        group = self._groups[picked]
        turn, place = divmod(turn, len(group))
        return int(group[self._order(picked + 1, turn, len(group))[place]])

    def _order(self, stream: int, turn: int, count: int) -> NDArray[np.int32]:
        """Return a round's order; those of the newest two rounds are kept."""
        kept = self._rounds.setdefault(stream, {})
        if turn not in kept:
            if len(kept) == 2:
                del kept[min(kept)]
            order = np.random.default_rng([self._seed, stream, turn]).permutation(count)
            kept[turn] = order.astype(np.int32)
        return kept[turn]


def cache_figures(banks: Iterable[FaceBank]) -> dict[str, int]:
    """Return bytes of kept faces (``cached``), and how many were ``asked`` for and found there."""
    caches = [bank.cache for bank in banks]
    return {
        "cached": sum(cache.used_bytes for cache in caches),
        "hits": sum(cache.hits for cache in caches),
        "asked": sum(cache.asked for cache in caches),
    }


def _yaw_bins(yaws: NDArray[np.float64]) -> NDArray[np.int64]:
    shares = (yaws + _YAW_RANGE_DEG) / (2 * _YAW_RANGE_DEG)
    return np.clip((shares * _YAW_BINS).astype(np.int64), 0, _YAW_BINS - 1)


def _shrunk(image: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    if image.shape[0] <= side:
        return image
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.float32)


def _quantised(image: NDArray[np.float32], kind: type[Q]) -> NDArray[Q]:
    top = np.iinfo(kind).max
    return np.rint(np.clip(image, 0, 1) * top).astype(kind)
