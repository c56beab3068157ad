"""What a training step takes of memory, by arithmetic: nothing is computed and nothing held.

The step runs on fake tensors, which have a shape and no content. Each allocation is counted when
its storage appears, and again when it goes; so the figure knows the order of the backward pass, in
which activations go while gradients come.
"""

import dataclasses
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from faceplate.models.net import NetConfig, SwapNet
from faceplate.train.losses import Target, forget_filters
from faceplate.train.presets import TrainSettings
from faceplate.train.step import SideTensors, Stepper

__all__ = ["Allocations", "Footprint", "footprint"]

_MOMENTS = {"adam": 2, "adabelief": 2, "rmsprop": 1}
_PATTERN_ROOM = 1 << 20


@dataclass(frozen=True)
class Footprint:
    """Bytes of one training step."""

    parameters: int
    """Number of the model's weights, not bytes."""
    weights: int
    """Of the model and its discriminators, with the running mean where there is one."""
    optimizer: int
    """State of all optimisers."""
    gradients: int
    """Of all weights that move."""
    activations: int
    """Most that the forward pass keeps, with the batch; or that the backward pass holds besides the
    gradients, where that computes inner results a second time."""

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.optimizer + self.gradients + self.activations


class Allocations(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types for it
    """Counts the bytes of tensors that live, while it is on.

    Example:
        >>> with FakeTensorMode(), Allocations() as count:
        ...     x = torch.zeros(1000)
        ...     y = (x + 1) * 2
        >>> count.live, count.peak
        (8000, 12000)
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no types for it
        self.live = 0
        """Bytes that are held now."""
        self.peak = 0
        """Most bytes that were held at once."""
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run an operation and take note of the storages that it made."""
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._see(leaf.untyped_storage())
        return result

    def _see(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key not in self._known:
            self._known.add(key)
            self.live += storage.nbytes()
            self.peak = max(self.peak, self.live)
            weakref.finalize(storage, self._forget, key, storage.nbytes())

    def _forget(self, key: int, nbytes: int) -> None:
        self._known.discard(key)
        self.live -= nbytes


def footprint(
    kind: type[SwapNet],
    config: NetConfig,
    settings: TrainSettings,
    device: torch.device,
    dtype: torch.dtype,
) -> Footprint:
    """Return what a step of a network takes on a device.

    Args:
        kind: Architecture of the network.
        config: Its shape.
        settings: Of the training.
        device: Where it would run.
        dtype: Number format inside the network.
    """
    plain = dataclasses.replace(settings, lr_dropout=0.0, compile=False, offload_optimizer=False)
    with _fake(), torch.device(device), Allocations() as count:
        stepper = Stepper(kind(config), plain, 1, device, dtype, seed=0)
        weights = count.live
        moved = [p.numel() * 4 for mover in stepper.movers() for p in mover.weights]
        forward, both = _run(stepper, count, config.resolution, plain)
        total = sum(p.numel() for p in stepper.net.parameters())
    return Footprint(
        parameters=total,
        weights=weights,
        optimizer=_optimizer_bytes(moved, settings, device),
        gradients=sum(moved),
        activations=max(forward, both - sum(moved)) - weights,
    )


@contextmanager
def _fake() -> Iterator[None]:
    """Make tensors without content, and keep those apart that the losses hold on to."""
    forget_filters()
    try:
        with FakeTensorMode():
            yield
    finally:
        forget_filters()


def _run(
    stepper: Stepper, count: Allocations, resolution: int, settings: TrainSettings
) -> tuple[int, int]:
    """Run one part of a step; return the most bytes of its forward pass, and of all of it."""
    size, device = settings.batch // settings.gradient_accumulation, stepper.device

    def images(channels: int) -> Tensor:
        return torch.zeros(size, channels, resolution, resolution, device=device).contiguous(
            memory_format=torch.channels_last
        )

    batch = [
        SideTensors(images(3), Target(images(3), images(1), images(1)))
        for _ in range(stepper.net.people)
    ]
    count.peak = count.live
    losses = stepper.losses(batch, torch.Generator())
    forward = count.peak
    torch.autograd.backward(losses.total)
    return forward, count.peak


def _optimizer_bytes(moved: list[int], settings: TrainSettings, device: torch.device) -> int:
    """Return the size of the optimisers' state on the device of the network."""
    pattern = max(moved) + _PATTERN_ROOM * 4 if settings.lr_dropout else 0
    state = _MOMENTS[settings.optimizer] * sum(moved) + pattern
    return 0 if settings.offload_optimizer and device.type != "cpu" else state
