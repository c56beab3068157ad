"""A swap model as one file for other programs: ONNX (``.dfm``) and TorchScript.

A ``.dfm`` is ONNX of opset 12, float32, with pictures N x S x S x 3 in BGR and display-referred
(sRGB), 0..1. Input ``in_face:0``, with AMP also ``morph_value:0`` [1]; outputs, in this order,
``out_face_mask:0`` (the performer's matte), ``out_celeb_face:0`` and ``out_celeb_face_mask:0``. A
model that was trained in ACEScct has the way there and back inside, so the file takes and gives
sRGB like any other.

TorchScript keeps the network as it is: RGB planes 1 x 3 x S x S in the model's own working
encoding, S fixed; outputs the likeness's face and matte and the performer's matte.
"""

import json
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from faceplate import __version__
from faceplate.color.ocio import BUILTIN_CONFIG, load_config
from faceplate.errors import BadSettings, Damaged, NotFound
from faceplate.io.atomic import atomic_file
from faceplate.models import ARCHITECTURES
from faceplate.models.folder import ModelFolder, SwapModelConfig, datasets_of
from faceplate.models.net import SwapNet
from faceplate.models.predictor import load_weights

__all__ = ["DfmNet", "ExportFormat", "export_network"]

ExportFormat = Literal["safetensors", "dfm", "torchscript"]

_SUFFIXES = {"dfm": (".dfm", ".onnx"), "torchscript": (".pt", ".ts")}
_FACE, _MORPH = "in_face:0", "morph_value:0"
_OUTPUTS = ("out_face_mask:0", "out_celeb_face:0", "out_celeb_face_mask:0")
_OPSET = 12
_WORST = 1e-3
_LN2 = math.log(2)
_ACESCCT_BREAK, _ACESCCT_SLOPE, _ACESCCT_OFFSET = 0.0078125, 10.5402377416545, 0.0729055341958355


class DfmNet(nn.Module):
    """A network as a ``.dfm`` has it.

    Args:
        net: The swap network.
        encoding: Working encoding that it was trained in: ``acescct`` or ``srgb``.
    """

    def __init__(self, net: SwapNet, encoding: str) -> None:
        super().__init__()
        self.net = net
        self.encoding = encoding
        forward = torch.from_numpy(_rec709_to_ap1())
        self.register_buffer("to_ap1", forward.float())
        self.register_buffer("from_ap1", torch.linalg.inv(forward).float())

    def forward(self, face: Tensor, morph: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Swap (N, S, S, 3) BGR sRGB; return the performer's matte, face and matte, NHWC."""
        rgb = self._to_working(face[..., [2, 1, 0]].clamp(0, 1))
        planes = rgb.permute(0, 3, 1, 2)
        image, likeness, performer = self.net(planes) if morph is None else self.net(planes, morph)
        out = self._from_working(image.permute(0, 2, 3, 1))[..., [2, 1, 0]]
        return performer.permute(0, 2, 3, 1), out, likeness.permute(0, 2, 3, 1)

    def _to_working(self, rgb: Tensor) -> Tensor:
        if self.encoding == "srgb":
            return rgb
        linear = torch.where(
            rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055).clamp(min=1e-6) ** 2.4
        )
        ap1 = linear @ self.to_ap1.T  # type: ignore[operator]  # a buffer
        log = (torch.log(ap1.clamp(min=1e-6)) / _LN2 + 9.72) / 17.52
        low = ap1 * _ACESCCT_SLOPE + _ACESCCT_OFFSET
        return torch.where(ap1 <= _ACESCCT_BREAK, low, log).clamp(0, 1)

    def _from_working(self, image: Tensor) -> Tensor:
        if self.encoding == "srgb":
            return image
        low = (image - _ACESCCT_OFFSET) / _ACESCCT_SLOPE
        start = _ACESCCT_BREAK * _ACESCCT_SLOPE + _ACESCCT_OFFSET
        ap1 = torch.where(image <= start, low, torch.exp((image * 17.52 - 9.72) * _LN2))
        linear = (ap1 @ self.from_ap1.T).clamp(0, 1)  # type: ignore[operator]  # a buffer
        high = 1.055 * linear.clamp(min=1e-6) ** (1 / 2.4) - 0.055
        return torch.where(linear <= 0.0031308, linear * 12.92, high)


