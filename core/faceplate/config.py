"""Settings: frozen dataclasses, read from and written to JSON at file borders.

pydantic validates the same plain dataclasses here and nowhere else.
"""

import ast
import dataclasses
import hashlib
import inspect
import json
import os
import textwrap
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from faceplate.errors import BadSettings, NotFound, near_names

__all__ = [
    "OFFLINE",
    "default_home",
    "field_texts",
    "from_dict",
    "from_json",
    "json_schema",
    "read_json",
    "settings_hash",
    "to_dict",
    "to_json",
]

T = TypeVar("T")

OFFLINE = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "WANDB_MODE": "disabled",
}
"""Environment under which libraries, ours or those that plug-ins bring, look for nothing on a
network. A `main()` sets what nobody else has set; only `faceplate models fetch` ever goes out."""

# pydantic's view of a dataclass takes milliseconds to make
_adapter = cast(Callable[[type[Any]], TypeAdapter[Any]], cache(TypeAdapter))


def default_home() -> Path:
    """Return the folder of weights, tokens and logs: ``$FACEPLATE_HOME`` or ``~/.faceplate``.

    Only a `main()` calls this; everything else is given the folder.
    """
    return Path(os.environ.get("FACEPLATE_HOME") or Path.home() / ".faceplate")


def to_dict(settings: Any) -> dict[str, Any]:
    """Return a dataclass as plain JSON values, nested dataclasses included.

    A nested dataclass is written as what it is, not as the base that the field's type names.
    """
    plain = _adapter(type(settings)).dump_python(settings, mode="json", serialize_as_any=True)
    return dict(plain)


def to_json(settings: Any) -> str:
    """Return a dataclass as indented JSON text with a closing newline."""
    return json.dumps(to_dict(settings), indent=2) + "\n"


def from_dict(kind: type[T], values: Mapping[str, Any], what: str = "settings") -> T:
    """Build a dataclass from plain values.

    Raises:
        BadSettings: An unknown key (with the nearest known one), a missing one, or a value of the
            wrong type or outside its choices; the message names the key.
    """
    _refuse_unknown(kind, values, what)
    try:
        return cast(T, _adapter(kind).validate_python(dict(values)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "top level"
        raise BadSettings(f"{what}: {where}: {first['msg']}, got {first['input']!r}") from error


def from_json(kind: type[T], path: Path) -> T:
    """Read a dataclass from a JSON file. Raises NotFound or BadSettings."""
    return from_dict(kind, read_json(path), str(path))


def read_json(path: Path) -> dict[str, Any]:
    """Read the object in a JSON file. Raises NotFound or BadSettings."""
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"{path} does not exist") from error
    try:
        values = json.loads(text)
    except ValueError as error:
        raise BadSettings(f"{path} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise BadSettings(f"{path}: expected an object, got {type(values).__name__}")
    return values


def settings_hash(settings: Any) -> str:
    """Return the sha256 (hex) of a dataclass, independent of the order of its fields."""
    text = json.dumps(to_dict(settings), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def json_schema(kind: type[Any]) -> dict[str, Any]:
    """Return the JSON schema of a dataclass, with the text under each field as its description."""
    schema = dict(_adapter(kind).json_schema())
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    for name, text in field_texts(kind).items():
        schema["properties"][name]["description"] = text
    return schema | {"additionalProperties": False}


def field_texts(kind: type[Any]) -> dict[str, str]:
    """Return the text under each field of a dataclass, as one line."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            text = below.value.value if is_text else ""  # type: ignore[attr-defined]  # as checked
            found[field.target.id] = " ".join(str(text).split())
    return found


def _refuse_unknown(kind: type[Any], values: Mapping[str, Any], what: str) -> None:
    hints = get_type_hints(kind)
    known = [field.name for field in dataclasses.fields(kind)]
    for key, value in values.items():
        if key not in known:
            near = near_names(str(key), known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
            raise BadSettings(f"{what}: unknown key {key!r}{hint}")
        nested = _dataclasses_in(hints[key])
        if len(nested) == 1:  # of several the value itself must tell which is meant
            for where, inner in _mappings(value, key):
                _refuse_unknown(nested[0], inner, f"{what}: {where}")


def _dataclasses_in(hint: Any) -> list[type[Any]]:
    """Return the dataclasses that a type names: itself, or inside a union, list or tuple."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return [hint]
    origin = get_origin(hint)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return []  # its keys are free
    return [kind for part in get_args(hint) for kind in _dataclasses_in(part)]


def _mappings(value: Any, where: str) -> list[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        return [(where, value)]
    if isinstance(value, list | tuple):
        return [pair for n, part in enumerate(value) for pair in _mappings(part, f"{where}.{n}")]
    return []
