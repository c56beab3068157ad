"""Decoded faces within a limit of memory."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FaceCache", "TrainingFace"]


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


class FaceCache:
    """Keeps the faces that are asked for most, up to a number of bytes.

    The least recently used one makes room, but only for a face that was asked for more often by at
    least two. In shuffled rounds all faces are asked for alike, and a cache that took in every one
    would throw each out shortly before its turn: with room for a share f of the faces it would hit
    f²/2 of the time, and this one hits f. Where some head turns are rare and their faces shown
    often, those faces push their way in.

    Args:
        count: Number of faces there are.
        room_bytes: Memory for them.

    Example:
        >>> face = TrainingFace(np.zeros((2, 2, 3), np.uint16), np.zeros((2, 2, 2), np.uint8))
        >>> cache = FaceCache(count=2, room_bytes=32)
        >>> cache.get(0), cache.offer(0, face), cache.get(0) is face
        (None, None, True)
    """

    def __init__(self, count: int, room_bytes: int) -> None:
        self._asked = np.zeros(count, np.uint32)
        self._room = room_bytes
        self._kept: OrderedDict[int, TrainingFace] = OrderedDict()
        self._lock = threading.Lock()
        self.used_bytes = 0
        """Memory in use."""
        self.hits = 0
        """How often a face was there."""

    @property
    def asked(self) -> int:
        """How often a face was asked for."""
        return int(self._asked.sum())

    def get(self, index: int) -> TrainingFace | None:
        """Return a kept face, or None."""
        with self._lock:
            self._asked[index] += 1
            face = self._kept.get(index)
            if face is not None:
                self._kept.move_to_end(index)
                self.hits += 1
            return face

    def offer(self, index: int, face: TrainingFace) -> None:
        """Keep a face that was just decoded, if there is room or somebody who makes room."""
        with self._lock:
            if index in self._kept or face.nbytes > self._room:
                return
            while self.used_bytes + face.nbytes > self._room:
                oldest = next(iter(self._kept))
                if self._asked[index] < self._asked[oldest] + 2:
                    return
                self.used_bytes -= self._kept.pop(oldest).nbytes
            self._kept[index] = face
            self.used_bytes += face.nbytes
