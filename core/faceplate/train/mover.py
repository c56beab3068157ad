"""Moves the weights of one network along their gradients, as the settings have it."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.nn.utils import clip_grad_norm_

from faceplate.train.optimizers import (
    LearningRateDropout,
    learning_rate,
    make_optimizer,
    optimizer_tensors,
    restore_optimizer,
)
from faceplate.train.presets import TrainSettings

__all__ = ["Mover"]


class Mover:
    """An optimiser with its schedule, its dropout and its clipping.

    Args:
        net: The network; weights that take no gradient are left alone.
        settings: Of the training; `offload_optimizer` keeps the optimiser and a copy of the weights
            in main memory, where they are moved.
        schedule_steps: Length of the schedule of the learning rate.
        seed: Of the learning-rate dropout.
    """

    def __init__(
        self, net: nn.Module, settings: TrainSettings, schedule_steps: int, seed: int
    ) -> None:
        named = {name: param for name, param in net.named_parameters() if param.requires_grad}
        self._weights = list(named.values())
        self._offloaded = settings.offload_optimizer
        self._params = (
            [_main_memory(p) for p in self._weights] if self._offloaded else self._weights
        )
        self._names: dict[Tensor, str] = dict(zip(self._params, named, strict=True))
        self._settings, self._schedule_steps = settings, schedule_steps
        self._dropout = (
            LearningRateDropout(self._params, settings.lr_dropout, seed)
            if settings.lr_dropout > 0
            else None
        )
        self.optimizer = make_optimizer(self._params, settings, self._dropout)

    @property
    def weights(self) -> list[nn.Parameter]:
        """What is moved."""
        return self._weights

    def move(self, step: int, scaler: GradScaler | None = None) -> None:
        """Move the weights once, as the schedule has it at `step`; gradients are used up.

        Args:
            step: Number of the step, from 0.
            scaler: Of the loss, in float16; a step whose gradients overflowed moves nothing.
        """
        self._take_gradients()
        if scaler is not None:
            scaler.unscale_(self.optimizer)
        if self._settings.clip_gradients:
            clip_grad_norm_(self._params, 1.0, foreach=True)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self._settings, step, self._schedule_steps)
        if self._dropout is not None:
            self._dropout.at(step)
        if scaler is None:
            self.optimizer.step()
        else:
            scaler.step(self.optimizer)
        self.forget()
        if self._offloaded:
            with torch.no_grad():
                for weight, param in zip(self._weights, self._params, strict=True):
                    weight.copy_(param, non_blocking=True)

    def forget(self) -> None:
        """Drop the gradients."""
        for param in (*self._weights, *self._params):
            param.grad = None

    def tensors(self) -> dict[str, Tensor]:
        """Return the optimiser's state: ``<weight>/<entry>`` to tensor."""
        return optimizer_tensors(self.optimizer, self._names)

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put a saved state back, after the weights; what it does not name starts afresh."""
        self.synchronise()
        restore_optimizer(self.optimizer, self._names, dict(tensors))

    @torch.no_grad()
    def synchronise(self) -> None:
        """Take over weights that were changed from outside."""
        if self._offloaded:
            for weight, param in zip(self._weights, self._params, strict=True):
                param.copy_(weight)

    def _take_gradients(self) -> None:
        if self._offloaded:
            for weight, param in zip(self._weights, self._params, strict=True):
                param.grad = None if weight.grad is None else weight.grad.to("cpu", copy=True)


def _main_memory(param: nn.Parameter) -> nn.Parameter:
    return nn.Parameter(param.detach().to("cpu", copy=True))


def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors under ``<prefix>/<name>``."""
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def unprefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return those tensors that lie under a prefix, without it."""
    start = f"{prefix}/"
    return {name[len(start) :]: value for name, value in tensors.items() if name.startswith(start)}


def detached(net: nn.Module) -> dict[str, Tensor]:
    """Return the weights of a network without their gradients, for `torch.func.functional_call`."""
    return {name: param.detach() for name, param in net.named_parameters()}
