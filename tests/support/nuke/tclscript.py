"""Scripts of Nuke are Tcl: they are read by Tcl itself, and what is wrong in them is found.

`read_script` knows `set`, `push`, `[stack N]`, groups and user knobs; an undefined variable, an
unknown class or knob, a list of knobs with an odd end, and a group that is not closed are errors.
"""

import os
import re
import tkinter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.nuke.table import NODES, ApiError

__all__ = [
    "GROUPS", "USER", "Parsed", "ScriptError", "fill_knob", "load", "load_gizmo", "option",
    "read_script", "run_tcl",
]  # fmt: skip

USER = {
    "Tab_Knob": 20, "Text_Knob": 26, "String_Knob": 1, "File_Knob": 2, "Int_Knob": 3,
    "Enumeration_Knob": 4, "Boolean_Knob": 6, "Double_Knob": 7, "PyScript_Knob": 22,
    "Multiline_Eval_String_Knob": 43,
}  # fmt: skip
"""Numbers of user knobs in a script."""
_KINDS = {number: kind for kind, number in USER.items()}
GROUPS = {"TABBEGINGROUP": 1, "TABBEGINCLOSEDGROUP": 2, "TABENDGROUP": -1}
_OPTIONS = ("l", "t", "M", "R", "T", "n")
"""What a user knob may say besides its number, its name and its flags."""
_FLAGS = ("STARTLINE", "INVISIBLE", "DISABLED")


class ScriptError(Exception):
    """A script that Nuke could not load."""


@dataclass
class Parsed:
    """A node of a script."""

    kind: str
    knobs: dict[str, str]
    user: list[list[str]]
    inputs: list["Parsed | None"]
    children: list["Parsed"] = field(default_factory=list)


def read_script(text: str, check_knobs: bool = True, gizmo: bool = False) -> list[Parsed]:
    """Return the nodes of a script, or of a gizmo, to which something is connected later on.

    Raises:
        ScriptError: Nuke could not read it.
    """
    return _Reader(check_knobs, gizmo).read(text)


class _Reader:
    def __init__(self, check_knobs: bool = True, gizmo: bool = False) -> None:
        self._check = check_knobs
        self.layers: dict[str, tuple[str, ...]] = {}
        self._tcl = tkinter.Tcl()
        self._levels: list[tuple[list[Parsed], list[Parsed | None]]] = [([], [None] * gizmo)]
        self._known: dict[str, Parsed | None] = {"0": None}
        self._error = ""
        for name in ("unknown", "push", "stack", "end_group", "version", "add_layer"):
            self._tcl.createcommand(f"py_{name}", self._telling(getattr(self, f"_{name}")))
            self._tcl.eval(f"proc {name} {{args}} {{ return [py_{name} {{*}}$args] }}")

    def read(self, text: str) -> list[Parsed]:
        try:
            self._tcl.eval(text)
        except tkinter.TclError as error:
            raise ScriptError(self._error or str(error)) from error
        if len(self._levels) != 1:
            raise ScriptError("a group is not closed")
        return self._levels[0][0]

    def _telling(self, call: Callable[..., str]) -> Callable[..., str]:
        """Keep the reason of an error: Tcl tells only that there was one."""

        def told(*words: str) -> str:
            try:
                return call(*words)
            except ScriptError as error:
                self._error = str(error)
                raise

        return told

    def _version(self, *_: str) -> str:
        return ""

    def _add_layer(self, words: str) -> str:
        layer, *channels = (str(word) for word in self._tcl.splitlist(words))
        if not channels or not all(channel.startswith(f"{layer}.") for channel in channels):
            raise ScriptError(f"add_layer {words}")
        self.layers[layer] = tuple(channels)
        return ""

    def _unknown(self, kind: str, body: str) -> str:
        if kind not in NODES["classes"]:
            raise ScriptError(f"unknown class {kind}")
        words = self._tcl.splitlist(body)
        knobs, user = {}, []
        at = 0
        while at < len(words):
            if words[at] == "addUserKnob":
                user.append(_user_knob(self._tcl.splitlist(words[at + 1])))
            elif at + 1 >= len(words):
                raise ScriptError(f"{kind}: {words[at]} has no value")
            else:
                knobs[str(words[at])] = str(words[at + 1])
            at += 2
        self._check_names(kind, knobs, user)
        nodes, stack = self._levels[-1]
        count = int(knobs.pop("inputs", min(NODES["classes"][kind]["inputs"], 1)))
        if count > len(stack):
            raise ScriptError(f"{kind} wants {count} inputs, {len(stack)} are on the stack")
        node = Parsed(kind, knobs, user, [stack.pop() for _ in range(count)])
        nodes.append(node)
        stack.append(node)
        if kind == "Group":
            self._levels.append((node.children, []))
        return ""

    def _check_names(self, kind: str, knobs: dict[str, str], user: list[list[str]]) -> None:
        known = {"inputs", *NODES["common"], *NODES["classes"][kind]["knobs"]}
        known |= set(NODES["classes"][kind].get("exr", {})) | {words[1] for words in user}
        if self._check and set(knobs) - known:
            raise ScriptError(f"{kind} has no knob {sorted(set(knobs) - known)}")

    def _push(self, handle: str) -> str:
        if handle not in self._known:
            raise ScriptError(f"push of {handle}")
        self._levels[-1][1].append(self._known[handle])
        return ""

    def _stack(self, at: str) -> str:
        node = self._levels[-1][1][-1 - int(at)]
        self._known[str(id(node))] = node
        return str(id(node))

    def _end_group(self) -> str:
        if len(self._levels) == 1:
            raise ScriptError("end_group without a group")
        self._levels.pop()
        return ""


