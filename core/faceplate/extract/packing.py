"""Values of a pass as JSON that gives back exactly what went in: arrays to the last bit."""

import base64
import json
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from faceplate.errors import BadSettings

__all__ = ["pack", "unpack"]

_ARRAY, _TUPLE, _CLASS = "array", "tuple", "class"


def pack(value: Any) -> Any:
    """Return numbers, texts, arrays, tuples, lists and dataclasses of them as plain JSON values."""
    if isinstance(value, np.ndarray):
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {_ARRAY: [value.dtype.str, list(value.shape), data]}
    if isinstance(value, np.generic):
        return value.item()
    if is_dataclass(value) and not isinstance(value, type):
        named = {field.name: pack(getattr(value, field.name)) for field in fields(value)}
        return {_CLASS: type(value).__name__, "fields": named}
    if isinstance(value, tuple):
        return {_TUPLE: [pack(entry) for entry in value]}
    if isinstance(value, list):
        return [pack(entry) for entry in value]
    return value


def unpack(value: Any, kinds: Sequence[type[Any]]) -> Any:
    """Return what was packed.

    Args:
        value: The plain JSON value.
        kinds: The dataclasses that may be in it.

    Raises:
        BadSettings: It holds something else.
    """
    if isinstance(value, list):
        return [unpack(entry, kinds) for entry in value]
    if not isinstance(value, dict):
        return value
    if _ARRAY in value:
        dtype, shape, data = value[_ARRAY]
        return np.frombuffer(base64.b64decode(data), np.dtype(dtype)).reshape(shape).copy()
    if _TUPLE in value:
        return tuple(unpack(entry, kinds) for entry in value[_TUPLE])
    named = {kind.__name__: kind for kind in kinds}
    kind = named.get(value.get(_CLASS, ""))
    if kind is None:
        raise BadSettings(f"expected one of {', '.join(named)}, got {json.dumps(value)[:80]}")
    return kind(**{name: unpack(entry, kinds) for name, entry in value["fields"].items()})
