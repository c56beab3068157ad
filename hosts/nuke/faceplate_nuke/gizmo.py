"""The node as a gizmo file, `FP_FaceSwap.gizmo`: for the Tab menu, and `nuke.createNode`.

The file says Group where others say Gizmo: so scripts hold the whole node, and open where the
plug-in is not installed. It is written from the same data as the node that the menu makes:

    python -m faceplate_nuke.gizmo
"""

from __future__ import annotations

import os
import sys

from faceplate_nuke.graph import inside_parts
from faceplate_nuke.nkfile import header_lines, part_lines, quoted
from faceplate_nuke.panel import IMPORT, KIND, LABEL, PANEL, SHOWS, Field

__all__ = ["FOLDER", "gizmo_text", "main"]

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "gizmos")

_NUMBERS = {
    "text": 1, "file": 2, "int": 3, "choice": 4, "bool": 6, "tab": 20, "button": 22,
    "line": 26, "log": 43,
}  # fmt: skip
"""Nuke's numbers of kinds of user knobs."""


def gizmo_text() -> str:
    """Return the file."""
    group = [f"name {KIND}1", f"label {quoted(LABEL)}", f"onCreate {quoted(IMPORT.format('made'))}"]
    for field in PANEL:
        group.append(f"addUserKnob {{{_knob(field)}}}")
        if field.has_value and field.starts_with != "":
            group.append(f"{field.name} {quoted(field.starts_with)}")
    lines = [
        f"#! {KIND}: written by `python -m faceplate_nuke.gizmo`; change panel.py or graph.py",
        *header_lines(), "Group {", *(f" {line}" for line in group), "}",
        *(f" {line}" for line in part_lines(inside_parts(SHOWS))), "end_group",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _knob(field: Field) -> str:
    words = [str(_NUMBERS[field.kind]), field.name, "l", quoted(field.label)]
    if field.tooltip:
        words += ["t", quoted(field.tooltip)]
    if field.choices:
        words += ["M", "{" + " ".join(quoted(choice) for choice in field.choices) + "}"]
    if field.action:
        words += ["T", quoted(IMPORT.format(field.action))]
    if field.new_line is not None:
        words.append("+STARTLINE" if field.new_line else "-STARTLINE")
    if not field.visible:
        words.append("+INVISIBLE")
    if not field.enabled:
        words.append("+DISABLED")
    return " ".join(words)


def main() -> int:
    """Write the file where Nuke finds it."""
    os.makedirs(FOLDER, exist_ok=True)
    path = os.path.join(FOLDER, f"{KIND}.gizmo")
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(gizmo_text())
    sys.stdout.write(f"wrote {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
