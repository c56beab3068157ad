"""Batches of both people, made in the background so that a step never waits for its faces."""

import dataclasses
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from faceplate.train.augment import AugmentOptions, augment
from faceplate.train.faces import FaceBank, Sampler, TrainingFace
from faceplate.train.presets import TrainSettings

__all__ = ["Batch", "Loader", "SideBatch"]

_AHEAD = 3
_LATE_WARP = 0.25


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
    """What one step learns from."""

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


class Loader:
    """Makes the batches of steps one after the other, a few ahead, in one thread.

    OpenCV works outside of Python's lock, so one thread keeps up with a network on a CPU; `waited`
    tells whether it does.

    Args:
        banks: Faces of the likeness, of the performer and of further people.
        settings: Of the training.
        resolution: Side of the samples in pixels.
        schedule_steps: Length of the schedule.
        seed: Of every random choice.
        first_step: Number of the step whose batch comes first.
    """

    def __init__(
        self,
        banks: tuple[FaceBank, ...],
        settings: TrainSettings,
        resolution: int,
        schedule_steps: int,
        seed: int,
        first_step: int = 0,
    ) -> None:
        self._banks, self._settings, self._seed = banks, settings, seed
        self._schedule_steps = schedule_steps
        self._samplers = tuple(
            Sampler(bank.yaws, _sampler_seed(seed, side), settings.uniform_yaw)
            for side, bank in enumerate(banks)
        )
        self._options = tuple(
            AugmentOptions(
                resolution=resolution,
                transform=settings.transform,
                rotation_deg=settings.rotation_deg,
                shift=settings.shift,
                flip=settings.flip_performer if side else settings.flip_likeness,
                hsv_power=0.0 if side else settings.hsv_power,
                light_stops=settings.light_stops,
                encoding=bank.info.encoding,
            )
            for side, bank in enumerate(banks)
        )
        self.waited = 0.0
        """Seconds that steps waited for their batch."""
        self._next = first_step
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="faces")
        self._pending: deque[Future[Batch]] = deque()

    def __enter__(self) -> "Loader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def next(self) -> Batch:
        """Return the batch of the next step."""
        while len(self._pending) < _AHEAD:
            self._pending.append(self._pool.submit(self.make, self._next))
            self._next += 1
        began = time.perf_counter()
        batch = self._pending.popleft().result()
        self.waited += time.perf_counter() - began
        return batch

    def make(self, step: int) -> Batch:
        """Return the batch of a step; the same for the same seed and step."""
        return Batch(step, tuple(self._side(side, step) for side in range(len(self._banks))))

    def _side(self, side: int, step: int) -> SideBatch:
        source, warp = self._source(step)
        options = dataclasses.replace(self._options[side], warp=warp)
        samples = []
        for place in range(self._settings.batch):
            number = source * self._settings.batch + place
            index = self._samplers[side].face(number)
            rng = np.random.default_rng([self._seed, side, source, place])
            light = self._light(index, rng) if side == 0 else None
            samples.append(augment(self._banks[side].get(index), options, rng, light))
        return SideBatch(
            np.stack([sample.image for sample in samples]),
            np.stack([sample.target for sample in samples]),
            np.stack([sample.mattes for sample in samples]),
        )

    def _light(self, likeness: int, rng: np.random.Generator) -> TrainingFace | None:
        """Return the performer's face in whose light a likeness is shown; None for its own.

        Of three drawn ones it is the one with the most similar head turn.
        """
        if rng.random() >= self._settings.performer_light:
            return None
        yaw, yaws = self._banks[0].yaws[likeness], self._banks[1].yaws
        drawn = rng.choice(len(yaws), min(3, len(yaws)), replace=False).tolist()
        return self._banks[1].get(min(drawn, key=lambda index: abs(yaws[index] - yaw)))

    def _source(self, step: int) -> tuple[int, float]:
        """Return the step whose samples are shown, and the strength of their warp."""
        settings = self._settings
        warp = 1.0 if settings.random_warp else 0.0
        if step >= settings.warp_until * self._schedule_steps:
            warp *= _LATE_WARP
        every = settings.unwarped_every
        if every and step % every == every - 1:
            return step - 1, 0.0
        return step, warp


def _sampler_seed(seed: int, side: int) -> int:
    """Return the seed of a person's order; those of the first two are as saved trainings had it."""
    return seed * 2 + side if side < 2 else (side << 40) + seed
