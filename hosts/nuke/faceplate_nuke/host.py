"""What is Nuke's own: threads, progress, paths. With a GUI, work leaves the main thread and
asks it for every touch of Nuke; without one there is no loop that would answer, so all is direct.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import nuke

from faceplate_nuke.errors import PluginError

__all__ = [
    "Bar", "host_folder", "in_background", "on_main", "path_in", "quietly", "show_error",
    "temp_folder", "text_in",
]  # fmt: skip

logger = logging.getLogger(__name__)


def on_main(call: Callable[..., Any], *args: Any) -> Any:
    """Call something that touches Nuke, from any thread; its result and its errors come back.

    From the main thread it is called directly: `executeInMainThread` would hang there.
    """
    if not nuke.GUI or threading.current_thread() is threading.main_thread():
        return call(*args)
    box: dict[str, Any] = {}

    def run() -> None:
        try:
            box["result"] = call(*args)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that asked
            box["error"] = error

    nuke.executeInMainThreadWithResult(run)
    if "error" in box:
        raise box["error"]
    return box.get("result")


def in_background(work: Callable[[], None], name: str) -> None:
    """Run work beside the GUI; without one, run it here and now."""
    if nuke.GUI:
        threading.Thread(target=work, name=name, daemon=True).start()
    else:
        work()


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep what is changed out of the artist's undo list; for the main thread."""
    nuke.Undo.disable()
    try:
        yield
    finally:
        nuke.Undo.enable()


def show_error(error: PluginError) -> None:
    """Tell an error: in a box where somebody can see one, else on standard error."""
    logger.error("%s", error)
    if nuke.GUI:
        on_main(nuke.message, f"Faceplate\n\n{error}")
    else:
        sys.stderr.write(f"faceplate: {error}\n")
        sys.stderr.flush()


def text_in(knob: Any) -> str:
    """Return the text of a knob, its Tcl worked out. Raises PluginError where that fails."""
    text = str(knob.value() or "").strip()
    if "[" not in text and "$" not in text:
        return text
    try:
        # not evaluate(), which would put the current frame into a pattern of files
        return str(nuke.tcl("subst", "-nobackslashes", text) or "").strip()
    except RuntimeError as error:
        raise PluginError(
            "BadText", f"the Tcl in {knob.name()} cannot be worked out: {error}",
            f"Correct it: {text}", 2,
        ) from error  # fmt: skip


def path_in(knob: Any) -> str:
    """Return the path in a knob; empty where there is none. Raises PluginError.

    What is relative lies beside the script; patterns of frames stay patterns.
    """
    path = os.path.expanduser(text_in(knob)).replace(os.sep, "/")
    folder = str(nuke.script_directory() or "")
    return f"{folder}/{path}" if path and folder and not os.path.isabs(path) else path


def temp_folder() -> str:
    """Return the folder for files that are in passing, made if need be."""
    root = os.environ.get("NUKE_TEMP_DIR") or os.path.join(_system_temp(), "nuke")
    folder = os.path.join(root, "faceplate")
    os.makedirs(folder, exist_ok=True)
    return folder.replace(os.sep, "/")


def host_folder() -> str:
    """Return the folder of the Nuke that runs."""
    return os.path.dirname(str(nuke.EXE_PATH))


class Bar:
    """Progress: a task of Nuke's in the GUI, lines of per cent without one."""

    def __init__(self, title: str) -> None:
        self._title, self._said = title, -1
        self._task: Any = on_main(nuke.ProgressTask, title) if nuke.GUI else None

    def show(self, share: float, text: str) -> bool:
        """Show how far it is, 0 to 1, and what is done; returns whether to go on."""
        percent = min(max(int(share * 100), 0), 100)
        if self._task is not None:
            return not on_main(self._show_task, percent, text)
        if percent != self._said:
            sys.stdout.write(f"Progress: {percent}% {self._title}: {text}\n")
            sys.stdout.flush()
            self._said = percent
        return True

    def close(self) -> None:
        """Take it away; deleting the task closes it."""
        on_main(self._drop)

    def _show_task(self, percent: int, text: str) -> bool:
        self._task.setProgress(percent)
        self._task.setMessage(text)
        return bool(self._task.isCancelled())

    def _drop(self) -> None:
        self._task = None


def _system_temp() -> str:
    import tempfile  # rarely needed, and slow to import

    return tempfile.gettempdir()
