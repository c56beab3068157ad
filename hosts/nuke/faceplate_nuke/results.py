"""What came back, shown: in the node, beside it, and as a .nk file among the frames."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nuke

from faceplate_nuke import node as nodes
from faceplate_nuke.errors import PluginError
from faceplate_nuke.graph import PLATE, PREVIEW, READ, READ_KNOBS, layer_parts
from faceplate_nuke.nkfile import nk_text
from faceplate_nuke.ocio import pick, plain_name
from faceplate_nuke.order import Order
from faceplate_nuke.versions import versions_in

__all__ = ["Shown", "attach", "show_preview", "show_version", "unpack"]

_COLOR_LAYERS = ("rgb", "fp")
_OF_VERSION = ("file", "first", "last", "origfirst", "origlast", "raw")


@dataclass(frozen=True)
class Shown:
    """Files that a Read is pointed at."""

    pattern: str
    first: int
    last: int
    space: str
    """Their space in the OCIO config."""
    working: str
    """The script's, when they were asked for."""
    is_nuke: bool
    """Whether that was Nuke's own colour management."""

    @classmethod
    def of_version(cls, version: str) -> Shown:
        """Return what a version's folder says of itself. Raises PluginError."""
        path = os.path.join(version, "request.json")
        try:
            with open(path, encoding="utf-8") as file:
                said = json.load(file)
            colors = said["ocio"]
            # beside the request, wherever the folder was moved to
            pattern = f"{version}/{os.path.basename(said['out'])}"
            return cls(pattern, int(said["first"]), int(said["last"]), said["color_space"],
                       colors["working_space"], colors["source"] == "Nuke")  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PluginError(
                "Damaged", f"{path} does not say what the version is: {error}",
                "Read its files with a Read of your own.", 3,
            ) from error  # fmt: skip


def attach(node: Any, version: str) -> None:
    """Let the node show a new version, and write its graph beside its frames."""
    shown = Shown.of_version(version)
    text = nk_text(read_knobs(shown), READ, layer_parts(READ))
    name = os.path.basename(shown.pattern).partition(".%")[0]
    with open(f"{version}/{name}.nk", "w", encoding="utf-8") as file:
        file.write(text)
    _show(node, version, shown)


def show_version(node: Any) -> None:
    """Let the node show the version that is chosen in its list.

    Raises:
        PluginError: There is none, or it is gone.
    """
    folder = os.path.dirname(_version_of(node))
    version = f"{folder}/{node['fp_shown'].value()}"
    _show(node, version, Shown.of_version(version))
    nodes.say(node, f"{os.path.basename(version)} is shown")


def show_preview(node: Any, pattern: str, frame: int, order: Order) -> None:
    """Let the node show one frame; on all others it shows the plate."""
    shown = Shown(pattern, frame, frame, order.plate.color_space, order.colors.working_space,
                  order.colors.is_nuke)  # fmt: skip
    with nuke.Undo(f"Faceplate: preview of frame {frame}"):
        with node:
            _point(nuke.toNode(PREVIEW), shown)
            nuke.toNode("FP_Preview")["which"].setExpression(f"frame == {frame}")
        node["fp_show"].setValue("preview")


def _show(node: Any, version: str, shown: Shown) -> None:
    """Point the node's Read at a version; nothing else of the script is changed.

    One step of the undo list; neither selection nor viewer is touched.
    """
    name = os.path.basename(version)
    with nuke.Undo(f"Faceplate: {name}"):
        with node:
            _point(nuke.toNode(READ), shown)
        node["fp_version"].setValue(version)
        node["fp_shown"].setValues(versions_in(os.path.dirname(version)) or [name])
        node["fp_shown"].setValue(name)
        if str(node["fp_show"].value()) in ("plate", "preview"):
            node["fp_show"].setValue("result")


def _version_of(node: Any) -> str:
    version = str(node["fp_version"].value() or "")
    if not version:
        raise PluginError("NoResult", f"{node.name()} has no version yet", "Swap a range first.", 2)
    return version


def unpack(node: Any) -> list[Any]:
    """Lay the layers of the version out beside the node, at its own level; returns the nodes.

    Raises:
        PluginError: The node shows no version yet.
    """
    version = _version_of(node)
    with node:
        inner = nuke.toNode(READ)
    nodes.know_layers()
    at = int(node.xpos()) + 300, int(node.ypos())
    with nuke.Undo("Faceplate: blend graph"), node.parent() or nuke.root():
        read = nuke.nodes.Read()
        for name in (*_OF_VERSION, *READ_KNOBS):
            read[name].setValue(inner[name].value())
        read.setName(READ)
        read["label"].setValue(os.path.basename(version))
        read.setXYpos(*at)
        plate = nuke.nodes.Dot()
        plate.setName("FP_Plate")
        plate.setInput(0, node.input(0))
        plate.setXYpos(at[0] - 130, at[1])
        made = nodes.build(layer_parts(READ), {PLATE: plate, READ: read}, at)
    return list(made.values())


def read_knobs(shown: Shown) -> Mapping[str, Any]:
    """Return the knobs of a Read of results, for a .nk file."""
    first, last = shown.first, shown.last
    return {
        "file": shown.pattern, "first": first, "last": last, "origfirst": first, "origlast": last,
        "origset": True, "raw": True, **READ_KNOBS,
    }  # fmt: skip


def _point(read: Any, shown: Shown) -> None:
    """Point a Read at results.

    They are read raw, so that no transform touches mattes and ST maps. Where the plate's space is
    not the script's, the pictures among the layers are converted behind the Read.
    """
    first, last = shown.first, shown.last
    read["file"].fromUserText(f"{shown.pattern} {first}-{last}")
    for name, value in (("first", first), ("last", last), ("origfirst", first), ("origlast", last)):
        read[name].setValue(value)
    read["raw"].setValue(True)
    _convert(read, shown)


def _convert(read: Any, shown: Shown) -> None:
    """Convert the colours of a Read to the working space, in nodes of our own behind it."""
    working = plain_name(shown.working)
    wanted = bool(shown.space) and not shown.is_nuke and not _same(shown.space, working)
    for layer in _COLOR_LAYERS:
        name = f"{read.name()}_{layer}"
        node = nuke.toNode(name)
        if node is None:
            if not wanted:
                continue
            node = _insert_behind(read, name, layer)
        node["disable"].setValue(not wanted)
        if wanted:
            node["in_colorspace"].setValue(_value_of(node["in_colorspace"], shown.space))
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
    """Return whether two names are surely of one space; converting one into itself does no harm."""
    return plain_name(space).lower() == working.lower() or space == "scene_linear"
