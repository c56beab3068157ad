"""One step of a training: a batch in, weights moved, two losses out."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from faceplate.models.device import lay_out, memory_format
from faceplate.models.df import DF
from faceplate.train.loader import Batch, SideBatch
from faceplate.train.losses import FaceLoss
from faceplate.train.optimizers import LearningRateDropout, learning_rate, make_optimizer
from faceplate.train.presets import TrainSettings

__all__ = ["Stepper"]


class Stepper:
    """A network with its optimiser, laid out for speed on its device.

    Args:
        net: The network; its weights are moved in place.
        settings: Of the training.
        schedule_steps: Length of the schedule of the learning rate.
        device: Where it runs.
        dtype: Number format inside the network; bfloat16 runs under autocast, weights stay float32.
        seed: Of the learning-rate dropout.
    """

    def __init__(
        self,
        net: DF,
        settings: TrainSettings,
        schedule_steps: int,
        device: torch.device,
        dtype: torch.dtype,
        seed: int,
    ) -> None:
        self.net = net.to(device).train()
        self._format = memory_format(device)
        lay_out(self.net, device)
        self._params: list[nn.Parameter] = list(net.parameters())
        self._dropout = (
            LearningRateDropout(self._params, settings.lr_dropout, seed)
            if settings.lr_dropout > 0
            else None
        )
        self.optimizer = make_optimizer(self._params, settings, self._dropout)
        self._loss = FaceLoss(settings.mask_form, settings.eyes_mouth_priority)
        self._settings, self._schedule_steps = settings, schedule_steps
        self._device, self._dtype = device, dtype

    def __call__(self, batch: Batch) -> tuple[float, float]:
        """Learn from a batch; return the losses of the likeness and of the performer.

        Losses that are not finite move nothing.
        """
        likeness, performer = self.losses(batch)
        values = likeness.item(), performer.item()
        total = likeness + performer
        if bool(total.isfinite()):
            torch.autograd.backward(total)
            self.update(batch.step)
        return values

    def losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return both losses with their graph."""
        sides = [self._tensors(side) for side in (batch.likeness, batch.performer)]
        count = len(batch.likeness.image)
        with torch.autocast(self._device.type, self._dtype, self._dtype != torch.float32):
            code = self.net.encode(torch.cat([image for image, _, _ in sides]))
            decoded = (self.net.likeness(code[:count]), self.net.performer(code[count:]))
        first, second = (
            self._loss(image, matte, target, mattes[:, :1], mattes[:, 1:])
            for (image, matte), (_, target, mattes) in zip(decoded, sides, strict=True)
        )
        return first, second

    def update(self, step: int) -> None:
        """Move the weights along their gradients, as the schedule has it at `step`."""
        if self._settings.clip_gradients:
            clip_grad_norm_(self._params, 1.0, foreach=True)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self._settings, step, self._schedule_steps)
        if self._dropout is not None:
            self._dropout.at(step)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def _tensors(self, side: SideBatch) -> tuple[Tensor, Tensor, Tensor]:
        image, target, mattes = (
            self._tensor(array) for array in (side.image, side.target, side.mattes)
        )
        return image, target, mattes

    def _tensor(self, array: NDArray[np.float32]) -> Tensor:  # (B, R, R, C) -> (B, C, R, R)
        tensor = torch.from_numpy(array).permute(0, 3, 1, 2).to(self._device)
        return tensor.contiguous(memory_format=self._format)
