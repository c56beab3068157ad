"""From the recipe's JSON schema, as the server tells it, to what knobs must be like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["PREFIX", "SECTIONS", "KnobSpec", "knob_specs"]

PREFIX = "fp_r_"
"""Before the name of a setting in the name of its knob."""

SECTIONS = {
    "mode": "Mode",
    "transfer": "Colour",
    "hist_threshold": "Histogram, Poisson, bands",
    "matte": "Matte",
    "edge_unit": "Edge of the matte",
    "occlusion": "Occlusion",
    "super_resolution": "Detail of the face",
    "motion_blur": "Camera",
    "denoise": "Degrading the face",
    "output_scale": "Output",
}
"""The first setting of a group, and its title; a setting that a server lacks costs a title."""

_OPEN = {"mode", "transfer", "matte"}
"""Groups that are not folded at first: what every shot is looked at for."""

_SLIDER = 100.0
"""Sliders go no further, though values may: 400 % of a face leave no room for a feather of 8."""

_KINDS = {"number": "float", "integer": "int", "boolean": "bool", "string": "text"}


@dataclass(frozen=True)
class KnobSpec:
    """One setting of the recipe as a knob."""

    setting: str
    kind: str
    """float, int, bool, choice or text."""
    default: Any
    tooltip: str
    low: float = 0.0
    high: float = 0.0
    """Both 0 where there is no range."""
    choices: tuple[str, ...] = ()
    section: str = ""
    """Title above the knob, where a group begins."""

    @property
    def name(self) -> str:
        """Name of the knob."""
        return PREFIX + self.setting

    @property
    def label(self) -> str:
        """What stands before the knob."""
        return self.setting.replace("_", " ")

    @property
    def slider(self) -> tuple[float, float]:
        """Ends of the slider."""
        return max(self.low, -_SLIDER), min(self.high, _SLIDER)

    @property
    def is_open(self) -> bool:
        """Whether the group that begins here is not folded at first."""
        return self.setting in _OPEN

    @property
    def animatable(self) -> bool:
        """Whether it may change over the frames: all but texts, which Nuke cannot animate."""
        return self.kind != "text"


def knob_specs(schema: Mapping[str, Any]) -> list[KnobSpec]:
    """Return the knobs of a schema in its order; kinds that no knob can show are left out.

    Example:
        >>> schema = {"properties": {"feather": {"type": "number", "default": 8.0, "minimum": 0,
        ...           "maximum": 60, "unit": "%", "description": "Width of the soft edge."}}}
        >>> knob_specs(schema)[0].tooltip
        'Width of the soft edge. From 0 to 60 %, by default 8.'
    """
    found = []
    for setting, said in schema.get("properties", {}).items():
        kind = "choice" if said.get("enum") else _KINDS.get(said.get("type", ""), "")
        if kind and "default" in said:
            found.append(_spec(setting, kind, said))
    return found


def _spec(setting: str, kind: str, said: Mapping[str, Any]) -> KnobSpec:
    ranged = "minimum" in said and "maximum" in said
    return KnobSpec(
        setting,
        kind,
        said["default"],
        _tooltip(said, ranged),
        float(said["minimum"]) if ranged else 0.0,
        float(said["maximum"]) if ranged else 0.0,
        tuple(str(choice) for choice in said.get("enum") or ()),
        SECTIONS.get(setting, ""),
    )


def _tooltip(said: Mapping[str, Any], ranged: bool) -> str:
    text = str(said.get("description") or "")
    default = said["default"]
    shown = f"{default:g}" if isinstance(default, (int, float)) else str(default)
    shown = str(default).lower() if isinstance(default, bool) else shown
    if ranged:
        unit = f" {said['unit']}" if said.get("unit") else ""
        return f"{text} From {said['minimum']:g} to {said['maximum']:g}{unit}, by default {shown}."
    return f"{text} By default {shown}."
