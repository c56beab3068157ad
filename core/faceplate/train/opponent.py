"""A network that learns to tell what the swap model makes from what it should make.

It has an optimiser of its own, of the same kind and with the same schedule as the model's, and
learns from the same batch. What it holds is saved with the model and resumed bit for bit.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import binary_cross_entropy_with_logits

from faceplate.errors import BadSettings
from faceplate.models.device import lay_out, put_on
from faceplate.models.net import TrainPass
from faceplate.train.losses import Target
from faceplate.train.mover import Mover, detached, prefixed, unprefixed
from faceplate.train.presets import TrainSettings

__all__ = ["Opponent", "is_real"]


class Opponent(ABC):
    """A discriminator beside a training.

    Args:
        name: In saves and reports, as ``true_face``.
        power: Weight of its judgement in the model's loss.
        net: The discriminator; maps a tensor to logits, one or several.
        settings: Of the training.
        schedule_steps: Length of the schedule of the learning rate.
        device: Where it runs.
        seed: Of its weights and of its learning-rate dropout.
    """

    def __init__(
        self,
        name: str,
        power: float,
        net: nn.Module,
        settings: TrainSettings,
        schedule_steps: int,
        device: torch.device,
        seed: int,
    ) -> None:
        self.name, self.power = name, power
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net.apply(_glorot)
        put_on(net, device)
        self.net = net.train()
        lay_out(self.net, device)
        self.mover = Mover(self.net, settings, schedule_steps, seed)
        self.module: nn.Module = self.net

    @abstractmethod
    def pair(self, passed: TrainPass, targets: Sequence[Target]) -> tuple[Tensor, Tensor]:
        """Return what is real and what should pass for it, both as batches."""

    def fooled(self, fake: Tensor) -> Tensor:
        """Return the loss of the model: zero where `fake` passes for real.

        The discriminator's own weights get no gradient from it.
        """
        return is_real(_several(functional_call(self.net, detached(self.net), (fake,))), 1.0)

    def told_apart(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the discriminator's own loss; the model gets no gradient from it."""
        both = _several(self.module(torch.cat([real.detach(), fake.detach()])))
        count = len(real)
        right = is_real([logits[:count] for logits in both], 1.0)
        return (right + is_real([logits[count:] for logits in both], 0.0)) / 2

    def tensors(self) -> dict[str, Tensor]:
        """Return weights and optimiser as tensors for a save."""
        return {
            **prefixed(f"{self.name}/weights", self.net.state_dict()),
            **prefixed(f"{self.name}/optimizer", self.mover.tensors()),
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put a save back; a training without this opponent so far starts it afresh.

        Raises:
            BadSettings: The settings ask for another shape than the save's.
        """
        weights = unprefixed(f"{self.name}/weights", tensors)
        if not weights:
            return
        try:
            self.net.load_state_dict(weights)
        except RuntimeError as error:
            raise BadSettings(
                f"the save's {self.name} has another shape than the settings give it: leave them "
                f"as they were, or take {self.name}_power 0 for one save, after which it begins "
                f"afresh ({error})"
            ) from error
        self.mover.restore(unprefixed(f"{self.name}/optimizer", tensors))


def _glorot(module: nn.Module) -> None:
    """Initialise a convolution, transposed or not: Glorot uniform kernel, zero bias."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _several(logits: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return logits if isinstance(logits, tuple) else (logits,)


def is_real(judged: Sequence[Tensor], wanted: float) -> Tensor:
    """Return the binary cross-entropy of logits against `wanted`, summed over the outputs."""
    wide = [logits.to(torch.promote_types(logits.dtype, torch.float32)) for logits in judged]
    losses = [
        binary_cross_entropy_with_logits(logits, torch.full_like(logits, wanted)) for logits in wide
    ]
    return torch.stack(losses).sum()
