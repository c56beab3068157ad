"""Makes knobs: the fixed ones of `panel`, and one for each setting of the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nuke

from faceplate_nuke.panel import IMPORT, PANEL, Field
from faceplate_nuke.schema import KnobSpec

__all__ = ["add_fixed_knobs", "add_recipe_knobs", "refresh_choices"]


def add_fixed_knobs(node: Any) -> None:
    """Give a new node everything that no server has to tell."""
    for field in PANEL:
        node.addKnob(_fixed_knob(field))


def add_recipe_knobs(node: Any, specs: Sequence[KnobSpec]) -> list[str]:
    """Give a node a knob for each setting of the recipe that it has not; values are kept.

    Returns:
        Names of the knobs that are new.
    """
    known = node.knobs()
    if not any(spec.name in known for spec in specs):
        node.addKnob(nuke.Tab_Knob("fp_tab_recipe", "Recipe"))
    group, new = "", []
    for spec in specs:
        if spec.name in known:
            _refresh(known[spec.name], spec)
            continue
        if spec.section:
            _end_group(node, group)
            group = spec.setting
            node.addKnob(nuke.Tab_Knob(f"fp_group_{group}", spec.section, _fold(spec)))
        node.addKnob(_recipe_knob(spec))
        new.append(spec.name)
    _end_group(node, group)
    return new


def refresh_choices(knob: Any, choices: Sequence[str]) -> None:
    """Change what can be chosen; what is chosen stays, even where it is no choice any more."""
    chosen = str(knob.value() or "")
    names = list(choices)
    if chosen and chosen not in names:
        names.append(chosen)
    knob.setValues(names)
    if chosen:
        knob.setValue(chosen)


def _fixed_knob(field: Field) -> Any:
    makers = {"tab": nuke.Tab_Knob, "text": nuke.String_Knob, "file": nuke.File_Knob,
              "int": nuke.Int_Knob, "bool": nuke.Boolean_Knob, "line": nuke.Text_Knob,
              "log": nuke.Multiline_Eval_String_Knob}  # fmt: skip
    if field.kind == "button":
        knob = nuke.PyScript_Knob(field.name, field.label, IMPORT.format(field.action))
    elif field.kind == "choice":
        knob = nuke.Enumeration_Knob(field.name, field.label, list(field.choices))
    else:
        knob = makers[field.kind](field.name, field.label)
    if field.has_value:
        knob.setValue(field.starts_with)
        if not field.animatable:
            knob.setFlag(nuke.NO_ANIMATION)
    return _dressed(knob, field)


def _dressed(knob: Any, field: Field) -> Any:
    if field.tooltip:
        knob.setTooltip(field.tooltip)
    if field.new_line is not None:
        (knob.setFlag if field.new_line else knob.clearFlag)(nuke.STARTLINE)
    if not field.visible:
        knob.setFlag(nuke.INVISIBLE)
    if not field.enabled:
        knob.setEnabled(False)
    return knob


def _fold(spec: KnobSpec) -> Any:
    """Return whether a group of settings is open at first: those that every shot needs are."""
    return nuke.TABBEGINGROUP if spec.is_open else nuke.TABBEGINCLOSEDGROUP


def _end_group(node: Any, group: str) -> None:
    if group:
        node.addKnob(nuke.Tab_Knob(f"fp_end_{group}", "", nuke.TABENDGROUP))


def _recipe_knob(spec: KnobSpec) -> Any:
    if spec.kind == "choice":
        knob = nuke.Enumeration_Knob(spec.name, spec.label, list(spec.choices))
    elif spec.kind == "bool":
        knob = nuke.Boolean_Knob(spec.name, spec.label, bool(spec.default))
        knob.setFlag(nuke.STARTLINE)
    elif spec.kind == "int":
        knob = nuke.Int_Knob(spec.name, spec.label)
    elif spec.kind == "float":
        knob = nuke.Double_Knob(spec.name, spec.label)
    else:
        knob = nuke.String_Knob(spec.name, spec.label)
    if spec.kind == "float" and spec.low != spec.high:
        knob.setRange(*spec.slider)
    if spec.kind != "bool":
        knob.setValue(spec.default)
    knob.setTooltip(spec.tooltip)
    if not spec.animatable:
        knob.setFlag(nuke.NO_ANIMATION)
    return knob


def _refresh(knob: Any, spec: KnobSpec) -> None:
    knob.setTooltip(spec.tooltip)
    if spec.kind == "choice" and list(knob.values()) != list(spec.choices):
        refresh_choices(knob, spec.choices)
