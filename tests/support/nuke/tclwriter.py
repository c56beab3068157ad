"""The fake's script as text, in the form in which Nuke saves one."""

import tkinter
from typing import Any

from tests.support.nuke.table import NODES
from tests.support.nuke.tclscript import GROUPS, USER

__all__ = ["script_text"]


def script_text(host: Any) -> str:
    """Return the fake's script as Nuke writes one: what differs from defaults, groups inside."""
    tcl = tkinter.Tcl()
    layers = [f"add_layer {{{name} {' '.join(channels)}}}\n"
              for name, channels in host.layers.items() if name.startswith("fp")]  # fmt: skip
    head = "version 16.0 v1\n" + "".join(layers)
    return head + "".join(_root(host, tcl)) + _level(host, host.root_node, tcl)


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
        lines.append(f" addUserKnob {{{' '.join(_word(tcl, w) for w in _user_words(knob))}}}\n")
        if knob.kind not in ("Tab_Knob", "PyScript_Knob"):
            lines.append(f" {name} {_value(knob, tcl)}\n")
    for name, knob in node._knobs.items():
        if name not in user and name != "mappings":
            lines.append(f" {name} {_value(knob, tcl)}\n")
    lines.append(f" name {_word(tcl, node._title)}\n")
    if "mappings" in node._knobs:
        lines.append(f" mappings {_word(tcl, _mapping_text(node._knobs['mappings']._value))}\n")
    return "".join([*lines, "}\n"])


def _user_words(knob: Any) -> list[Any]:
    words = [USER[knob.kind], knob._name, "l", knob._label or ""]
    words += ["t", knob._tooltip] if knob._tooltip else []
    words += ["M", tuple(knob._choices)] if knob.kind == "Enumeration_Knob" else []
    words += ["T", knob._value] if knob.kind == "PyScript_Knob" else []
    if knob.kind == "Tab_Knob" and knob._type != "TABKNOB":
        words += ["n", GROUPS[knob._type]]
    begins = "STARTLINE" in knob._flags
    if begins != ("STARTLINE" in knob._first_flags):
        words.append("+STARTLINE" if begins else "-STARTLINE")
    words += ["+INVISIBLE"] if "INVISIBLE" in knob._flags else []
    return [*words, *(["+DISABLED"] if not knob._enabled else [])]


def _mapping_text(mappings: Any) -> str:
    """Return mappings as Nuke's files have them: channel, input, place in its layer, twice."""
    places = {"red": 0, "green": 1, "blue": 2, "alpha": 3}
    words = [str(len(mappings))]
    for number, source, target in mappings:
        for at, channel in ((number, source), (0, target)):
            words += [channel, str(at), str(places[channel.rpartition(".")[2]])]
    return " ".join(words)


def _value(knob: Any, tcl: Any) -> str:
    if knob._expression:
        return f'{{{{"{knob._expression}"}}}}'
    if knob._keys:
        return _word(tcl, "curve " + " ".join(f"x{at:g} {y:g}" for at, y in knob._keys.items()))
    return _word(tcl, knob._value)


def _word(tcl: Any, value: Any) -> str:
    """Return a value as one word of a Tcl list."""
    if isinstance(value, tuple):
        return _word(tcl, " ".join(_word(tcl, each) for each in value))
    tcl.setvar("word", str(value).lower() if isinstance(value, bool) else str(value))
    return str(tcl.eval("list $word"))
