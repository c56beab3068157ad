"""One face from its crop into the layers of a frame, in scene-linear, touching its ROI only.

The predicted face is warped back in the working encoding (a cubic filter on scene-linear highlights
would ring), decoded, and laid in as a delta: out = plate + matte * (swap - plate as the network saw
it). Highlights above what the network can hold and values below its black stay; where the matte is
0 no pixel is written at all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceplate.color.delta import delta_composite
from faceplate.color.encodings import Encodings
from faceplate.geometry.points import Box, Matrix
from faceplate.geometry.warp import Interpolation, roi_of, st_map, warp_back
from faceplate.io.frame import Window, sanitize
from faceplate.merge.layers import Layers

__all__ = ["SwappedFace", "coverage_of", "paste", "unpremultiplied"]

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SwappedFace:
    """One face, ready to be laid in. Crops in the working encoding."""

    face: FloatArray
    """SxSx3: after the transfer."""
    raw: FloatArray
    """SxSx3: as the network made it."""
    plate_to_crop: Matrix
    """2x3, to the pixels of `face` and `raw`."""
    matte: FloatArray
    """MxM: eroded and feathered, exactly 0 at its border."""
    learned: FloatArray
    """MxM: the network's own matte."""
    plate_to_matte: Matrix
    """2x3, to the pixels of `matte` and `learned`."""
    confidence: float
    """0..1, from the track."""


def paste(
    layers: Layers,
    swapped: SwappedFace,
    window: Window,
    encodings: Encodings,
    interpolation: Interpolation,
) -> None:
    """Lay one face into the layers. Writes only where its matte is above 0.

    Args:
        layers: Of the frame; a second face is laid over the first.
        swapped: The face.
        window: Data window of the frame.
        encodings: Of the plate.
        interpolation: Filter that takes the face back.
    """
    whole = roi_of(
        swapped.plate_to_crop,
        swapped.face.shape[0],
        (window.x0, window.y0, window.x1, window.y1),
    )
    coverage = coverage_of(layers.alpha, _slices(whole, window))
    matte = _matte_back(swapped.matte, swapped.plate_to_matte, whole) * coverage
    if not matte.any():
        return
    inner = _bounds(matte)  # colours are converted under the matte only, half of the crop or less
    matte, coverage = matte[inner], coverage[inner]
    roi = _part(whole, inner)
    place = _slices(roi, window)

    def decoded(crop: FloatArray) -> FloatArray:
        matrix = swapped.plate_to_crop
        back = warp_back(crop, matrix, roi, interpolation=interpolation, border="replicate")
        return encodings.from_working(back)

    plate = layers.rgb[place]
    seen = encodings.seen(unpremultiplied(sanitize(plate)[0], coverage))
    layers.rgb[place] = delta_composite(plate, decoded(swapped.face), seen, matte)
    _over(layers.swap[place], decoded(swapped.raw), matte[..., None])
    _over(layers.matte[place], np.ones_like(matte), matte)
    layers.confidence[place][matte > 0] = swapped.confidence
    _lay_crop(layers, swapped, whole, _slices(whole, window))


def coverage_of(alpha: FloatArray, place: tuple[slice, slice]) -> FloatArray:
    """Return how much of each pixel of a region the plate covers, 0..1.

    An alpha that is 0 in the whole frame says nothing (some cameras and tools write it so): it
    counts as 1, or no face could ever be seen.

    Args:
        alpha: HxW of the whole frame.
        place: Rows and columns of the region.
    """
    if not alpha.any():
        return np.ones_like(alpha[place])
    return np.clip(np.nan_to_num(alpha[place], nan=0.0), 0, 1)


def unpremultiplied(rgb: FloatArray, coverage: FloatArray) -> FloatArray:
    """Divide by the coverage where that is above 0; elsewhere the pixels stay as they are."""
    if (coverage == 1).all():
        return rgb
    divisor = np.where(coverage > 0, coverage, 1)[..., None]
    return np.asarray(rgb / divisor, np.float32)


def _lay_crop(layers: Layers, swapped: SwappedFace, roi: Box, place: tuple[slice, slice]) -> None:
    """Lay in what reaches beyond the matte: the network's own matte and the ST map."""
    learned = _matte_back(swapped.learned, swapped.plate_to_matte, roi)
    np.maximum(layers.learned[place], learned, out=layers.learned[place])
    st = st_map(swapped.plate_to_crop, roi, swapped.face.shape[0])
    in_crop = (st.min(axis=-1) >= 0) & (st.max(axis=-1) <= 1)
    np.copyto(layers.st[place], st, where=in_crop[..., None])


def _over(below: FloatArray, above: FloatArray, matte: FloatArray) -> None:
    """Lay `above`, times its matte, over `below`, in place."""
    below *= 1 - matte
    below += above * matte


def _matte_back(matte: FloatArray, plate_to_matte: Matrix, roi: Box) -> FloatArray:
    return np.clip(warp_back(matte, plate_to_matte, roi, interpolation="linear"), 0, 1)


def _slices(roi: Box, window: Window) -> tuple[slice, slice]:
    x0, y0, x1, y1 = roi
    return slice(y0 - window.y0, y1 - window.y0), slice(x0 - window.x0, x1 - window.x0)


def _bounds(matte: FloatArray) -> tuple[slice, slice]:
    """Return the rows and columns of a matte that are not empty."""
    rows, columns = np.flatnonzero(matte.any(axis=1)), np.flatnonzero(matte.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _part(roi: Box, inner: tuple[slice, slice]) -> Box:
    x0, y0, _, _ = roi
    rows, columns = inner
    return x0 + columns.start, y0 + rows.start, x0 + columns.stop, y0 + rows.stop
