"""The convolution of a small map with a large kernel, whose gradient is a matrix product on a CPU.

At the narrow end of an autoencoder a kernel holds millions of weights and the map a few hundred
pixels. There oneDNN's gradient of the kernel takes up to twice the time of the same work as one
matrix product of the output's gradient with the gathered patches of the input.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

__all__ = ["is_small_map", "small_map_conv"]

_LEAST_WEIGHTS = 2_000_000
_MOST_ROWS = 640


def is_small_map(conv: nn.Conv2d, x: Tensor) -> bool:
    """Return whether a convolution is trained faster as here: measured, see docs/benchmarks.md."""
    if x.device.type != "cpu" or x.dtype != torch.float32 or torch.is_autocast_enabled("cpu"):
        return False
    if not (torch.is_grad_enabled() and conv.weight.requires_grad):
        return False
    rows = x.numel() // x.shape[1] // (conv.stride[0] * conv.stride[1])
    return conv.weight.numel() >= _LEAST_WEIGHTS and rows <= _MOST_ROWS


def small_map_conv(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Convolve as `conv` does: same stride in both directions, half the kernel as padding.

    The gradient agrees with that of `conv` within rounding.
    """
    y: Tensor = _SmallMapConv.apply(x, conv.weight, conv.bias, conv.stride[0], conv.padding[0])  # type: ignore[no-untyped-call]  # torch has no types for it
    return y


class _SmallMapConv(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return functional.conv2d(x, weight, bias, stride, padding)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad_x = None
        if ctx.needs_input_grad[0]:
            stride, padding = [ctx.stride] * 2, [ctx.padding] * 2
            grad_x = torch.ops.aten.convolution_backward(
                *(grad, x, weight, None, stride, padding, [1, 1], False, [0, 0], 1),
                [True, False, False],
            )[0]
        flat = grad.permute(1, 0, 2, 3).flatten(1)  # (outputs, rows)
        patches = _patches(x, weight.shape[-1], ctx.stride, ctx.padding)
        outputs, inputs, size, _ = weight.shape
        grad_weight = (flat @ patches).view(outputs, size, size, inputs).permute(0, 3, 1, 2)
        return grad_x, grad_weight, flat.sum(1), None, None


def _patches(x: Tensor, size: int, stride: int, padding: int) -> Tensor:
    """Return what the kernel sees at every output (rows, size * size * channels)."""
    last = functional.pad(x.permute(0, 2, 3, 1), (0, 0, padding, padding, padding, padding))
    batch, height, width, channels = last.shape
    rows, columns = (height - size) // stride + 1, (width - size) // stride + 1
    b, h, w, c = last.stride()
    windows = last.as_strided(
        (batch, rows, columns, size, size, channels), (b, h * stride, w * stride, h, w, c)
    )
    return windows.reshape(batch * rows * columns, size * size * channels)
