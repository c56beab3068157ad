"""One save of a swap model: a folder that is there whole or not at all.

``manifest.json`` names the sha256 of every other file. It is written into a hidden folder, synced,
and renamed as the last step; so whatever has its name and verifies is whole.
"""

import hashlib
import json
import logging
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from faceplate import __version__
from faceplate.errors import Damaged, DiskFull
from faceplate.io.atomic import is_no_room

__all__ = ["CONFIG", "Manifest", "Save", "copy_save", "newest_whole", "write_save_folder"]

logger = logging.getLogger(__name__)

CONFIG = "config.json"
_WEIGHTS, _OPTIMIZER, _STATE = "weights.safetensors", "optimizer.safetensors", "state.json"
_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What a save says about itself."""

    files: Mapping[str, str]
    """File name to sha256."""
    written: str = ""
    """Date and time, ISO 8601, UTC; empty in saves of early versions, as is what follows."""
    code_version: str = ""
    """Version of Faceplate that wrote it."""


@dataclass(frozen=True)
class Save:
    """A save on disk."""

    path: Path
    """Its folder."""
    step: int
    """Training steps that its weights have seen."""

    def verify(self) -> None:
        """Compare every file with the manifest. Raises Damaged, which names what is wrong."""
        files = self.manifest().files
        for name in {_WEIGHTS, _STATE, *files}:
            path = self.path / name
            with _readable(path), path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            _compare(path, digest, files.get(name))

    def weights(self) -> dict[str, Tensor]:
        """Return the weights by name, in the number format they are stored in."""
        return self._tensors(_WEIGHTS)

    @property
    def has_optimizer(self) -> bool:
        """Whether it holds what training goes on with; an exported model does not."""
        return _OPTIMIZER in self.manifest().files

    def optimizer(self) -> dict[str, Tensor] | None:
        """Return the optimiser's tensors; None where the model was exported without them."""
        return self._tensors(_OPTIMIZER) if self.has_optimizer else None

    def state(self) -> dict[str, Any]:
        """Return the plain values that go with the weights."""
        return dict(json.loads(self._content(_STATE)))

    def config(self) -> bytes | None:
        """Return the model's config as it was saved; None in a save of an early version."""
        return self._content(CONFIG) if CONFIG in self.manifest().files else None

    def sha256(self) -> str:
        """Return the hash of the weights file, as the manifest records it."""
        digest = self.manifest().files.get(_WEIGHTS)
        if digest is None:
            raise Damaged(f"{self.path / _MANIFEST} does not name {_WEIGHTS}")
        return digest

    def size(self) -> int:
        """Return the bytes of all its files."""
        return sum(path.stat().st_size for path in self.path.iterdir() if path.is_file())

    def manifest(self) -> Manifest:
        """Return what the save says about itself. Raises Damaged."""
        path = self.path / _MANIFEST
        try:
            values = json.loads(path.read_bytes())
            files = {_plain(str(name)): str(digest) for name, digest in values["files"].items()}
            return Manifest(
                files, str(values.get("written", "")), str(values.get("code_version", ""))
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Damaged(f"{path} cannot be read: {error!r}") from error

    def _tensors(self, name: str) -> dict[str, Tensor]:
        try:
            return dict(load(self._content(name)))
        except SafetensorError as error:
            raise Damaged(f"{self.path / name} is not a safetensors file: {error}") from error

    def _content(self, name: str) -> bytes:
        path, expected = self.path / name, self.manifest().files.get(name)
        with _readable(path):
            content = path.read_bytes()
        _compare(path, hashlib.sha256(content).hexdigest(), expected)
        return content


def _plain(name: str) -> str:
    """Return a file's name. Raises ValueError for one that leads out of the save's folder."""
    if name != Path(name).name or name == "..":
        raise ValueError(f"{name!r} is not the plain name of a file")
    return name


def write_save_folder(
    target: Path,
    step: int,
    weights: Mapping[str, Tensor],
    optimizer: Mapping[str, Tensor] | None,
    state: Mapping[str, Any],
    config: bytes = b"",
) -> Save:
    """Write a save to `target`, whole or not at all.

    Args:
        target: Its folder; a damaged one of the same step is replaced.
        step: Training steps done.
        weights: Tensors of the network by name.
        optimizer: Tensors of the optimiser by name; None leaves them out.
        state: JSON-able values that go with them.
        config: The model's config file; empty leaves it out.

    Raises:
        DiskFull: No room; `target` and its neighbours are as they were.
    """
    with _appearing(target) as part:
        digests = {_WEIGHTS: _write(part / _WEIGHTS, _encode(weights))}
        if optimizer is not None:
            digests[_OPTIMIZER] = _write(part / _OPTIMIZER, _encode(optimizer))
        digests[_STATE] = _write(part / _STATE, _json(state))
        if config:
            digests[CONFIG] = _write(part / CONFIG, config)
        _write(part / _MANIFEST, _json(_manifest(digests)))
    return Save(target, step)


def newest_whole(saves: Sequence[Save]) -> Save | None:
    """Return the last of some saves that is whole, None where none is; others are logged."""
    for candidate in reversed(saves):
        try:
            candidate.verify()
        except Damaged as error:
            logger.warning("the save of step %d is skipped: %s", candidate.step, error)
        else:
            return candidate
    return None


def copy_save(save: Save, target: Path) -> Save:
    """Copy a save, whole or not at all, and check the copy.

    Raises:
        Damaged: The save is not whole, or the copy is not.
        DiskFull: No room; `target` and its neighbours are as they were.
    """
    with _appearing(target) as part:
        for name in (*save.manifest().files, _MANIFEST):
            with _readable(save.path / name):
                shutil.copyfile(save.path / name, part / name)
            _sync_file(part / name)
        Save(part, save.step).verify()
    return Save(target, save.step)


@contextmanager
def _appearing(target: Path) -> Iterator[Path]:
    """Yield a hidden folder to fill; it becomes `target` if nothing goes wrong."""
    part = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}.part"
    try:
        part.mkdir(parents=True)
        yield part
        _sync_folder(part)
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


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_no_room(error):
            raise
        raise Damaged(f"{path} cannot be read: {error}") from error


def _compare(path: Path, digest: str, expected: str | None) -> None:
    if digest != expected:
        raise Damaged(f"{path} is not what the manifest of the save recorded")


def _manifest(digests: Mapping[str, str]) -> dict[str, Any]:
    written = datetime.now(UTC).isoformat(timespec="seconds")
    return {"format": 1, "written": written, "code_version": __version__, "files": digests}


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


def _sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
