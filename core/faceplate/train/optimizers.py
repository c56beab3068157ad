"""How gradients become steps."""

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, overload

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from faceplate.train.presets import TrainSettings

__all__ = [
    "AdaBelief",
    "ChunkedOptimizer",
    "LearningRateDropout",
    "RMSprop",
    "learning_rate",
    "make_optimizer",
    "optimizer_tensors",
    "restore_optimizer",
]

logger = logging.getLogger(__name__)

_EPSILON = 1e-6
_ADAM = ("step", "exp_avg", "exp_avg_sq")
"""What torch's Adam keeps of each weight."""
_PIECE = 1 << 16
_PATTERN_ROOM = 1 << 20


class LearningRateDropout:
    """Lets a random share of the weights move in each step.

    The choice is a window, at a random place, into one fixed random pattern: fresh random numbers
    for every weight would cost as much as the rest of the optimiser's work.

    Args:
        params: All weights.
        share: Of the weights that move, as 0.3.
        seed: Of the pattern and of the places.
    """

    def __init__(self, params: list[nn.Parameter], share: float, seed: int) -> None:
        self._count, self._seed = len(params), seed
        size = max(p.numel() for p in params) + _PATTERN_ROOM
        generator = torch.Generator().manual_seed(seed)
        pattern = torch.rand(size, generator=generator) < share
        self._pattern = pattern.to(params[0].device, params[0].dtype)
        self.at(0)

    def at(self, step: int) -> None:
        """Choose anew, for a step."""
        generator = torch.Generator().manual_seed((self._seed * 1_000_003 + step) % (1 << 63))
        self._starts = torch.randint(_PATTERN_ROOM, (self._count,), generator=generator).tolist()

    def chosen(self, place: int, begin: int, end: int) -> Tensor:
        """Return ones and zeros for a range of the weights of the place-th tensor."""
        start = self._starts[place]
        return self._pattern[start + begin : start + end]


class ChunkedOptimizer(Optimizer, ABC):
    """An optimiser that works through flat weights piece by piece.

    On a CPU a piece with its state fits the second-level cache, so that every number is fetched
    from memory once per step instead of once per operation. Gradients are used up.

    Args:
        params: The weights; dense, in any layout.
        lr: Learning rate.
        dropout: Which weights move in a step; None moves all.
    """

    entries: tuple[str, ...] = ()

    def __init__(
        self,
        params: list[nn.Parameter],
        lr: float,
        dropout: LearningRateDropout | None = None,
    ) -> None:
        super().__init__(params, {"lr": lr})
        self._dropout = dropout

    @abstractmethod
    def direction(self, grad: Tensor, *state: Tensor) -> Tensor:
        """Update a piece of the state in place; return what to step against, in place of `grad`."""

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Move the weights once."""
        for group in self.param_groups:
            for place, param in enumerate(group["params"]):
                if param.grad is not None:
                    self._move(place, param, group["lr"])
        return None if closure is None else closure()

    def _move(self, place: int, param: Tensor, lr: float) -> None:
        state = self.state[param]
        for entry in self.entries:
            if entry not in state:
                state[entry] = torch.zeros_like(param)
        weights, grads = _flat(param), _flat(_laid_out_like(param, param.grad))
        states = [_flat(state[entry]) for entry in self.entries]
        piece = _PIECE if param.device.type == "cpu" else weights.numel()
        for begin in range(0, weights.numel(), piece):
            part = slice(begin, min(begin + piece, weights.numel()))
            change = self.direction(grads[part], *(values[part] for values in states))
            if self._dropout is not None:
                change.mul_(self._dropout.chosen(place, part.start, part.stop))
            weights[part].sub_(change, alpha=lr)


class RMSprop(ChunkedOptimizer):
    """a ← .9 a + .1 g²; w ← w - lr · g / (√a + 1e-6)."""

    entries = ("square",)

    def direction(self, grad: Tensor, *state: Tensor) -> Tensor:
        """Return g / (√a + 1e-6)."""
        (square,) = state
        square.mul_(0.9).addcmul_(grad, grad, value=0.1)
        return grad.div_(square.sqrt().add_(_EPSILON))


class AdaBelief(ChunkedOptimizer):
    """AdaBelief without bias correction: the step shrinks where gradients disagree.

    m ← .9 m + .1 g; v ← .999 v + .001 (g - m)²; w ← w - lr · m / (√v + 1e-6).
    """

    entries = ("mean", "spread")

    def direction(self, grad: Tensor, *state: Tensor) -> Tensor:
        """Return m / (√v + 1e-6)."""
        mean, spread = state
        mean.lerp_(grad, 0.1)
        surprise = grad.sub_(mean)
        spread.mul_(0.999).addcmul_(surprise, surprise, value=0.001)
        return torch.div(mean, spread.sqrt().add_(_EPSILON), out=grad)


def make_optimizer(
    params: list[nn.Parameter],
    settings: TrainSettings,
    dropout: LearningRateDropout | None = None,
) -> Optimizer:
    """Return the optimiser of the settings, in torch's fused form where there is one."""
    lr = settings.learning_rate
    if settings.optimizer == "adam":
        return Adam(params, lr, betas=(settings.first_moment, settings.second_moment), fused=True)
    kind = RMSprop if settings.optimizer == "rmsprop" else AdaBelief
    return kind(params, lr, dropout)


def learning_rate(settings: TrainSettings, step: int, schedule_steps: int) -> float:
    """Return the learning rate of a step: rise, stay, fall along a cosine, stay low.

    With `lr_cos` it swings between that and zero besides, along a cosine of that period.

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
    if settings.lr_cos:
        rise *= (1 + math.cos(2 * math.pi * step / settings.lr_cos)) / 2
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
    """Put a saved state back; what the save does not name starts afresh.

    So does all of it where the save is of another optimiser, which is logged.
    """
    by_name = {name: param for param, name in names.items()}
    known = optimizer.entries if isinstance(optimizer, ChunkedOptimizer) else _ADAM
    foreign: set[str] = set()
    for key, value in tensors.items():
        name, _, entry = key.rpartition("/")
        param = by_name.get(name)
        if param is None:
            continue
        if entry not in known:
            foreign.add(entry)
            continue
        state: dict[str, Any] = optimizer.state[param]
        state[entry] = _like(param, value)
    if foreign:
        logger.warning(
            "the save is of another optimiser (%s): %s begins afresh",
            ", ".join(sorted(foreign)),
            type(optimizer).__name__,
        )


def _like(param: Tensor, value: Tensor) -> Tensor:
    """Return a saved tensor in the layout and on the device of its weight."""
    if value.shape != param.shape:  # a step counter
        return value.clone()
    return torch.empty_like(param).copy_(value)


def _laid_out_like(param: Tensor, grad: Tensor | None) -> Tensor:
    assert grad is not None
    return grad if grad.stride() == param.stride() else torch.empty_like(param).copy_(grad)


def _flat(dense: Tensor) -> Tensor:
    """Return a view of a dense tensor in the order in which it lies in memory."""
    return dense.detach().as_strided((dense.numel(),), (1,))
