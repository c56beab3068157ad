"""Where the programs outside Nuke are, and the environment that they run in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

from faceplate_nuke.errors import PluginError

__all__ = ["clean_environment", "find_program"]

_DROPPED = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "QT_PLUGIN_PATH")
"""Nuke's own Python must not be seen by another one."""
_LISTS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH")


def find_program(name: str, asked: str, variable: str, environment: Mapping[str, str]) -> str:
    """Return the path of a program: what the knob says, else the environment, else PATH.

    Args:
        name: Such as ``faceplate-client``.
        asked: What the knob says; empty for nothing.
        variable: Environment variable that may name it.
        environment: The variables.

    Raises:
        PluginError: It is nowhere; the message says where it was looked for.
    """
    for origin, wanted in (
        ("its knob", asked.strip()),
        (f"${variable}", environment.get(variable)),
    ):
        if wanted:
            found = shutil.which(os.path.expanduser(wanted), path=environment.get("PATH"))
            if found:
                return found
            raise PluginError(
                "HelperMissing",
                f"{name}: {origin} names {wanted}, which is no program",
                "Correct it, or leave it empty to look on PATH.",
                6,
            )
    found = shutil.which(name, path=environment.get("PATH"))
    if found:
        return found
    raise PluginError(
        "HelperMissing",
        f"{name} was found neither in its knob, nor in ${variable}, nor on PATH",
        f"Install Faceplate in an environment of its own and set ${variable} to its {name}.",
        6,
    )


def clean_environment(environment: Mapping[str, str], host_folder: str) -> dict[str, str]:
    """Return an environment for a program with a Python of its own.

    Args:
        environment: Nuke's.
        host_folder: Folder of Nuke; its libraries are taken out of the lists.
    """
    clean = {name: value for name, value in environment.items() if name not in _DROPPED}
    inside = os.path.normpath(host_folder) if host_folder else ""
    for name in _LISTS:
        parts = clean.get(name, "").split(os.pathsep)
        kept = [part for part in parts if part and not _within(part, inside)]
        if kept:
            clean[name] = os.pathsep.join(kept)
        else:
            clean.pop(name, None)
    return clean


def _within(path: str, folder: str) -> bool:
    path = os.path.normpath(path)
    return bool(folder) and (path == folder or path.startswith(folder + os.sep))
