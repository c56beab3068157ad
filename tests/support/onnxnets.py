"""Small ONNX networks with known answers, to test the loading of large ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

__all__ = ["bisenet_of_brightness", "doubling_upscaler", "xseg_of_green"]


def _written(
    path: Path, nodes: Sequence[Any], given: Sequence[Any], made: Sequence[Any], constants: Any = ()
) -> Path:
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        list(nodes), "net",
        [helper.make_tensor_value_info("in_face:0", kind, given)],
        [helper.make_tensor_value_info("out:0", kind, made)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def xseg_of_green(path: Path, *, channels_first: bool = False) -> Path:
    """Write an XSeg whose matte is the green channel of what it sees."""
    axis = 1 if channels_first else 3
    shape = ["N", 3, 256, 256] if channels_first else ["N", 256, 256, 3]
    out = ["N", 1, 256, 256] if channels_first else ["N", 256, 256, 1]
    node = helper.make_node("Gather", ["in_face:0", "second"], ["out:0"], axis=axis)
    return _written(path, [node], shape, out, [("second", np.array([1], np.int64))])


def bisenet_of_brightness(path: Path) -> Path:
    """Write a BiSeNet that finds skin where its normalised red is above 0, else hair."""
    weight = np.zeros((19, 3, 1, 1), np.float32)
    weight[1, 0], weight[17, 0] = 50, -50
    node = helper.make_node("Conv", ["in_face:0", "w"], ["out:0"], kernel_shape=[1, 1])
    return _written(path, [node], [1, 3, 512, 512], [1, 19, 512, 512], [("w", weight)])


def doubling_upscaler(path: Path, side: int | str = "H") -> Path:
    """Write an upscaler that repeats every pixel twice each way."""
    scales = np.array([1, 1, 2, 2], np.float32)
    node = helper.make_node("Resize", ["in_face:0", "", "scales"], ["out:0"], mode="nearest")
    shape = [1, 3, side, side]
    twice = [1, 3, 2 * side, 2 * side] if isinstance(side, int) else [1, 3, "H2", "W2"]
    return _written(path, [node], shape, twice, [("scales", scales)])
