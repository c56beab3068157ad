"""What nodes do to pixels, for the few classes that the plug-in builds with."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from faceplate.io.frame import Frame, Window
from faceplate.io.image import read_frame, write_frame

__all__ = ["evaluate", "render", "size_of"]

Channels = dict[str, Any]
_NUKE = {"R": "red", "G": "green", "B": "blue", "A": "alpha"}
_EXR = {value: key for key, value in _NUKE.items()}


def evaluate(node: Any, frame: int) -> Channels:
    """Return channel to H x W array of a node, as Nuke names channels."""
    if node is None:
        raise RuntimeError("nothing is connected")
    if node._knobs["disable"].value():
        return evaluate(_inputs(node)[0], frame)
    return _KINDS[node._cls](node, frame)


def size_of(node: Any, frame: int) -> tuple[int, int]:
    """Return width and height of a node's picture."""
    height, width = next(iter(evaluate(node, frame).values())).shape
    return width, height


def render(write: Any, frame: int) -> None:
    """Write a frame as the Write says, scene-linear, half, ZIP."""
    if write["colorspace"].value() not in ("scene_linear (ACEScg)", "ACEScg", "linear") and not (
        write["colorspace"].value().startswith("default")
    ):
        raise RuntimeError(f"this fake converts no colours: {write['colorspace'].value()}")
    path = write["file"].value() % frame
    if not os.path.isdir(os.path.dirname(path)):
        raise RuntimeError(f"{path}: no such folder")
    assert write["datatype"].value() == "16 bit half"
    channels = evaluate(write.input(0), frame)
    wanted = write["channels"].value()
    names = [name for name in channels if wanted == "all" or name.startswith(f"{wanted}.")]
    stack = np.stack([channels[name] for name in names], axis=-1).astype(np.float32)
    if write._host.root_node._knobs["proxy"]._value:
        stack = stack[::2, ::2]  # of half the size
    window = Window(0, 0, stack.shape[1], stack.shape[0])
    exr = tuple(_exr_name(name) for name in names)
    attributes = {"oiio:ColorSpace": "ACEScg"} if write._host.colors else {}
    made = Frame(frame, stack, exr, window, window, 1.0, attributes)
    write_frame(made, Path(path))


def _exr_name(channel: str) -> str:
    layer, _, last = channel.partition(".")
    return _EXR[last] if layer == "rgba" else f"{layer}.{_EXR[last]}"


def _inputs(node: Any) -> list[Any]:
    """Return what is connected; a group's Input looks outside."""
    return node._inputs or [None]


def _read(node: Any, frame: int) -> Channels:
    first, last = node["first"].value(), node["last"].value()
    path = node["file"].value()
    number = min(max(frame, first), last)
    file = Path(path % number if "%" in path else path)
    if not file.is_file():
        if node["on_error"].value() == "black":
            return {f"rgba.{name}": np.zeros((4, 4), np.float32) for name in _NUKE.values()}
        raise RuntimeError(f"{file}: no such file")
    found = read_frame(file, number)
    beyond = node["before" if frame < first else "after"].value() if frame != number else ""
    share = 0.0 if beyond == "black" else 1.0
    return {_name(each): found.channel(each) * share for each in found.channels}


def _name(channel: str) -> str:
    layer, _, last = channel.rpartition(".")
    return f"{layer or 'rgba'}.{_NUKE.get(last, last)}"


def _color_bars(node: Any, frame: int) -> Channels:
    ramp = np.repeat(np.linspace(0, node["barintensity"].value(), 8, dtype=np.float32), 16)
    picture = np.tile(ramp, (96, 1))
    return {"rgba.red": picture, "rgba.green": picture[:, ::-1], "rgba.blue": picture * 0.5,
            "rgba.alpha": np.ones_like(picture)}  # fmt: skip


def _input(node: Any, frame: int) -> Channels:
    return evaluate(node._parent.input(0), frame)


def _group(node: Any, frame: int) -> Channels:
    (output,) = (each for each in node._children if each._cls == "Output")
    return evaluate(output, frame)


def _same(node: Any, frame: int) -> Channels:
    return evaluate(_inputs(node)[0], frame)


def _copy(node: Any, frame: int) -> Channels:
    under, over = (evaluate(each, frame) for each in node._inputs)
    if node["channels"].value() == "all":
        return {**under, **over}
    return {**under, node["to0"].value(): over[node["from0"].value()]}


def _shuffle(node: Any, frame: int) -> Channels:
    one = evaluate(_inputs(node)[0], frame)
    layer = node["in1"].value()
    found = dict(one)
    for name in _NUKE.values():
        found[f"rgba.{name}"] = np.zeros_like(next(iter(one.values())))
    for number, source, target in node["mappings"].value():
        assert number == 0
        assert source.startswith(f"{layer}.")
        found[target] = one[source]
    return found


def _times_alpha(node: Any, frame: int, power: int) -> Channels:
    found = evaluate(_inputs(node)[0], frame)
    alpha = found["rgba.alpha"]
    factor = alpha if power > 0 else np.where(alpha > 0, 1 / np.where(alpha > 0, alpha, 1), 1)
    colors = {f"rgba.{name}": found[f"rgba.{name}"] * factor for name in ("red", "green", "blue")}
    return {**found, **colors}


def _merge(node: Any, frame: int) -> Channels:
    under, over = (evaluate(each, frame) for each in node._inputs)
    assert node["operation"].value() == "over"
    alpha = over["rgba.alpha"]
    return {
        name: over[name] + value * (1 - alpha) if name.startswith("rgba.") else value
        for name, value in under.items()
    }


def _switch(node: Any, frame: int) -> Channels:
    which = round(node["which"].getValueAt(frame))
    return evaluate(node._inputs[which], frame)


def _multiply(node: Any, frame: int) -> Channels:
    found = evaluate(_inputs(node)[0], frame)
    by = node["value"].value()
    colors = {f"rgba.{name}": found[f"rgba.{name}"] * by for name in ("red", "green", "blue")}
    return {**found, **colors}


_KINDS = {
    "Read": _read, "ColorBars": _color_bars, "Input": _input, "Group": _group, "Dot": _same,
    "NoOp": _same, "Output": _same, "Copy": _copy, "Shuffle2": _shuffle, "Switch": _switch,
    "Merge2": _merge, "Multiply": _multiply,
    "Premult": lambda node, frame: _times_alpha(node, frame, 1),
    "Unpremult": lambda node, frame: _times_alpha(node, frame, -1),
}  # fmt: skip
