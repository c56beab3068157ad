"""Where a mask model lies, and which it is, without opening it."""

from collections.abc import Callable
from pathlib import Path

from faceplate.errors import NotFound
from faceplate.provenance.hashing import sha256_file
from faceplate.segment import SEGMENTERS, is_mask_path

__all__ = ["MASK_FILE", "mask_file", "mask_sha256", "segmenter_sha256"]

MASK_FILE = "mask.safetensors"
"""The model in the folder of its training."""


def mask_file(path: Path) -> Path:
    """Return the file of a model that is named by its file or its folder. Raises NotFound."""
    if path.is_dir() and (path / MASK_FILE).is_file():
        return path / MASK_FILE
    if path.is_file():
        return path
    if path.is_dir():
        raise NotFound(f"{path} has no {MASK_FILE}: train it first, or name a mask model's file")
    raise NotFound(f"there is no mask model {path}")


def mask_sha256(path: Path) -> str:
    """Return the sha256 of a model's file. Raises NotFound."""
    return sha256_file(mask_file(path))


def segmenter_sha256(name: str, weights: Callable[[str], Path]) -> str:
    """Return what tells a segmenter: the sha256 of its weights.

    Args:
        name: As of `load_segmenter`.
        weights: Gives the file of a card.

    Raises:
        UnknownComponent, NotFound, WeightsMissing: As of `load_segmenter`.
    """
    if is_mask_path(name):
        return mask_sha256(Path(name))
    return sha256_file(weights(SEGMENTERS.load(name).card))
