"""The source files of the house, read as data."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.paths import REPO

ROOTS = {
    "faceplate": REPO / "core" / "faceplate",
    "faceplate_server": REPO / "server" / "faceplate_server",
    "faceplate_client": REPO / "hosts" / "client" / "faceplate_client",
}
"""Import name to folder of every package that is ours (the protobuf stubs are generated)."""


def modules(*packages: str) -> dict[str, Path]:
    """Return every module of the packages (all, if none is named) with its file."""
    found = {}
    for package in packages or ROOTS:
        root = ROOTS[package]
        for path in sorted(root.rglob("*.py")):
            parts = path.relative_to(root.parent).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    """Return the parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def dotted(node: ast.expr | None) -> str:
    """Return a name such as ``sys.exit``; empty for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call of a file with the dotted name of what is called."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def tracked() -> list[Path]:
    """Return the files that git tracks; empty where this is no checkout."""
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPO, capture_output=True, text=True, check=False
    )
    files = [REPO / name for name in done.stdout.split("\0") if name]
    return [path for path in files if path.is_file()]
