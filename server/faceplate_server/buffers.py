"""Frames in memory that client and server share, as files that both map."""

import hashlib
import os
import secrets
import shutil
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from faceplate.errors import BadSettings, Exhausted, InvalidInput, NotFound

__all__ = ["Buffer", "Buffers", "default_folder"]

BYTES_PER_PIXEL = 16
"""R, G, B, A as float32."""

MAX_SIDE = 32768
IDLE_S = 600.0


@dataclass
class Buffer:
    """One shared frame."""

    path: Path
    width: int
    height: int
    used: float
    """When it was last opened or swapped, monotonic seconds."""

    @property
    def size(self) -> int:
        """Bytes."""
        return self.width * self.height * BYTES_PER_PIXEL


class Buffers:
    """Makes, finds and removes buffers, within a limit for all together.

    Args:
        folder: Its own folder, emptied at the start; only this user may enter it.
        limit: Bytes of all buffers together.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder, self._limit = folder, limit
        self._buffers: dict[str, Buffer] = {}

    def open(self, width: int, height: int) -> Buffer:
        """Make a buffer. Raises InvalidInput, or Exhausted where the limit would be passed."""
        if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
            raise InvalidInput(f"a buffer has 1 to {MAX_SIDE} pixels a side, got {width}x{height}")
        self._remove_idle()
        buffer = Buffer(self._folder / secrets.token_hex(8), width, height, time.monotonic())
        held = sum(other.size for other in self._buffers.values())
        if held + buffer.size > self._limit:
            raise Exhausted(
                f"a buffer of {buffer.size >> 20} MiB is too much: {held >> 20} of "
                f"{self._limit >> 20} MiB are in use; close some, or raise --buffer-limit-mib"
            )
        self._make(buffer)
        self._buffers[str(buffer.path)] = buffer
        return buffer

    def get(self, path: str) -> Buffer:
        """Return a buffer that was opened, and mark it as used. Raises NotFound."""
        if path not in self._buffers:
            raise NotFound(f"there is no buffer {path!r}: open one first; idle ones are taken back")
        self._buffers[path].used = time.monotonic()
        return self._buffers[path]

    def close(self, path: str) -> None:
        """Remove a buffer. Raises NotFound."""
        self.get(path).path.unlink(missing_ok=True)
        del self._buffers[path]

    def clear(self) -> None:
        """Remove all of them and the folder."""
        self._buffers.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self, buffer: Buffer) -> None:
        if not self._folder.is_dir():
            self._folder.mkdir(mode=0o700, parents=True)
        _require_own(self._folder)
        descriptor = os.open(buffer.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            # all of it now: a file with holes would kill whoever touches one when memory runs out
            os.posix_fallocate(descriptor, 0, buffer.size)
        except OSError as error:
            buffer.path.unlink()
            raise Exhausted(
                f"no memory for a buffer of {buffer.size >> 20} MiB: {error}"
            ) from error
        finally:
            os.close(descriptor)

    def _remove_idle(self) -> None:
        oldest = time.monotonic() - IDLE_S
        for path in [path for path, buffer in self._buffers.items() if buffer.used < oldest]:
            self.close(path)


def default_folder(home: Path) -> Path:
    """Return a folder in memory where the system has one, else one in `home`."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        return home / "buffers"
    name = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]
    return memory / f"faceplate-{os.getuid()}-{name}"


def _require_own(folder: Path) -> None:
    """In a place where everybody may write, somebody else may have put the folder there first."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise BadSettings(f"{folder} is not a folder of this user alone: remove it")
