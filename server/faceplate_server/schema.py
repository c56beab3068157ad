"""JSON schemas with the help texts that hosts show beside their knobs."""

import ast
import inspect
import textwrap
from typing import Any

from pydantic import TypeAdapter

__all__ = ["field_help", "json_schema"]


def json_schema(kind: type[Any]) -> dict[str, Any]:
    """Return the JSON schema of a dataclass, each field described by the text below it."""
    schema = TypeAdapter(kind).json_schema()
    for name, text in field_help(kind).items():
        if name in schema["properties"]:
            schema["properties"][name]["description"] = text
    return schema


def field_help(kind: type[Any]) -> dict[str, str]:
    """Return the text below each field of a dataclass; Python itself does not keep it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, below in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            text = _text(below)
            if text:
                found[field.target.id] = " ".join(text.split())
    return found


def _text(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return node.value.value if isinstance(node.value.value, str) else ""
    return ""
