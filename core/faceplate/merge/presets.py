"""Recipes that have a name."""

from collections.abc import Mapping
from typing import Any

__all__ = ["PRESETS", "PRESET_TEXTS"]

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "film": {
        "grain": 100.0,
        "defocus": 100.0,
        "motion_blur": 50.0,
    },
    "colour-match": {"transfer": "rct"},
    "as-predicted": {"transfer": "none", "matte": "learned"},
    "seamless": {"mode": "seamless", "transfer": "none", "matte": "hull"},
    "seamless-film": {
        "mode": "seamless",
        "transfer": "none",
        "matte": "hull",
        "grain": 100.0,
        "defocus": 100.0,
        "motion_blur": 50.0,
    },
    "soft": {"mode": "multiband", "feather": 16.0},
    "matte-from-comp": {"matte": "external", "feather": 0.0},
}
"""Name to the settings that are not the default's."""

PRESET_TEXTS: Mapping[str, str] = {
    "default": "the plate's light on the likeness, laid in under learned matte and hull",
    "film": "the default, with the plate's grain, focus and a shutter of 180 degrees",
    "colour-match": "mean and deviation of the colours instead of the light",
    "as-predicted": "what the network made, under its own matte, for a look at the model",
    "seamless": "gradients of the face, boundary of the plate (Poisson)",
    "seamless-film": "seamless, with the plate's grain, focus and a shutter of 180 degrees",
    "soft": "bands of the picture blended each at its own width, for large differences of tone",
    "matte-from-comp": "the compositor's own matte, edge and all",
}
"""Name to what it is for."""
