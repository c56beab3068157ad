"""Where a network runs, and in which precision it is fast there."""

import torch
from torch import nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from faceplate.errors import BadSettings, NotReady
from faceplate.models.choices import Precision

__all__ = ["lay_out", "memory_format", "pick_device", "pick_precision", "precision_name", "put_on"]

_LARGE_KERNEL = 2_000_000


def pick_device(request: str = "auto") -> torch.device:
    """Return the device of a request: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        BadSettings: The request is none of these.
        NotReady: A GPU is asked for that is not there.
    """
    if request == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, index = request.partition(":")
    if kind not in {"cpu", "cuda"} or (index and not index.isdecimal()):
        raise BadSettings(f"device {request!r}: expected auto, cpu, cuda or cuda:N")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise NotReady(
            f"device {request!r} is not there ({torch.cuda.device_count()} GPUs are seen): "
            "use --device cpu, or see to the driver"
        )
    return torch.device(request)


def pick_precision(device: torch.device, request: Precision = "auto") -> torch.dtype:
    """Return the number format of a network's inner work on `device`.

    Of CPUs only those with AMX gain from bfloat16. With AVX-512 BF16 alone a training step was
    measured slower than in float32 (547 against 396 ms), so those stay with float32.
    """
    if request == "auto":
        fast = torch.cuda.is_bf16_supported() if device.type == "cuda" else _has_amx()
        return torch.bfloat16 if fast else torch.float32
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[request]


def precision_name(dtype: torch.dtype) -> str:
    """Return the name of a number format: fp32, bf16 or fp16."""
    return {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}[dtype]


def put_on(net: nn.Module, device: torch.device) -> None:
    """Move a network to a device; one that is there already is not touched."""
    there = torch.empty(0, device=device).device
    if any(param.device != there for param in net.parameters()):
        net.to(device)


def memory_format(device: torch.device) -> torch.memory_format:
    """Return the layout in which convolutions are fast on `device`."""
    return torch.channels_last if device.type in {"cpu", "cuda"} else torch.contiguous_format


def lay_out(net: nn.Module, device: torch.device) -> None:
    """Lay the weights of a network out as its training is fast on `device`.

    On a CPU the gradient of a large kernel in channels_last costs more to put in order than the
    layout gains (512 to 1024 channels at 12 x 12: 204 against 181 ms), so those are left alone.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            large = device.type == "cpu" and module.weight.numel() >= _LARGE_KERNEL
            layout = torch.contiguous_format if large else memory_format(device)
            convert_conv2d_weight_memory_format(module, layout)


def _has_amx() -> bool:
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))
