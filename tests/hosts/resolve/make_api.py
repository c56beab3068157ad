"""Make api.json, the names that Resolve's objects have, from the package fusionscript-stubs.

    pip download --no-deps fusionscript-stubs==21.0.0 && unzip *.whl
    python -m tests.hosts.resolve.make_api fusionscript-stubs/fusionscript.pyi

The stubs (MIT, Korney Czukowski) follow the README of Resolve's scripting of 8 May 2026. The
Fusion objects have no entry there: their names come from `FUSION`, below.
"""

import ast
import json
import sys
from pathlib import Path
from typing import Any

SOURCE = "fusionscript-stubs 21.0.0 (PyPI, MIT), after Resolve's scripting README of 8 May 2026"

FUSION = {
    "Composition": {
        "AddTool": [1, 4], "EndUndo": [1, 1], "FindTool": [1, 1], "GetAttrs": [0, 1],
        "GetToolList": [0, 2], "Lock": [0, 0], "StartUndo": [1, 1], "Unlock": [0, 0],
    },
    "Operator": {
        "ConnectInput": [2, 2], "Delete": [0, 0], "GetAttrs": [0, 1], "GetInput": [1, 2],
        "SetAttrs": [1, 1], "SetInput": [2, 3],
    },
}  # fmt: skip
"""Fusion 8 Scripting Guide, chapters Composition and Operator; noted 2026-11-23."""

OPTIONAL = {
    "TimelineItem": ["GetStart", "GetEnd", "GetDuration", "GetLeftOffset", "GetRightOffset"],
    "Project": ["GetSetting"],
    "Timeline": ["GetSetting", "AddTrack", "DeleteClips"],
}
"""Functions whose last argument the README calls optional, or shows calls without; the stubs have
no default for it. Noted 2026-11-23."""


def main(stubs: str) -> None:
    """Write api.json beside this file."""
    tree = ast.parse(Path(stubs).read_text(encoding="utf-8"))
    classes: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            functions = [part for part in node.body if isinstance(part, ast.FunctionDef)]
            if functions:
                classes[node.name] = functions_of(node.name, functions)
    for name, functions in FUSION.items():
        classes[name] = {key: {"arguments": counts} for key, counts in functions.items()}
    keys = [
        part.target.id
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == "RenderSettings"
        for part in node.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    ]
    parts = [f'"source": {json.dumps(SOURCE)}', f'"render_settings": {json.dumps(keys)}']
    for name, functions in sorted(classes.items()):
        lines = [f"  {json.dumps(key)}: {json.dumps(functions[key])}" for key in sorted(functions)]
        parts.append(f"{json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n}")
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    Path(__file__).with_name("api.json").write_text(text, encoding="utf-8")


def functions_of(owner: str, functions: list[ast.FunctionDef]) -> dict[str, Any]:
    """Return name to least and most arguments, over all overloads, and whether Studio is needed."""
    found: dict[str, Any] = {}
    for function in functions:
        least, most = counts(function.args)
        if function.name in OPTIONAL.get(owner, ()):
            least = max(0, least - 1)
        if function.name in found:
            before = found[function.name]["arguments"]
            least, most = min(least, before[0]), max(most, before[1])
        entry: dict[str, Any] = {"arguments": [least, most]}
        if "Studio and AI Scripting APIs" in (ast.get_docstring(function) or ""):
            entry["studio"] = True
        found[function.name] = entry
    return found


def counts(arguments: ast.arguments) -> tuple[int, int]:
    """Return least and most; an argument that is Optional may be left out."""
    given = arguments.args[1:]
    with_default = len(arguments.defaults)
    optional = sum("Optional" in ast.unparse(one.annotation) for one in given if one.annotation)
    most = 99 if arguments.vararg else len(given)
    return len(given) - max(with_default, optional), most


if __name__ == "__main__":
    main(sys.argv[1])
