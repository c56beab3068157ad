"""Where a mask model lies, and which it is, without opening it."""

import hashlib
from pathlib import Path

from faceplate.errors import NotFound

__all__ = ["MASK_FILE", "mask_file", "mask_sha256"]

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
    with mask_file(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
