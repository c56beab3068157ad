"""Nodes: made, connected, grouped."""
# ruff: noqa: N802 - the names are Nuke's

import os
from typing import Any

from tests.support.nuke import pixels
from tests.support.nuke.knobs import Knob, make_knob
from tests.support.nuke.table import NODES, ApiError, Unknown, strict

__all__ = ["Group", "Node", "Range", "Root", "make_node"]


@strict
class Range(Unknown):
    kind = "FrameRange"

    def __init__(self, first: int, last: int) -> None:
        self._first, self._last = first, last

    def first(self) -> int:
        return self._first

    def last(self) -> int:
        return self._last


@strict
class Node(Unknown):
    kind = "Node"

    def __init__(self, host: Any, cls: str, parent: Any) -> None:
        self._host, self._cls, self._parent = host, cls, parent
        self._inputs: list[Any] = []
        self._knobs: dict[str, Knob] = {}
        self._title = ""
        self._gone = False
        for name, (kind, default) in {
            **NODES["common"], **NODES["classes"][cls]["knobs"]
        }.items():  # fmt: skip
            self._own(make_knob(name, kind, default))
            host.give_default(self._knobs[name], f"{cls}.{name}")
        if parent is not None:
            parent._children.append(self)
            self.setName(f"{cls}1")

    def Class(self) -> str:
        return self._cls

    def name(self) -> str:
        self._alive()
        return self._title

    def fullName(self) -> str:
        self._alive()
        above = self._parent
        return self._title if above is None or above._parent is None else (
            f"{above.fullName()}.{self._title}"
        )  # fmt: skip

    def setName(self, name: str, uncollide: bool = True, updateExpressions: bool = False) -> None:
        taken = {each._title for each in self._parent._children if each is not self}
        stem = name.rstrip("0123456789") or name
        number = int(name[len(stem) :] or 0)
        while name in taken:
            number += 1
            name = f"{stem}{number}"
        self._host.changed(f"{self._title or self._cls}.name")
        self._title = name

    def parent(self) -> Any:
        return self._parent

    def knobs(self) -> dict[str, Knob]:
        self._alive()
        return dict(self._knobs)

    def knob(self, p: str, follow_link: bool = True) -> Any:
        return self._knobs.get(p)

    def addKnob(self, knob: Knob) -> None:
        if knob._name in self._knobs:
            raise ApiError(f"{self._title} has a knob {knob._name} already")
        self._host.changed(f"{self._title} +{knob._name}")
        self._own(knob)
        self._host.user_knobs.setdefault(id(self), []).append(knob._name)

    def input(self, index: int) -> Any:
        self._alive()
        return self._inputs[index] if index < len(self._inputs) else None

    def inputs(self) -> int:
        return len(self._inputs)

    def setInput(self, i: int, node: Any) -> bool:
        if i >= NODES["classes"][self._cls]["inputs"]:
            raise ApiError(f"a {self._cls} has no input {i}")
        if node is not None and node._parent is not self._parent:
            raise ApiError(f"{self._title} and {node._title} are not in one group")
        self._host.changed(f"{self._title} input")
        self._inputs += [None] * (i + 1 - len(self._inputs))
        self._inputs[i] = node
        return True

    def dependent(self, what: int = 0, forceEvaluate: bool = True) -> list[Any]:
        return [each for each in self._parent._children if self in each._inputs]

    def setXYpos(self, x: int, y: int) -> None:
        self._host.changed(f"{self._title} place")
        self._knobs["xpos"]._value, self._knobs["ypos"]._value = int(x), int(y)

    def xpos(self) -> int:
        return int(self._knobs["xpos"]._value)

    def ypos(self) -> int:
        return int(self._knobs["ypos"]._value)

    def setSelected(self, selected: bool) -> None:
        self._knobs["selected"]._value = bool(selected)

    def isSelected(self) -> bool:
        return bool(self._knobs["selected"]._value)

    def frameRange(self) -> Range:
        if self._cls == "Read":
            return Range(self["first"].value(), self["last"].value())
        below = self.input(0)
        return below.frameRange() if below else Range(*self._host.root_range())

    def width(self) -> int:
        return pixels.size_of(self, self._host.current)[0]

    def height(self) -> int:
        return pixels.size_of(self, self._host.current)[1]

    def __getitem__(self, name: str) -> Knob:
        self._alive()
        if name not in self._knobs:
            raise NameError(f"knob {name} does not exist in {self._cls}")
        if self._cls == "Write" and name == "file_type":
            return _Switching(self)
        return self._knobs[name]

    def _own(self, knob: Knob) -> None:
        knob._node = self
        self._knobs[knob._name] = knob

    def _alive(self) -> None:
        if self._gone:
            raise ValueError("A PythonObject is not attached to a node")


class _Switching:
    """The file type of a Write, which brings the knobs of the type with it."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def setValue(self, val: str) -> None:
        self._node._knobs["file_type"].setValue(val)
        for name, (kind, default) in NODES["classes"]["Write"].get(val, {}).items():
            self._node._own(make_knob(name, kind, default))
            self._node._host.give_default(self._node._knobs[name], f"Write.{val}.{name}")


@strict
class Group(Node):
    kind = "Group"

    def __init__(self, host: Any, cls: str, parent: Any) -> None:
        self._children: list[Node] = []
        super().__init__(host, cls, parent)

    def begin(self) -> "Group":
        self._alive()
        self._host.open.append(self)
        return self

    def end(self) -> None:
        if self._host.open.pop() is not self:
            raise ApiError(f"{self._title}.end() without its begin()")

    def nodes(self) -> list[Node]:
        return list(self._children)

    def node(self, s: str) -> Any:
        return next((each for each in self._children if each._title == s), None)

    def __enter__(self) -> "Group":
        return self.begin()  # type: ignore[no-any-return]  # wrapped

    def __exit__(self, *_: object) -> None:
        self.end()


@strict
class Root(Group):
    kind = "Root"

    def name(self) -> str:
        return self._host.script or "Root"

    def firstFrame(self) -> int:
        return int(self._knobs["first_frame"]._value)

    def lastFrame(self) -> int:
        return int(self._knobs["last_frame"]._value)

    def proxy(self) -> bool:
        return bool(self._knobs["proxy"]._value)

    def setModified(self, modified: bool) -> None:
        self._host.is_modified = modified

    def fullName(self) -> str:
        return "root"


def make_node(host: Any, cls: str, parent: Any) -> Node:
    """Make a node; a class that nodes.json lacks is an error."""
    if cls not in NODES["classes"]:
        raise ApiError(f"nodes.json has no class {cls}")
    host.changed(f"+{cls}")
    made = (Group if cls == "Group" else Node)(host, cls, parent)
    return made


def folder_of(script: str) -> str:
    """Return a script's folder."""
    return os.path.dirname(script)
