"""The allowed roots: the only folders that a request may name."""

import errno
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from faceplate.errors import BadSettings, OutsideRoots

__all__ = ["Roots"]

# `file:/etc/x` or `https://host/x`: libraries that open movies would follow them past every check
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:.*/")
BUILT_IN = "ocio://"
"""Begins the name of a colour config that is part of OpenColorIO, and no path."""

CAST = "cast"
"""The setting that names a file of further paths."""

_FRAME_TOKEN = re.compile(r"%0?\d*d|#+|@+")


class Roots:
    """Checks paths after symbolic links and ``..`` are followed.

    A relative path is meant relative to the first root, which is also where jobs run. So every text
    of a request can be checked as if it were a path: a plain name, such as a colour space, lies
    inside by itself, and no list of path fields has to be kept right.

    Args:
        folders: The allowed folders; they must exist.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        if not folders:
            raise BadSettings("roots: at least one allowed folder is needed")
        for folder in folders:
            if not folder.is_dir():
                raise BadSettings(f"roots: {folder} is not a folder; create it or name another")
        self.folders = tuple(Path(os.path.realpath(folder)) for folder in folders)

    @property
    def first(self) -> Path:
        """The folder that relative paths start from."""
        return self.folders[0]

    def check(self, path: str, what: str) -> Path:
        """Return the real path. Raises OutsideRoots, or BadSettings for an address of any kind.

        A frame pattern is checked with every file that it matches, a folder with its entries.
        """
        if "\0" in path or path.startswith("~") or _SCHEME.match(path):
            raise BadSettings(f"{what}: expected a plain path, got {path!r}; write it in full")
        real = self._inside(self.first / path, path, what)
        self._require_plain(real, what)
        for entry in _entries(real):
            self._require_plain(self._inside(entry, path, what), what)
        return real

    def check_tree(self, folder: Path, what: str) -> Path:
        """Return the real path of a folder, all links in which stay inside. Raises as `check`."""
        real = self.check(str(folder), what)
        for below, folders, files in os.walk(real):
            for name in (*folders, *files):
                path = Path(below) / name
                if path.is_symlink():
                    self._inside(path, str(path), what)
        return real

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        """Check every text inside plain JSON values, however deep. Raises as `check` does.

        So are the texts inside a cast, a JSON file of paths that are relative to itself.
        """
        for what, text in _texts(settings, ""):
            if text and not text.startswith(BUILT_IN):
                real = self.check(text, what)
                if what == CAST and real.is_file():
                    self._check_cast(real)

    def _check_cast(self, path: Path) -> None:
        try:
            values = json.loads(path.read_bytes())
        except ValueError as error:
            raise BadSettings(f"{path} is not JSON: {error}") from error
        for what, text in _texts(values, CAST):
            self.check(text if _SCHEME.match(text) else str(path.parent / text), what)

    @staticmethod
    def _require_plain(path: Path, what: str) -> None:
        """Raise BadSettings for what is no file: pipes and devices, names too long, link loops."""
        shown = f"{str(path)[:200]}..." if len(str(path)) > 200 else str(path)
        try:
            mode = path.stat().st_mode
        except OSError as error:
            if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
                raise BadSettings(f"{what}: {shown}: {os.strerror(error.errno)}") from error
            return  # it is not there: whoever needs it says so
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise BadSettings(f"{what}: {shown} is neither a file nor a folder")

    def _inside(self, path: Path, said: str, what: str) -> Path:
        real = Path(os.path.realpath(path))
        if not any(real.is_relative_to(folder) for folder in self.folders):
            allowed = ", ".join(str(folder) for folder in self.folders)
            raise OutsideRoots(
                f"{what}: {said} leads to {real}, outside the allowed folders ({allowed}); move it "
                "there, or let the server allow its folder with --roots"
            )
        return real


def _entries(path: Path) -> Iterator[Path]:
    """Yield what a pattern matches or a folder holds, where it is no plain file or folder."""
    folder, matches = path, re.compile("")
    if _FRAME_TOKEN.search(path.name):
        parts = [re.escape(part) for part in _FRAME_TOKEN.split(path.name)]
        folder, matches = path.parent, re.compile(r"-?\d+".join(parts) + "$")
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            is_plain = entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)
            if not is_plain and matches.match(entry.name):
                yield Path(entry.path)


def _texts(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{name}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item, name)
