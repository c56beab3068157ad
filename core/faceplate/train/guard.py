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
"""Steps over which losses are averaged, to know how low they were."""
_FEW = 5
"""Steps over which losses are averaged, to know how they are now."""
_MOST_SPIKE = 4.0
"""A single loss counts as this many times the mean at most: one bad batch is no trouble."""
_RUNAWAY = 2.5
"""Loss of a few steps over the lowest mean loss that is a runaway."""
_CALM = 1.5
"""Loss of a few steps over the lowest mean loss up to which all is well."""
_ARMED = 0.1
"""Faces vary at least by this share of what the real ones do before a fall can be a collapse."""
_COLLAPSED = 0.2
"""Share of the widest spread below which it is a collapse, at two looks in a row."""
_DEAD = 1e-5
"""Spread of a network that no longer sees its input; a fresh one has a hundred times as much."""
_NO_SPREAD = 1e-3
"""Standard deviation of faces that are all alike."""


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
        lowest: Mean loss of both people that it had come to, if that can be compared.

    Example:
        >>> guard = Guard(0)
        >>> trouble = guard.losses(1, 0.5, float("nan"))
        >>> trouble.kind, trouble.good_step
        ('not finite', 0)
    """

    def __init__(self, step: int, lowest: float = math.inf) -> None:
        self._calm_step = self._wide_step = self._first = step
        self._lowest = lowest if math.isfinite(lowest) else math.inf
        self._mean = self._lowest if math.isfinite(self._lowest) else math.nan
        self._few = self._mean
        self._widest_image = self._widest_code = 0.0
        self._narrow: str | None = None

    @property
    def is_calm(self) -> bool:
        """Whether nothing looks like trouble yet; what is saved now is worth going back to."""
        return self._narrow is None and not self._few > _CALM * self._lowest

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
            self._few = loss
        counted = min(loss, _MOST_SPIKE * self._mean)
        self._mean += (counted - self._mean) / _MEMORY
        self._few += (counted - self._few) / _FEW
        if step - self._first >= _MEMORY:
            self._lowest = min(self._lowest, self._mean)
        if self._few <= _CALM * self._lowest:
            self._calm_step = step
        if self._few <= _RUNAWAY * self._lowest:
            return None
        return Trouble(
            "runaway",
            max(self._first, self._calm_step - _FEW),  # a mean is as late as it is long
            f"the mean loss at step {step} is {self._few:.3g}, after {self._lowest:.3g} before",
        )

    def spread(self, step: int, spread: Spread) -> Trouble | None:
        """Look at the spread of faces and codes; None where all is well.

        Codes count once the faces have begun to differ: before, while the network learns the mean
        face, they come together by themselves.
        """
        before, self._narrow = self._narrow, self._what_is_narrow(spread)
        if self._narrow is None:
            self._wide_step = step
        if self._narrow is None or before is None:  # twice in a row is no accident
            return None
        return Trouble(
            "collapse", min(self._wide_step, self._calm_step), f"step {step}: {self._narrow}"
        )

    def _what_is_narrow(self, spread: Spread) -> str | None:
        image, code = _number(spread.image), _number(spread.code)
        self._widest_image = max(self._widest_image, image)
        is_armed = self._widest_image >= _ARMED
        if is_armed and spread.code is not None:
            self._widest_code = max(self._widest_code, code)
        if image < max(_DEAD, _COLLAPSED * self._widest_image * is_armed):
            before = self._widest_image
            return f"all faces come out alike: they differ by {image:.2g} after {before:.2g}"
        if spread.code is not None and code < _COLLAPSED * self._widest_code:
            return f"all codes are alike: they differ by {code:.2g} after {self._widest_code:.2g}"
        return None


def _number(value: float | None) -> float:
    """Return a spread; one that is not finite, or not there, is none."""
    return value if value is not None and math.isfinite(value) else 0.0


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
