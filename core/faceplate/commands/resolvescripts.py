"""What `faceplate install resolve` writes: two scripts for the menu of DaVinci Resolve.

They are the plug-in's own scripts with two lines filled in: where its modules are, and the helper.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from faceplate.commands.pieces import OwnFile, Piece
from faceplate.errors import Damaged

__all__ = ["resolve_pieces", "scripts_folder", "shared_scripts_folder"]

_SCRIPTS = ("Faceplate Swap.lua", "Faceplate Swap.py")
_MARK = "`faceplate install resolve` fills it in"
_MAC = "Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts"


def scripts_folder(
    platform: str | None = None, environ: Mapping[str, str] | None = None, home: Path | None = None
) -> Path:
    """Return the folder of this user's scripts, by the scripting README of Resolve.

    Args:
        platform: As ``sys.platform``; None takes this one. Likewise the others.
        environ: Environment.
        home: The user's folder.
    """
    platform, home = platform or sys.platform, home or Path.home()
    if platform == "darwin":
        return home / _MAC
    if platform == "win32":
        roaming = (environ or os.environ).get("APPDATA") or home / "AppData/Roaming"
        return Path(roaming) / "Blackmagic Design/DaVinci Resolve/Support/Fusion/Scripts"
    return home / ".local/share/DaVinciResolve/Fusion/Scripts"


def shared_scripts_folder(
    platform: str | None = None, environ: Mapping[str, str] | None = None
) -> Path:
    """Return the folder of everybody's scripts; writing there may need an administrator."""
    platform = platform or sys.platform
    if platform == "darwin":
        return Path("/") / _MAC
    if platform == "win32":
        shared = (environ or os.environ).get("PROGRAMDATA") or "C:/ProgramData"
        return Path(shared) / "Blackmagic Design/DaVinci Resolve/Fusion/Scripts"
    return Path("/opt/resolve/Fusion/Scripts")


def resolve_pieces(plugin: Path, folder: Path) -> tuple[Piece, ...]:
    """Return the scripts for the menu Workspace > Scripts, which every page shows."""
    utility = folder / "Utility"
    return tuple(
        OwnFile(utility / name, _filled(plugin / name, plugin), _MARK) for name in _SCRIPTS
    )


def _filled(script: Path, plugin: Path) -> str:
    """Return a script that knows where the plug-in and the helper are. Raises Damaged."""
    text = script.read_text(encoding="utf-8")
    for name, value in (("FOLDER", plugin.as_posix()), ("CLIENT", _helper())):
        quoted = json.dumps(value, ensure_ascii=False)  # a text in Lua and in Python alike
        empty, filled = f'{name} = ""', f"{name} = {quoted}"
        if text.count(empty) != 1:
            raise Damaged(f"{script} has no single line with {empty}; install Faceplate again")
        text = text.replace(empty, filled)
    return text


def _helper() -> str:
    """Return the helper of this installation; empty where it is not beside this Python."""
    name = "faceplate-client.exe" if sys.platform == "win32" else "faceplate-client"
    path = Path(sys.executable).parent / name
    return path.as_posix() if path.is_file() else ""
