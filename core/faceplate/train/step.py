"""One step of a training: a batch in, weights moved, losses out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Optimizer

from faceplate.errors import BadSettings
from faceplate.models.device import lay_out, memory_format
from faceplate.models.net import SwapNet, TrainPass
from faceplate.models.predictor import load_weights
from faceplate.train.loader import Batch, SideBatch
from faceplate.train.losses import FaceLoss
from faceplate.train.mover import Mover
from faceplate.train.presets import TrainSettings
from faceplate.train.trueface import TrueFace

__all__ = ["StepLosses", "Stepper"]


@dataclass(frozen=True)
class StepLosses:
    """The losses of one step."""

    sides: tuple[float, ...]
    """Of each person: the likeness, the performer, further ones."""
    parts: Mapping[str, float]
    """What else was learnt, by name: ``true_face`` as the model sees it, before its power, and
    ``true_face_own`` of the discriminator."""

    @property
    def likeness(self) -> float:
        """Loss of the likeness."""
        return self.sides[0]

    @property
    def performer(self) -> float:
        """Loss of the performer."""
        return self.sides[1]

    @property
    def is_finite(self) -> bool:
        """Whether every loss is a number to go on with."""
        return all(math.isfinite(value) for value in (*self.sides, *self.parts.values()))


class Stepper:
    """A network with its optimiser, laid out for speed on its device.

    Args:
        net: The network; its weights are moved in place.
        settings: Of the training.
        schedule_steps: Length of the schedule of the learning rate.
        device: Where it runs.
        dtype: Number format inside the network; bfloat16 runs under autocast, weights stay float32.
        seed: Of the learning-rate dropout and of the discriminators.
    """

    def __init__(
        self,
        net: SwapNet,
        settings: TrainSettings,
        schedule_steps: int,
        device: torch.device,
        dtype: torch.dtype,
        seed: int,
    ) -> None:
        self.net = net.to(device).train()
        self._format = memory_format(device)
        lay_out(self.net, device)
        self._mover = Mover(net, settings, schedule_steps, seed)
        self._loss = FaceLoss(settings.mask_form, settings.eyes_mouth_priority)
        self._settings, self._device, self._dtype = settings, device, dtype
        self._seed = seed
        self._true_face = None
        if settings.true_face_power > 0:
            self._true_face = TrueFace(self._code(), settings, schedule_steps, device, seed)

    @property
    def optimizer(self) -> Optimizer:
        """The optimiser of the network."""
        return self._mover.optimizer

    def __call__(self, batch: Batch) -> StepLosses:
        """Learn from a batch and return its losses. Losses that are not finite move nothing."""
        sides, passed = self._forward(batch)
        total = torch.stack(sides).sum()
        parts: dict[str, Tensor] = {}
        own: dict[str, Tensor] = {}
        if self._true_face is not None:
            with self._autocast():
                likeness, performer = passed.codes[:2]
                parts["true_face"] = self._true_face.fooled(likeness)
                own["true_face_own"] = self._true_face.told_apart(performer, likeness)
            total = total + self._settings.true_face_power * parts["true_face"]
        losses = _measured(sides, {**parts, **own})
        if losses.is_finite:
            torch.autograd.backward([total, *own.values()])
            self.update(batch.step)
        return losses

    def losses(self, batch: Batch) -> list[Tensor]:
        """Return the loss of each person with its graph."""
        return self._forward(batch)[0]

    def update(self, step: int) -> None:
        """Move all weights along their gradients, as the schedule has it at `step`."""
        self._mover.move(step)
        if self._true_face is not None:
            self._true_face.mover.move(step)

    def weights(self) -> dict[str, Tensor]:
        """Return the weights of the model, as it predicts with them."""
        return self.net.state_dict()

    def training_tensors(self) -> dict[str, Tensor]:
        """Return what a save holds for the training only: optimisers and discriminators."""
        tensors = self._mover.tensors()
        return tensors if self._true_face is None else {**tensors, **self._true_face.tensors()}

    def restore(
        self, weights: Mapping[str, Tensor], training: Mapping[str, Tensor] | None, what: str
    ) -> None:
        """Put a save back; without `training` the optimiser starts afresh.

        Raises:
            Damaged: The tensors do not fit; the message begins with `what`.
        """
        load_weights(self.net, weights, what)
        if training is not None:
            self._mover.restore(training)
            if self._true_face is not None:
                self._true_face.restore(training)

    def _forward(self, batch: Batch) -> tuple[list[Tensor], TrainPass]:
        """Return each person's loss, and what the network made."""
        sides = [self._tensors(side) for side in batch.sides]
        with self._autocast():
            passed = self.net.train_pass([image for image, _, _ in sides], self._rng(batch.step))
        losses = [
            self._loss(*decoded, target, mattes[:, :1], mattes[:, 1:])
            for decoded, (_, target, mattes) in zip(passed.decoded, sides, strict=True)
        ]
        return losses, passed

    def _rng(self, step: int) -> torch.Generator:
        return torch.Generator().manual_seed((self._seed * 1_000_003 + step) % (1 << 63))

    def _code(self) -> Tensor:
        """Return the code of an empty image, for its shape. Raises BadSettings if there is none."""
        side = self.net.config.resolution
        empty = torch.zeros(1, 3, side, side, device=self._device)
        with torch.no_grad():
            codes = self.net.train_pass([empty] * self.net.people, self._rng(0)).codes
        if not codes:
            raise BadSettings(
                f"true_face_power: {type(self.net).__name__} has no code that both people share; "
                "leave it at 0"
            )
        return codes[0]

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._device.type, self._dtype, self._dtype != torch.float32)

    def _tensors(self, side: SideBatch) -> tuple[Tensor, Tensor, Tensor]:
        image, target, mattes = (
            self._tensor(array) for array in (side.image, side.target, side.mattes)
        )
        return image, target, mattes

    def _tensor(self, array: NDArray[np.float32]) -> Tensor:  # (B, R, R, C) -> (B, C, R, R)
        tensor = torch.from_numpy(array).permute(0, 3, 1, 2).to(self._device)
        return tensor.contiguous(memory_format=self._format)


def _measured(sides: Sequence[Tensor], parts: Mapping[str, Tensor]) -> StepLosses:
    """Fetch losses from their device at once."""
    values = torch.stack([loss.detach().float() for loss in (*sides, *parts.values())]).tolist()
    count = len(sides)
    return StepLosses(tuple(values[:count]), dict(zip(parts, values[count:], strict=True)))
