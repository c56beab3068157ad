"""Moves the weights of one network along their gradients, as the settings have it."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
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
        settings: Of the training.
        schedule_steps: Length of the schedule of the learning rate.
        seed: Of the learning-rate dropout.
    """

    def __init__(
        self, net: nn.Module, settings: TrainSettings, schedule_steps: int, seed: int
    ) -> None:
        named = {name: param for name, param in net.named_parameters() if param.requires_grad}
        self._names: dict[Tensor, str] = {param: name for name, param in named.items()}
        self._params = list(named.values())
        self._settings, self._schedule_steps = settings, schedule_steps
        self._dropout = (
            LearningRateDropout(self._params, settings.lr_dropout, seed)
            if settings.lr_dropout > 0
            else None
        )
        self.optimizer = make_optimizer(self._params, settings, self._dropout)

    def move(self, step: int) -> None:
        """Move the weights once, as the schedule has it at `step`; gradients are used up."""
        if self._settings.clip_gradients:
            clip_grad_norm_(self._params, 1.0, foreach=True)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self._settings, step, self._schedule_steps)
        if self._dropout is not None:
            self._dropout.at(step)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def tensors(self) -> dict[str, Tensor]:
        """Return the optimiser's state: ``<weight>/<entry>`` to tensor."""
        return optimizer_tensors(self.optimizer, self._names)

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put a saved state back; what it does not name starts afresh."""
        restore_optimizer(self.optimizer, self._names, dict(tensors))


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


def finite(*values: Tensor) -> bool:
    """Return whether every value is finite."""
    return bool(torch.stack([value.detach() for value in values]).isfinite().all())
