"""Folders of results: numbered, and never written twice."""

from __future__ import annotations

import os
import re

from faceplate_nuke.errors import PluginError

__all__ = ["NAME", "latest_version", "new_version", "tidy_name", "versions_in"]

NAME = re.compile(r"fp_v(\d{3,})")


def versions_in(folder: str) -> list[str]:
    """Return the names of a folder's versions, oldest first."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    found = [match for match in map(NAME.fullmatch, names) if match]
    return [match.group() for match in sorted(found, key=lambda match: int(match.group(1)))]


def latest_version(folder: str) -> int:
    """Return the highest version in a folder; 0 where there is none."""
    names = versions_in(folder)
    return int(names[-1].rpartition("_v")[2]) if names else 0


def new_version(folder: str) -> str:
    """Make the folder of the next version and return it; two artists never get the same.

    Raises:
        PluginError: It cannot be made.
    """
    number = latest_version(folder)
    try:
        os.makedirs(folder, exist_ok=True)
        while True:
            number += 1
            path = os.path.join(folder, f"fp_v{number:03d}")
            try:
                os.mkdir(path)
            except FileExistsError:
                continue
            return path.replace(os.sep, "/")
    except OSError as error:
        raise PluginError(
            "NoOutput", f"no folder for results can be made in {folder}: {error}",
            "Set the knob `output` to a folder that you may write to.", 6,
        ) from error  # fmt: skip


def tidy_name(text: str, otherwise: str) -> str:
    """Return a text as a file name.

    Example:
        >>> tidy_name("SQ 010/0040", "x"), tidy_name("..", "x")
        ('SQ_010_0040', 'x')
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._-") or otherwise
