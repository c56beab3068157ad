"""One writer at a time in a folder or file; the system frees the lock when its holder dies."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["folder_lock", "lock_file"]


@contextmanager
def folder_lock(folder: Path) -> Iterator[bool]:
    """Hold the folder's lock; yield False at once if another process has it, or it is read-only.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as path, folder_lock(Path(path)) as first:
        ...     with folder_lock(Path(path)) as second:
        ...         print(first, second)
        True False
    """
    try:
        file = (folder / ".lock").open("a+b")
    except PermissionError:
        yield False
        return
    with file:
        yield lock_file(file)


def lock_file(file: IO[bytes]) -> bool:
    """Lock an open file for as long as it is open; return False if somebody else has it."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
