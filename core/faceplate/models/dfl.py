"""Reading a trained model of DeepFaceLab: SAEHD of the df and liae kind, and Quick96.

Such a model is a folder of files ``<name>_<class>_<part>.npy``, each a pickled dict of tensor name
to array, and ``<name>_<class>_data.dat``, a pickled dict of iteration and options. They are read
by `faceplate.io.pickled`, which runs nothing.

Three things differ from ours: kernels lie as (rows, columns, in, out) and dense weights as (in,
out); pictures are BGR, so the first kernel's inputs and the last ones' outputs are reversed; and
depth to space takes its channels in the order of TensorFlow (block row, block column, channel),
ours in that of pixel_shuffle (channel, block row, block column). The four heads of option ``d``
come one by one, in the order of the block's pixels, as ours do.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faceplate.errors import BadSettings, Damaged, NotFound
from faceplate.io.pickled import read_pickle
from faceplate.models import ARCHITECTURES
from faceplate.models.net import NetConfig

__all__ = ["DflModel", "read_dfl_model"]

Array = NDArray[Any]
Convert = Callable[[Array], Array]

_CLASSES = ("SAEHD", "Quick96")
_FACE_TYPES = {
    "h": "half_face",
    "mf": "midfull_face",
    "f": "full_face",
    "wf": "whole_face",
    "head": "head",
}
_PARTS: Mapping[str, Mapping[str, str]] = {
    "df": {
        "encoder": "encoder",
        "inter": "inter",
        "decoder_src": "decoder_likeness",
        "decoder_dst": "decoder_performer",
    },
    "liae": {
        "encoder": "encoder",
        "inter_AB": "inter_ab",
        "inter_B": "inter_b",
        "decoder": "decoder",
    },
}
"""Name of a file's part to name of our module."""


@dataclass(frozen=True)
class DflModel:
    """A model as it was found."""

    name: str
    """Its name there."""
    kind: Literal["SAEHD", "Quick96"]
    """Its class there."""
    architecture: str
    """Ours: df, liae or quick96."""
    net: NetConfig
    """Shape of the network."""
    face_type: str
    """Face type of its crops."""
    step: int
    """Iterations done."""
    batch: int
    """Faces of each person per step."""
    weights: Mapping[str, Tensor]
    """Our tensor names to float32 tensors."""


def read_dfl_model(folder: Path, name: str | None = None) -> DflModel:
    """Read a model and bring its weights into our order.

    Args:
        folder: Folder of the model's files.
        name: Of the model, where the folder holds several.

    Raises:
        NotFound: No model, not that model, or a file of it is missing.
        BadSettings: Several models and no name, or a kind that has no counterpart here.
        Refused: A file names something that is no plain value.
        Damaged: A file is broken, or a tensor is missing, unknown or of another shape.
    """
    model, kind = _chosen(folder, name)
    data = _pickle(folder / f"{model}_{kind}_data.dat")
    options = data.get("options") or {}
    archi = str(options.get("archi", "df-ud")) if kind == "SAEHD" else "df-ud"
    base, _, letters = archi.partition("-")
    if base not in _PARTS:
        raise BadSettings(f"{model}: the architecture {archi!r} has no counterpart: df or liae do")
    architecture = "quick96" if kind == "Quick96" else base
    net = _net(architecture, letters, options)
    weights: dict[str, Tensor] = {}
    for part, module in _PARTS[base].items():
        path = folder / f"{model}_{kind}_{part}.npy"
        weights.update(_part(_pickle(path), path, module, net.options))
    _check(weights, architecture, net, model)
    face_type = _FACE_TYPES.get(str(options.get("face_type", "f")))
    if face_type is None:
        raise BadSettings(f"{model}: no face type is called {options.get('face_type')!r}")
    return DflModel(
        name=model,
        kind="Quick96" if kind == "Quick96" else "SAEHD",
        architecture=architecture,
        net=net,
        face_type="full_face" if kind == "Quick96" else face_type,
        step=int(data.get("iter", 0)),
        batch=int(options.get("batch_size", 4)),
        weights=weights,
    )


def _chosen(folder: Path, name: str | None) -> tuple[str, str]:
    if not folder.is_dir():
        raise NotFound(f"{folder} is no folder; name the one with the files NAME_SAEHD_data.dat")
    found = [
        (path.name.removesuffix(f"_{kind}_data.dat"), kind)
        for kind in _CLASSES
        for path in sorted(folder.glob(f"*_{kind}_data.dat"))
    ]
    fitting = [entry for entry in found if name is None or entry[0] == name]
    listed = ", ".join(f"{model} ({kind})" for model, kind in found) or "none"
    if not fitting:
        raise NotFound(f"{folder} has no SAEHD or Quick96 model of that name; there are: {listed}")
    if len(fitting) > 1:
        raise BadSettings(f"{folder} has several models, name one of them: {listed}")
    return fitting[0]


def _pickle(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"{path} is missing: the model is not whole") from error
    values = read_pickle(content, str(path))
    if not isinstance(values, dict):
        raise Damaged(f"{path}: expected a dict, got {type(values).__name__}")
    return values


