"""How gradients become steps."""

import math
from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer, RMSprop

from faceplate.train.presets import TrainSettings

__all__ = [
    "AdaBelief",
    "LearningRateDropout",
    "learning_rate",
    "make_optimizer",
    "optimizer_tensors",
    "restore_optimizer",
]

_EPSILON = 1e-6


class AdaBelief(Optimizer):
    """AdaBelief without bias correction: the step shrinks where gradients disagree.

    m ← .9 m + .1 g; v ← .999 v + .001 (g - m)²; w ← w - lr · m / (√v + 1e-6), all tensors at once.
    """

    def __init__(self, params: Iterable[nn.Parameter], lr: float) -> None:
        super().__init__(params, {"lr": lr})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Move the weights once."""
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            for p in params:
                if not self.state[p]:
                    self.state[p] = {"m": torch.zeros_like(p), "v": torch.zeros_like(p)}
            self._move(params, group["lr"])
        return None if closure is None else closure()

    def _move(self, params: list[Tensor], lr: float) -> None:
        grads = [p.grad for p in params if p.grad is not None]
        means = [self.state[p]["m"] for p in params]
        spreads = [self.state[p]["v"] for p in params]
        torch._foreach_lerp_(means, grads, 0.1)
        surprise = torch._foreach_sub(grads, means)
        torch._foreach_mul_(spreads, 0.999)
        torch._foreach_addcmul_(spreads, surprise, surprise, 0.001)
        roots = torch._foreach_sqrt(spreads)
        torch._foreach_add_(roots, _EPSILON)
        torch._foreach_addcdiv_(params, means, roots, -lr)


class LearningRateDropout:
    """Let a random share of the weights move in each step.

    The choice is a window, at a random place, into one fixed random pattern: fresh random numbers
    for every weight would cost as much as the rest of the optimiser's work.

    Args:
        params: All weights.
        share: Of the weights that move, as 0.3.
        seed: Of the pattern and of the places.
    """

    def __init__(self, params: list[nn.Parameter], share: float, seed: int) -> None:
        self._params, self._seed = params, seed
        self._room = 1 << 20
        size = max(p.numel() for p in params) + self._room
        generator = torch.Generator().manual_seed(seed)
        pattern = torch.rand(size, generator=generator) < share
        self._pattern = pattern.to(params[0].device, params[0].dtype)

    @torch.no_grad()
    def step(self, optimizer: Optimizer, step: int) -> None:
        """Let the optimiser move all weights, then take back the move of those not chosen."""
        before = [p.detach().clone() for p in self._params]
        optimizer.step()
        generator = torch.Generator().manual_seed((self._seed * 1_000_003 + step) % (1 << 63))
        starts = torch.randint(self._room, (len(before),), generator=generator).tolist()
        for p, old, start in zip(self._params, before, starts, strict=True):
            chosen = self._pattern[start : start + p.numel()].as_strided(p.shape, p.stride())
            p.copy_(torch.lerp(old, p, chosen))


def make_optimizer(params: list[nn.Parameter], settings: TrainSettings) -> Optimizer:
    """Return the optimiser of the settings, in torch's fused form where there is one."""
    lr = settings.learning_rate
    if settings.optimizer == "adam":
        return Adam(params, lr, betas=(0.9, settings.second_moment), fused=True)
    if settings.optimizer == "rmsprop":
        return RMSprop(params, lr, alpha=0.9, eps=_EPSILON, foreach=True)
    return AdaBelief(params, lr)


def learning_rate(settings: TrainSettings, step: int, schedule_steps: int) -> float:
    """Return the learning rate of a step: rise, stay, fall along a cosine, stay low.

    Args:
        settings: Of the training.
        step: Number of the step, from 0.
        schedule_steps: Length of the schedule; later steps keep its last value.

    Example:
        >>> settings = TrainSettings(learning_rate=1e-3, warm_up_steps=10, decay_from=0.5)
        >>> [round(learning_rate(settings, step, 100), 6) for step in (0, 50, 75, 100, 200)]
        [0.0001, 0.001, 0.000525, 5e-05, 5e-05]
    """
    rise = min(1.0, (step + 1) / max(1, settings.warm_up_steps))
    done, start = step / schedule_steps, settings.decay_from
    if start >= 1 or done <= start:
        return settings.learning_rate * rise
    fall = (1 + math.cos(math.pi * min(1.0, (done - start) / (1 - start)))) / 2
    return settings.learning_rate * rise * (settings.decay_to + (1 - settings.decay_to) * fall)


def optimizer_tensors(optimizer: Optimizer, names: dict[Tensor, str]) -> dict[str, Tensor]:
    """Return the optimiser's state as named tensors: ``<weight>/<entry>``."""
    return {
        f"{names[param]}/{entry}": torch.as_tensor(value)
        for param, state in optimizer.state.items()
        for entry, value in state.items()
    }


def restore_optimizer(
    optimizer: Optimizer, names: dict[Tensor, str], tensors: dict[str, Tensor]
) -> None:
    """Put a saved state back; what the save does not name starts afresh."""
    by_name = {name: param for param, name in names.items()}
    for key, value in tensors.items():
        name, _, entry = key.rpartition("/")
        param = by_name.get(name)
        if param is not None:
            state: dict[str, Any] = optimizer.state[param]
            state[entry] = _like(param, value)


def _like(param: Tensor, value: Tensor) -> Tensor:
    """Return a saved tensor in the layout and on the device of its weight."""
    if value.shape != param.shape:  # a step counter
        return value.clone()
    return torch.empty_like(param).copy_(value)
