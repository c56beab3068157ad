"""Faceplate Swap for DaVinci Resolve Studio: Workspace > Scripts > Faceplate Swap.

The free edition runs the script of this name in Lua.
"""

from __future__ import annotations

import os
import sys
from typing import Any

FOLDER = ""  # where faceplate_resolve is; `faceplate install resolve` fills it in
CLIENT = ""  # faceplate-client; likewise


def _find_folder() -> str:
    """Return the folder that holds the package; Resolve does not always say where a script is."""
    here = os.path.dirname(os.path.abspath(globals().get("__file__") or sys.argv[0]))
    places = (FOLDER, os.environ.get("FACEPLATE_RESOLVE", ""), here)
    for place in places:
        if place and os.path.isdir(os.path.join(place, "faceplate_resolve")):
            return place
    return ""


def _resolve() -> Any:
    """Return what Resolve gives its scripts, under one of the names that it does so."""
    given = globals()
    if given.get("resolve") is not None:
        return given["resolve"]
    for name in ("bmd", "app"):
        maker = getattr(given.get(name), "scriptapp" if name == "bmd" else "GetResolve", None)
        if callable(maker):
            return maker("Resolve") if name == "bmd" else maker()
    try:
        import DaVinciResolveScript  # not there but outside of Resolve, with its API on the path
    except ImportError:
        return None
    return DaVinciResolveScript.scriptapp("Resolve")


def main(say: Any = print) -> bool:
    """Run the plug-in; never breaks the host."""
    folder = _find_folder()
    if not folder:
        say("Faceplate: run `faceplate install resolve` again; faceplate_resolve is not there.")
        return False
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        from faceplate_resolve import swap  # its folder is known only now

        return bool(swap.main(_resolve(), say, None, CLIENT))
    except Exception as error:  # noqa: BLE001  # the border of the host: said, and not thrown into it
        say(f"Faceplate: something that nobody foresaw: {type(error).__name__}: {error}")
        return False


if __name__ == "__main__" or "resolve" in globals():
    main()
