"""Batches of all people, made in the background so that a step never waits for its faces."""

import dataclasses
import logging
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from faceplate.train.faces import FaceBank
from faceplate.train.presets import TrainSettings
from faceplate.train.ring import Ring, RingShape
from faceplate.train.samples import SampleMaker, SampleSettings, Share
from faceplate.train.workers import WorkerPool

__all__ = ["Batch", "Loader", "SideBatch"]

logger = logging.getLogger(__name__)

_AHEAD = 4
_HELD = 2
"""Batches that stay untouched behind the newest: the one in use, and one that a device may still
be reading."""


@dataclass(frozen=True, eq=False)
class SideBatch:
    """Samples of one person, float32, B first and channels last."""

    image: NDArray[np.float32]
    """B x R x R x 3."""
    target: NDArray[np.float32]
    """B x R x R x 3."""
    mattes: NDArray[np.float32]
    """B x R x R x 2: face, eyes and mouth."""


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step learns from; its memory is used again from the second batch after it on."""

    step: int
    """Number of the step, from 0."""
    sides: tuple[SideBatch, ...]
    """Samples of the likeness, of the performer, and of further people where there are any."""

    @property
    def likeness(self) -> SideBatch:
        """Samples of the likeness."""
        return self.sides[0]

    @property
    def performer(self) -> SideBatch:
        """Samples of the performer."""
        return self.sides[1]


class _Makers(Protocol):
    """Who writes batches into the ring."""

    def submit(self, step: int, slot: int) -> None: ...

    def wait(self, step: int) -> None: ...

    def close(self) -> None: ...


class Loader:
    """Makes the batches of steps one after the other, a few ahead.

    One thread keeps up with a network on a CPU, as OpenCV works outside of Python's lock; a GPU
    wants processes. `waited` tells whether they keep up. What a batch holds does not depend on who
    makes it.

    Args:
        banks: Faces of the likeness, of the performer and of further people.
        settings: Of the training.
        resolution: Side of the samples in pixels.
        schedule_steps: Length of the schedule.
        seed: Of every random choice.
        first_step: Number of the step whose batch comes first.
        workers: Processes that make samples; 0 takes a thread.
        pinned: Fix the batches in memory, so that a GPU fetches them by itself.
        places: Of the batch, this process's share; None is all of it.
    """

    def __init__(
        self,
        banks: tuple[FaceBank, ...],
        settings: TrainSettings,
        resolution: int,
        schedule_steps: int,
        seed: int,
        first_step: int = 0,
        *,
        workers: int = 0,
        pinned: bool = False,
        places: range | None = None,
    ) -> None:
        samples = _sample_settings(settings, resolution, schedule_steps, seed)
        if places is not None:
            samples = dataclasses.replace(samples, first_place=places.start)
        self._maker = SampleMaker(banks, samples)
        self._sides, self._batch = len(banks), settings.batch if places is None else len(places)
        self._ring = Ring(RingShape(_AHEAD + _HELD, len(banks), self._batch, resolution))
        self.pinned = pinned and _pin(self._ring)
        """Whether the batches are fixed in memory."""
        self.waited = 0.0
        """Seconds that steps waited for their batch, but for the first."""
        self._started = False
        self._next = first_step
        self._pending: deque[int] = deque()
        self._makers: _Makers = (
            WorkerPool(banks, samples, self._ring, workers)
            if workers
            else _Thread(self._maker, self._ring)
        )

    @staticmethod
    def ring_bytes(sides: int, batch: int, resolution: int) -> int:
        """Return the memory of the batches that are ready, in work and in use."""
        return RingShape(_AHEAD + _HELD, sides, batch, resolution).nbytes

    def __enter__(self) -> "Loader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._makers.close()
        if self.pinned:
            _unpin(self._ring)
        self._ring.close()

    @property
    def pids(self) -> list[int]:
        """Ids of the processes that make samples."""
        return self._makers.pids if isinstance(self._makers, WorkerPool) else []

    @property
    def nbytes(self) -> int:
        """Memory of the batches that are made ahead."""
        return self._ring.shape.nbytes

    def next(self) -> Batch:
        """Return the batch of the next step.

        Raises:
            Damaged: A face cannot be read, or the facesets were changed.
            Exhausted: The processes that make samples die again and again.
        """
        while len(self._pending) < _AHEAD:
            self._makers.submit(self._next, self._slot(self._next))
            self._pending.append(self._next)
            self._next += 1
        began = time.perf_counter()
        step = self._pending.popleft()
        self._makers.wait(step)
        if self._started:  # before that, processes start and the first faces are read
            self.waited += time.perf_counter() - began
        self._started = True
        slot = self._slot(step)
        return Batch(step, tuple(self._side(slot, side) for side in range(self._sides)))

    def seek(self, step: int) -> None:
        """Let `step` come next; what was made ahead is dropped."""
        while self._pending:
            self._makers.wait(self._pending.popleft())
        self._next = step

    def make(self, step: int) -> Batch:
        """Make the batch of a step here and now, in memory of its own."""
        made = [
            [self._maker.make(step, Share(side, place)) for place in range(self._batch)]
            for side in range(self._sides)
        ]
        return Batch(
            step,
            tuple(
                SideBatch(
                    np.stack([sample.image for sample in samples]),
                    np.stack([sample.target for sample in samples]),
                    np.stack([sample.mattes for sample in samples]),
                )
                for samples in made
            ),
        )

    def _slot(self, step: int) -> int:
        return step % self._ring.shape.slots

    def _side(self, slot: int, side: int) -> SideBatch:
        return SideBatch(*self._ring.arrays(slot, side))


class _Thread:
    """Makes samples in one thread."""

    def __init__(self, maker: SampleMaker, ring: Ring) -> None:
        self._maker, self._ring = maker, ring
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="faces")
        self._pending: dict[int, Future[None]] = {}

    def submit(self, step: int, slot: int) -> None:
        self._pending[step] = self._pool.submit(self._make, step, slot)

    def wait(self, step: int) -> None:
        self._pending.pop(step).result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _make(self, step: int, slot: int) -> None:
        for side in range(self._ring.shape.sides):
            arrays = self._ring.arrays(slot, side)
            for place in range(self._ring.shape.batch):
                sample = self._maker.make(step, Share(side, place))
                arrays.image[place] = sample.image
                arrays.target[place] = sample.target
                arrays.mattes[place] = sample.mattes


def _sample_settings(
    settings: TrainSettings, resolution: int, schedule_steps: int, seed: int
) -> SampleSettings:
    names = {field.name for field in dataclasses.fields(SampleSettings)}
    same = {
        field.name: getattr(settings, field.name)
        for field in dataclasses.fields(settings)
        if field.name in names
    }
    return SampleSettings(resolution=resolution, schedule_steps=schedule_steps, seed=seed, **same)


def _pin(ring: Ring) -> bool:
    """Fix the ring in memory for the GPU; True where that worked."""
    whole = torch.from_numpy(ring.whole)
    runtime = torch.cuda.cudart()  # type: ignore[no-untyped-call]  # torch has no types for it
    error = runtime.cudaHostRegister(whole.data_ptr(), ring.shape.nbytes, 0)
    if error != runtime.cudaError.success:
        logger.warning("batches cannot be fixed in memory (%s): copies to the GPU wait", error)
        return False
    return True


def _unpin(ring: Ring) -> None:
    torch.cuda.synchronize()
    runtime = torch.cuda.cudart()  # type: ignore[no-untyped-call]  # torch has no types for it
    runtime.cudaHostUnregister(torch.from_numpy(ring.whole).data_ptr())
