"""The FP_FaceSwap node: made, filled with what the server tells, and its state shown on it."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import nuke

from faceplate_nuke import defaults, fields
from faceplate_nuke.errors import PluginError
from faceplate_nuke.graph import LAYERS, READ, Part, inside_parts
from faceplate_nuke.host import quietly
from faceplate_nuke.panel import KIND, LABEL, SHOWS
from faceplate_nuke.schema import KnobSpec, knob_specs

__all__ = [
    "KIND", "READ", "build", "create", "fill", "fill_group", "is_ours",
    "know_layers", "model_of", "ours", "say", "say_error", "specs_of",
]  # fmt: skip

logger = logging.getLogger(__name__)

_ERROR_COLOR = 0xB03030FF
_LOG_LINES = 200


def create() -> Any:
    """Make a node behind the selected one, as every node of Nuke's is made."""
    with nuke.Undo("Faceplate: new node"):
        node = nuke.createNode("Group")
        node.setName(f"{KIND}1")
        fill_group(node)
        fields.add_fixed_knobs(node)
        node["label"].setValue(LABEL)
        defaults.apply(node)
    return node


def is_ours(node: Any) -> bool:
    """Return whether a node is one of ours."""
    return node is not None and "fp_kind" in node.knobs()


def ours() -> list[Any]:
    """Return all our nodes of the script, those in groups of the artist's too."""
    return [node for node in nuke.allNodes("Group", recurseGroups=True) if is_ours(node)]


def fill(node: Any, answer: Mapping[str, Any]) -> None:
    """Give a node the models and the settings that the server told."""
    usable = [model for model in answer.get("models", []) if not model.get("problem")]
    schema = answer.get("recipe_schema") or {}
    with nuke.Undo("Faceplate: reload"):
        models = _titled(usable)
        node["fp_models"].setValue(json.dumps(models))
        node["fp_schema"].setValue(json.dumps(schema))
        names = list(models)
        chosen = str(node["fp_model"].value())
        if chosen.startswith("(") and names:
            node["fp_model"].setValues(names)
            node["fp_model"].setValue(defaults.model_among(names))
        else:
            fields.refresh_choices(node["fp_model"], names or ["(no model)"])
        defaults.apply(node, fields.add_recipe_knobs(node, knob_specs(schema)))


def specs_of(node: Any) -> list[KnobSpec]:
    """Return the settings of the recipe as the server told them last."""
    text = str(node["fp_schema"].value() or "")
    return knob_specs(json.loads(text)) if text else []


def model_of(node: Any) -> str:
    """Return the folder of the model that is chosen. Raises PluginError where there is none."""
    models = json.loads(str(node["fp_models"].value() or "{}"))
    chosen = str(node["fp_model"].value())
    if chosen not in models:
        raise PluginError(
            "NoModel", f"the model {chosen!r} is none that the server has",
            "Press Reload and choose one.", 6,
        )  # fmt: skip
    return str(models[chosen])


def say(node: Any, text: str, log: str = "") -> None:
    """Show what is done, in the node's status and label; the artist's undo list stays."""
    with quietly():
        node["fp_status"].setValue(_harmless(text))
        node["tile_color"].setValue(0)
        if log:
            _log(node, log)


def say_error(node: Any, error: PluginError) -> None:
    """Show an error on the node, with the id of the request, and keep it in the node's log."""
    logger.error("%s: %s", node.name(), error)
    with quietly():
        node["fp_status"].setValue(_harmless(str(error)))
        node["tile_color"].setValue(_ERROR_COLOR)
        _log(node, str(error))


def build(parts: Sequence[Part], known: Mapping[str, Any], at: tuple[int, int]) -> dict[str, Any]:
    """Make nodes in the group that is open; nothing is selected, opened or viewed by it.

    Args:
        parts: In an order in which inputs come first.
        known: Name to node of what is there already: the Reads, and `PLATE`.
        at: Where the first column and row are drawn.

    Returns:
        Name in `parts` to node, those that were known included.
    """
    made = dict(known)
    for part in parts:
        node = getattr(nuke.nodes, part.kind)()
        node.setName(part.name)
        for number, name in enumerate(part.inputs):
            node.setInput(number, made[name])
        for name, value in part.knobs.items():
            node[name].setValue(value)
        for name, expression in part.expressions.items():
            node[name].setExpression(expression)
        if part.mappings:
            node["mappings"].setValue([(0, source, target) for source, target in part.mappings])
        if part.label:
            node["label"].setValue(part.label)
        node.setXYpos(at[0] + part.place[0] * 130, at[1] + part.place[1] * 80)
        made[part.name] = node
    return made


def fill_group(group: Any) -> None:
    """Make the inside of a new node: plate, Reads, layers, and the Switch between them."""
    know_layers()
    with group:
        build(inside_parts(SHOWS), {}, (0, 0))


def know_layers() -> None:
    """Tell the script the names of our layers; those that it knows stay as they are."""
    known = nuke.layers()
    for name, channels in LAYERS.items():
        if name not in known:
            nuke.Layer(name, [f"{name}.{channel}" for channel in channels])


def _titled(models: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return what a model is called in the list, and its folder; two never share a name."""
    found: dict[str, str] = {}
    for model in models:
        title = f"{model['name']} ({model['likeness']} into {model['performer']})"
        found[f"{title} - {model['path']}" if title in found else title] = str(model["path"])
    return found


def _harmless(text: str) -> str:
    """Return a text that the label, which is Tcl, shows as it is."""
    return re.sub(r"[\[\]$\\]", " ", " ".join(text.split()))[:500]


def _log(node: Any, line: str) -> None:
    lines = str(node["fp_log"].value() or "").splitlines()[-_LOG_LINES:]
    lines.append(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {_harmless(line)}")
    node["fp_log"].setValue("\n".join(lines))