def export_network(folder: ModelFolder, out: Path, format: Literal["dfm", "torchscript"]) -> float:
    """Write the newest save of a model as one file, run the file and compare it with torch.

    Args:
        folder: The model.
        out: The file; one that is there is replaced when the new one is whole.
        format: ``dfm`` or ``torchscript``.

    Returns:
        The largest difference of any output for a random face, 0..1.

    Raises:
        NotFound: No save, or the folder of `out` does not exist.
        Damaged: No save is whole, or the file does not give what torch gives; nothing is kept.
        BadSettings: `out` has another ending than such files have.
    """
    if out.suffix.lower() not in _SUFFIXES[format]:
        raise BadSettings(f"out {out}: a {format} file ends in {' or '.join(_SUFFIXES[format])}")
    if not out.parent.is_dir():
        raise NotFound(f"the folder {out.parent} does not exist; make it")
    save = folder.latest()
    config = folder.config_of(save)
    net = ARCHITECTURES.load(config.architecture)(config.net)
    load_weights(net, save.weights(), str(save.path))
    net.eval().requires_grad_(False)
    facts = _facts(config, save.step, save.sha256(), datasets_of(save.state()))
    with atomic_file(out) as part:
        write = _write_dfm if format == "dfm" else _write_torchscript
        difference = write(net, config, part, facts)
        if not difference <= _WORST:
            raise Damaged(f"{out} differs from torch by {difference:.2g}: it is not kept")
    return difference


def _write_dfm(
    net: SwapNet, config: SwapModelConfig, path: Path, facts: Mapping[str, str]
) -> float:
    wrapped = DfmNet(net, config.encoding).eval()
    side, inputs = config.net.resolution, [_FACE]
    faces = torch.rand(2, side, side, 3, generator=torch.Generator().manual_seed(0))
    arguments = [faces]
    if config.architecture == "amp":
        inputs.append(_MORPH)
        arguments.append(torch.tensor([0.75]))
    with _quiet():
        torch.onnx.export(
            wrapped,
            (faces[:1], *arguments[1:]),
            str(path),
            input_names=inputs,
            output_names=list(_OUTPUTS),
            dynamic_axes={name: {0: "N"} for name in (_FACE, *_OUTPUTS)},
            opset_version=_OPSET,
            dynamo=False,  # the newer exporter knows opsets from 18 on; .dfm readers expect 12
        )
    _describe(path, side, facts)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(torch.get_num_threads(), 1)
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    got = session.run(
        list(_OUTPUTS),
        {name: value.numpy() for name, value in zip(inputs, arguments, strict=True)},
    )
    with torch.inference_mode():
        wanted = wrapped(*arguments)
    pairs = zip(got, wanted, strict=True)
    return max(float(np.abs(ours - theirs.numpy()).max()) for ours, theirs in pairs)


def _describe(path: Path, side: int, facts: Mapping[str, str]) -> None:
    """Write down the fixed sides of the outputs, and what the model is."""
    model = onnx.load(str(path))
    for output in model.graph.output:
        sides = output.type.tensor_type.shape.dim
        for dimension in sides[1:3]:
            dimension.dim_value = side
    onnx.helper.set_model_props(model, dict(facts))
    model.producer_name, model.producer_version = "Faceplate", __version__
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _write_torchscript(
    net: SwapNet, config: SwapModelConfig, path: Path, facts: Mapping[str, str]
) -> float:
    side = config.net.resolution
    face = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    arguments: tuple[Tensor, ...] = (face,)
    if config.architecture == "amp":
        arguments = (face, torch.tensor([0.75]))
    with torch.no_grad(), _quiet():
        # torch gives these two no types
        traced = torch.jit.trace(net, arguments)  # type: ignore[no-untyped-call]
        torch.jit.save(traced, str(path), _extra_files=dict(facts))
        loaded = torch.jit.load(str(path))  # type: ignore[no-untyped-call]
    other = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        got, wanted = loaded(other, *arguments[1:]), net(other, *arguments[1:])
    pairs = zip(got, wanted, strict=True)
    return max(float((ours - theirs).abs().max()) for ours, theirs in pairs)


def _facts(
    config: SwapModelConfig, step: int, sha256: str, datasets: Mapping[str, str]
) -> dict[str, str]:
    return {
        "faceplate:likeness": config.likeness,
        "faceplate:performer": config.performer,
        "faceplate:consent": config.consent_id or "",
        "faceplate:face_type": config.face_type,
        "faceplate:encoding": config.encoding,
        "faceplate:step": str(step),
        "faceplate:weights_sha256": sha256,
        "faceplate:datasets": json.dumps(datasets, sort_keys=True),
    }


def _rec709_to_ap1() -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the 3x3 matrix from linear Rec.709 to ACEScg, which OCIO knows."""
    config = load_config(BUILTIN_CONFIG)
    rows = config.apply(np.eye(3, dtype=np.float32)[None], "lin_rec709_scene", "ACEScg")
    return np.asarray(rows[0].T, np.float64)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what the exporters say about themselves: they are old, and on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