def _user_knob(words: Any) -> list[str]:
    """Return the words of a user knob. Raises ScriptError where they are none."""
    found = [str(word) for word in words]
    if len(found) < 2 or not found[0].isdigit() or int(found[0]) not in _KINDS:
        raise ScriptError(f"addUserKnob {found[:3]}")
    at = 2
    while at < len(found):
        if found[at][:1] in "+-" and found[at][1:] in _FLAGS:
            at += 1
        elif found[at] in _OPTIONS and at + 1 < len(found):
            at += 2
        else:
            raise ScriptError(f"addUserKnob {found[1]}: {found[at]}")
    return found


def option(words: list[str], name: str) -> str | None:
    """Return what a user knob says after a word."""
    at = 2
    while at < len(words):
        if words[at] == name:
            return words[at + 1]
        at += 1 if words[at][:1] in "+-" and words[at][1:] in _FLAGS else 2
    return None


def run_tcl(host: Any, command: str, *words: str) -> str:
    """Run a command of Tcl, in which `value` looks into the script."""
    if command != "subst":
        raise ApiError(f"this fake has no Tcl command {command}")
    tcl = tkinter.Tcl()

    def value(name: str) -> str:
        node, _, knob = name.rpartition(".")
        if node != "root":
            raise ScriptError(f"nothing is named {name}")
        return str(host.script if knob == "name" else host.root_node._knobs[knob].value())

    tcl.createcommand("value", value)
    tcl.createcommand("getenv", lambda name: os.environ[name])
    try:
        return str(tcl.call("subst", *words))
    except (tkinter.TclError, KeyError) as error:
        raise RuntimeError(str(error)) from error


def load(host: Any, text: str) -> None:
    """Make the nodes of a script, and let them run what they want when they are there."""
    for node in _make(host, _read_into(host, _Reader(), text), host.root_node):
        host.created(node)
    host.undo.clear()
    host.is_modified = False


