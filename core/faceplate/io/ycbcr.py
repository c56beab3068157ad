"""Y'CbCr planes of video to R'G'B' in float.

Written out because libswscale's own conversion is off by 0.35 % of white (measured against the
formula of ITU-T H.273 on flat patches), nearly a whole 8-bit step.
"""

import re
from typing import Any

import numpy as np

from faceplate.io.frame import FloatArray

__all__ = ["planar_to_rgb", "upsample"]

# Kr and Kb by matrix tag (ITU-T H.273, table 4); 2 means untagged.
_MATRICES = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
_OURS = re.compile(r"yuv[aj]?(420|422|440|444)p(\d+le)?|gray(\d+le)?")
_UNTAGGED = 2
_FULL_RANGE = 2


def planar_to_rgb(frame: Any) -> FloatArray | None:
    """Return a decoded PyAV frame as HxWx3 (or x4 with alpha) float32 R'G'B'.

    Black is 0 and white is 1; values beyond them, which video range can hold, are kept.

    Returns:
        None where the frame is not planar Y'CbCr or grey of 8 to 16 bits.
    """
    layout = frame.format
    if not _OURS.fullmatch(layout.name):
        return None
    bits = layout.components[0].bits
    planes = [_plane(plane, bits) for plane in frame.planes]
    scale = np.float32(1 << (bits - 8))
    full = frame.color_range == _FULL_RANGE or layout.name.startswith("yuvj")
    top = np.float32(2**bits - 1)
    luma = planes[0] / top if full else (planes[0] / scale - 16) / np.float32(219)
    if len(planes) < 3:
        return np.repeat(luma[..., None], 3, axis=-1).astype(np.float32)
    spread = top if full else 224 * scale
    chroma = [upsample((plane - 128 * scale) / spread, luma.shape) for plane in planes[1:3]]
    rgb = _to_rgb(luma, chroma[0], chroma[1], _matrix(frame))
    alpha = [planes[3] / top] if len(planes) == 4 else []
    return np.stack([*rgb, *alpha], axis=-1).astype(np.float32)


def upsample(chroma: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return chroma at the size of luma, linear; sited left and between two rows, as in MPEG."""
    height, width = chroma.shape
    if height < shape[0]:
        rows = np.empty((2 * height, width), np.float32)
        rows[0::2] = 0.75 * chroma + 0.25 * np.concatenate([chroma[:1], chroma[:-1]])
        rows[1::2] = 0.75 * chroma + 0.25 * np.concatenate([chroma[1:], chroma[-1:]])
        chroma = rows[: shape[0]]
    if width < shape[1]:
        columns = np.empty((len(chroma), 2 * width), np.float32)
        columns[:, 0::2] = chroma
        columns[:, 1::2] = 0.5 * (chroma + np.concatenate([chroma[:, 1:], chroma[:, -1:]], axis=1))
        chroma = columns[:, : shape[1]]
    return chroma


def _plane(plane: Any, bits: int) -> FloatArray:
    kind = np.dtype(np.uint8 if bits == 8 else "<u2")
    rows = np.frombuffer(plane, kind).reshape(plane.height, plane.line_size // kind.itemsize)
    return rows[:, : plane.width].astype(np.float32)


def _matrix(frame: Any) -> tuple[float, float]:
    tag = int(frame.colorspace)
    if tag == _UNTAGGED or tag not in _MATRICES:
        tag = 1 if frame.height >= 720 else 6
    return _MATRICES[tag]


def _to_rgb(
    luma: FloatArray, cb: FloatArray, cr: FloatArray, matrix: tuple[float, float]
) -> list[FloatArray]:
    kr, kb = matrix
    red = luma + 2 * (1 - kr) * cr
    blue = luma + 2 * (1 - kb) * cb
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    return [red, green, blue]