def _net(architecture: str, letters: str, options: Mapping[str, Any]) -> NetConfig:
    names = ("resolution", "ae_dims", "e_dims", "d_dims", "d_mask_dims")
    kind = ARCHITECTURES.load(architecture).Config
    if architecture == "quick96":
        return kind()
    absent = [name for name in names if name not in options]
    if absent:
        raise Damaged(f"the model's data file does not say its {', '.join(absent)}")
    return kind(options=letters, **{name: int(options[name]) for name in names})


def _part(tensors: Mapping[str, Any], path: Path, module: str, options: str) -> dict[str, Tensor]:
    """Return one file's tensors under our names."""
    names = {"encoder": _encoder, "inter": _inter, "decoder": _decoder}[module.split("_")[0]]
    left, found = dict(tensors), {}
    for theirs, ours, kernel, bias in names(options):
        for kind, convert in (("weight", kernel), ("bias", bias)):
            key = f"{theirs}/{kind}:0"
            array = left.pop(key, None)
            if not isinstance(array, np.ndarray):
                raise Damaged(f"{path} has no tensor {key}: it is not of options {options!r}")
            found[f"{module}.{ours}.{kind}"] = _tensor(convert(array))
    if left:
        raise Damaged(
            f"{path} has tensors that a model of options {options!r} does not: "
            f"{', '.join(sorted(map(str, left))[:5])}"
        )
    return found


Layer = tuple[str, str, Convert, Convert]
"""Their name, our name, and what to do with kernel and bias."""


def _encoder(options: str) -> Iterator[Layer]:
    if "t" not in options:
        for place in range(4):
            kernel = _first_kernel if place == 0 else _kernel
            yield f"down1/downs_{place}/conv1", f"layers.{place}.conv", kernel, _same
        return
    for name, place in zip(range(1, 6), (0, 2, 3, 4, 5), strict=True):
        kernel = _first_kernel if place == 0 else _kernel
        yield f"down{name}/conv1", f"layers.{place}.conv", kernel, _same
    for name, place in ((1, 1), (5, 6)):
        for conv in ("conv1", "conv2"):
            yield f"res{name}/{conv}", f"layers.{place}.{conv}", _kernel, _same


def _inter(options: str) -> Iterator[Layer]:
    yield "dense1", "dense1", np.transpose, _same
    yield "dense2", "dense2", np.transpose, _same
    if "t" not in options:
        yield "upscale1/conv1", "up.conv", _up_kernel, _up_bias


def _decoder(options: str) -> Iterator[Layer]:
    levels = 4 if "t" in options else 3
    for level in range(levels):
        yield f"upscale{level}/conv1", f"image.{2 * level}.conv", _up_kernel, _up_bias
        for conv in ("conv1", "conv2"):
            yield f"res{level}/{conv}", f"image.{2 * level + 1}.{conv}", _kernel, _same
    for head in range(4 if "d" in options else 1):
        yield f"out_conv{head or ''}", f"head.{head}", _last_kernel, _reversed
    masks = levels + ("d" in options)
    for level in range(masks):
        yield f"upscalem{level}/conv1", f"matte.{level}.conv", _up_kernel, _up_bias
    yield "out_convm", f"matte.{masks}", _kernel, _same


def _same(array: Array) -> Array:
    return array


def _reversed(array: Array) -> Array:
    return array[::-1]


def _kernel(array: Array) -> Array:  # (rows, columns, in, out) -> (out, in, rows, columns)
    if array.ndim != 4:
        raise Damaged(f"a kernel has the shape {array.shape}, expected four sides")
    return array.transpose(3, 2, 0, 1)


def _first_kernel(array: Array) -> Array:  # BGR in
    return _kernel(array)[:, ::-1]


def _last_kernel(array: Array) -> Array:  # BGR out
    return _kernel(array)[::-1]


def _up_kernel(array: Array) -> Array:
    return _up_bias(_kernel(array))


def _up_bias(array: Array) -> Array:
    """Bring the first side from (block, channel) into (channel, block)."""
    if len(array) % 4:
        raise Damaged(f"a kernel before depth to space has {len(array)} outputs, expected 4 * n")
    blocks = array.reshape(4, len(array) // 4, *array.shape[1:])
    return blocks.swapaxes(0, 1).reshape(array.shape)


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32, order="C"))  # a copy that may be written


def _check(weights: Mapping[str, Tensor], architecture: str, net: NetConfig, model: str) -> None:
    with torch.device("meta"):
        wanted = ARCHITECTURES.load(architecture)(net).state_dict()
    for name in sorted(wanted.keys() | weights.keys()):
        has = tuple(weights[name].shape) if name in weights else "missing"
        needs = tuple(wanted[name].shape) if name in wanted else "none of that name"
        if has != needs:
            raise Damaged(f"{model}: {name} is {has}, expected {needs} of {architecture} {net}")
        if not bool(weights[name].isfinite().all()):
            raise Damaged(f"{model}: {name} is not finite")
