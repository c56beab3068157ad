"""One step of a training: a batch in, weights moved, losses out."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from faceplate.errors import BadSettings
from faceplate.models.device import lay_out, memory_format, put_on
from faceplate.models.net import Decoded, SwapDecoder, SwapNet, TrainPass
from faceplate.models.predictor import load_weights
from faceplate.train.average import Average
from faceplate.train.compiled import compile_parts
from faceplate.train.loader import Batch, SideBatch
from faceplate.train.losses import Target
from faceplate.train.memory import checkpoint_blocks
from faceplate.train.mover import Mover, prefixed, unprefixed
from faceplate.train.objective import Objective
from faceplate.train.presets import TrainSettings
from faceplate.train.ranks import Ranks
from faceplate.train.rivals import Rivals

__all__ = ["GraphLosses", "PassOf", "SideTensors", "StepLosses", "Stepper", "check_offload"]


@dataclass(frozen=True)
class StepLosses:
    """The losses of one step."""

    sides: tuple[float, ...]
    """Of each person: the likeness, the performer, further ones."""
    parts: Mapping[str, float]
    """What else there is, by name and before its power: ``gan`` and ``true_face`` as the model sees
    them, the same with ``_own`` as the discriminator does, ``face_style``, ``background_0``..."""

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


class SideTensors(NamedTuple):
    """One person's part of a batch on the device."""

    image: Tensor
    """What the network sees, (B, 3, R, R)."""
    target: Target
    """What it should make of it."""


@dataclass(frozen=True, eq=False)
class GraphLosses:
    """Losses with their graph."""

    total: Tensor
    """What is learnt from: the model's loss with every part weighted, and the discriminators'."""
    sides: list[Tensor]
    """Of each person."""
    parts: dict[str, Tensor]
    """What else is told, unweighted."""

    def values(self) -> Tensor:
        """Return the sides and the parts without their graph, as one tensor."""
        return torch.stack([loss.detach().float() for loss in (*self.sides, *self.parts.values())])


class PassOf(nn.Module):
    """A network whose call is its training pass, as data-parallel training wants it.

    Args:
        net: The network.
    """

    def __init__(self, net: SwapNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, sides: Sequence[Tensor], rng: torch.Generator) -> TrainPass:
        """Run the training pass."""
        return self.net.train_pass(sides, rng)


