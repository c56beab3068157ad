"""The two encodings derived from a plate: *view* for detectors, *working* for networks.

Both are defined by themselves and not by the studio's config: a swap model trained in ACEScct must
mean the same ACEScct in every shop. Where a config has no space of that name, the way leads over
its interchange role to our built-in config.
"""

import numpy as np
from numpy.typing import NDArray

from faceplate.color.ocio import BUILTIN_CONFIG, OcioConfig, load_config
from faceplate.errors import BadSettings

__all__ = ["WORKING_SPACES", "Encodings", "shoulder"]

FloatArray = NDArray[np.float32]

WORKING_SPACES = {"acescct": "ACEScct", "srgb": "srgb_rec709_scene"}
"""Working encodings, as recorded in facesets and models, with their names in OCIO."""

_LINEAR = {"acescct": "ACEScg", "srgb": "lin_rec709_scene"}
"""The same colours before the curve that encodes each channel by itself."""

_VIEW = "srgb_rec709_scene"
_VIEW_LINEAR = "lin_rec709_scene"

_BRIGHTEST = 65504.0  # of a half float; anything brighter looks the same in the view

SHOULDER_START = 0.4
"""Scene-linear value up to which the view shows a colour as it is.

Tried on six rendered frames lifted by -4 to +6 stops: from 0.4, RetinaFace finds every face at +6
(mean score 0.89), from 0.6 four (0.60), with a plain clip two (0.20); up to +2 all are alike.
"""


class Encodings:
    """Ways between a plate's own space, the view and the working encoding.

    Args:
        config: The OCIO config.
        plate_space: The plate's space: a name, role or alias of the config.
        working: ``acescct`` or ``srgb``.

    Raises:
        UnknownColorSpace: `plate_space` is not in the config.
        BadSettings: No such working encoding.
    """

    def __init__(
        self,
        config: OcioConfig,
        plate_space: str,
        working: str = "acescct",
    ) -> None:
        if working not in WORKING_SPACES:
            choices = ", ".join(WORKING_SPACES)
            raise BadSettings(f"no working encoding is called {working!r}; there are: {choices}")
        self.config = config
        self.plate_space = config.resolve(plate_space)
        """The config's own name of the plate's space."""
        self.working = working
        """The working encoding's name, as recorded in facesets and models."""
        self._working_space = WORKING_SPACES[working]
        self._linear_space = _LINEAR[working]
        self._builtin = load_config(BUILTIN_CONFIG)
        ends = np.array([[0.0] * 3, [1.0] * 3], np.float32)
        black, white = self._builtin.apply(ends, self._working_space, self._linear_space)[:, 0]
        self._ends = float(black), float(white)

    def to_view(self, rgb: FloatArray) -> FloatArray:
        """Return plate colours HxWx3 as sRGB-like display values in 0..1, for detectors.

        Up to 0.4 in linear light they are plain sRGB; above, a soft shoulder bends them towards 1,
        so that a face lit to several times white keeps its shading. NaN shows as black.
        """
        linear = self.config.to_standard(rgb, self.plate_space, _VIEW_LINEAR)
        bent = shoulder(np.nan_to_num(linear, copy=False, nan=0.0, posinf=_BRIGHTEST, neginf=0.0))
        view = self._builtin.apply(bent, _VIEW_LINEAR, _VIEW)
        return np.clip(view, 0.0, 1.0)

    def to_working(self, rgb: FloatArray) -> FloatArray:
        """Return plate colours HxWx3 in the working encoding; not clipped."""
        return self.config.to_standard(rgb, self.plate_space, self._working_space)

    def from_working(self, rgb: FloatArray) -> FloatArray:
        """Return working colours HxWx3 in the plate's space: the inverse of `to_working`."""
        return self.config.from_standard(rgb, self._working_space, self.plate_space)

    def seen(self, rgb: FloatArray) -> FloatArray:
        """Return plate colours as a network sees them: clipped to 0..1 in the working encoding.

        Same space as `rgb`. The difference to `rgb` is what the delta composite brings back. What
        no clipping touches comes back bit for bit, and costs no logarithm: the curve rises with
        light, so its ends tell in linear light what is beyond them.
        """
        if rgb.size == 0:
            return rgb
        linear = self.config.to_standard(rgb, self.plate_space, self._linear_space)
        black, white = self._ends
        if linear.min() >= black and linear.max() <= white:
            return rgb
        red, green, blue = np.moveaxis((linear < black) | (linear > white), -1, 0)
        touched = red | green | blue  # `any` over an axis of three takes six times as long
        seen = rgb.copy()
        working = self.to_working(rgb[touched])
        seen[touched] = self.from_working(np.clip(working, 0.0, 1.0))
        return seen


def shoulder(linear: FloatArray) -> FloatArray:
    """Bend values over `SHOULDER_START` towards 1, smooth in value and slope; negatives become 0.

    1 - (1 - s) / sqrt(1 + 2 (x - s) / (1 - s)): slope 1 at s, and a tail that tells 8 from 16.
    """
    start = np.float32(SHOULDER_START)
    held = np.clip(linear, 0.0, _BRIGHTEST)
    over = np.maximum(held - start, 0.0) / (1 - start)
    bent = 1 - (1 - start) / np.sqrt(1 + 2 * over)
    return np.where(held > start, bent, held).astype(np.float32)
