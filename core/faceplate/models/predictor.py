"""Faces in, swapped faces out: load a swap model, then predict with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from faceplate.errors import BadShape, Damaged
from faceplate.models import ARCHITECTURES
from faceplate.models.choices import Precision
from faceplate.models.device import memory_format, pick_device, pick_precision
from faceplate.models.folder import ModelFolder, SwapModelConfig
from faceplate.models.net import People, SwapNet

__all__ = ["Prediction", "Predictor", "load_predictor", "load_weights"]

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Prediction:
    """What the network makes of a batch of N crops of S pixels."""

    face: Array
    """The face that goes in, N x S x S x 3, RGB, working encoding 0..1."""
    likeness_matte: Array
    """Where that face is, N x S x S, 0..1."""
    performer_matte: Array
    """Where the face of the person in the plate is, N x S x S, 0..1."""


class Predictor:
    """A loaded swap model. Crops go through one by one: a batch never changes a result.

    Attributes:
        config: What the model is.
        sha256: Hash of its weights, for provenance.
    """

    def __init__(
        self,
        net: SwapNet,
        config: SwapModelConfig,
        sha256: str,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.config, self.sha256 = config, sha256
        self._device, self._dtype = device, dtype
        self._format = memory_format(device)
        self._net = net.eval().requires_grad_(False).to(device, dtype)
        convert_conv2d_weight_memory_format(self._net, self._format)

    @property
    def resolution(self) -> int:
        """Side of a crop in pixels."""
        return self.config.net.resolution

    @property
    def parameter_bytes(self) -> int:
        """Bytes of its parameters."""
        return sum(each.numel() * each.element_size() for each in self._net.parameters())

    def predict(
        self, crops: Array, people: People = (0, 1), morph: float | None = None
    ) -> Prediction:
        """Swap crops.

        Args:
            crops: N x S x S x 3 RGB in the model's working encoding, S its resolution; values are
                clipped to 0..1.
            people: Whose face goes in, and who is in the plate, as the model numbers them.
            morph: Share of the likeness, 0..1, where the architecture has one; None is all of it.

        Raises:
            BadShape: The crops have another shape.
        """
        side = self.resolution
        if crops.ndim != 4 or crops.shape[1:] != (side, side, 3):
            raise BadShape("crops of a prediction", crops.shape, f"(N, {side}, {side}, 3)")
        faces = np.empty(crops.shape, np.float32)
        mattes = np.empty((2, *crops.shape[:3]), np.float32)
        for index, crop in enumerate(crops):
            faces[index], mattes[0, index], mattes[1, index] = self._one(crop, people, morph)
        return Prediction(faces, mattes[0], mattes[1])

    def _one(self, crop: Array, people: People, morph: float | None) -> tuple[Array, Array, Array]:
        clipped = np.clip(np.nan_to_num(crop), 0, 1)  # HWC
        tensor = torch.from_numpy(clipped).permute(2, 0, 1).unsqueeze(0)  # (1, 3, S, S)
        tensor = tensor.to(self._device, self._dtype).contiguous(memory_format=self._format)
        with torch.inference_mode():
            image, likeness, performer = self._net(tensor, morph, people)
        return _hwc(image[0]), _hwc(likeness[0])[..., 0], _hwc(performer[0])[..., 0]


def load_predictor(
    folder: ModelFolder | Path | str, device: str = "auto", precision: Precision = "auto"
) -> Predictor:
    """Load the newest save of a swap model for prediction.

    Args:
        folder: The model or its folder.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto`` takes bfloat16 weights where the CPU has AMX or a GPU is used.

    Raises:
        NotFound: There is no model, or it has no save.
        Damaged: No save is whole, or the weights do not fit the config.
    """
    model = folder if isinstance(folder, ModelFolder) else ModelFolder(folder)
    save = model.latest()
    config = model.config_of(save)
    net = ARCHITECTURES.load(config.architecture)(config.net)
    load_weights(net, save.weights(), str(save.path))
    target = pick_device(device)
    return Predictor(net, config, save.sha256(), target, pick_precision(target, precision))


def load_weights(net: nn.Module, weights: Mapping[str, Tensor], what: str) -> None:
    """Load weights of any number format into a network, every tensor or none.

    Raises:
        Damaged: A tensor is missing, unknown or of another shape; the message names it. A part is
            never left at its random start.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    got = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for name in sorted(wanted.keys() | got.keys()):
        if wanted.get(name) != got.get(name):
            raise Damaged(
                f"{what}: the weights do not fit the model's config: {name} is "
                f"{got.get(name, 'missing')}, expected {wanted.get(name, 'none of that name')}"
            )
    net.load_state_dict(dict(weights))


def _hwc(tensor: Tensor) -> Array:
    array: Array = tensor.float().permute(1, 2, 0).cpu().numpy()
    return array
