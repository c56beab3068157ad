"""Files that are there whole or not at all."""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faceplate.errors import DiskFull, NotFound

__all__ = ["atomic_file", "check_room", "is_no_room", "write_bytes", "write_text"]

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_no_room(error: OSError) -> bool:
    """Return whether an error of the system says that disk, quota or file size ran out."""
    return error.errno in _NO_ROOM


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; on success it becomes `path`, on error it goes.

    The name is hidden, unique (two tasks may write the same frame) and ends in ``.part``. Data and
    folder are synced, so that a power cut leaves the old file or the new one.

    Raises:
        NotFound: The folder does not exist.
        DiskFull: No room; the old file, if any, is as it was.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with atomic_file(Path(folder) / "a.txt") as part:
        ...         _ = part.write_text("whole")
        ...     (Path(folder) / "a.txt").read_text()
        'whole'
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise NotFound(f"cannot write {path}: the folder {path.parent} does not exist; make it")
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        yield part
        _sync(part)
        os.replace(part, path)
        _sync_folder(path.parent)
    except OSError as error:
        if is_no_room(error):
            raise DiskFull(_no_room(path, error)) from error
        raise
    finally:
        part.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file atomically. Raises NotFound or DiskFull as `atomic_file` does."""
    with atomic_file(path) as part:
        part.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically. Raises NotFound or DiskFull as `atomic_file` does."""
    write_bytes(path, text.encode("utf-8"))


def check_room(part: Path) -> None:
    """Raise the system's own error if `part` cannot grow: libraries swallow it when they write."""
    with part.open("ab") as file:
        file.write(bytes(1 << 20))
        file.flush()
        os.fsync(file.fileno())


def _no_room(path: Path, error: OSError) -> str:
    return (
        f"cannot write {path}: {os.strerror(error.errno or 0)}. Nothing half-written was kept; "
        "free some room or write elsewhere, and run again"
    )


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there, and a rename is durable by itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
