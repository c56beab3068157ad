"""Memory for batches that several processes write into and one reads, used over and over.

It is a file without a name: it goes when the last process that holds it is gone, however that ends.
"""

import mmap
import os
import tempfile
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import OutOfMemory

__all__ = ["Arrays", "Ring", "RingShape"]


class Arrays(NamedTuple):
    """Views of the samples of one person in one slot; writing there is writing to the batch."""

    image: NDArray[np.float32]
    """B x R x R x 3: what the network sees."""
    target: NDArray[np.float32]
    """B x R x R x 3: what it should make of it."""
    mattes: NDArray[np.float32]
    """B x R x R x 2: face, eyes and mouth."""


class RingShape(NamedTuple):
    """How the memory is divided."""

    slots: int
    """Batches."""
    sides: int
    """People in a batch."""
    batch: int
    """Samples of each."""
    resolution: int
    """Side of a sample in pixels."""

    @property
    def slot_bytes(self) -> int:
        """Memory of one batch."""
        return self.sides * self.batch * self.resolution**2 * (3 + 3 + 2) * 4

    @property
    def nbytes(self) -> int:
        """Memory of all."""
        return self.slots * self.slot_bytes


class Ring:
    """The memory, mapped into this process.

    Args:
        shape: How it is divided.
        descriptor: Of the file, in a process that was handed it; None makes a new one.

    Attributes:
        descriptor: To hand to another process.

    Raises:
        OutOfMemory: There is not that much memory.
    """

    def __init__(self, shape: RingShape, descriptor: int | None = None) -> None:
        self.shape = shape
        self.descriptor = _new_file(shape.nbytes) if descriptor is None else descriptor
        self._map = mmap.mmap(self.descriptor, shape.nbytes)
        self.whole = np.frombuffer(self._map, np.float32)
        """All of it, flat."""

    def arrays(self, slot: int, side: int) -> Arrays:
        """Return the samples of one person in one slot."""
        _, sides, batch, resolution = self.shape
        area = batch * resolution**2
        start = (slot * sides + side) * area * 8
        image, target, mattes = np.split(self.whole[start : start + area * 8], [area * 3, area * 6])
        square = (batch, resolution, resolution)
        return Arrays(
            image.reshape(*square, 3), target.reshape(*square, 3), mattes.reshape(*square, 2)
        )

    def close(self) -> None:
        """Let the file go. Batches that are still held stay readable until they are dropped."""
        os.close(self.descriptor)


def _new_file(size: int) -> int:
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("faceplate-batches", os.MFD_CLOEXEC)
    else:  # not on macOS: there it is a file that is deleted while it is open
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    try:
        _reserve(descriptor, size)
    except OSError as error:
        os.close(descriptor)
        raise OutOfMemory(
            f"no room for batches of {size >> 20} MB: {error.strerror}; train with a smaller "
            "--batch or --resolution"
        ) from error
    return descriptor


def _reserve(descriptor: int, size: int) -> None:
    """Take the memory now: a page that is missing later would kill the process that touches it."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.ftruncate(descriptor, size)
