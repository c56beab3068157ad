"""One step of a mask training, and what the network finds meanwhile."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from faceplate.models.device import lay_out, memory_format
from faceplate.segment.agreement import mask_iou
from faceplate.segment.crops import view_to_size
from faceplate.segment.masknet import MaskNet
from faceplate.train.maskbank import MaskBank
from faceplate.train.maskjob import MaskTrainJob
from faceplate.train.mover import Mover
from faceplate.train.presets import TrainSettings

__all__ = ["MaskStepper", "dice_loss", "find_mattes", "mean_iou"]

Array = NDArray[np.float32]

_SMOOTH = 1.0


class MaskStepper:
    """Moves the weights of a mask network.

    Args:
        net: The network, on its device.
        job: The settings.
        device: Where it runs.
        dtype: Number format of its inner work.
    """

    def __init__(
        self, net: MaskNet, job: MaskTrainJob, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.net, self._dice, self._device, self._dtype = net, job.dice, device, dtype
        lay_out(net, device)
        settings = TrainSettings(
            steps=job.steps,
            batch=job.batch,
            optimizer=job.optimizer,
            learning_rate=job.learning_rate,
            first_moment=0.9,
            lr_dropout=job.lr_dropout,
            warm_up_steps=20,
            decay_from=0.5,
            decay_to=0.02,
            clip_gradients=True,
        )
        self._mover = Mover(net, settings, job.steps, job.seed)

    def __call__(self, step: int, views: Array, masks: Array) -> float:
        """Move the weights once; return the loss.

        Args:
            step: Its number, from 0.
            views: (B, R, R, 3) in 0..1.
            masks: (B, R, R) in 0..1.
        """
        self.net.train()
        wanted = torch.from_numpy(masks)[:, None].to(self._device)  # (B, 1, R, R)
        logits = self.net_logits(views)
        loss = binary_cross_entropy_with_logits(logits, wanted)
        if self._dice:
            loss = loss + self._dice * dice_loss(logits, wanted)
        torch.autograd.backward(loss)
        self._mover.move(step)
        return float(loss.detach())

    def net_logits(self, views: Array) -> Tensor:
        """Return (B, 1, R, R) float32 logits of (B, R, R, 3) views."""
        batch = torch.from_numpy(views).permute(0, 3, 1, 2).to(self._device)
        batch = batch.contiguous(memory_format=memory_format(self._device))
        with torch.autocast(self._device.type, self._dtype, self._dtype != torch.float32):
            return torch.as_tensor(self.net(batch)).float()

    def weights(self) -> dict[str, Tensor]:
        """Return the weights by name, running means included."""
        return dict(self.net.state_dict())

    def training_tensors(self) -> dict[str, Tensor]:
        """Return the optimiser's state."""
        return self._mover.tensors()

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put the optimiser's state back."""
        self._mover.restore(tensors)


def dice_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Return 1 minus the soft Dice coefficient, mean over the batch.

    F. Milletari et al., "V-Net", 3DV 2016, with squares in the denominator.

    Args:
        logits: (B, 1, H, W).
        wanted: The same, 0..1.
    """
    found = torch.sigmoid(logits)
    over = (1, 2, 3)
    both = (found * wanted).sum(over)
    each = found.square().sum(over) + wanted.square().sum(over)
    return 1 - ((2 * both + _SMOOTH) / (each + _SMOOTH)).mean()


def find_mattes(stepper: MaskStepper, bank: MaskBank, resolution: int, limit: int) -> list[Array]:
    """Return the mattes that the network finds in up to `limit` faces, R x R in 0..1 each."""
    stepper.net.eval()
    found = []
    with torch.inference_mode():
        for face in spread(bank, limit):
            view = view_to_size(bank.faces[face].floats()[0], resolution)
            found.append(torch.sigmoid(stepper.net_logits(view[None]))[0, 0].cpu().numpy())
    return found


def mean_iou(stepper: MaskStepper, bank: MaskBank, resolution: int, limit: int = 64) -> float:
    """Return the mean IoU over up to `limit` faces as they are."""
    values = [
        mask_iou(matte, view_to_size(bank.faces[face].floats()[1], resolution))
        for face, matte in zip(
            spread(bank, limit), find_mattes(stepper, bank, resolution, limit), strict=True
        )
    ]
    return float(np.mean(values))


def spread(bank: MaskBank, limit: int) -> list[int]:
    """Return the places of up to `limit` faces, spread evenly."""
    count = min(limit, len(bank.faces))
    return [int(place) for place in np.rint(np.linspace(0, len(bank.faces) - 1, count))]
