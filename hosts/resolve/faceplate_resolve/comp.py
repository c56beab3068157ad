"""The result as nodes of a Fusion comp: MediaIn -> Merge <- MatteControl <- Loader -> MediaOut.

The Loader reads the layer ``fp``, the face premultiplied by its matte, so that everything about the
blend can be done again by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faceplate_resolve.host import Host
from faceplate_resolve.settings import HERE
from faceplate_resolve.source import Result

__all__ = ["build_comp", "loader_inputs", "write_setting"]

CHANNELS = {
    "Clip1.OpenEXRFormat.RedName": "fp.R",
    "Clip1.OpenEXRFormat.GreenName": "fp.G",
    "Clip1.OpenEXRFormat.BlueName": "fp.B",
    "Clip1.OpenEXRFormat.AlphaName": "fp.A",
}


def build_comp(host: Host, item: Any, result: Result) -> list[str]:
    """Add a comp to a clip and return what the artist should know.

    Tools are added and connected under a lock, which keeps the Loader's dialog shut; what they are
    set to comes after it, since a value that is set first under a lock reads back and is not
    rendered. MediaOut keeps descending from MediaIn, without which Resolve leaves a comp out.

    Raises:
        HostError: A tool could not be made.
    """
    comp = host.new_comp(item)
    host.begin(comp, "Faceplate swap")
    try:
        host.lock(comp)
        try:
            loader, matte, merge = _nodes(host, comp)
        finally:
            host.unlock(comp)
        for tool, name in ((loader, "FP_Swap"), (matte, "FP_Matte"), (merge, "FP_Merge")):
            host.name_tool(tool, name)
        inputs = loader_inputs(result, host.comp_start(comp))
        refused = [name for name, to in inputs.items() if not host.set_input(loader, name, to)]
        host.set_input(matte, "PostMultiply", 0)  # the layer is premultiplied already
    finally:
        host.end(comp)
    said = ["The clip has a Fusion comp with the nodes FP_Swap, FP_Matte and FP_Merge."]
    if refused:
        said.append(
            "Choose the channels fp.R, fp.G, fp.B and fp.A on the Format tab of FP_Swap: Resolve "
            "did not take " + ", ".join(refused) + "."
        )
    return said


def loader_inputs(result: Result, start: int) -> dict[str, Any]:
    """Return what the Loader is set to.

    Args:
        result: What it reads.
        start: Frame of the comp at which the shot begins; handles lie before it.
    """
    numbers = result.plate.numbers
    first = start - result.plate.before
    return {
        "Clip": str(result.path(numbers[0])),
        "GlobalIn": first,
        "GlobalOut": first + len(numbers) - 1,
        **CHANNELS,
    }


def write_setting(path: Path, result: Result) -> Path:
    """Write the nodes as a file that can be dragged into Fusion; returns its path."""
    numbers = result.plate.numbers
    text = (HERE / "nodes.setting").read_text(encoding="utf-8")
    for name, value in (
        ("@CLIP@", str(result.path(numbers[0])).replace("\\", "\\\\").replace('"', '\\"')),
        ("@LENGTH@", str(len(numbers))),
        ("@FIRST@", str(-result.plate.before)),
        ("@LAST@", str(len(numbers) - 1 - result.plate.before)),
        ("@LAST_FRAME@", str(len(numbers) - 1)),
    ):
        text = text.replace(name, value)
    path.write_text(text, encoding="utf-8")
    return path


def _nodes(host: Host, comp: Any) -> tuple[Any, Any, Any]:
    media_in, media_out = host.tool(comp, "MediaIn1"), host.tool(comp, "MediaOut1")
    loader = host.add_tool(comp, "Loader", 0, 3)
    matte = host.add_tool(comp, "MatteControl", 1, 3)
    merge = host.add_tool(comp, "Merge", 1, 1)
    host.connect(matte, "Background", loader)
    host.connect(merge, "Background", media_in)
    host.connect(merge, "Foreground", matte)
    host.connect(media_out, "Input", merge)
    return loader, matte, merge
