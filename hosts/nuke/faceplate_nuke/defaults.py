"""What a studio or an artist wants in new nodes, told to Nuke in init.py as defaults of its knobs.

    FACEPLATE_NUKE_DEFAULTS=/studio/faceplate.json    {"fp_handles": 8, "fp_r_feather": 12}
    FACEPLATE_NUKE_OUTPUT='[file dirname [value root.name]]/../renders'
    nuke.knobDefault("FP_FaceSwap.fp_handles", "8")   in anybody's init.py; it goes over both

Nuke itself gives such defaults to nodes of a class only, and ours is a Group, so that scripts open
where the plug-in is not installed. So they are read when a node is made, and stand in its knobs.
"""

from __future__ import annotations

import difflib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import nuke

from faceplate_nuke.panel import KIND, PANEL
from faceplate_nuke.schema import PREFIX

__all__ = ["apply", "model_among", "tell"]

logger = logging.getLogger(__name__)

_VARIABLE = "FACEPLATE_NUKE_"
_FILE = "FACEPLATE_NUKE_DEFAULTS"
_OWN = {"fp_kind", "fp_models", "fp_schema", "fp_version", "fp_shown", "fp_status", "fp_log",
        "fp_show"}  # fmt: skip
_NAMES = [field.name for field in PANEL if field.has_value and field.name not in _OWN]
_LATER = {"fp_model", "fp_color_space"}
"""What they can be is known only when the server and the script were asked."""
_FIRST = tuple(name for name in _NAMES if name not in _LATER)
_TRUE = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}


def tell(environment: Mapping[str, str]) -> None:
    """Tell Nuke the defaults of the environment; what was told before us stays.

    Args:
        environment: The process's variables.
    """
    for name, value in _wanted(environment).items():
        if not nuke.knobDefault(f"{KIND}.{name}"):
            nuke.knobDefault(f"{KIND}.{name}", value)


def apply(node: Any, names: Iterable[str] = _FIRST) -> None:
    """Put the defaults into knobs of a new node; one that does not fit is passed over, and said."""
    knobs = node.knobs()
    for name in names:
        text = nuke.knobDefault(f"{KIND}.{name}")
        if not text or name not in knobs:
            continue
        try:
            _set(knobs[name], str(text))
        except ValueError as error:
            logger.warning("the default of %s.%s is passed over: %s", KIND, name, error)


def model_among(names: Sequence[str]) -> str:
    """Return which model of a list a new node takes: the default by its name, else the first."""
    wanted = str(nuke.knobDefault(f"{KIND}.fp_model") or "")
    return next(
        (name for name in names if name == wanted or name.startswith(f"{wanted} (")), names[0]
    )


def _set(knob: Any, text: str) -> None:
    kind = knob.Class()
    if kind == "Enumeration_Knob":
        if text not in knob.values():
            raise ValueError(f"{text!r} is none of {', '.join(knob.values())}")
        knob.setValue(text)
    elif kind == "Boolean_Knob":
        if text.lower() not in _TRUE:
            raise ValueError(f"expected true or false, got {text!r}")
        knob.setValue(_TRUE[text.lower()])
    elif kind == "Int_Knob":
        knob.setValue(int(text))
    elif kind == "Double_Knob":
        knob.setValue(float(text))
    else:
        knob.setValue(text)


def _wanted(environment: Mapping[str, str]) -> dict[str, str]:
    """Return knob to value; variables go over the file."""
    found = _of_file(environment.get(_FILE, ""))
    for variable, value in environment.items():
        if variable.startswith(_VARIABLE) and variable != _FILE and value:
            found[f"fp_{variable[len(_VARIABLE) :].lower()}"] = value
    return {name: value for name, value in sorted(found.items()) if _is_known(name)}


def _of_file(path: str) -> dict[str, str]:
    if not path:
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            values = json.load(file)
        if not isinstance(values, dict):
            raise ValueError("it is no JSON object")
    except (OSError, ValueError) as error:
        logger.error("$%s names %s, which cannot be used: %s", _FILE, path, error)
        return {}
    # Tcl, and so Nuke, writes true and false like JSON
    return {
        str(name): value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }


def _is_known(name: str) -> bool:
    if name in _NAMES or name.startswith(PREFIX):  # only the server knows the recipe's
        return True
    near = difflib.get_close_matches(name, _NAMES, 1)
    hint = f"; is it {near[0]}?" if near else ""
    logger.warning("Faceplate has no default for %s%s", name, hint)
    return False
