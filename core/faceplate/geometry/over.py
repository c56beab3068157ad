"""Warp a face back and lay it over an image in one pass, only where its matte is above 0.

Everything between is left out that `warp_back` and a composite do one after the other: no warped
face is stored, no pixel outside the matte is computed. The filter is the cubic of `warp_back`
(a = -0.75).
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit

from faceplate.errors import BadShape
from faceplate.geometry.points import Box, invert
from faceplate.geometry.warp import warp_back

__all__ = ["warp_over"]

Image = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Function = TypeVar("Function", bound=Callable[..., Any])

_A = np.float32(-0.75)
_ONE, _TWO, _THREE = np.float32(1), np.float32(2), np.float32(3)


def warp_over(
    image: Image,
    face: Image,
    matrix: npt.ArrayLike,
    roi: Box,
    matte: Image,
    *,
    origin: tuple[int, int] = (0, 0),
) -> None:
    """Lay a face over an image in place: image += matte * (warped face - image).

    Args:
        image: HxWxC float32, C 3 or more, contiguous; channels beyond the third stay as they are.
        face: SxSx3 float32; beyond its border it goes on as at the border.
        matrix: plate_to_crop, 2x3.
        roi: x0, y0, x1, y1 in plate pixels, half open, inside the image.
        matte: (y1 - y0) x (x1 - x0), 0..1. Where it is 0 the image stays bit for bit.
        origin: Plate pixel of ``image[0, 0]``.

    Raises:
        BadShape: Arrays that do not fit each other, or an image that is not contiguous.
    """
    x0, y0, x1, y1 = roi
    _check(image, face, matte, (y1 - y0, x1 - x0))
    left, top = x0 - origin[0], y0 - origin[1]
    if min(left, top) < 0 or left + x1 - x0 > image.shape[1] or top + y1 - y0 > image.shape[0]:
        raise BadShape("ROI", roi, f"inside the image at {origin}, {image.shape[:2]}")
    invert(matrix)  # the complaint about a useless matrix
    to_crop = np.array(matrix, np.float64)
    if float(np.linalg.norm(to_crop[:, :2], ord=2)) > 1:  # minified: an area is averaged
        place = image[top : top + y1 - y0, left : left + x1 - x0, :3]
        warped = warp_back(face, matrix, roi, border="replicate")
        np.copyto(place, place + matte[..., None] * (warped - place), where=matte[..., None] != 0)
        return
    to_crop[:, 2] += to_crop[:, :2] @ [x0, y0]
    _lay(image, np.ascontiguousarray(face), to_crop, top, left, np.ascontiguousarray(matte))


def _check(image: Image, face: Image, matte: Image, shape: tuple[int, int]) -> None:
    if image.ndim != 3 or image.shape[2] < 3 or not image.flags.c_contiguous:
        raise BadShape("image", image.shape, "a contiguous HxWxC with 3 channels or more")
    if face.ndim != 3 or face.shape[2] != 3 or 0 in face.shape:
        raise BadShape("face", face.shape, "SxSx3")
    if matte.shape != shape:
        raise BadShape("matte", matte.shape, f"{shape}, as the ROI")
    if not image.dtype == face.dtype == matte.dtype == np.float32:
        raise BadShape("types", (image.dtype, face.dtype, matte.dtype), "float32")


def _compiled(function: Function) -> Function:
    decorate: Any = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
    made: Function = decorate(function)
    return made


@_compiled
def _weights(f: np.float32) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Return the cubic's weights of the pixels at -1, 0, 1 and 2 for a place f between 0 and 1."""
    before = _ONE + f
    first = ((_A * before - np.float32(5) * _A) * before + np.float32(8) * _A) * before
    first -= np.float32(4) * _A
    second = ((_A + _TWO) * f - (_A + _THREE)) * f * f + _ONE
    after = _ONE - f
    third = ((_A + _TWO) * after - (_A + _THREE)) * after * after + _ONE
    return first, second, third, _ONE - first - second - third


@_compiled
def _lay(image: Image, face: Image, to_crop: Doubles, top: int, left: int, matte: Image) -> None:
    height, width = face.shape[0], face.shape[1]
    columns, rows = np.empty(4, np.intp), np.empty(4, np.intp)
    for y in range(matte.shape[0]):
        for x in range(matte.shape[1]):
            share = matte[y, x]
            if share == 0:
                continue
            u = to_crop[0, 0] * x + to_crop[0, 1] * y + to_crop[0, 2]
            v = to_crop[1, 0] * x + to_crop[1, 1] * y + to_crop[1, 2]
            i, j = int(np.floor(u)), int(np.floor(v))
            for k in range(4):
                columns[k] = min(max(i - 1 + k, 0), width - 1)
                rows[k] = min(max(j - 1 + k, 0), height - 1)
            across = _weights(np.float32(u - i))
            down = _weights(np.float32(v - j))
            r = g = b = np.float32(0)
            for k in range(4):
                row = rows[k]
                red = green = blue = np.float32(0)
                for n in range(4):
                    weight, column = across[n], columns[n]
                    red += weight * face[row, column, 0]
                    green += weight * face[row, column, 1]
                    blue += weight * face[row, column, 2]
                r, g, b = r + down[k] * red, g + down[k] * green, b + down[k] * blue
            pixel = image[top + y, left + x]
            pixel[0] += share * (r - pixel[0])
            pixel[1] += share * (g - pixel[1])
            pixel[2] += share * (b - pixel[2])
