"""One save of a swap model: a folder that is there whole or not at all.

``manifest.json`` names the sha256 of every other file. It is written into a hidden folder, synced,
and renamed as the last step; so whatever has its name and verifies is whole.
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from faceplate.errors import Damaged, DiskFull
from faceplate.io.atomic import is_no_room

__all__ = ["Save", "write_save_folder"]

_WEIGHTS, _OPTIMIZER, _STATE = "weights.safetensors", "optimizer.safetensors", "state.json"
_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Save:
    """A save on disk."""

    path: Path
    """Its folder."""
    step: int
    """Training steps that its weights have seen."""

    def verify(self) -> None:
        """Compare every file with the manifest. Raises Damaged, which names what is wrong."""
        for name in self._manifest():
            self._content(name)

    def weights(self) -> dict[str, Tensor]:
        """Return the weights by name, in the number format they are stored in."""
        return self._tensors(_WEIGHTS)

    def optimizer(self) -> dict[str, Tensor] | None:
        """Return the optimiser's tensors; None where the model was exported without them."""
        return self._tensors(_OPTIMIZER) if _OPTIMIZER in self._manifest() else None

    def state(self) -> dict[str, Any]:
        """Return the plain values that go with the weights."""
        return dict(json.loads(self._content(_STATE)))

    def sha256(self) -> str:
        """Return the hash of the weights file, as the manifest records it."""
        return self._manifest()[_WEIGHTS]

    def _tensors(self, name: str) -> dict[str, Tensor]:
        try:
            return dict(load(self._content(name)))
        except SafetensorError as error:
            raise Damaged(f"{self.path / name} is not a safetensors file: {error}") from error

    def _manifest(self) -> dict[str, str]:
        path = self.path / _MANIFEST
        try:
            files = json.loads(path.read_bytes())["files"]
            return {str(name): str(digest) for name, digest in files.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Damaged(f"{path} cannot be read: {error!r}") from error

    def _content(self, name: str) -> bytes:
        path, expected = self.path / name, self._manifest().get(name)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise Damaged(f"{path} cannot be read: {error}") from error
        if hashlib.sha256(content).hexdigest() != expected:
            raise Damaged(f"{path} is not what the manifest of the save recorded")
        return content


def write_save_folder(
    target: Path,
    step: int,
    weights: Mapping[str, Tensor],
    optimizer: Mapping[str, Tensor] | None,
    state: Mapping[str, Any],
) -> Save:
    """Write a save to `target`, whole or not at all.

    Raises:
        DiskFull: No room; `target` and its neighbours are as they were.
    """
    part = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}.part"
    try:
        part.mkdir(parents=True)
        _fill(part, weights, optimizer, state)
        if target.exists():  # a damaged one of the same step: whole ones are never written again
            shutil.rmtree(target)
        part.rename(target)
        _sync_folder(target.parent)
    except OSError as error:
        if is_no_room(error):
            raise DiskFull(
                f"no room for the save {target}: {error}. Earlier saves are intact; free some "
                "room and train on"
            ) from error
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Save(target, step)


def _fill(
    part: Path,
    weights: Mapping[str, Tensor],
    optimizer: Mapping[str, Tensor] | None,
    state: Mapping[str, Any],
) -> None:
    digests = {_WEIGHTS: _write(part / _WEIGHTS, _encode(weights))}
    if optimizer is not None:
        digests[_OPTIMIZER] = _write(part / _OPTIMIZER, _encode(optimizer))
    digests[_STATE] = _write(part / _STATE, _json(state))
    _write(part / _MANIFEST, _json({"format": 1, "files": digests}))
    _sync_folder(part)


def _encode(tensors: Mapping[str, Tensor]) -> bytes:
    plain = {
        name: tensor.detach().cpu().contiguous(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    return bytes(save(plain))


def _json(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, indent=2) + "\n").encode()


def _write(path: Path, content: bytes) -> str:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(content).hexdigest()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
