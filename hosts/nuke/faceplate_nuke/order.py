"""What an artist asks for, read off the node's knobs in one go, so that no thread needs Nuke."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import nuke

from faceplate_nuke import node as nodes
from faceplate_nuke import ocio, source
from faceplate_nuke.client import Client
from faceplate_nuke.errors import PluginError
from faceplate_nuke.host import host_folder, path_in, text_in
from faceplate_nuke.programs import clean_environment, find_program
from faceplate_nuke.sampling import recipe_at, recipe_of
from faceplate_nuke.versions import tidy_name

__all__ = ["FROM_INPUT", "Order", "client_of", "frames_of", "output_of", "take_order"]

FROM_INPUT = "from input"
_HANDLES = 1000


@dataclass(frozen=True)
class Order:
    """One piece of work."""

    plate: source.Plate
    frames: tuple[int, ...]
    model: str
    recipe: Mapping[str, Any]
    colors: ocio.OcioChoice
    output: str
    """Folder of the versions; empty for a preview in a script that was never saved."""
    track: str
    """What the artist named; empty leaves it to the node."""
    name: str
    """Of the files and, where the artist named one, of the shot."""
    analyse: bool
    """Follow the faces although there is a track."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further settings of a swap: consent, shot, person, mattes."""

    @property
    def shot_settings(self) -> dict[str, Any]:
        """Settings that say what the plate is."""
        found: dict[str, Any] = {"plate": self.plate.path}
        if self.plate.color_space:
            found["color_space"] = self.plate.color_space
        if self.colors.path:
            found["ocio"] = self.colors.path
        if self.colors.sha256:
            found["ocio_sha256"] = self.colors.sha256
        return found

    @property
    def frame_text(self) -> str:
        """The frames, such as ``1001-1010``."""
        parts = source.runs(self.frames)
        return ",".join(
            str(first) if first == last else f"{first}-{last}" + (f"x{step}" if step > 1 else "")
            for first, last, step in parts
        )


def client_of(node: Any) -> Client:
    """Return how to reach the helper. Raises PluginError where it is nowhere."""
    environment = clean_environment(os.environ, host_folder())
    asked = text_in(node["fp_client"])
    program = find_program("faceplate-client", asked, "FACEPLATE_CLIENT", os.environ)
    return Client(program, text_in(node["fp_server"]), environment)


def take_order(node: Any, only: int | None = None) -> Order:
    """Read the knobs, and render the input where need be; main thread only.

    Args:
        node: Our node.
        only: A frame to preview; None takes the range.

    Raises:
        PluginError: Something is missing or cannot be rendered.
    """
    upstream = source.input_of(node)
    model = nodes.model_of(node)
    specs = nodes.specs_of(node)
    frames = frames_of(node, upstream) if only is None else (only,)
    colors = ocio.discover(os.environ, ocio.root_values(nuke.root(), text_in))
    recipe = (recipe_of(specs, node.knobs(), frames) if only is None
              else recipe_at(specs, node.knobs(), only))  # fmt: skip
    output = output_of(node) if only is None else folder_of(node)
    name = tidy_name(str(node["fp_shot"].value() or "") or script_name(), node.name())
    options = _options(node)
    return Order(
        _plate(node, upstream, frames, colors),  # last, as it may take its time
        frames,
        model,
        recipe,
        colors,
        output,
        path_in(node["fp_track"]),
        name,
        bool(node["fp_analyse_again"].value()),
        options,
    )


def frames_of(node: Any, upstream: Any) -> tuple[int, ...]:
    """Return the frames of the range, with handles as far as the input has them."""
    available = upstream.frameRange()
    low, high = int(available.first()), int(available.last())
    kind = str(node["fp_range"].value())
    first, last = low, high
    if kind == "global":
        first, last = int(nuke.root().firstFrame()), int(nuke.root().lastFrame())
    elif kind == "custom":
        first, last = int(node["fp_first"].value()), int(node["fp_last"].value())
    if first > last:
        raise PluginError("BadRange", f"the range {first}-{last} ends before it begins", "", 2)
    handles = min(max(int(node["fp_handles"].value()), 0), _HANDLES)
    # handles are what the input has beyond the range; the range itself is asked for as it is
    first = max(first - handles, min(first, low))
    last = min(last + handles, max(last, high))
    return tuple(range(first, last + 1))


def output_of(node: Any) -> str:
    """Return the folder of the versions. Raises PluginError where the script has no place."""
    folder = folder_of(node)
    if not folder:
        raise PluginError(
            "NoOutput", "the script was never saved, so its results have no place",
            "Save it, or set the knob `output`.", 2,
        )  # fmt: skip
    return folder


def folder_of(node: Any) -> str:
    """Return the folder that a node keeps its things in; empty where there is none yet."""
    asked = path_in(node["fp_output"]).rstrip("/")
    folder = str(nuke.script_directory() or "")
    if asked or not folder or not script_name():
        return asked
    return f"{folder}/faceplate/{tidy_name(node.fullName(), 'node')}"


def script_name() -> str:
    """Return the script's name without its folder and ending; empty where it was never saved."""
    name = str(nuke.root().name() or "")
    return "" if name in ("", "Root") else os.path.splitext(os.path.basename(name))[0]


def _plate(node: Any, upstream: Any, frames: tuple[int, ...], colors: ocio.OcioChoice) -> Any:
    chosen = str(node["fp_color_space"].value())
    chosen = "" if chosen == FROM_INPUT else ocio.plain_name(chosen)
    read = None if node["fp_render"].value() else source.unmodified_read(upstream)
    if read is not None:
        plate = source.read_plate(read, frames, chosen, colors.is_nuke)
        if plate is not None:
            return plate
    # Nuke's pixels are in the working space; a Write into that space changes nothing
    write_space = "linear" if colors.is_nuke else colors.working_space
    channels, space = str(node["fp_channels"].value()), chosen or colors.working_space
    return source.render_plate(node, frames, channels, space, write_space)


def _options(node: Any) -> dict[str, Any]:
    paths = {"consent": "fp_consent", "mattes": "fp_mattes"}
    words = {"shot": "fp_shot", "person": "fp_person", "likeness": "fp_identity"}
    texts = {setting: path_in(node[knob]) for setting, knob in paths.items()}
    texts.update({setting: text_in(node[knob]) for setting, knob in words.items()})
    return {setting: text for setting, text in texts.items() if text and text != "0"}
