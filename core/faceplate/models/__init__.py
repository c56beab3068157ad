"""Swap models: networks, the folders they live in, and their prediction.

One architecture is one file; its class is named in `ARCHITECTURES`.
"""

from typing import TYPE_CHECKING

from faceplate.registry import Registry

if TYPE_CHECKING:  # torch stays out of a light import
    from faceplate.models.net import SwapNet

__all__ = ["ARCHITECTURES"]

ARCHITECTURES: "Registry[type[SwapNet]]" = Registry(
    "architecture",
    {
        "amp": "faceplate.models.amp:AMP",
        "comb": "faceplate.models.comb:Comb",
        "df": "faceplate.models.df:DF",
        "liae": "faceplate.models.liae:LIAE",
        "quick96": "faceplate.models.quick96:Quick96",
    },
    "faceplate.architectures",
)
