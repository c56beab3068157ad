"""Resampling between plate and crop, never more of the plate than the face needs.

Sampling: cubic (a = -0.75), linear or Lanczos at one point per output pixel where the source is
magnified or kept. Where `step` > 1 source pixels come to an output pixel, n x n points are
averaged, spread over sqrt(1 - 1 / step²) of it: with the source pixel's own extent that makes up
the output pixel. So minification integrates the area, a crop at scale 1 stays as sharp as the
plate, and a face that grows through a shot does not change its look at some frame. From 4 source
pixels per output pixel on, the source is first averaged over whole blocks of at most half of that.
OpenCV places a sample to 1/32 of a source pixel or block.
"""

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from faceplate.errors import BadShape
from faceplate.geometry.points import Box, Matrix, invert, transform

__all__ = ["Border", "Interpolation", "roi_of", "st_map", "warp_back", "warp_crop"]

Image = npt.NDArray[np.float32]
Interpolation = Literal["linear", "cubic", "lanczos"]
Border = Literal["replicate", "zero"]

_INTERPOLATION = {
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
}
_BORDER = {"replicate": cv2.BORDER_REPLICATE, "zero": cv2.BORDER_CONSTANT}
_REACH = 4  # source pixels that the widest filter (Lanczos) reads on each side


@dataclass(frozen=True)
class _Sampling:
    interpolation: Interpolation
    border: Border
    draft: bool = False


def warp_crop(
    image: Image,
    matrix: npt.ArrayLike,
    size: int,
    *,
    origin: tuple[int, int] = (0, 0),
    interpolation: Interpolation = "cubic",
    border: Border = "replicate",
    draft: bool = False,
) -> Image:
    """Cut a crop out of a plate.

    Args:
        image: HxW or HxWxC (C <= 4) float32, any encoding.
        matrix: plate_to_crop, 2x3.
        size: Side of the crop in pixels.
        origin: Plate pixel of ``image[0, 0]``: x0, y0 of its data window.
        interpolation: Filter of the source; `linear` for mattes, which must not overshoot.
        border: What lies outside the image.
        draft: One linear sample per pixel of a source averaged over whole blocks: several times
            faster, and good enough for a network that only looks.

    Returns:
        size x size (x C) float32.

    Raises:
        BadShape: An image or matrix of another shape.
    """
    crop_to_array = invert(matrix)
    crop_to_array[:, 2] -= origin
    sampling = _Sampling(interpolation, border, draft)
    return _resample(image, crop_to_array, (size, size), sampling)


def warp_back(
    crop: Image,
    matrix: npt.ArrayLike,
    roi: Box,
    *,
    interpolation: Interpolation = "cubic",
    border: Border = "zero",
) -> Image:
    """Bring a crop back to the plate, computing the ROI only.

    Args:
        crop: SxS or SxSxC (C <= 4) float32.
        matrix: plate_to_crop, 2x3.
        roi: x0, y0, x1, y1 in plate pixels, half-open (see `roi_of`).
        interpolation: Filter of the crop; `linear` for mattes, which must not overshoot.
        border: What lies outside the crop; `replicate` for a picture that a matte cuts.

    Returns:
        (y1 - y0) x (x1 - x0) (x C) float32; empty where the ROI is.

    Raises:
        BadShape: A crop or matrix of another shape.
    """
    x0, y0, x1, y1 = roi
    invert(matrix)  # the same complaint about a useless matrix as warp_crop's
    roi_to_crop = np.array(matrix, dtype=np.float64)
    roi_to_crop[:, 2] += roi_to_crop[:, :2] @ [x0, y0]
    shape = (max(y1 - y0, 0), max(x1 - x0, 0))
    return _resample(crop, roi_to_crop, shape, _Sampling(interpolation, border))


def roi_of(
    matrix: npt.ArrayLike, size: int, within: Box, margin: int = 0, *, reach: float = 2.0
) -> Box:
    """Return the plate pixels that a crop touches.

    Args:
        matrix: plate_to_crop, 2x3.
        size: Side of the crop in pixels.
        within: Box to stay inside of, such as the data window.
        margin: Plate pixels added on every side, for a filter that reads the plate.
        reach: Crop pixels added on every side: those that a filter of the crop reads, 2 for cubic.

    Returns:
        x0, y0, x1, y1, half-open; of zero width and height where the crop lies outside `within`.
    """
    low, high = -0.5 - reach, size - 0.5 + reach
    corners = transform([[low, low], [high, low], [high, high], [low, high]], invert(matrix))
    first = np.floor(corners.min(axis=0)).astype(int) - margin
    last = np.ceil(corners.max(axis=0)).astype(int) + 1 + margin
    x0, y0 = max(int(first[0]), within[0]), max(int(first[1]), within[1])
    x1, y1 = min(int(last[0]), within[2]), min(int(last[1]), within[3])
    if x1 <= x0 or y1 <= y0:
        return (within[0], within[1], within[0], within[1])
    return (x0, y0, x1, y1)


