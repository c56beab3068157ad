"""A mask model on disk: one safetensors file whose header says what it is.

A training keeps its folder; the newest weights lie in it as ``mask.safetensors``, and that file
alone is the model: it may be copied, renamed, handed on.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from faceplate import __version__
from faceplate.config import from_dict, to_dict
from faceplate.errors import BadSettings, Damaged
from faceplate.io.atomic import write_bytes
from faceplate.segment import MASK_NETWORKS
from faceplate.segment.maskfile import mask_file
from faceplate.segment.masknet import MaskNet, MaskNetConfig

__all__ = [
    "MaskModelConfig",
    "open_mask_model",
    "read_mask_model",
    "write_mask_model",
]

_KEY = "faceplate_mask"


@dataclass(frozen=True)
class MaskModelConfig:
    """What a mask model is."""

    network: str = "ternausnet"
    """Name in `faceplate.segment.MASK_NETWORKS`."""
    net: MaskNetConfig = field(default_factory=MaskNetConfig)
    """Shape of the network."""
    face_type: str = ""
    """Framing that it was trained on, such as ``whole_face``; empty: it takes several."""
    trained_on: str = ""
    """What faces it has seen."""
    code_version: str = __version__
    """Version of Faceplate that made it."""
    format: int = 1
    """Version of this file format."""


def write_mask_model(path: Path, config: MaskModelConfig, weights: Mapping[str, Tensor]) -> None:
    """Write a mask model, whole or not at all. Raises DiskFull."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    text = json.dumps(to_dict(config), sort_keys=True)
    write_bytes(path, bytes(save(plain, metadata={_KEY: text})))


def read_mask_model(path: Path) -> tuple[MaskModelConfig, dict[str, Tensor]]:
    """Return what a mask model is, and its weights.

    Args:
        path: Its file, or the folder of its training.

    Raises:
        NotFound: There is no such file.
        Damaged: It is no mask model, or a broken one.
        BadSettings: It is of a newer Faceplate.
    """
    file = mask_file(path)
    try:
        with safe_open(file, "pt") as tensors:
            text = (tensors.metadata() or {}).get(_KEY)
            weights = {name: tensors.get_tensor(name) for name in tensors.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise Damaged(f"{file} is no mask model, or a broken one: {error}") from error
    if text is None:
        raise Damaged(f"{file} is a safetensors file, and no mask model of Faceplate")
    return _config(text, file), weights


def open_mask_model(path: Path) -> tuple[MaskModelConfig, MaskNet]:
    """Return a mask model with its network, in float32 and ready to predict.

    Raises:
        NotFound: There is no such file.
        Damaged: It is no mask model, or its weights do not fit its network.
        BadSettings: It is of a newer Faceplate.
    """
    config, weights = read_mask_model(path)
    net = MASK_NETWORKS.load(config.network)(config.net)
    try:
        net.load_state_dict({name: _wide(tensor) for name, tensor in weights.items()})
    except RuntimeError as error:
        raise Damaged(f"{mask_file(path)}: its weights do not fit its network: {error}") from error
    return config, net.eval()


def _config(text: str, file: Path) -> MaskModelConfig:
    try:
        values: dict[str, Any] = dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise Damaged(f"{file}: what it says about itself cannot be read: {error}") from error
    config = from_dict(MaskModelConfig, values, str(file))
    if config.format != 1:
        raise BadSettings(
            f"{file}: mask model of format {config.format}, newer than this Faceplate (1); "
            "update Faceplate"
        )
    return config


def _wide(tensor: Tensor) -> Tensor:
    return tensor.to(torch.float32) if tensor.is_floating_point() else tensor
