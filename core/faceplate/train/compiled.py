"""Compiling the parts of a network, where there is a compiler."""

import logging
from functools import lru_cache

import torch
from torch import Tensor, nn

__all__ = ["compile_parts", "compiler_problem"]

logger = logging.getLogger(__name__)


def compile_parts(net: nn.Module, device: torch.device) -> bool:
    """Compile the encoder, the bottlenecks and the decoders of a network at their first call.

    Where there is no compiler the network stays as it is, which is logged: its results are the
    same.

    Args:
        net: The network.
        device: Where it runs: a CPU wants a C++ compiler, a GPU Triton.

    Returns:
        Whether it will be compiled.
    """
    problem = compiler_problem(device.type)
    if problem is not None:
        logger.warning("compile: there is no compiler for %s, it trains uncompiled: %s",
                       device.type, problem)  # fmt: skip
        return False
    for child in net.children():
        child.compile()
    return True


@lru_cache(maxsize=2)
def compiler_problem(kind: str) -> str | None:
    """Return why nothing can be compiled for a kind of device; None where it can.

    Compiles something tiny, for that is what compilers are found by.
    """

    def tiny(x: Tensor) -> Tensor:
        return torch.sin(x) * 2 + x

    try:
        torch.compile(tiny)(torch.ones(16, device=kind))
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return lines[0] if lines else type(error).__name__
    return None
