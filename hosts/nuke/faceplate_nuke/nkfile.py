"""The same graph as a .nk file, which is Tcl: to import where the plug-in is not installed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from faceplate_nuke.graph import LAYERS, PLATE, Part

__all__ = ["header_lines", "nk_text", "part_lines", "quoted"]

_ACROSS, _DOWN = 130, 80


def nk_text(read: Mapping[str, Any], read_name: str, parts: Sequence[Part]) -> str:
    """Return a script of a Read and the parts behind it; the plate is a Dot to be connected.

    Args:
        read: Knobs of the Read.
        read_name: Its name.
        parts: In an order in which inputs come first.
    """
    dot = Part("Dot", "FP_Plate", (), {}, (), "connect the plate here", (-2, 0))
    lines = [*header_lines(), *_node(dot, 0), f"set {_variable(PLATE)} [stack 0]"]
    lines += part_lines([Part("Read", read_name, (), read, (), "", (0, 0)), *parts])
    return "\n".join(lines) + "\n"


def header_lines() -> list[str]:
    """Return what stands before the nodes: a version that all that are supported can read, and
    the layers, which no knob may name before.
    """
    layers = [f"{layer} {' '.join(f'{layer}.{each}' for each in channels)}"
              for layer, channels in LAYERS.items()]  # fmt: skip
    return ["version 13.0 v1", *(f"add_layer {{{words}}}" for words in layers)]


def part_lines(parts: Sequence[Part]) -> list[str]:
    """Return the lines of parts, which come after what they hang on.

    Every node is made with its inputs on the stack and leaves itself there; what is needed again
    is kept in a variable, and fetched by `push`.
    """
    lines: list[str] = []
    for part in parts:
        for name in reversed(part.inputs):  # the first input is what lies on top
            lines.append(f"push ${_variable(name)}")
        lines += [*_node(part, len(part.inputs)), f"set {_variable(part.name)} [stack 0]"]
    return lines


def quoted(value: Any) -> str:
    r"""Return a value as one word of Tcl.

    Example:
        >>> quoted("a b"), quoted("x"), quoted('say "$1" [now]'), quoted(True)
        ('"a b"', 'x', '"say \\"\\$1\\" \\[now]"', 'true')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if re.fullmatch(r"[A-Za-z0-9_./%:-]+", text):
        return text
    escaped = re.sub(r'([\\"$\[{}])', r"\\\1", text).replace("\n", "\\n")
    return f'"{escaped}"'


def mapping_text(part: Part) -> str:
    """Return the mappings of a Shuffle2 as its file has them: channel, input, place, twice each."""
    places = {"red": 0, "green": 1, "blue": 2, "alpha": 3}
    words = [str(len(part.mappings))]
    for source, target in part.mappings:
        words += [source, "0", str(places[source.rpartition(".")[2]])]
        words += [target, "0", str(places[target.rpartition(".")[2]])]
    return " ".join(words)


def _node(part: Part, inputs: int) -> list[str]:
    column, row = part.place
    knobs: dict[str, Any] = dict(part.knobs)
    if part.mappings:
        knobs["mappings"] = mapping_text(part)
    knobs["name"] = part.name
    if part.label:
        knobs["label"] = part.label
    knobs["xpos"], knobs["ypos"] = column * _ACROSS, row * _DOWN
    lines = [f"{part.kind} {{"]
    if inputs != 1:
        lines.append(f" inputs {inputs}")
    lines += [f" {name} {quoted(value)}" for name, value in knobs.items()]
    lines += [f' {name} {{{{"{text}"}}}}' for name, text in part.expressions.items()]
    return [*lines, "}"]


def _variable(name: str) -> str:
    return "N" + re.sub(r"\W", "_", name)
