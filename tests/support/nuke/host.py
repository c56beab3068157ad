"""A Nuke without Nuke: its module `nuke`, with what it records and the traps that are documented.

Traps: `executeInMainThread` from the main thread hangs; without a GUI there is no loop behind it,
no box, no progress task and no menu; Nuke is touched by the main thread only; `createNode` connects
to what is selected, selects what it makes and opens its panel; errors of a call that the main
thread makes for another are lost; a deleted node raises; so does an unknown knob; a default of a
knob goes to nodes of that class that are made later, never to user knobs; `onCreate` runs when a
script is opened, too; a render of two views into one name loses one of them.
"""
# ruff: noqa: N802 - the names are Nuke's

import contextlib
import queue
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.nuke import pixels, tclscript, tclwriter
from tests.support.nuke.knobs import KNOBS
from tests.support.nuke.nodes import Root, folder_of, make_node
from tests.support.nuke.table import TABLE, ApiError, checked
from tests.support.nuke.things import Layer, Menu, ProgressTask, Undo

__all__ = ["Host"]


class Module(types.ModuleType):
    """What `import nuke` gives; a name that Nuke lacks raises."""

    def __init__(self) -> None:
        super().__init__("nuke")
        self._host: Any = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._host.look_up(name)


class Host:
    """One session of Nuke.

    Args:
        module: The module that shows it.
        gui: Whether there is a GUI.
    """

    def __init__(self, module: Module, gui: bool) -> None:
        self.module, self.gui = module, gui
        module._host = self
        self.current, self.script, self.is_modified, self.colors = 1, "", False, True
        self.open: list[Any] = []
        self.layers = {"none": (), "all": (), "rgb": (), "alpha": ()} | {
            "rgba": ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha")
        }
        self.this: list[Any] = []
        self.user_knobs: dict[int, list[str]] = {}
        self.writes: list[Any] = []
        self.undo: list[str] = []
        self._undo_name: str | None = None
        self._undo_off = 0
        self.messages: list[str] = []
        self.panels: list[Any] = []
        self.menu_items: list[str] = []
        self.tasks: list[Any] = []
        self.cancel_tasks = False
        self.closing: list[Callable[[], None]] = []
        self.plugin_paths: list[str] = []
        self.views = ["main"]
        self.knob_defaults: dict[str, str] = {}
        self._calls: queue.Queue[Any] = queue.Queue()
        self.root_node = Root(self, "Root", None)
        self.undo.clear()

    def look_up(self, name: str) -> Any:
        if name == "GUI":
            return self.gui
        if name in KNOBS:
            return KNOBS[name]
        if name in ("Undo", "ProgressTask", "Layer"):
            return self._bound(name)
        if name == "nodes":
            return _Makers(self)
        if name in ("NUKE_VERSION_STRING", "EXE_PATH"):
            return {"NUKE_VERSION_STRING": "16.0v1 (a fake)", "EXE_PATH": "/opt/Nuke/Nuke16"}[name]
        if name in TABLE.values:
            return name  # a flag, by its name
        if name not in TABLE.functions:
            raise ApiError(f"Nuke's module has no {name}")
        call = getattr(self, f"do_{name}", None)
        if call is None:
            raise ApiError(f"nuke.{name} is in Nuke, but this fake does not model it")
        if name.startswith("executeInMainThread"):
            return call
        return checked(f"nuke.{name}", TABLE.functions[name], call)

    def changed(self, what: str) -> None:
        """Note a change for the undo list, under the name of the step that is open."""
        self.is_modified = True
        if self._undo_off:
            return
        name = self._undo_name or what
        if not self.undo or self.undo[-1] != name or self._undo_name is None:
            self.undo.append(name)

    def pump(self, until: Callable[[], bool], seconds: float = 60.0) -> None:
        """Be the GUI's loop: make the calls of other threads until something is so."""
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, "waited too long"
            with contextlib.suppress(queue.Empty):
                self._calls.get(timeout=0.02)()

    def evaluate(self, expression: str, node: Any, frame: float) -> float:
        """Work out an expression; `NODE.KNOB` looks beside the node, `parent.KNOB` above it."""
        names: dict[str, Any] = {
            each._title: _Knobs(each, frame)
            for each in node._parent._children
            if each._title.isidentifier()
        }
        names |= {"frame": frame, "parent": _Knobs(node._parent, frame)}
        return float(eval(expression, {"__builtins__": {}}, names))

    def root_range(self) -> tuple[int, int]:
        return self.root_node.firstFrame(), self.root_node.lastFrame()

    def check_layer(self, name: str) -> None:
        """Refuse a layer or a channel that the script does not know."""
        layer, _, channel = name.partition(".")
        if layer not in self.layers or (channel and name not in self.layers[layer]):
            raise ApiError(f"the script knows no layer or channel {name}")

    def close_script(self) -> None:
        """Close the script as the artist does."""
        for call in self.closing:
            call()

    def needs_gui(self, what: str) -> None:
        if not self.gui:
            raise ApiError(f"{what} without a GUI")

    # what plug-ins call

    def do_createNode(self, typ: str, knobs: str = "", inpanel: bool = True) -> Any:
        selected = self.do_selectedNodes()
        node = self._of_gizmo(typ) or make_node(self, typ, self._here())
        if selected:
            node.setInput(0, selected[-1])
        for each in self._here()._children:
            each.setSelected(each is node)
        if inpanel and self.gui:
            self.panels.append(node)
        self.created(node)
        return node

    def created(self, node: Any) -> None:
        """Run what a node wants when it is there, opened with a script or made."""
        code = str(node._knobs["onCreate"]._value)
        if code:
            self.this.append(node)
            try:
                exec(code, {"nuke": self.module})  # noqa: S102 - as Nuke does
            finally:
                self.this.pop()

    def _of_gizmo(self, typ: str) -> Any:
        for folder in self.plugin_paths:
            path = Path(folder) / f"{typ}.gizmo"
            if path.is_file():
                return tclscript.load_gizmo(self, path.read_text(encoding="utf-8"), self._here())
        return None

    def give_default(self, knob: Any, name: str) -> None:
        """Give a knob of a new node the default of its class."""
        text = self.knob_defaults.get(name)
        if text is not None:
            tclscript.fill_knob(knob, text)

    def do_knobDefault(self, classknob: str, value: str | None = None) -> str | None:
        if value is None:
            return self.knob_defaults.get(classknob)
        if not isinstance(value, str):
            raise TypeError(f"knobDefault {classknob}: expected a text, got {value!r}")
        self.knob_defaults[classknob] = value
        return None

    def do_filename(self, node: Any, i: int = 0) -> str:
        path, folder = node["file"].value(), self.root_node["project_directory"].value()
        return f"{folder}/{path}" if folder and path and not path.startswith("/") else path

    def do_tcl(self, s: str, *words: str) -> str:
        return tclscript.run_tcl(self, s, *words)

    def do_views(self) -> list[str]:
        return list(self.views)

    def do_delete(self, n: Any) -> None:
        n._alive()
        self.changed(f"-{n._title}")
        for user in n.dependent():
            user._inputs = [None if each is n else each for each in user._inputs]
        n._parent._children.remove(n)
        n._gone = True

    def do_layers(self, node: Any = None) -> list[str]:
        return list(self.layers)

    def do_toNode(self, s: str) -> Any:
        return self._here().node(s)

    def do_allNodes(self, filter: str = "", group: Any = None, recurseGroups: bool = False) -> Any:
        nodes = (group or self._here()).nodes()
        below = [
            each
            for node in nodes
            if recurseGroups and node._cls == "Group"
            for each in self.do_allNodes(filter, node, True)
        ]
        return [*(node for node in nodes if filter in ("", node._cls)), *below]

    def do_selectedNodes(self, filter: str = "") -> list[Any]:
        return [each for each in self._here()._children if each.isSelected()]

    def do_root(self) -> Any:
        return self.root_node

    def do_thisNode(self) -> Any:
        return self.this[-1]

    def do_frame(self, f: int | None = None) -> int:
        self.current = self.current if f is None else f
        return self.current

    def do_modified(self, state: bool | None = None) -> bool:
        self.is_modified = self.is_modified if state is None else state
        return self.is_modified

    def do_message(self, prompt: str) -> None:
        self.needs_gui("nuke.message")
        self.messages.append(prompt)

    def do_menu(self, name: str) -> Any:
        self.needs_gui("nuke.menu")
        return Menu(self, name)

    def do_execute(
        self, nameOrNode: Any, start: int, end: int, incr: int = 1, views: Any = None, **_: Any
    ) -> None:
        if len(views or self.views) > 1 and "%v" not in nameOrNode["file"].value().lower():
            raise ApiError(f"the views {views or self.views} are written over each other")
        for frame in range(start, end + 1, incr):
            pixels.render(nameOrNode, frame)

    def do_sample(self, node: Any, channel: str, x: int, y: int, **_: Any) -> float:
        picture = pixels.evaluate(node, self.current)[channel]
        return float(picture[picture.shape[0] - 1 - y, x])

    def do_script_directory(self) -> str:
        return folder_of(self.script)

    def do_addOnScriptClose(self, call: Callable[[], None], **_: Any) -> None:
        self.closing.append(call)

    def do_pluginAddPath(self, args: str, addToSysPath: bool = True) -> None:
        self.plugin_paths.append(args)

    def do_scriptSave(self, filename: str | None = None) -> bool:
        self.script = filename or self.script
        with open(self.script, "w", encoding="utf-8") as file:
            file.write(tclwriter.script_text(self))
        return True

    def do_scriptOpen(self, filename: str) -> None:
        self.script = filename
        with open(filename, encoding="utf-8") as file:
            tclscript.load(self, file.read())

    def do_executeInMainThread(self, call: Any, args: Any = (), kwargs: Any = None) -> None:
        self._not_main("executeInMainThread")
        self._calls.put(lambda: call(*_tuple(args), **(kwargs or {})))

    def do_executeInMainThreadWithResult(
        self, call: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        self._not_main("executeInMainThreadWithResult")
        done, box = threading.Event(), []

        def run() -> None:
            with contextlib.suppress(Exception):  # they are printed in Nuke, and lost
                box.append(call(*_tuple(args), **(kwargs or {})))
            done.set()

        self._calls.put(run)
        done.wait()
        return box[0] if box else None

    def _not_main(self, what: str) -> None:
        if threading.current_thread() is threading.main_thread():
            raise ApiError(f"{what} from the main thread: Nuke hangs")
        if not self.gui:
            raise ApiError(f"{what} without a GUI: nobody would ever answer")

    def _here(self) -> Any:
        return self.open[-1] if self.open else self.root_node

    def _bound(self, name: str) -> Any:
        if name == "ProgressTask":
            self.needs_gui("nuke.ProgressTask")
        kind = {"Undo": Undo, "ProgressTask": ProgressTask, "Layer": Layer}[name]
        return type(name, (kind,), {"host": self})


def _tuple(args: Any) -> Any:
    return args if isinstance(args, tuple) else (args,)


class _Makers:
    """`nuke.nodes`: makes nodes that are neither connected, nor selected, nor shown."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def __getattr__(self, cls: str) -> Any:
        def make(**knobs: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                raise ApiError(f"nuke.nodes.{cls} from another thread")
            node = make_node(self._host, cls, self._host._here())
            for name, value in knobs.items():
                node[name].setValue(value)
            return node

        return make


class _Knobs:
    """A node in an expression."""

    def __init__(self, node: Any, frame: float) -> None:
        self._node, self._frame = node, frame

    def __getattr__(self, name: str) -> float:
        knob: Any = self._node._knobs[name]
        return float(knob._number(knob._sample(self._frame)))
