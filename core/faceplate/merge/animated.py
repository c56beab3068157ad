"""A recipe as its file has it: a preset, settings, and values that change over the frames.

    {"preset": "film", "feather": 6,
     "keys": {"opacity": [{"frame": 1001, "value": 0}, {"frame": 1013, "value": 1}]}}

Settings given beside a preset go over it; keys go over both. Before its first key and after its
last a setting keeps the value of that key.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.interpolate import PchipInterpolator

from faceplate.config import from_dict, read_json, to_dict
from faceplate.errors import BadSettings, near_names
from faceplate.merge.presets import PRESETS
from faceplate.merge.recipe import Recipe
from faceplate.merge.settings import settings_of

__all__ = ["AnimatedRecipe", "Blend", "Key", "load_recipe", "parse_recipe"]

Blend = Literal["hold", "linear", "smooth"]
Value = float | int | bool | str

_A = {
    "number": "a number",
    "whole number": "a whole number",
    "on or off": "true or false",
    "choice": "one of its choices",
    "text": "a text",
}


@dataclass(frozen=True)
class Key:
    """The value of a setting at a frame."""

    frame: int
    value: Value
    interpolation: Blend = "linear"
    """How the setting goes on to the next key: it keeps this value (`hold`), goes straight
    (`linear`), or eases through the keys without overshooting them (`smooth`). What is no number
    always holds."""


@dataclass(frozen=True)
class AnimatedRecipe:
    """The recipe of a shot.

    Raises:
        BadSettings: A key of a setting that there is not, two keys at one frame, or a value that
            the setting cannot have.

    Example:
        >>> fade = AnimatedRecipe(keys={"opacity": (Key(1, 0.0), Key(5, 1.0))})
        >>> fade.at(2).opacity
        0.25
    """

    base: Recipe = field(default_factory=Recipe)
    """What holds where no key says otherwise."""
    keys: Mapping[str, Sequence[Key]] = field(default_factory=dict)
    """Setting to its keys, in the order of their frames."""

    def __post_init__(self) -> None:
        keys = {name: _checked_keys(name, given) for name, given in self.keys.items()}
        object.__setattr__(self, "keys", keys)
        for frame in sorted({key.frame for given in keys.values() for key in given}):
            self.at(frame)

    def at(self, frame: int) -> Recipe:
        """Return the recipe at a frame.

        Raises:
            BadSettings: Settings that each are right and together are not.
        """
        if not self.keys:
            return self.base
        values: dict[str, Any] = {name: curve.at(frame) for name, curve in self._curves.items()}
        return replace(self.base, **values)

    @cached_property
    def _curves(self) -> dict[str, "_Curve"]:
        return {name: _Curve(tuple(keys)) for name, keys in self.keys.items()}

    def plain(self) -> dict[str, Any]:
        """Return what a recipe file holds: settings that are not the default's, and keys."""
        default, own = to_dict(Recipe()), to_dict(self.base)
        values: dict[str, Any] = {name: own[name] for name in own if own[name] != default[name]}
        if self.keys:
            values["keys"] = {
                name: [to_dict(key) for key in keys] for name, keys in self.keys.items()
            }
        return values


def load_recipe(path: Path | None) -> AnimatedRecipe:
    """Read a recipe, or return the default one where no path is given.

    Raises:
        NotFound: No such file.
        BadSettings: Not JSON, unknown keys (with the nearest name), or values out of range; the
            message names the key.
    """
    return AnimatedRecipe() if path is None else parse_recipe(read_json(path), str(path))


def parse_recipe(values: Mapping[str, Any], what: str = "recipe") -> AnimatedRecipe:
    """Build a recipe from the plain values of its file. Raises BadSettings."""
    rest = dict(values)
    preset, keys = rest.pop("preset", "default"), rest.pop("keys", {})
    if preset not in PRESETS:
        near = near_names(str(preset), PRESETS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(PRESETS)}"
        raise BadSettings(f"{what}: there is no preset {preset!r}; {hint}")
    _refuse_unknown(rest, what, ("preset", "keys"))
    try:
        base = from_dict(Recipe, {**PRESETS[preset], **rest}, what)
        return AnimatedRecipe(base, _parse_keys(keys, what))
    except BadSettings as error:
        text = str(error)
        raise BadSettings(text if text.startswith(what) else f"{what}: {text}") from error


def _parse_keys(keys: Any, what: str) -> dict[str, tuple[Key, ...]]:
    if not isinstance(keys, Mapping):
        raise BadSettings(f"{what}: keys: expected an object of settings, got {keys!r}")
    _refuse_unknown(keys, f"{what}: keys", ())
    found = {}
    for name, entries in keys.items():
        where = f"{what}: keys: {name}"
        if not isinstance(entries, list) or not all(isinstance(each, Mapping) for each in entries):
            example = '[{"frame": 1001, "value": 4}]'
            raise BadSettings(f"{where}: expected a list such as {example}, got {entries!r}")
        read = [from_dict(Key, entry, where) for entry in entries]
        found[name] = tuple(sorted(read, key=lambda key: key.frame))
    return found


def _refuse_unknown(values: Mapping[str, Any], what: str, more: tuple[str, ...]) -> None:
    known = [*(each.name for each in fields(Recipe)), *more]
    for name in values:
        if name not in known:
            near = near_names(str(name), known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
            raise BadSettings(f"{what}: unknown key {name!r}{hint}")


def _checked_keys(name: str, keys: Sequence[Key]) -> tuple[Key, ...]:
    _refuse_unknown({name: keys}, "recipe: keys", ())
    if not keys:
        raise BadSettings(f"recipe: keys: {name} has no key; leave it out instead")
    for key, following in pairwise(keys):
        if following.frame <= key.frame:
            raise BadSettings(
                f"recipe: keys: {name} has keys at frames {key.frame} and {following.frame}; each "
                "frame may come once, and in order"
            )
    return tuple(replace(key, value=_typed(name, key)) for key in keys)


def _typed(name: str, key: Key) -> Value:
    """Return the value of a key in the type of its setting."""
    kind, value = settings_of(Recipe)[name].kind, key.value
    is_number = _is_number(value)
    if kind == "number" and is_number:
        return float(value)
    if kind == "whole number" and is_number and float(value).is_integer():
        return int(value)
    if kind == "on or off" and isinstance(value, bool):
        return value
    if kind in ("choice", "text") and isinstance(value, str):
        return value
    raise BadSettings(
        f"recipe: keys: {name} at frame {key.frame} must be {_A[kind]}, got {value!r}"
    )


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class _Curve:
    """One setting over the frames."""

    def __init__(self, keys: tuple[Key, ...]) -> None:
        self._keys = keys
        self._frames = [key.frame for key in keys]
        self._numbers = [float(key.value) for key in keys if _is_number(key.value)]

    def at(self, frame: int) -> Value:
        index = bisect_right(self._frames, frame) - 1
        if index < 0 or index + 1 == len(self._keys):
            return self._keys[max(index, 0)].value
        key = self._keys[index]
        if key.interpolation == "hold" or len(self._numbers) < len(self._keys):
            return key.value
        value = self._between(frame, key.interpolation)
        return round(value) if isinstance(key.value, int) else value

    def _between(self, frame: int, interpolation: Blend) -> float:
        if interpolation == "linear":
            return float(np.interp(frame, self._frames, self._numbers))
        return float(self._smooth(frame))

    @cached_property
    def _smooth(self) -> PchipInterpolator:
        return PchipInterpolator(self._frames, self._numbers)
