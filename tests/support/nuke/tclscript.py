"""Scripts of Nuke are Tcl: they are read by Tcl itself, and what is wrong in them is found.

`read_script` knows `set`, `push`, `[stack N]`, groups and user knobs; an undefined variable, an
unknown class or knob, a list of knobs with an odd end, and a group that is not closed are errors.
"""

import tkinter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.nuke.table import NODES

__all__ = ["Parsed", "ScriptError", "load", "read_script", "script_text"]

_USER = {
    "Tab_Knob": 20, "Text_Knob": 26, "String_Knob": 1, "File_Knob": 2, "Int_Knob": 3,
    "Enumeration_Knob": 4, "Boolean_Knob": 6, "Double_Knob": 7, "PyScript_Knob": 22,
    "Multiline_Eval_String_Knob": 43,
}  # fmt: skip
"""Numbers of user knobs in a script."""
_KINDS = {number: kind for kind, number in _USER.items()}


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


def read_script(text: str, check_knobs: bool = True) -> list[Parsed]:
    """Return the nodes of a script. Raises ScriptError."""
    return _Reader(check_knobs).read(text)


class _Reader:
    def __init__(self, check_knobs: bool) -> None:
        self._check = check_knobs
        self._tcl = tkinter.Tcl()
        self._levels: list[tuple[list[Parsed], list[Parsed | None]]] = [([], [])]
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
        return ""

    def _unknown(self, kind: str, body: str) -> str:
        if kind not in NODES["classes"]:
            raise ScriptError(f"unknown class {kind}")
        words = self._tcl.splitlist(body)
        knobs, user = {}, []
        at = 0
        while at < len(words):
            if words[at] == "addUserKnob":
                user.append([str(word) for word in self._tcl.splitlist(words[at + 1])])
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


def script_text(host: Any) -> str:
    """Return the fake's script as Nuke writes one: what differs from defaults, groups inside."""
    tcl = tkinter.Tcl()
    return "version 16.0 v1\n" + "".join(_root(host, tcl)) + _level(host, host.root_node, tcl)


def load(host: Any, text: str) -> None:
    """Make the nodes of a script."""
    _make(host, read_script(text), host.root_node)
    host.undo.clear()
    host.is_modified = False


def _root(host: Any, tcl: Any) -> list[str]:
    lines = ["Root {\n inputs 0\n"]
    for name in NODES["classes"]["Root"]["knobs"]:
        lines.append(f" {name} {_word(tcl, host.root_node._knobs[name]._value)}\n")
    return [*lines, "}\n"]


def _level(host: Any, group: Any, tcl: Any) -> str:
    lines, written = [], set()
    for node in _in_order(group._children):
        for one in reversed(node._inputs):
            lines.append("push 0\n" if one is None else f"push $N{id(one):x}\n")
        lines.append(_node(host, node, tcl))
        if node._cls == "Group":
            lines += [_level(host, node, tcl), "end_group\n"]
        lines.append(f"set N{id(node):x} [stack 0]\n")
        written.add(id(node))
    return "".join(lines)


def _in_order(nodes: list[Any]) -> list[Any]:
    """Return nodes with what they hang on before them."""
    done: list[Any] = []
    while len(done) < len(nodes):
        for node in nodes:
            if node not in done and all(one is None or one in done for one in node._inputs):
                done.append(node)
    return done


def _node(host: Any, node: Any, tcl: Any) -> str:
    lines = [f"{node._cls} {{\n inputs {len(node._inputs)}\n"]
    user = host.user_knobs.get(id(node), [])
    for name in user:
        knob = node._knobs[name]
        words = [_USER[knob.kind], name, "l", knob._label]
        words += ["M", tuple(knob._choices)] if knob.kind == "Enumeration_Knob" else []
        lines.append(f" addUserKnob {{{' '.join(_word(tcl, w) for w in words)}}}\n")
        lines += [] if knob.kind == "Tab_Knob" else [f" {name} {_value(knob, tcl)}\n"]
    for name, knob in node._knobs.items():
        if name not in user and name != "mappings":
            lines.append(f" {name} {_value(knob, tcl)}\n")
    lines.append(f" name {_word(tcl, node._title)}\n")
    if "mappings" in node._knobs:
        text = ";".join(f"{a}:{b}:{c}" for a, b, c in node._knobs["mappings"]._value)
        lines.append(f" mappings {_word(tcl, text)}\n")
    return "".join([*lines, "}\n"])


def _value(knob: Any, tcl: Any) -> str:
    if knob._expression:
        return _word(tcl, f"={knob._expression}")
    if knob._keys:
        return _word(tcl, "curve " + " ".join(f"x{at:g} {y:g}" for at, y in knob._keys.items()))
    return _word(tcl, knob._value)


def _word(tcl: Any, value: Any) -> str:
    """Return a value as one word of a Tcl list."""
    if isinstance(value, tuple):
        return _word(tcl, " ".join(_word(tcl, each) for each in value))
    tcl.setvar("word", str(value).lower() if isinstance(value, bool) else str(value))
    return str(tcl.eval("list $word"))


def _make(host: Any, parsed: list[Parsed], group: Any) -> None:
    from tests.support.nuke.knobs import KNOBS
    from tests.support.nuke.nodes import make_node

    made: dict[int, Any] = {}
    for each in parsed:
        node = host.root_node if each.kind == "Root" else make_node(host, each.kind, group)
        made[id(each)] = node
        for words in each.user:
            number, name, label = int(words[0]), words[1], words[3]
            kind = KNOBS[_KINDS[number]]
            choices = [list(host_split(words[5]))] if "M" in words[4:5] else []
            node.addKnob(kind(name, label, *choices))
        for name, text in each.knobs.items():
            _fill(node, name, text)
        for number, one in enumerate(each.inputs):
            node.setInput(number, made[id(one)] if one is not None else None)
        _make(host, each.children, node)


def host_split(text: str) -> tuple[str, ...]:
    """Return the words of a list."""
    return tuple(str(word) for word in tkinter.Tcl().splitlist(text))


def _fill(node: Any, name: str, text: str) -> None:
    if name == "name":
        node._title = text
        return
    knob = node._knobs[name]
    if text.startswith("=") and hasattr(knob, "setExpression"):
        knob._expression = text[1:]
    elif text.startswith("curve "):
        words = text.split()[1:]
        knob._keys = {
            float(at[1:]): float(y) for at, y in zip(words[::2], words[1::2], strict=True)
        }
    elif name == "mappings":
        parts = [part.split(":") for part in text.split(";") if part]
        knob._value = [(int(a), b, c) for a, b, c in parts]
    elif isinstance(knob._value, bool):
        knob._value = text == "true"
    elif isinstance(knob._value, (int, float)):
        knob._value = type(knob._value)(float(text))
    else:
        knob._value = text
