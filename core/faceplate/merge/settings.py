"""What can be said of a setting: its unit, its range, its default and what it does.

A setting carries a `Span` in its type and its description in the docstring under its field, so the
checks, `faceplate recipe list` and docs/recipe.md can never say different things.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, Literal, cast, get_args, get_origin, get_type_hints

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from faceplate.config import field_texts
from faceplate.errors import BadSettings

__all__ = ["FACE", "Setting", "Span", "check_values", "settings_of"]

FACE = "% of face width"


@dataclass(frozen=True)
class Span:
    """The range and the unit of a number."""

    low: float
    high: float
    unit: str = ""
    """Empty where the number has none."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Say the range in the JSON schema that hosts draw their knobs from."""
        said = {**handler(schema), "minimum": self.low, "maximum": self.high}
        return {**said, "unit": self.unit} if self.unit else said


@dataclass(frozen=True)
class Setting:
    """One setting, as it is shown to people."""

    name: str
    kind: str
    """number, whole number, on or off, choice, or text."""
    values: str
    """Its range, or its choices."""
    unit: str
    default: Any
    text: str
    """What it does."""


@cache
def settings_of(kind: type[Any]) -> Mapping[str, Setting]:
    """Return the settings of a dataclass by name, in their order."""
    hints = get_type_hints(kind, include_extras=True)
    texts = field_texts(kind)
    return {
        field.name: _setting(field.name, hints[field.name], field.default, texts[field.name])
        for field in fields(kind)
    }


def check_values(settings: Any, what: str) -> None:
    """Check every field against the choices and the span in its type.

    Raises:
        BadSettings: The first that does not fit; the message names it, its range and its unit.
    """
    for name, hint in _checked(type(settings)).items():
        value, span = getattr(settings, name), _span(hint)
        choices = get_args(hint) if get_origin(hint) is Literal else ()
        if choices and value not in choices:
            known = ", ".join(map(str, choices))
            raise BadSettings(f"{what}: {name} must be one of {known}, got {value!r}")
        if span and not span.low <= value <= span.high:
            unit = f" {span.unit}" if span.unit else ""
            raise BadSettings(
                f"{what}: {name} must be from {span.low:g} to {span.high:g}{unit}, got {value!r}"
            )


def _limited(kind: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    return {name: hint for name, hint in hints.items() if get_origin(hint) in (Annotated, Literal)}


# mypy does not take a type for hashable
_checked = cast(Callable[[type[Any]], dict[str, Any]], cache(_limited))


def _span(hint: Any) -> Span | None:
    found = [part for part in get_args(hint)[1:] if isinstance(part, Span)]
    return found[0] if get_origin(hint) is Annotated and found else None


def _setting(name: str, hint: Any, default: Any, text: str) -> Setting:
    span, plain = _span(hint), get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if get_origin(plain) is Literal:
        return Setting(name, "choice", ", ".join(get_args(plain)), "", default, text)
    if plain is bool:
        return Setting(name, "on or off", "true, false", "", default, text)
    if span is None:
        return Setting(name, "text", "", "", default, text)
    kind = "whole number" if plain is int else "number"
    return Setting(name, kind, f"{span.low:g} to {span.high:g}", span.unit, default, text)
