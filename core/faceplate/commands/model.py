"""``faceplate model``: what a swap model is, which saves it has, and a small copy of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from faceplate.context import Context
from faceplate.errors import Damaged
from faceplate.models.folder import ModelFolder, SwapModelConfig
from faceplate.models.save import Save

__all__ = [
    "ExportModel",
    "ExportResult",
    "ModelInfo",
    "SaveInfo",
    "ShowModel",
    "export_model",
    "show_model",
]


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


@dataclass(frozen=True)
class ExportModel:
    """Copy a swap model without what only its training needs."""

    model: str
    """Folder of the model; its newest whole save is taken."""
    out: str
    """Folder of the copy; it must hold no model yet."""
    dtype: Literal["float16", "float32"] = "float16"
    """Number format of the stored weights; float16 halves the size."""


@dataclass(frozen=True)
class ExportResult:
    """The copy of a swap model."""

    out: str
    """Its folder. It swaps as it is, and a copy of it can be trained on."""
    step: int
    """Training steps done."""
    size_mb: float
    """Size of the folder in megabytes (10⁶ bytes)."""
    sha256: str
    """Of its weights."""


def show_model(job: ShowModel, context: Context) -> ModelInfo:
    """Read a model folder and check its saves. Raises NotFound or BadSettings."""
    folder = ModelFolder(Path(job.model))
    return ModelInfo(folder.config, tuple(_info(save) for save in folder.saves()))


def export_model(job: ExportModel, context: Context) -> ExportResult:
    """Write the newest weights without the optimiser. Raises NotFound, Damaged or InvalidInput."""
    copy = ModelFolder(Path(job.model)).export(Path(job.out), job.dtype)
    size = sum(path.stat().st_size for path in copy.path.rglob("*") if path.is_file())
    save = copy.latest()
    return ExportResult(job.out, save.step, size / 1e6, save.sha256())


def _info(save: Save) -> SaveInfo:
    try:
        save.verify()
    except Damaged:
        return SaveInfo(save.step, "damaged", "")
    return SaveInfo(save.step, "whole", save.sha256())
