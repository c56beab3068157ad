"""Names that settings choose by; light, so that a process which only forwards jobs stays light."""

from typing import Literal

__all__ = ["Initialisation", "InterTraining", "Precision"]

Precision = Literal["auto", "fp32", "bf16", "fp16"]
"""Number format of a network's inner work."""

InterTraining = Literal["auto", "all", "original"]
"""Which bottlenecks are trained: ``original`` as the paper's code has it, ``all`` of them, or what
is best for the architecture (``auto``)."""

Initialisation = Literal["glorot", "convolution_aware"]
"""How first weights are drawn."""