def load_gizmo(host: Any, text: str, parent: Any) -> Any:
    """Make the node of a gizmo's file."""
    (parsed,) = _read_into(host, _Reader(gizmo=True), text)
    if parsed.kind != "Group":
        raise ApiError(f"a {parsed.kind}: what changes inside of it is not saved with scripts")
    (node,) = _make(host, [parsed], parent)
    node._title = ""
    node.setName(parsed.knobs["name"])
    return node


def _read_into(host: Any, reader: "_Reader", text: str) -> list[Parsed]:
    """Read a script, after which the session knows its layers."""
    nodes = reader.read(text)
    host.layers.update(reader.layers)
    return nodes


def _make(host: Any, parsed: list[Parsed], group: Any) -> list[Any]:
    from tests.support.nuke.nodes import make_node

    made: dict[int, Any] = {}
    for each in parsed:
        node = host.root_node if each.kind == "Root" else make_node(host, each.kind, group)
        made[id(each)] = node
        for words in each.user:
            node.addKnob(_made_knob(words))
        for name, text in each.knobs.items():
            _fill(node, name, text)
        for number, one in enumerate(each.inputs):
            node.setInput(number, made[id(one)] if one is not None else None)
        _make(host, each.children, node)
    return list(made.values())


def _made_knob(words: list[str]) -> Any:
    """Make a user knob as its line in a script says."""
    from tests.support.nuke.knobs import KNOBS

    kind = KNOBS[_KINDS[int(words[0])]]
    more: list[Any] = []
    if kind.__name__ == "Enumeration_Knob":
        more = [list(host_split(option(words, "M") or ""))]
    if kind.__name__ == "Tab_Knob" and option(words, "n"):
        more = [{number: name for name, number in GROUPS.items()}[int(option(words, "n") or 0)]]
    knob = kind(words[1], option(words, "l") or "", *more)
    knob._tooltip = option(words, "t") or ""
    if option(words, "T"):
        knob._value = option(words, "T")
    for word in words:
        if word in ("+STARTLINE", "+INVISIBLE"):
            knob._flags.add(word[1:])
    if "-STARTLINE" in words:
        knob._flags.discard("STARTLINE")
    knob._enabled = "+DISABLED" not in words
    return knob


def host_split(text: str) -> tuple[str, ...]:
    """Return the words of a list."""
    return tuple(str(word) for word in tkinter.Tcl().splitlist(text))


def _fill(node: Any, name: str, text: str) -> None:
    from tests.support.nuke.knobs import Array_Knob

    if name == "name":
        node._title = text
        return
    knob = node._knobs[name]
    expression = re.fullmatch(r'\{(?:"(.*)"|(\S+))\}', text)
    if expression and isinstance(knob, Array_Knob):
        knob._expression = expression.group(1) or expression.group(2)
    elif text.startswith("curve "):
        words = text.split()[1:]
        knob._keys = {
            float(at[1:]): float(y) for at, y in zip(words[::2], words[1::2], strict=True)
        }
    elif name == "mappings":
        knob.setValue(_mappings(text.split()))
    else:
        fill_knob(knob, text)


def _mappings(words: list[str]) -> list[tuple[int, str, str]]:
    """Return mappings from their words. Raises ScriptError where they are not six to each."""
    if len(words) != 1 + 6 * int(words[0]):
        raise ScriptError(f"mappings of {words[0]} and {len(words) - 1} words")
    rows = [words[at : at + 6] for at in range(1, len(words), 6)]
    return [(int(number), source, target) for source, number, _, target, *_ in rows]


def fill_knob(knob: Any, text: str) -> None:
    """Put the text of a script or of a default into a knob."""
    if isinstance(knob._value, bool):
        knob._value = text.lower() in ("true", "1")
    elif isinstance(knob._value, (int, float)):
        knob._value = type(knob._value)(float(text))
    elif knob.kind == "Enumeration_Knob":
        knob._value = knob._choices[int(text)] if text.isdigit() else knob._checked(text)
    else:
        knob._value = text
