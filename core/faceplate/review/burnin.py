"""Words on review pictures: which shot and frame it is, and that it is synthetic."""

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["burn_in"]

Picture = NDArray[np.uint8]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SHARE = 0.022
"""Height of a capital letter, as a share of the picture's height."""
_CAPITAL_PX = 22.0
"""Height of a capital letter of OpenCV's font at scale 1."""


def burn_in(picture: Picture, left: str, middle: str, right: str) -> Picture:
    """Return a picture with a dark strip and three texts along its lower edge.

    Args:
        picture: HxWx3 uint8 RGB, display encoding.
        left: Such as the shot's name.
        middle: Such as a remark that the picture is synthetic.
        right: Such as the frame number and the time code.
    """
    height, width = picture.shape[:2]
    scale = max(height * _SHARE, 7.0) / _CAPITAL_PX
    scale = min(scale, *(_fitting(text, width) for text in (left, middle, right)))
    letter = max(round(_CAPITAL_PX * scale), 1)
    strip = min(2 * letter + 4, height)
    out = picture.copy()
    out[height - strip :] //= 3
    baseline = height - (strip - letter) // 2
    for text, share in ((left, 0.0), (middle, 0.5), (right, 1.0)):
        wide = cv2.getTextSize(text, _FONT, scale, 1)[0][0]
        x = round((width - wide - 2 * letter) * share) + letter
        thickness = max(round(scale * 1.5), 1)
        cv2.putText(out, text, (x, baseline), _FONT, scale, (235,) * 3, thickness, cv2.LINE_AA)
    return out


def _fitting(text: str, width: int) -> float:
    """Return the largest scale at which a text takes no more than a third of the width."""
    wide = max(cv2.getTextSize(text, _FONT, 1.0, 1)[0][0], 1)
    return width / 3.3 / wide
