"""The recipe that knobs say: constant values, and animated ones sampled frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from faceplate_nuke.schema import KnobSpec

__all__ = ["recipe_at", "recipe_of", "thinned"]


def recipe_of(
    specs: Sequence[KnobSpec], knobs: Mapping[str, Any], frames: Sequence[int]
) -> dict[str, Any]:
    """Return the recipe of a range: what differs from the defaults, and a table of what moves.

    Args:
        specs: The settings.
        knobs: Name to knob of Nuke; those that are not there have their default.
        frames: Sorted; every animated setting is sampled at each of them.
    """
    recipe: dict[str, Any] = {}
    keys: dict[str, list[dict[str, Any]]] = {}
    for spec in specs:
        knob = knobs.get(spec.name)
        if knob is None:
            continue
        if spec.animatable and is_moving(knob):
            table = [(frame, value_at(spec, knob, frame)) for frame in frames]
            if len({value for _, value in table}) > 1:
                keys[spec.setting] = [
                    {"frame": frame, "value": value} for frame, value in thinned(table)
                ]
                continue
            value = table[0][1] if table else spec.default
        else:
            value = value_now(spec, knob)
        if value != spec.default:
            recipe[spec.setting] = value
    return {**recipe, "keys": keys} if keys else recipe


def recipe_at(specs: Sequence[KnobSpec], knobs: Mapping[str, Any], frame: int) -> dict[str, Any]:
    """Return the recipe at one frame; nothing in it moves."""
    return recipe_of(specs, knobs, [frame])


def is_moving(knob: Any) -> bool:
    """Return whether a knob has keys or an expression."""
    return bool(knob.isAnimated() or knob.hasExpression())


def value_at(spec: KnobSpec, knob: Any, frame: int) -> Any:
    """Return the value of a knob at a frame, as the recipe wants it."""
    return plain(spec, knob.getValueAt(frame))


def value_now(spec: KnobSpec, knob: Any) -> Any:
    """Return the value of a knob that does not move."""
    if spec.kind in ("choice", "text"):
        return str(knob.value())
    return plain(spec, knob.value())


def plain(spec: KnobSpec, value: Any) -> Any:
    """Return a sampled value in the recipe's type; a choice is sampled as its place in the list."""
    if spec.kind == "bool":
        return bool(round(float(value)))
    if spec.kind == "int":
        return round(float(value))
    if spec.kind == "choice":
        if isinstance(value, str):
            return value
        place = min(max(round(float(value)), 0), len(spec.choices) - 1)
        return spec.choices[place]
    number = float(value)
    if spec.low != spec.high:  # a curve may overshoot between its keys
        number = min(max(number, spec.low), spec.high)
    return number


def thinned(table: Sequence[tuple[int, Any]]) -> list[tuple[int, Any]]:
    """Return a table without the middle of runs of one value: between its ends nothing changes.

    Example:
        >>> thinned([(1, 0.0), (2, 0.0), (3, 0.0), (4, 1.0)])
        [(1, 0.0), (3, 0.0), (4, 1.0)]
    """
    return [
        entry
        for at, entry in enumerate(table)
        if not (0 < at < len(table) - 1 and table[at - 1][1] == entry[1] == table[at + 1][1])
    ]
