"""What came back, shown: in the node, beside it, and as a .nk file among the frames."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import nuke

from faceplate_nuke import node as nodes
from faceplate_nuke.errors import PluginError
from faceplate_nuke.graph import PLATE, layer_parts
from faceplate_nuke.nkfile import nk_text
from faceplate_nuke.ocio import pick, plain_name
from faceplate_nuke.order import Order

__all__ = ["attach", "show_preview", "unpack"]

_COLOR_LAYERS = ("rgb", "fp")


def attach(node: Any, version: str, pattern: str, order: Order) -> None:
    """Let the node show a version: its Read, and nothing else of the script, is changed.

    One step of the undo list; neither selection nor viewer is touched.
    """
    first, last = order.frames[0], order.frames[-1]
    with nuke.Undo(f"Faceplate: {os.path.basename(version)}"):
        with node:
            _point(nuke.toNode(nodes.READ), pattern, first, last, order)
        node["fp_version"].setValue(version)
        if str(node["fp_show"].value()) in ("plate", "preview"):
            node["fp_show"].setValue("result")
    text = nk_text(read_knobs(pattern, first, last), nodes.READ, layer_parts(nodes.READ))
    with open(f"{version}/{order.name}.nk", "w", encoding="utf-8") as file:
        file.write(text)


def show_preview(node: Any, pattern: str, frame: int, order: Order) -> None:
    """Let the node show one frame; on all others it shows the plate."""
    with nuke.Undo(f"Faceplate: preview of frame {frame}"):
        with node:
            _point(nuke.toNode(nodes.PREVIEW), pattern, frame, frame, order)
            nuke.toNode("FP_Preview")["which"].setExpression(f"frame == {frame}")
        node["fp_show"].setValue("preview")


def unpack(node: Any) -> list[Any]:
    """Lay the layers of the version out beside the node, at its own level; returns the nodes.

    Raises:
        PluginError: The node shows no version yet.
    """
    version = str(node["fp_version"].value() or "")
    if not version:
        raise PluginError("NoResult", f"{node.name()} has no version yet", "Swap a range first.", 2)
    with node:
        inner = nuke.toNode(nodes.READ)
    nodes.know_layers()
    at = int(node.xpos()) + 300, int(node.ypos())
    with nuke.Undo("Faceplate: blend graph"), node.parent() or nuke.root():
        read = nuke.nodes.Read()
        for name in ("file", "first", "last", "origfirst", "origlast", "raw", "on_error"):
            read[name].setValue(inner[name].value())
        read.setName(nodes.READ)
        read["label"].setValue(os.path.basename(version))
        read.setXYpos(*at)
        plate = nuke.nodes.Dot()
        plate.setName("FP_Plate")
        plate.setInput(0, node.input(0))
        plate.setXYpos(at[0] - 130, at[1])
        made = nodes.build(layer_parts(nodes.READ), {PLATE: plate, nodes.READ: read}, at)
    return list(made.values())


def read_knobs(pattern: str, first: int, last: int) -> Mapping[str, Any]:
    """Return the knobs of a Read of results, for a .nk file."""
    return {
        "file": pattern, "first": first, "last": last, "origfirst": first, "origlast": last,
        "origset": True, "on_error": "black", "raw": True,
    }  # fmt: skip


def _point(read: Any, pattern: str, first: int, last: int, order: Order) -> None:
    """Point a Read at results.

    They are read raw, so that no transform touches mattes and ST maps. Where the plate's space is
    not the script's, the pictures among the layers are converted behind the Read.
    """
    read["file"].fromUserText(f"{pattern} {first}-{last}")
    for name, value in (("first", first), ("last", last), ("origfirst", first), ("origlast", last)):
        read[name].setValue(value)
    read["raw"].setValue(True)
    read["on_error"].setValue("black")
    _convert(read, order)


def _convert(read: Any, order: Order) -> None:
    """Convert the colours of a Read to the working space, in nodes of our own behind it."""
    space, working = order.plate.color_space, plain_name(order.colors.working_space)
    wanted = bool(space) and not order.colors.is_nuke and not _same(space, working)
    for layer in _COLOR_LAYERS:
        name = f"{read.name()}_{layer}"
        node = nuke.toNode(name)
        if node is None:
            if not wanted:
                continue
            node = _insert_behind(read, name, layer)
        node["disable"].setValue(not wanted)
        if wanted:
            node["in_colorspace"].setValue(_value_of(node["in_colorspace"], space))
            node["out_colorspace"].setValue(_value_of(node["out_colorspace"], working))


def _value_of(knob: Any, space: str) -> str:
    found = pick(knob.values(), space)
    if not found:
        raise PluginError(
            "NoOcio",
            f"the version is there, but Nuke's OCIO has no space {space} to show it in",
            "Use the config that the plate was made with.",
            5,
        )
    return found


def _insert_behind(read: Any, name: str, layer: str) -> Any:
    before = nuke.toNode(f"{read.name()}_{_COLOR_LAYERS[0]}") or read
    users = before.dependent(nuke.INPUTS)
    node = nuke.nodes.OCIOColorSpace()
    node.setName(name)
    node["channels"].setValue(layer)
    for user in users:
        for number in range(user.inputs()):
            if user.input(number) is before:
                user.setInput(number, node)
    node.setInput(0, before)
    return node


def _same(space: str, working: str) -> bool:
    """Return whether two names are of one space; families before a slash count for nothing."""
    short = [name.rpartition("/")[2].rpartition(" - ")[2].lower() for name in (space, working)]
    return short[0] == short[1] or space == "scene_linear"
