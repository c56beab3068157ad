"""The small graph that exposes every layer, as data: built inside the node, beside it, or as .nk.

plate ------------------------------------------------+
Read -- swap (fp) -- Unpremult -- matte -- Premult -- Merge over = what the result is
     '- mattes, ST map: each as a picture of its own
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "LAYERS", "PLATE", "PREVIEW", "READ", "READ_KNOBS", "Part", "inside_parts", "layer_parts",
    "result_parts",
]  # fmt: skip

PLATE = "Plate"
"""Stands for whatever comes in; inside the node it is the Input."""
READ, PREVIEW = "FP_Read", "FP_PreviewRead"

READ_KNOBS = {"on_error": "black", "before": "black", "after": "black"}
"""Of a Read of results. Where there is no frame its layers are 0, and the blend is the plate."""

_RGBA = ("red", "green", "blue", "alpha")

LAYERS = {
    "fp": _RGBA, "fp_mask": ("alpha",), "fp_learned": ("alpha",), "fp_occ": ("alpha",),
    "fp_conf": ("alpha",), "fp_st": ("red", "green"),
}  # fmt: skip
"""The layers of a swap and their channels, as Nuke names them. A script must know them before a
knob can name them, and it learns them only when it reads a file that has them."""

_MATTES = (("FP_Matte", "fp_mask", "matte of the recipe"),
           ("FP_Learned", "fp_learned", "the network's matte"),
           ("FP_Occlusion", "fp_occ", "what covers the face"),
           ("FP_Confidence", "fp_conf", "the track's confidence"))  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One node."""

    kind: str
    """Class of the node."""
    name: str
    inputs: tuple[str, ...] = ()
    """Names of what is connected, in Nuke's order: B before A."""
    knobs: Mapping[str, Any] = field(default_factory=dict)
    mappings: tuple[tuple[str, str], ...] = ()
    """Of a Shuffle2: channel in, channel out."""
    label: str = ""
    place: tuple[int, int] = (0, 0)
    """Column and row of the drawing."""
    expressions: Mapping[str, str] = field(default_factory=dict)


def layer_parts(read: str) -> list[Part]:
    """Return what shows each layer of a Read of results, and the blend redone by hand.

    The last part but the mattes, ``FP_Blend``, is the result; a grade belongs behind
    ``FP_Unpremult``, another matte into ``FP_SetMatte``.
    """
    whole = tuple((f"fp.{channel}", f"rgba.{channel}") for channel in _RGBA)
    parts = [
        Part("Shuffle2", "FP_RawSwap", (read,), {"in1": "fp"}, whole,
             "the face as it is laid in", (0, 1)),
        Part("Unpremult", "FP_Unpremult", ("FP_RawSwap",), {}, (), "grade behind this", (0, 2)),
        Part("Copy", "FP_SetMatte", ("FP_Unpremult", read),
             {"from0": "fp_mask.alpha", "to0": "rgba.alpha"}, (), "or any other matte", (0, 3)),
        Part("Premult", "FP_Premult", ("FP_SetMatte",), {}, (), "", (0, 4)),
        Part("Merge2", "FP_Blend", (PLATE, "FP_Premult"), {"operation": "over"}, (),
             "the blend, redone", (0, 5)),
    ]  # fmt: skip
    for column, (name, layer, label) in enumerate(_MATTES, 1):
        spread = tuple((f"{layer}.alpha", f"rgba.{channel}") for channel in _RGBA)
        parts.append(Part("Shuffle2", name, (read,), {"in1": layer}, spread, label, (column, 1)))
    st = (("fp_st.red", "rgba.red"), ("fp_st.green", "rgba.green"))
    parts.append(Part("Shuffle2", "FP_ST", (read,), {"in1": "fp_st"}, st,
                      "ST map into the network's crop", (len(_MATTES) + 1, 1)))  # fmt: skip
    return parts


def result_parts(read: str, shows: Sequence[str], preview: str) -> list[Part]:
    """Return what shows a version: the layers, and the Switch that says which comes out.

    Beyond the frames of the version the result is the plate.
    """
    layers = layer_parts(read)
    result = [
        Part("Copy", "FP_Copy", (PLATE, read), {"channels": "all"}, (),
             "the result and every layer", (-1, 1)),
        Part("Switch", "FP_Result", (PLATE, "FP_Copy"), {}, (), "frames of the version", (-1, 2),
             {"which": f"(frame >= {read}.first) * (frame <= {read}.last)"}),
    ]  # fmt: skip
    outs = {
        "result": "FP_Result", "blend by hand": "FP_Blend", "plate": PLATE,
        "raw swap": "FP_RawSwap", "matte": "FP_Matte", "learned matte": "FP_Learned",
        "occlusion": "FP_Occlusion", "confidence": "FP_Confidence", "ST map": "FP_ST",
        "preview": preview,
    }  # fmt: skip
    switch = Part("Switch", "FP_Show", tuple(outs[show] for show in shows), {}, (), "", (0, 7),
                  {"which": "parent.fp_show"})  # fmt: skip
    return [*result, *layers, switch]


def inside_parts(shows: Sequence[str]) -> list[Part]:
    """Return the inside of the node: plate, Reads, what shows them, and the Output."""
    return [
        Part("Input", PLATE, (), {}, (), "", (-2, 0)),
        Part("Read", READ, (), READ_KNOBS, (), "", (0, 0)),
        Part("Read", PREVIEW, (), READ_KNOBS, (), "", (6, 0)),
        Part("Switch", "FP_Preview", (PLATE, PREVIEW), {}, (), "", (6, 1)),
        *result_parts(READ, shows, "FP_Preview"),
        Part("Output", "Output1", ("FP_Show",), {}, (), "", (0, 9)),
    ]
