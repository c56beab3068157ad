"""Less memory for more time: inner results that are computed twice."""

from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint

from faceplate.models.layers import Down, Res, Up

__all__ = ["checkpoint_blocks"]


def checkpoint_blocks(net: nn.Module) -> int:
    """Let the blocks of a network keep nothing but their input for the gradient.

    Each block runs a second time in the backward pass; gradients stay the same.

    Returns:
        How many blocks do so.
    """
    blocks = [block for block in net.modules() if isinstance(block, Down | Res | Up)]
    for block in blocks:
        forward = partial(checkpoint, block.forward, use_reentrant=False)
        block.forward = forward  # type: ignore[method-assign]  # of this instance alone
    return len(blocks)