class Stepper:
    """A network with its losses, its optimiser and its discriminators, laid out for its device.

    Args:
        net: The network; its weights are moved in place.
        settings: Of the training.
        schedule_steps: Length of the schedule of the learning rate.
        device: Where it runs.
        dtype: Number format inside the network; bfloat16 and float16 run under autocast, weights
            stay float32. With float16 the loss is scaled, by a factor that follows the gradients.
        seed: Of the learning-rate dropout, of the discriminators and of random choices.
        ranks: The processes that train together; None for one alone.

    Raises:
        BadSettings: The settings ask for what the network or the device cannot do.
    """

    def __init__(
        self,
        net: SwapNet,
        settings: TrainSettings,
        schedule_steps: int,
        device: torch.device,
        dtype: torch.dtype,
        seed: int,
        ranks: Ranks | None = None,
    ) -> None:
        put_on(net, device)
        self.net = net.train()
        self._settings, self._device, self._dtype, self._seed = settings, device, dtype, seed
        self._format = memory_format(device)
        self._ranks = ranks or Ranks()
        self._ranks.share(settings.batch, settings.gradient_accumulation)
        _prepare(net, settings, device)
        self._pass = self._ranks.joined(PassOf(net))
        self._mover = Mover(net, settings, schedule_steps, seed)
        self._objective = Objective(settings)
        self._rivals = Rivals(net, settings, schedule_steps, device, seed)
        for rival in self._rivals:
            rival.module = self._ranks.joined(rival.net)
        self._average = Average(net, settings.ema_decay) if settings.ema_decay else None
        self._scaler = GradScaler(device.type) if dtype == torch.float16 else None

    @property
    def optimizer(self) -> Optimizer:
        """The optimiser of the network."""
        return self._mover.optimizer

    def __call__(self, batch: Batch) -> StepLosses:
        """Learn from a batch and return its losses. Losses that are not finite move nothing."""
        sides, rng = self.sides(batch), self.rng(batch.step)
        count = self._settings.gradient_accumulation
        measured = []
        for number in range(count):
            more = number < count - 1
            with self._ranks.watched(), self._ranks.quiet(self._modules(), more):
                losses = self.losses([_part(side, number, count) for side in sides], rng)
                total = losses.total / count
                torch.autograd.backward(self._scaler.scale(total) if self._scaler else total)
            measured.append(losses.values())
        values = self._ranks.mean(torch.stack(measured).mean(0)).tolist()
        result = StepLosses(
            tuple(values[: len(sides)]), dict(zip(losses.parts, values[len(sides) :], strict=True))
        )
        if result.is_finite:
            self.update(batch.step)
        else:
            self._each(Mover.forget)
        return result

    def losses(self, sides: Sequence[SideTensors], rng: torch.Generator) -> GraphLosses:
        """Return the losses of a batch, or of a part of one, with their graph.

        Args:
            sides: Of each person.
            rng: Of the random choices that an architecture makes.
        """
        return self.judge(self.forward(sides, rng), sides)

    def forward(self, sides: Sequence[SideTensors], rng: torch.Generator) -> TrainPass:
        """Run the network, as `losses` does."""
        with self._autocast():
            passed: TrainPass = self._pass([side.image for side in sides], rng)
        return dataclasses.replace(passed, swap=self._in_its_format(passed.swap))

    def _in_its_format(self, swap: SwapDecoder) -> SwapDecoder:
        """Return a swap that is decoded in the network's number format, whenever that is."""

        def decode(*, through_code: bool = True) -> Decoded:
            with self._autocast():
                return swap(through_code=through_code)

        return decode

    def judge(self, passed: TrainPass, sides: Sequence[SideTensors]) -> GraphLosses:
        """Return the losses of what the network made, as `losses` does."""
        targets = self._objective.targets([side.target for side in sides])
        terms = self._objective(passed, targets)
        with self._autocast():
            fooled, own = self._rivals.judged(passed, targets)
        total = torch.stack([*terms.sides, *self._rivals.weighted(fooled), *own.values()]).sum()
        return GraphLosses(total, terms.sides, {**terms.parts, **fooled, **own})

    def update(self, step: int) -> None:
        """Move all weights along their gradients, as the schedule has it at `step`."""
        self._each(lambda mover: mover.move(step, self._scaler))
        if self._scaler is not None:
            self._scaler.update()
        if self._average is not None:
            self._average.follow(step)

    def predicting(self) -> AbstractContextManager[None]:
        """Let the network be what is saved and predicts, inside the context: its mean if wanted."""
        return nullcontext() if self._average is None else self._average.applied()

    def weights(self) -> dict[str, Tensor]:
        """Return the weights of the model, as it predicts with them."""
        return self.net.state_dict() if self._average is None else self._average.weights()

    def training_tensors(self) -> dict[str, Tensor]:
        """Return what a save holds for the training only.

        Those are the optimisers, the discriminators, the scale of the loss, and the weights
        themselves where the model predicts with their mean.
        """
        tensors = {**self._mover.tensors(), **self._rivals.tensors()}
        if self._average is not None:
            tensors |= prefixed("raw", self.net.state_dict())
        if self._scaler is not None:
            scale, growth = self._scaler.get_scale(), self._scaler.state_dict()["_growth_tracker"]
            tensors["scaler/state"] = torch.tensor([scale, growth], dtype=torch.float64)
        return tensors

    def restore(
        self, weights: Mapping[str, Tensor], training: Mapping[str, Tensor] | None, what: str
    ) -> None:
        """Put a save back; without `training` the optimiser starts afresh.

        Raises:
            Damaged: The tensors do not fit; the message begins with `what`.
        """
        saved = training or {}
        load_weights(self.net, unprefixed("raw", saved) or weights, what)
        if self._average is not None:
            self._average.restore(weights)
        self._mover.restore(saved)
        self._rivals.restore(saved)
        if self._scaler is not None and "scaler/state" in saved:
            scale, growth = saved["scaler/state"].tolist()
            state = {**self._scaler.state_dict(), "scale": scale, "_growth_tracker": int(growth)}
            self._scaler.load_state_dict(state)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self._device

    def movers(self) -> list[Mover]:
        """Return the movers of the network and of its discriminators."""
        return [self._mover, *(rival.mover for rival in self._rivals)]

    def _each(self, do: Callable[[Mover], None]) -> None:
        for mover in self.movers():
            do(mover)

    def _modules(self) -> list[nn.Module]:
        return [self._pass, *(rival.module for rival in self._rivals)]

    def sides(self, batch: Batch) -> list[SideTensors]:
        """Return a batch on the device, person by person."""
        return [self._tensors(side) for side in batch.sides]

    def rng(self, step: int) -> torch.Generator:
        """Return the source of the random choices of a step.

        It is the same in all processes, moved on to the faces of this one: they choose as one
        process does for the joined batch.
        """
        generator = torch.Generator().manual_seed((self._seed * 1_000_003 + step) % (1 << 63))
        share = self._ranks.share(self._settings.batch)
        if share:
            torch.rand(share.start * self.net.drawn, generator=generator)
        return generator

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._device.type, self._dtype, self._dtype != torch.float32)

    def _tensors(self, side: SideBatch) -> SideTensors:
        image, target, mattes = (
            self._tensor(array) for array in (side.image, side.target, side.mattes)
        )
        return SideTensors(image, Target(target, mattes[:, :1], mattes[:, 1:]))

    def _tensor(self, array: NDArray[np.float32]) -> Tensor:  # (B, R, R, C) -> (B, C, R, R)
        tensor = torch.from_numpy(array).to(self._device, non_blocking=True).permute(0, 3, 1, 2)
        return tensor.contiguous(memory_format=self._format)


def check_offload(settings: TrainSettings, device: torch.device) -> None:
    """Refuse to move the optimiser to where it is. Raises BadSettings."""
    if settings.offload_optimizer and device.type == "cpu":
        raise BadSettings(
            "offload_optimizer: on a CPU the optimiser is in main memory already; leave it off"
        )


def _prepare(net: SwapNet, settings: TrainSettings, device: torch.device) -> None:
    """Lay the network out, and freeze, checkpoint and compile it as the settings ask."""
    check_offload(settings, device)
    lay_out(net, device)
    for part in net.frozen(settings.inter_training, settings.random_warp):
        part.requires_grad_(False)
    if settings.checkpointing:
        checkpoint_blocks(net)
    if settings.compile:
        compile_parts(net, device)


def _part(side: SideTensors, number: int, count: int) -> SideTensors:
    """Return the number-th of `count` equal parts of a batch."""
    if count == 1:
        return side
    size = len(side.image) // count
    chosen = slice(number * size, (number + 1) * size)
    return SideTensors(side.image[chosen], Target(*(value[chosen] for value in side.target)))
