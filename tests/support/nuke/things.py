"""What plug-ins make besides nodes and knobs: undo steps, progress bars, layers, menus."""
# ruff: noqa: N802 - the names are Nuke's

import types
from typing import Any

from tests.support.nuke.table import Unknown, strict

__all__ = ["Layer", "Menu", "ProgressTask", "Undo"]


@strict
class Undo(Unknown):
    kind = "Undo"
    made_by_plugins = True
    host: Any = None

    def __init__(self, name: str = "") -> None:
        self._name = name

    def __enter__(self) -> None:
        self.host._undo_name = self.host._undo_name or self._name

    def __exit__(self, *_: object) -> None:
        self.host._undo_name = None

    @staticmethod
    def disable() -> None:
        Undo._of().host._undo_off += 1

    @staticmethod
    def enable() -> None:
        Undo._of().host._undo_off -= 1
        assert Undo._of().host._undo_off >= 0

    @staticmethod
    def _of() -> Any:
        import nuke  # the fake itself

        return types.SimpleNamespace(host=nuke._host)


@strict
class ProgressTask(Unknown):
    kind = "ProgressTask"
    made_by_plugins = True
    host: Any = None

    def __init__(self, name: str) -> None:
        self._title, self._said = name, []
        self.host.tasks.append(self)

    def setMessage(self, message: str) -> None:
        self._said.append(message)

    def setProgress(self, progress: int) -> None:
        if not isinstance(progress, int) or not 0 <= progress <= 100:
            raise TypeError(f"progress {progress!r}")

    def isCancelled(self) -> bool:
        return bool(self.host.cancel_tasks)


@strict
class Layer(Unknown):
    kind = "Layer"
    made_by_plugins = True
    host: Any = None

    def __init__(self, name: str, channels: list[str]) -> None:
        assert all(channel.startswith(f"{name}.") for channel in channels)
        self.host.layers[name] = tuple(channels)


@strict
class Menu(Unknown):
    kind = "Menu"

    def __init__(self, host: Any, path: str) -> None:
        self._host, self._path = host, path

    def addMenu(self, name: str, **_: Any) -> "Menu":
        return Menu(self._host, f"{self._path}/{name}")

    def addCommand(self, name: str, command: Any = "", *_: Any, **__: Any) -> None:
        compile(command, name, "exec")
        self._host.menu_items.append(f"{self._path}/{name}")
