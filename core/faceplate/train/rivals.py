"""All discriminators of a training as one."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from faceplate.errors import BadSettings
from faceplate.models.net import NetConfig, SwapNet, TrainPass
from faceplate.train.gan import Gan
from faceplate.train.losses import Target
from faceplate.train.opponent import Opponent
from faceplate.train.presets import TrainSettings
from faceplate.train.trueface import SMALLEST_CODE, TrueFace

__all__ = ["Rivals", "check_rivals"]


class Rivals:
    """The discriminators that the settings ask for: TrueFace, GAN, both or none.

    Args:
        net: The swap model, on its device.
        settings: Of the training.
        schedule_steps: Length of the schedule of the learning rate.
        device: Where they run.
        seed: Of their weights.

    Raises:
        BadSettings: TrueFace is asked for with a network that has no code for it.
    """

    def __init__(
        self,
        net: SwapNet,
        settings: TrainSettings,
        schedule_steps: int,
        device: torch.device,
        seed: int,
    ) -> None:
        self._all: list[Opponent] = []
        if settings.true_face_power > 0:
            code = _code(net, device)
            self._all.append(TrueFace(code, settings, schedule_steps, device, seed))
        if settings.gan_power > 0:
            side = net.config.resolution
            self._all.append(Gan(side, settings, schedule_steps, device, seed + 1))

    def __iter__(self) -> Iterator[Opponent]:
        return iter(self._all)

    def judged(
        self, passed: TrainPass, targets: Sequence[Target]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return the model's losses by name, weighted not yet, and the discriminators' own."""
        fooled, own = {}, {}
        for opponent in self._all:
            real, fake = opponent.pair(passed, targets)
            fooled[opponent.name] = opponent.fooled(fake)
            own[f"{opponent.name}_own"] = opponent.told_apart(real, fake)
        return fooled, own

    def weighted(self, fooled: Mapping[str, Tensor]) -> list[Tensor]:
        """Return the model's losses times their powers."""
        return [opponent.power * fooled[opponent.name] for opponent in self._all]

    def each(self, do: Callable[[Opponent], None]) -> None:
        """Do something with every discriminator."""
        for opponent in self._all:
            do(opponent)

    def tensors(self) -> dict[str, Tensor]:
        """Return everything as tensors for a save."""
        return {name: value for rival in self._all for name, value in rival.tensors().items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put a save back. Raises BadSettings where its discriminators have another shape."""
        for opponent in self._all:
            opponent.restore(tensors)


def check_rivals(kind: type[SwapNet], config: NetConfig, settings: TrainSettings) -> None:
    """Refuse a discriminator that a network has nothing for; nothing is computed.

    Args:
        kind: Architecture of the network.
        config: Its shape.
        settings: Of the training.

    Raises:
        BadSettings: TrueFace is asked for, and there is no code, or one that is too small.
    """
    if settings.true_face_power > 0:
        device = torch.device("meta")
        with device:
            net = kind(config)
        _code(net, device)


def _code(net: SwapNet, device: torch.device) -> Tensor:
    """Return the code of an empty image, for its shape. Raises BadSettings as `check_rivals`."""
    config = net.config
    side = config.resolution
    empty = torch.zeros(1, 3, side, side, device=device)
    with torch.no_grad():
        codes = net.train_pass([empty] * net.people, torch.Generator().manual_seed(0)).codes
    if not codes:
        raise BadSettings(
            f"true_face_power: {type(net).__name__} has no code that both people share; leave it 0"
        )
    smallest = min(codes[0].shape[-2:])
    if smallest < SMALLEST_CODE:
        raise BadSettings(
            f"true_face_power: with options {config.options!r} the code of {config.core} pixels is "
            f"{smallest} x {smallest}, and TrueFace judges {SMALLEST_CODE} x {SMALLEST_CODE} or "
            f"more; take a resolution of {2 * config.core} or more, or options without 'd' or "
            "'t', or leave it 0"
        )
    return codes[0]
