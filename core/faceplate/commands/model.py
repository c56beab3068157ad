"""``faceplate model``: what a swap model is and which saves it has."""

from dataclasses import dataclass
from pathlib import Path

from faceplate.context import Context
from faceplate.errors import Damaged
from faceplate.models.folder import ModelFolder, SwapModelConfig
from faceplate.models.save import Save

__all__ = ["ModelInfo", "SaveInfo", "ShowModel", "show_model"]


@dataclass(frozen=True)
class ShowModel:
    """Tell what a swap model is, and check each of its saves."""

    model: str
    """Folder of the model."""


@dataclass(frozen=True)
class SaveInfo:
    """One save of a model."""

    step: int
    """Training steps done."""
    state: str
    """whole or damaged."""
    sha256: str
    """Of its weights; empty where it is damaged."""


@dataclass(frozen=True)
class ModelInfo:
    """A swap model."""

    config: SwapModelConfig
    """What it was created as."""
    saves: tuple[SaveInfo, ...]
    """Oldest first."""


def show_model(job: ShowModel, context: Context) -> ModelInfo:
    """Read a model folder and check its saves. Raises NotFound or BadSettings."""
    folder = ModelFolder(Path(job.model))
    return ModelInfo(folder.config, tuple(_info(save) for save in folder.saves()))


def _info(save: Save) -> SaveInfo:
    try:
        save.verify()
    except Damaged:
        return SaveInfo(save.step, "damaged", "")
    return SaveInfo(save.step, "whole", save.sha256())
