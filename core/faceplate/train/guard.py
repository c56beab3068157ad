"""Sees early that a training goes wrong: losses that are no numbers, that run away, or a network
that makes the same face of every face.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faceplate.models.net import SwapNet

__all__ = ["Guard", "Spread", "Trouble", "measure_spread"]

_MEMORY = 20
"""Steps over which losses are averaged."""
_MOST_SPIKE = 4.0
"""A single loss counts as this many times the mean at most: one bad batch is no trouble."""
_RUNAWAY = 3.0
"""Mean loss over the lowest mean loss that is a runaway."""
_CALM = 1.5
"""Mean loss over the lowest up to which all is well."""
_ARMED = 0.1
"""Faces vary at least by this share of what the real ones do before a fall can be a collapse."""
_COLLAPSED = 0.2
"""Share of the widest spread below which it is a collapse, at two looks in a row."""
_NO_SPREAD = 1e-3


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a training."""

    kind: Literal["not finite", "runaway", "collapse"]
    good_step: int
    """All was well up to this step."""
    text: str
    """One sentence with the figures."""


@dataclass(frozen=True)
class Spread:
    """How much what a network makes of different faces differs."""

    image: float
    """Standard deviation over the faces, as a share of that of the real ones."""
    code: float | None
    """Standard deviation of the codes over the faces, over their mean size; None without codes."""


class Guard:
    """Watches one run of a training.

    Args:
        step: Steps that the model has seen.

    Example:
        >>> guard = Guard(0)
        >>> trouble = guard.losses(1, 0.5, float("nan"))
        >>> trouble.kind, trouble.good_step
        ('not finite', 0)
    """

    def __init__(self, step: int) -> None:
        self._calm_step = self._wide_step = self._first = step
        self._mean = math.nan
        self._lowest = math.inf
        self._widest: dict[str, float] = {}
        self._narrow: set[str] = set()

    def losses(self, step: int, likeness: float, performer: float) -> Trouble | None:
        """Look at the losses of a step; None where all is well."""
        loss = likeness + performer
        if not math.isfinite(loss):
            return Trouble(
                "not finite",
                self._calm_step,
                f"the losses of step {step} are {likeness} and {performer}",
            )
        if math.isnan(self._mean):
            self._mean = loss
        self._mean += (min(loss, _MOST_SPIKE * self._mean) - self._mean) / _MEMORY
        if step - self._first >= _MEMORY:
            self._lowest = min(self._lowest, self._mean)
        if self._mean <= _CALM * self._lowest:
            self._calm_step = step
        if self._mean <= _RUNAWAY * self._lowest:
            return None
        return Trouble(
            "runaway",
            self._calm_step,
            f"the mean loss at step {step} is {self._mean:.3g}, after {self._lowest:.3g} before",
        )

    def spread(self, step: int, spread: Spread) -> Trouble | None:
        """Look at the spread of predictions and codes; None where all is well."""
        figures = {"faces": spread.image}
        if spread.code is not None:
            figures["codes"] = spread.code
        narrow = {name for name, value in figures.items() if self._is_narrow(name, value)}
        again, self._narrow = narrow & self._narrow, narrow
        if not narrow:
            self._wide_step = step
        if not again:
            return None
        name = min(again)
        return Trouble(
            "collapse",
            min(self._wide_step, self._calm_step),
            f"all {name} come out nearly alike at step {step}: their spread is "
            f"{figures[name]:.3g}, after {self._widest[name]:.3g} before",
        )

    def _is_narrow(self, name: str, value: float) -> bool:
        widest = max(self._widest.get(name, 0.0), value if math.isfinite(value) else 0.0)
        self._widest[name] = widest
        return widest >= _ARMED and not value >= _COLLAPSED * widest


def measure_spread(net: SwapNet, faces: list[NDArray[np.float32]], device: torch.device) -> Spread:
    """Let a network rebuild fixed faces and measure how much the results differ.

    Args:
        net: The network.
        faces: Of each person it holds, N x R x R x 3, 0..1, of any number each.
        device: Where the network is.

    Returns:
        The smallest spread of all people; 1 for people whose faces are all alike.
    """
    sides = [torch.from_numpy(side).permute(0, 3, 1, 2).to(device) for side in faces]
    with torch.inference_mode():
        passed = net.train_pass(sides, torch.Generator().manual_seed(0))
    images = [
        _share(decoded.image, side) for decoded, side in zip(passed.decoded, sides, strict=True)
    ]
    codes = [_relative(code) for code in passed.codes if len(code) > 1]
    return Spread(min(images), min(codes) if codes else None)


def _share(made: Tensor, real: Tensor) -> float:
    if len(real) < 2:
        return 1.0
    wanted = float(real.float().std(0).mean())
    return 1.0 if wanted < _NO_SPREAD else float(made.float().std(0).mean()) / wanted


def _relative(code: Tensor) -> float:
    flat = code.float().flatten(1)
    size = float(flat.abs().mean())
    return float(flat.std(0).mean()) / size if size > 0 else 0.0
