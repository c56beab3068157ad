"""What is behind the node's input: the files of an unmodified Read, or what must be rendered."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import nuke

from faceplate_nuke.errors import Cancelled, PluginError
from faceplate_nuke.host import quietly, temp_folder
from faceplate_nuke.ocio import pick, plain_name

__all__ = ["Plate", "input_of", "read_plate", "render_plate", "unmodified_read"]

_THROUGH = ("Dot", "NoOp")
"""Nodes that change nothing."""
_PLAIN = {"frame": "", "premultiplied": False, "auto_alpha": False}
"""Knobs of a Read that must be so for its files to be its picture."""


@dataclass(frozen=True)
class Plate:
    """Files that the server reads."""

    path: str
    color_space: str
    """Their space in the OCIO config."""
    rendered: bool


def input_of(node: Any) -> Any:
    """Return what is connected. Raises PluginError where nothing is."""
    found = node.input(0)
    if found is None:
        raise PluginError("NoInput", f"{node.name()} has no input", "Connect the plate.", 2)
    return found


def unmodified_read(node: Any) -> Any:
    """Return the Read whose files are the node's picture frame by frame, or None."""
    while node is not None and node.Class() in _THROUGH:
        node = node.input(0)
    if node is None or node.Class() != "Read":
        return None
    knobs = node.knobs()
    for name, value in _PLAIN.items():
        if name in knobs and knobs[name].value() != value:
            return None
    return None if knobs["disable"].value() else node


def read_plate(
    read: Any, frames: Sequence[int], color_space: str, is_nuke: bool = False
) -> Plate | None:
    """Return the files of a Read, or None where they are not all of the range.

    Under Nuke's own colour management a Read's space is no name of OCIO's. Where it is linear, the
    files are left to say theirs; where it is a curve, they are not what Nuke shows.

    Args:
        read: As `unmodified_read` found it.
        frames: Frames that will be asked for.
        color_space: What the artist chose; empty takes the Read's own.
        is_nuke: Whether it is Nuke's own colour management.
    """
    first, last = int(read["first"].value()), int(read["last"].value())
    path = _file_of(read)
    if not path or min(frames) < first or max(frames) > last:
        return None
    own = "" if read["raw"].value() else plain_name(str(read["colorspace"].value()))
    if is_nuke and own not in ("", "linear"):
        return None
    own = "" if is_nuke else own
    return Plate(path, color_space or own, rendered=False)


def _file_of(read: Any) -> str:
    """Return the files of a Read; empty where a frame or a view alone says which they are."""
    written = str(read["file"].value() or "")
    if "%v" in written.lower() or "[" in written:
        return ""
    # with the folder of the project before it, where it is relative
    path = os.path.expanduser(str(nuke.filename(read) or written))
    return path if os.path.isabs(path) else ""


def render_plate(
    node: Any, frames: Sequence[int], channels: str, color_space: str, write_space: str
) -> Plate:
    """Render the node's input through a Write that lives as long as it takes; main thread only.

    Of a stereo script it is the first view: the file's name has no place for another.

    Args:
        node: Our node.
        frames: Sorted.
        channels: ``rgba`` or ``all``.
        color_space: Name of the working space for the server.
        write_space: Name of that space in Nuke: a Write into it converts nothing.

    Raises:
        Cancelled: The artist stopped it.
        PluginError: Nuke could not render it.
    """
    folder = f"{temp_folder()}/{uuid.uuid4().hex}"
    os.makedirs(folder)
    path = f"{folder}/plate.%04d.exr"
    with quietly(), _full_size(), node:
        write = nuke.nodes.Write()
        try:
            write.setInput(0, nuke.toNode("Plate"))
            _set_up(write, path, channels, write_space)
            for first, last, step in runs(frames):
                nuke.execute(write, first, last, step, nuke.views()[:1])
        except RuntimeError as error:
            shutil.rmtree(folder, ignore_errors=True)
            if "cancel" in str(error).lower():
                raise Cancelled("the render was cancelled") from error
            raise PluginError(
                "RenderFailed", f"Nuke could not render the input: {error}",
                "Look at the nodes above.", 3,
            ) from error  # fmt: skip
        finally:
            nuke.delete(write)
    return Plate(path, color_space, rendered=True)


@contextlib.contextmanager
def _full_size() -> Iterator[None]:
    """Render whole pictures where the artist looks at proxies."""
    proxy = nuke.root()["proxy"]
    was = bool(proxy.value())
    if was:
        proxy.setValue(False)
    try:
        yield
    finally:
        if was:
            proxy.setValue(True)


def runs(frames: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return sorted frames as first, last, step.

    Example:
        >>> runs([1, 2, 3, 7, 9, 11])
        [(1, 3, 1), (7, 11, 2)]
    """
    found: list[tuple[int, int, int]] = []
    for frame in frames:
        if found:
            first, last, step = found[-1]
            gap = frame - last
            if first == last or gap == step:
                found[-1] = (first, frame, gap)
                continue
        found.append((frame, frame, 1))
    return found


def _set_up(write: Any, path: str, channels: str, write_space: str) -> None:
    write["file"].setValue(path)
    write["file_type"].setValue("exr")  # its own knobs are there only from here on
    write["channels"].setValue(channels)
    write["datatype"].setValue("16 bit half")
    write["compression"].setValue("Zip (16 scanlines)")
    write["metadata"].setValue("all metadata")
    same = pick(write["colorspace"].values(), write_space)
    write["raw"].setValue(not same)  # raw writes the working space, too: nothing is converted
    if same:
        write["colorspace"].setValue(same)
