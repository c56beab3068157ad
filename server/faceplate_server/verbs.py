"""The verbs that jobs are made of: found by name, their settings validated."""

import json
import math
from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from faceplate.config import from_dict
from faceplate.errors import BadSettings, UnknownComponent
from faceplate.jobs import Verb

__all__ = ["ENGINE_VERBS", "find_verb", "parse_job", "parse_object"]

ENGINE_VERBS = "faceplate.jobs:JOBS"
"""Where the engine's own verbs are; a test names its own."""

LONGEST = 1 << 20
"""Characters of a JSON object."""
DEEPEST = 32
"""Levels of it."""


def find_verb(verbs: str, name: str) -> Verb:
    """Return a verb of the table at ``package.module:attribute``. Raises UnknownComponent."""
    module, _, attribute = verbs.partition(":")
    table = cast(Mapping[str, Verb], getattr(import_module(module), attribute))
    if name not in table:
        raise UnknownComponent("verb", name, sorted(table))
    return table[name]


def parse_object(text: str, what: str) -> dict[str, Any]:
    """Read one JSON object; an empty text is an empty object.

    Raises:
        BadSettings: It is none, too long, nested too deep, or holds what no file name or number of
            ours can be.
    """
    if len(text) > LONGEST:
        raise BadSettings(f"{what}: {len(text)} characters; at most {LONGEST} are read")
    try:
        values = json.loads(text or "{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadSettings(f"{what}: not JSON: {error}") from error
    if not isinstance(values, dict):
        raise BadSettings(f"{what}: expected a JSON object, got {type(values).__name__}")
    _check_values(values, what)
    return values


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _check_values(values: Any, what: str) -> None:
    """Raise BadSettings for depth without end, endless numbers and halves of characters."""
    level = [values]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += [*value, *value.values()]
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, float) and not math.isfinite(value):
                raise BadSettings(f"{what}: a number is too large")
            elif isinstance(value, str) and not _is_whole(value):
                raise BadSettings(f"{what}: a text holds half a character")
        level = inner
        if not level:
            return
    raise BadSettings(f"{what}: nested deeper than {DEEPEST} levels")


def _is_whole(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def parse_job(verb: Verb, values: Mapping[str, Any]) -> Any:
    """Return the verb's job dataclass; its module is imported. Raises BadSettings."""
    return from_dict(verb.settings_type(), values, f"{verb.name} job")