def st_map(matrix: npt.ArrayLike, roi: Box, size: int) -> Image:
    """Return where in the crop each plate pixel comes from, as Nuke's STMap reads it.

    u runs to the right and v UP; the centre of crop pixel (i, j) counted from the top left is
    u = (i + 0.5) / size, v = 1 - (j + 0.5) / size. Values outside 0..1 lie outside the crop.

    Args:
        matrix: plate_to_crop, 2x3.
        roi: x0, y0, x1, y1 in plate pixels, half-open.
        size: Side of the crop in pixels.

    Returns:
        HxWx2 float32 of the ROI: u, v.
    """
    x0, y0, x1, y1 = roi
    xs = np.arange(x0, x1, dtype=np.float64)[None]
    ys = np.arange(y0, y1, dtype=np.float64)[:, None]
    u, v = np.array(matrix, dtype=np.float64)
    u[2], v[2] = u[2] + 0.5, v[2] + 0.5
    u, v = u / size, -v / size
    v[2] += 1
    result = np.empty((max(y1 - y0, 0), max(x1 - x0, 0), 2), np.float32)
    for way, place in ((u, result[..., 0]), (v, result[..., 1])):
        np.add(way[0] * xs, way[1] * ys + way[2], out=place, casting="same_kind")
    return result


def _resample(
    source: Image, output_to_source: Matrix, shape: tuple[int, int], sampling: _Sampling
) -> Image:
    if source.ndim not in (2, 3) or (source.ndim == 3 and not 1 <= source.shape[2] <= 4):
        raise BadShape("image to warp", source.shape, "HxW or HxWxC with 1 to 4 channels")
    height, width = shape
    result = np.zeros((height, width, *source.shape[2:]), dtype=np.float32)
    if result.size == 0 or source.size == 0:
        return result
    step = float(np.linalg.norm(output_to_source[:, :2], ord=2))  # source pixels per output pixel
    block = max(1, math.floor(step if sampling.draft else step / 2))
    pixels = np.asarray(source, dtype=np.float32)
    if block > 1:
        pixels, output_to_source = _averaged(pixels, output_to_source, shape, block, sampling)
    offsets = [0.0] if sampling.draft else _offsets(step / block)
    if len(offsets) == 1:
        return _sampled(pixels, output_to_source, (0, 0), result.shape, sampling)
    for dy in offsets:
        for dx in offsets:
            result += _sampled(pixels, output_to_source, (dx, dy), result.shape, sampling)
    return result * np.float32(1 / len(offsets) ** 2)


def _sampled(
    source: Image,
    output_to_source: Matrix,
    offset: tuple[float, float],
    shape: tuple[int, ...],
    sampling: _Sampling,
) -> Image:
    """Return the source at one point per output pixel, `offset` output pixels from its centre."""
    shifted = output_to_source.copy()
    shifted[:, 2] += output_to_source[:, :2] @ offset
    sampled = cv2.warpAffine(
        source,
        shifted,
        (shape[1], shape[0]),
        flags=_INTERPOLATION["linear" if sampling.draft else sampling.interpolation]
        | cv2.WARP_INVERSE_MAP,
        borderMode=_BORDER[sampling.border],
    )
    return np.asarray(sampled, dtype=np.float32).reshape(shape)


def _offsets(step: float) -> list[float]:
    """Return where in an output pixel to sample, in its own units from its centre."""
    if step <= 1:
        return [0.0]
    spread = math.sqrt(1 - 1 / step**2)
    n = max(2, math.ceil(step * spread))
    return [((i + 0.5) / n - 0.5) * spread for i in range(n)]


def _averaged(
    source: Image, output_to_source: Matrix, shape: tuple[int, int], block: int, sampling: _Sampling
) -> tuple[Image, Matrix]:
    """Return the part of the source that is needed, averaged over blocks, and the matrix to it."""
    height, width = shape
    ends = np.array([[-0.5, -0.5], [width, -0.5], [width, height], [-0.5, height]])
    corners = transform(ends, output_to_source)
    limit = np.array([source.shape[1], source.shape[0]])
    first = np.clip(np.floor(corners.min(axis=0)).astype(int) - _REACH * block, 0, limit - 1)
    last = np.clip(np.ceil(corners.max(axis=0)).astype(int) + _REACH * block, first + 1, limit)
    part = source[first[1] : last[1], first[0] : last[0]]
    missing = -(last - first) % block
    whole = cv2.copyMakeBorder(part, 0, missing[1], 0, missing[0], _BORDER[sampling.border])
    size = (whole.shape[1] // block, whole.shape[0] // block)
    small = np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    to_small = output_to_source / block
    to_small[:, 2] -= (first + (block - 1) / 2) / block
    return small, to_small
