"""One face from its crop into the layers of a frame, in scene-linear, touching its ROI only.

The predicted face is warped back in the working encoding (a cubic filter on scene-linear highlights
would ring), decoded, and laid in as a delta: out = plate + matte * (swap - plate as the network saw
it). Highlights above what the network can hold and values below its black stay; where the matte is
0 no pixel is written at all.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceplate.color.delta import delta_composite
from faceplate.color.encodings import Encodings
from faceplate.geometry.points import Box, Matrix
from faceplate.geometry.warp import warp_back
from faceplate.io.frame import Frame, sanitize
from faceplate.merge.bounds import bounds_of
from faceplate.merge.finish import Place, finish_face
from faceplate.merge.layers import Region, SeenCrop, box_slices
from faceplate.merge.laying import lay_over
from faceplate.merge.modes import Blend, blend
from faceplate.merge.recipe import Recipe

__all__ = ["SwappedFace", "coverage_of", "paste", "unpremultiplied"]

FloatArray = NDArray[np.float32]

_WIDEST_LENS = 20  # pixels of radius that a match of the focus may find
_BORDER = 1  # pixel around the matte, where a Poisson solve reads its boundary


@dataclass(frozen=True, eq=False)
class SwappedFace:
    """One face, ready to be laid in."""

    face: FloatArray
    """SxSx3 in the working encoding: after transfer and detail."""
    plate_to_face: Matrix
    """2x3, to the pixels of `face`."""
    plate_to_crop: Matrix
    """2x3, to the pixels of the network's crop."""
    crop_size: int
    """Side of the network's crop."""
    roi: Box
    """Plate pixels that the mattes cover: all that the crop touches, inside the data window."""
    matte: FloatArray
    """HxW of the ROI: as the recipe has it, soft edge and opacity included."""
    learned: FloatArray
    """HxW of the ROI: the network's own matte."""
    occlusion: FloatArray
    """HxW of the ROI."""
    confidence: float
    """0..1, from the track."""
    face_width: float
    """Face width in plate pixels (of their height)."""
    velocity: Matrix
    """2x3: a plate point to its pixels per frame; zeros where no motion is blurred."""


def paste(region: Region, swapped: SwappedFace, frame: Frame, encodings: Encodings,
          recipe: Recipe) -> None:  # fmt: skip
    """Lay one face into the layers. Writes only where its matte is above 0.

    Args:
        region: Of the frame; a second face is laid over the first.
        swapped: The face; its ROI lies inside the region.
        frame: The plate.
        encodings: Of the plate.
        recipe: The merge settings.
    """
    place = box_slices(swapped.roi, region.box)
    coverage = coverage_of(frame, swapped.roi)
    matte = swapped.matte * coverage
    laid = matte if recipe.mode != "raw-rgb" else _square(swapped) * coverage
    _lay_crop(region, swapped, place)
    below = region.matte[place]
    below += matte * (1 - below)
    inner = bounds_of(laid, _reach(swapped, recipe))  # colours are converted under the matte only
    if inner is not None:
        _lay_face(region, swapped, frame, inner, laid[inner], coverage[inner], encodings, recipe)


def _lay_face(
    region: Region,
    swapped: SwappedFace,
    frame: Frame,
    inner: tuple[slice, slice],
    matte: FloatArray,
    coverage: FloatArray,
    encodings: Encodings,
    recipe: Recipe,
) -> None:
    box = _part(swapped.roi, inner)
    place = box_slices(box, region.box)
    plate = region.rgb[place]
    clean = unpremultiplied(sanitize(plate)[0], coverage)
    back = warp_back(
        swapped.face, swapped.plate_to_face, box, interpolation=recipe.interpolation,
        border="replicate",
    )  # fmt: skip
    seen = encodings.seen(clean)
    blended = blend(Blend(back, seen, clean, matte, f"frame {frame.number}"), encodings, recipe)
    where = Place(box, frame.number, swapped.face_width, swapped.velocity)
    blended = finish_face(blended, clean, matte, where, recipe, encodings)
    lay_over(
        (region.face, region.face_matte, region.confidence), place, (blended, seen, clean), matte,
        coverage, swapped.confidence,
    )  # fmt: skip
    if recipe.mode != "original":
        region.rgb[place] = delta_composite(plate, blended, seen, matte)


def _reach(swapped: SwappedFace, recipe: Recipe) -> int:
    """Return how many pixels around the matte can matter to what lies under it."""
    x0, y0, x1, y1 = swapped.roi
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)
    ways = corners @ swapped.velocity[:, :2].T + swapped.velocity[:, 2]
    motion = float(np.abs(ways).max()) * recipe.motion_blur / 200
    lens = recipe.defocus_size / 2 + (_WIDEST_LENS if recipe.defocus else 0)
    return _BORDER + math.ceil(motion + lens)


def coverage_of(frame: Frame, box: Box) -> FloatArray:
    """Return how much of each pixel of a part the plate covers, 0..1.

    An alpha that is 0 in the whole frame says nothing (some cameras and tools write it so): it
    counts as 1, or no face could ever be seen.

    Args:
        frame: The plate.
        box: The part, in plate pixels.
    """
    if "A" not in frame.channels:
        return np.ones((box[3] - box[1], box[2] - box[0]), np.float32)
    alpha = frame.channel("A")
    part = alpha[box_slices(box, frame.data_window)]
    if not part.any() and not alpha.any():
        return np.ones(part.shape, np.float32)
    return np.clip(np.nan_to_num(part, nan=0.0), 0, 1)


def unpremultiplied(rgb: FloatArray, coverage: FloatArray) -> FloatArray:
    """Divide by the coverage where that is above 0; elsewhere the pixels stay as they are."""
    if (coverage == 1).all():
        return rgb
    divisor = np.where(coverage > 0, coverage, 1)[..., None]
    return np.asarray(rgb / divisor, np.float32)


def _square(swapped: SwappedFace) -> FloatArray:
    """Return the face's whole square as a matte."""
    ones = np.ones(swapped.face.shape[:2], np.float32)
    back = warp_back(ones, swapped.plate_to_face, swapped.roi, interpolation="linear")
    return np.clip(back, 0, 1)


def _lay_crop(region: Region, swapped: SwappedFace, place: tuple[slice, slice]) -> None:
    """Lay in what reaches beyond the matte: the network's matte, occlusion and the ST map."""
    for layer, own in ((region.learned, swapped.learned), (region.occlusion, swapped.occlusion)):
        np.maximum(layer[place], own, out=layer[place])
    region.crops.append(SeenCrop(swapped.plate_to_crop, swapped.crop_size, swapped.roi))


def _part(roi: Box, inner: tuple[slice, slice]) -> Box:
    x0, y0, _, _ = roi
    rows, columns = inner
    return x0 + columns.start, y0 + rows.start, x0 + columns.stop, y0 + rows.stop
