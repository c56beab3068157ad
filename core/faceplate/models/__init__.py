"""Swap models: networks, the folders they live in, and their prediction.

One architecture is one file; its class is named in `ARCHITECTURES`.
"""

from typing import TYPE_CHECKING

from faceplate.registry import Registry

if TYPE_CHECKING:  # torch stays out of a light import
    from faceplate.models.net import SwapNet

__all__ = ["ARCHITECTURES"]

ARCHITECTURES: "Registry[type[SwapNet]]" = Registry(
    "architecture", {"df": "faceplate.models.df:DF"}, "faceplate.architectures"
)
