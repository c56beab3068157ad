"""What sample number i of a training is: a pure function of the seed, the facesets and i.

So samples can be made in any order, by any number of threads and processes, before and after a
resumption, and come to the same bits. Nothing here loads the network's library.
"""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from faceplate.train.augment import AugmentOptions, ColorMode, Sample, augment
from faceplate.train.faces import FaceBank, Sampler, TrainingFace
from faceplate.train.pairs import Pairs

__all__ = ["BankOrder", "SampleMaker", "SampleSettings", "Share"]

_LIGHTS_DRAWN = 3


class Share(NamedTuple):
    """One sample's place in the batch of a step."""

    side: int
    """Whose face: 0 the likeness, 1 the performer, then further people."""
    place: int
    """Number in the batch, from 0."""


@dataclass(frozen=True)
class SampleSettings:
    """What decides how samples look; see the fields of the same name of `TrainSettings`."""

    resolution: int
    """Side of the samples in pixels."""
    batch: int
    seed: int
    schedule_steps: int
    """Steps of the whole schedule."""
    first_place: int = 0
    """Where this process's share of the batch begins, if several train together."""
    random_warp: bool = True
    warp_until: float = 1.0
    late_warp: float = 0.25
    unwarped_every: int = 0
    transform: float = 0.15
    rotation_deg: float = 10.0
    shift: float = 0.05
    flip_likeness: bool = False
    flip_performer: bool = False
    ct_mode: ColorMode = "none"
    hsv_power: float = 0.0
    light_stops: float = 0.0
    performer_light: float = 0.0
    performer_pairs: float = 0.0
    pairs_from: float = 0.0
    uniform_yaw: bool = False


@dataclass(frozen=True)
class BankOrder:
    """How another process opens the same faces."""

    path: str
    resolution: int
    cache_bytes: int
    face_type: str
    stamp: int
    """As `FaceBank.stamp` of the process that orders it."""

    @classmethod
    def of(cls, bank: FaceBank, cache_bytes: int) -> "BankOrder":
        """Describe an open bank."""
        return cls(str(bank.path), bank.resolution, cache_bytes, str(bank.face_type), bank.stamp)

    def open(self) -> FaceBank:
        """Open it. Raises NotFound or BadSettings."""
        return FaceBank(Path(self.path), self.resolution, self.cache_bytes, self.face_type)


class SampleMaker:
    """Makes samples.

    Args:
        banks: Faces of the likeness, of the performer and of further people.
        settings: How the samples look.
    """

    def __init__(self, banks: tuple[FaceBank, ...], settings: SampleSettings) -> None:
        self._banks, self._settings = banks, settings
        self._samplers = tuple(
            Sampler(bank.yaws, _sampler_seed(settings.seed, side), settings.uniform_yaw)
            for side, bank in enumerate(banks)
        )
        self._options = tuple(
            _options(settings, side, bank.info.encoding) for side, bank in enumerate(banks)
        )

    def face(self, step: int, share: Share) -> int:
        """Return the index of the face that is shown."""
        source, _ = self._source(step)
        settings = self._settings
        number = source * settings.batch + settings.first_place + share.place
        return self._samplers[share.side].face(number)

    def make(self, step: int, share: Share) -> Sample:
        """Return a sample of a step; the same for the same settings and faces."""
        source, warp = self._source(step)
        side, place = share
        index = self.face(step, share)
        place += self._settings.first_place
        rng = np.random.default_rng([self._settings.seed, side, source, place])
        options = dataclasses.replace(self._options[side], warp=warp)
        if side == 0:
            pair = self._pair(step, share, rng)
            if pair is not None:
                return augment(self._banks[0].get(pair[0]), options, rng, shown=pair[1])
        return augment(
            self._banks[side].get(index),
            options,
            rng,
            self._light(index, rng) if side == 0 else None,
            self._color(rng) if side == 0 else None,
        )

    def _pair(
        self, step: int, share: Share, rng: np.random.Generator
    ) -> tuple[int, TrainingFace] | None:
        """Return a likeness and the performer's face that is shown in its place; None for neither.

        It is the performer's face that has its turn at this place of the batch.
        """
        settings = self._settings
        if not settings.performer_pairs or step < settings.pairs_from * settings.schedule_steps:
            return None
        if rng.random() >= settings.performer_pairs:
            return None
        return self._pairs.pair(self.face(step, share._replace(side=1)), rng)

    @cached_property
    def _pairs(self) -> Pairs:
        return Pairs(self._banks[0], self._banks[1])

    def _light(self, likeness: int, rng: np.random.Generator) -> TrainingFace | None:
        """Return the performer's face in whose light a likeness is shown; None for its own.

        Of three drawn ones it is the one with the most similar head turn.
        """
        if rng.random() >= self._settings.performer_light:
            return None
        yaw, yaws = self._banks[0].yaws[likeness], self._banks[1].yaws
        drawn = rng.choice(len(yaws), min(_LIGHTS_DRAWN, len(yaws)), replace=False).tolist()
        return self._banks[1].get(min(drawn, key=lambda index: abs(yaws[index] - yaw)))

    def _color(self, rng: np.random.Generator) -> TrainingFace | None:
        """Return the performer's face whose colours a likeness takes; None for its own."""
        if self._settings.ct_mode == "none":
            return None
        return self._banks[1].get(int(rng.integers(len(self._banks[1]))))

    def _source(self, step: int) -> tuple[int, float]:
        """Return the step whose samples are shown, and the strength of their warp."""
        settings = self._settings
        warp = 1.0 if settings.random_warp else 0.0
        if step >= settings.warp_until * settings.schedule_steps:
            warp *= settings.late_warp
        every = settings.unwarped_every
        if every and step % every == every - 1:
            return step - 1, 0.0
        return step, warp


def _options(settings: SampleSettings, side: int, encoding: str) -> AugmentOptions:
    return AugmentOptions(
        resolution=settings.resolution,
        transform=settings.transform,
        rotation_deg=settings.rotation_deg,
        shift=settings.shift,
        flip=settings.flip_performer if side else settings.flip_likeness,
        ct_mode="none" if side else settings.ct_mode,
        hsv_power=0.0 if side else settings.hsv_power,
        light_stops=settings.light_stops,
        encoding=encoding,
    )


def _sampler_seed(seed: int, side: int) -> int:
    """Return the seed of a person's order; those of the first two are as saved trainings had it."""
    return seed * 2 + side if side < 2 else (side << 40) + seed
