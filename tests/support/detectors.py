"""ONNX networks in the form of published detectors, whose faces are red cells of the image.

The backbone is one average per cell. What the heads answer is real: scores by a convolution over
the colours, boxes and points from its bias, in the shapes and the order of the published files.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["Heads", "red_cell", "retinaface_file", "scrfd_file", "yunet_file"]

STRIDES = (8, 16, 32)
Size = tuple[int | str, int | str]


class Heads:
    """Collects the nodes of a graph; heads read the mean colours of the cells of a stride."""

    def __init__(self, size: Size = ("height", "width")) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._size = size

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, values: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.array(values, dtype), name))
        return name

    def head(
        self, stride: int, weights: npt.ArrayLike, bias: npt.ArrayLike, shape: Sequence[int]
    ) -> str:
        """Return the answers of a 1x1 convolution (CxK weights over the image's three channels)."""
        cells = self.add(
            "AveragePool", "image", kernel_shape=[stride, stride], strides=[stride, stride]
        )
        kernel = np.reshape(np.array(weights, np.float32), (-1, 3, 1, 1))
        answers = self.add("Conv", cells, self.constant(kernel), self.constant(bias))
        rows = self.add("Transpose", answers, perm=[0, 2, 3, 1])
        return self.add("Reshape", rows, self.constant(shape, np.int64))

    def save(self, path: Path, outputs: dict[str, str], rank: int) -> Path:
        """Write the file; `outputs` maps the published names to ours."""
        for name, ours in outputs.items():
            self._nodes.append(helper.make_node("Identity", [ours], [name]))
        graph = helper.make_graph(
            self._nodes,
            "detector",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, *self._size])],
            [
                helper.make_tensor_value_info(
                    name, TensorProto.FLOAT, [f"{name}_{axis}" for axis in range(rank)]
                )
                for name in outputs
            ],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 8
        onnx.save(model, path)
        return path


def red_cell(
    height: int, width: int, stride: int, column: int, row: int
) -> npt.NDArray[np.float32]:
    """Return a black image with one cell that is red."""
    image = np.zeros((height, width, 3), np.float32)
    cell = slice(row * stride, (row + 1) * stride), slice(column * stride, (column + 1) * stride)
    image[cell] = [1.0, 0.0, 0.0]
    return image


def retinaface_file(
    path: Path, faces: dict[tuple[int, int], tuple[Sequence[float], Sequence[float]]]
) -> Path:
    """Write a RetinaFace whose anchors (stride, number) answer red with these offsets and points.

    Colours are BGR minus (104, 117, 123): black gives -14 before the bias, red gives 70.
    """
    heads = Heads()
    parts: list[list[str]] = [[], [], []]
    for stride in STRIDES:
        weights, bias, boxes, points = np.zeros((4, 3)), np.full(4, -25.0), [], []
        bias[::2] = 0.0  # background
        for number in range(2):
            box, five = faces.get((stride, number), ([0.0] * 4, [0.0] * 10))
            boxes += list(box)
            points += list(five)
            if (stride, number) in faces:
                weights[2 * number + 1] = [-0.2, -0.2, 0.2]
                bias[2 * number + 1] = -45.0
        none = np.zeros((8, 3)), np.zeros((20, 3))
        parts[0].append(heads.head(stride, none[0], boxes, (1, -1, 4)))
        parts[1].append(heads.head(stride, weights, bias, (1, -1, 2)))
        parts[2].append(heads.head(stride, none[1], points, (1, -1, 10)))
    loc, conf, five_points = (heads.add("Concat", *part, axis=1) for part in parts)
    scores = heads.add("Softmax", conf, axis=2)
    return heads.save(path, {"loc": loc, "conf": scores, "landmarks": five_points}, 3)


def scrfd_file(
    path: Path,
    faces: dict[tuple[int, int], tuple[Sequence[float], Sequence[float]]],
    size: Size = ("height", "width"),
) -> Path:
    """Write an SCRFD whose anchors (stride, number) answer red with these distances and points."""
    heads = Heads(size)
    outputs: dict[str, str] = {}
    kinds: dict[str, list[str]] = {"score": [], "bbox": [], "kps": []}
    for stride in STRIDES:
        weights, bias, boxes, points = np.zeros((2, 3)), np.full(2, -20.0), [], []
        for number in range(2):
            box, five = faces.get((stride, number), ([0.0] * 4, [0.0] * 10))
            boxes += list(box)
            points += list(five)
            if (stride, number) in faces:  # RGB, (x - 127.5) / 128: black 10, red 30
                weights[number], bias[number] = [10.0, -10.0, -10.0], -20.0
        logits = heads.head(stride, weights, bias, (-1, 1))
        kinds["score"].append(heads.add("Sigmoid", logits))
        kinds["bbox"].append(heads.head(stride, np.zeros((8, 3)), boxes, (-1, 4)))
        kinds["kps"].append(heads.head(stride, np.zeros((20, 3)), points, (-1, 10)))
    for names in kinds.values():
        outputs |= {str(446 + len(outputs) + k): name for k, name in enumerate(names)}
    return heads.save(path, outputs, 2)


def yunet_file(
    path: Path,
    heads_of: dict[int, tuple[Sequence[float], Sequence[float]]] | None,
    size: Size = (640, 640),
    seed: int = 0,
) -> Path:
    """Write a YuNet whose strides answer red with these boxes and points.

    With `heads_of` None all its weights are random: any colour may be a face anywhere.
    """
    rng = np.random.default_rng(seed)
    heads = Heads(size)
    outputs = {}
    for stride in STRIDES:
        box, five = (heads_of or {}).get(stride, ([0.0] * 4, [0.0] * 10))
        # BGR levels 0..255: black 0, red 25.5
        values: dict[str, tuple[npt.ArrayLike, npt.ArrayLike]] = {
            "cls": ([[-0.1, -0.1, 0.1]], [-15.0 if stride in (heads_of or {}) else -50.0]),
            "obj": (np.zeros((1, 3)), [np.log(0.64 / 0.36)]),  # sigmoid gives 0.64
            "bbox": (np.zeros((4, 3)), box),
            "kps": (np.zeros((10, 3)), five),
        }
        if heads_of is None:
            values = {
                kind: (rng.normal(0, 0.01, (count, 3)), rng.normal(0, 1, count))
                for kind, count in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
            }
        for kind, (weights, bias) in values.items():
            answer = heads.head(stride, weights, bias, (1, -1, len(np.atleast_1d(bias))))
            squashed = kind in ("cls", "obj")
            outputs[f"{kind}_{stride}"] = heads.add("Sigmoid", answer) if squashed else answer
    return heads.save(path, outputs, 3)
