"""The verbs that jobs are made of: found by name, their settings validated."""

import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from faceplate.config import from_dict
from faceplate.errors import BadSettings, UnknownComponent
from faceplate.jobs import Verb

__all__ = ["ENGINE_VERBS", "find_verb", "parse_job", "parse_object"]

ENGINE_VERBS = "faceplate.jobs:JOBS"
"""Where the engine's own verbs are; a test names its own."""


def find_verb(verbs: str, name: str) -> Verb:
    """Return a verb of the table at ``package.module:attribute``. Raises UnknownComponent."""
    module, _, attribute = verbs.partition(":")
    table = cast(Mapping[str, Verb], getattr(import_module(module), attribute))
    if name not in table:
        raise UnknownComponent("verb", name, sorted(table))
    return table[name]


def parse_object(text: str, what: str) -> dict[str, Any]:
    """Read one JSON object; an empty text is an empty object. Raises BadSettings."""
    try:
        values = json.loads(text or "{}")
    except ValueError as error:
        raise BadSettings(f"{what}: not JSON: {error}") from error
    if not isinstance(values, dict):
        raise BadSettings(f"{what}: expected a JSON object, got {type(values).__name__}")
    return values


def parse_job(verb: Verb, values: Mapping[str, Any]) -> Any:
    """Return the verb's job dataclass; its module is imported. Raises BadSettings."""
    return from_dict(verb.settings_type(), values, f"{verb.name} job")
