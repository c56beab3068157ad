"""Public names do not come and go unnoticed.

After a change on purpose, ``python -m tests.test_api_surface`` writes the list anew; its diff is
then part of the review.
"""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.source import modules, tree

SURFACE = Path(__file__).with_name("api_surface.json")
MODULES = modules()


def declared(path: Path) -> list[str] | None:
    """Return the names in ``__all__``; None where it is not written out."""
    for node in tree(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return None


def bound(node: ast.stmt) -> list[str]:
    """Return the names that a top-level statement binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [name.id for t in targets for name in ast.walk(t) if isinstance(name, ast.Name)]
    return []


def surface() -> dict[str, Any]:
    return {name: sorted(declared(path) or []) for name, path in MODULES.items()}


def faults(path: Path) -> Iterator[str]:
    """Yield what is wrong with the ``__all__`` of a module."""
    body = tree(path).body
    names = declared(path) or []
    defined = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    if declared(path) is None and any(not node.name.startswith("_") for node in defined):
        yield "has public names and no __all__"
    if len(set(names)) < len(names):
        yield "__all__ repeats a name"
    if unknown := set(names) - {name for node in body for name in bound(node)}:
        yield f"__all__ names what is not there: {sorted(unknown)}"


def test_all_names_what_is_there() -> None:
    assert [f"{name} {fault}" for name, path in MODULES.items() for fault in faults(path)] == []


def test_public_names_are_those_on_record() -> None:
    recorded = json.loads(SURFACE.read_text())

    assert surface() == recorded, "on purpose? then run: python -m tests.test_api_surface"


if __name__ == "__main__":
    SURFACE.write_text(json.dumps(surface(), indent=1) + "\n")
