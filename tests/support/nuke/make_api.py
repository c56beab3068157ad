"""Make api.json, the table of what Nuke's Python module offers.

    pip download --no-deps types-nuke==13.2.8 -d FOLDER
    python -m tests.support.nuke.make_api FOLDER/types_nuke-*.whl

The stubs (types-nuke, MIT) are read as data and are no dependency. Only names and signatures are
kept: the fake host of the tests refuses every name and argument outside the table.
"""

import ast
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

OUT = Path(__file__).with_name("api.json")
HIDDEN = ("geo", "curvelib", "curveknob", "localization", "splinewarp", "rotopaint", "nuke_color")


def main() -> None:
    """Read the wheel and write the table."""
    wheel = Path(sys.argv[1])
    table: dict[str, Any] = {
        "source": f"{wheel.name} of the Python package index: stubs of Nuke 13's module nuke",
        "functions": {},
        "classes": {},
        "values": [],
    }
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".pyi") and not any(word in name for word in HIDDEN):
                read(ast.parse(archive.read(name)), table)
    table["values"] = sorted(set(table["values"]))
    OUT.write_text(json.dumps(table, indent=None, sort_keys=True, separators=(",", ":")) + "\n")
    sys.stdout.write(
        f"{len(table['functions'])} functions, {len(table['classes'])} classes -> {OUT}\n"
    )


def read(tree: ast.Module, table: dict[str, Any]) -> None:
    """Add what a file of stubs declares."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            add(table["functions"], node, method=False)
        elif isinstance(node, ast.ClassDef):
            methods: dict[str, Any] = {}
            for part in node.body:
                if isinstance(part, ast.FunctionDef):
                    add(methods, part, method=True)
            bases = [ast.unparse(base).partition("[")[0] for base in node.bases]
            table["classes"][node.name] = {"bases": bases, "methods": methods}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            table["values"].append(node.target.id)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            table["values"].append(node.targets[0].id)


def add(found: dict[str, Any], node: ast.FunctionDef, method: bool) -> None:
    """Add a signature: [names, how many are needed], or null where the stubs tell nothing.

    Of several overloads, what any of them takes is taken.
    """
    arguments = node.args
    if arguments.vararg and arguments.kwarg:
        found[node.name] = None
        return
    names = [each.arg for each in (*arguments.args, *arguments.kwonlyargs)]
    if method and names and names[0] in ("self", "cls"):
        names = names[1:]
    needed = max(len(names) - len(arguments.defaults) - len(arguments.kwonlyargs), 0)
    before = found.get(node.name)
    if before:
        names = list(dict.fromkeys([*before[0], *names]))
        needed = min(before[1], needed)
    if not (node.name in found and before is None):
        found[node.name] = [names, needed]


if __name__ == "__main__":
    main()
