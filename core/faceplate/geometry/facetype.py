"""The seven framings of a face, and the matrix from the plate into such a crop."""

import enum
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceplate.errors import InvalidInput
from faceplate.geometry.points import Matrix, Points, as_points, invert, transform
from faceplate.geometry.templates import ALIGN_INDEX, TEMPLATE_51
from faceplate.geometry.umeyama import umeyama

__all__ = ["FaceType", "Framing", "plate_to_crop"]


@dataclass(frozen=True)
class Framing:
    """How a face type lies around the template's unit square."""

    pad: float
    """Crop side / template side = 1 + 2·√2·pad."""
    centre_y: float = 0.5
    """Vertical centre of the crop in template units."""
    follows_yaw: bool = False
    """The crop moves sideways towards the back of a turned head."""
    aligned: bool = True
    """The crop turns with the face; else its sides stay parallel to the plate's."""

    @property
    def ratio(self) -> float:
        """Crop side / template side."""
        return 1 + 2 * math.sqrt(2) * self.pad


class FaceType(enum.StrEnum):
    """A framing of the face, from the tightest to the widest."""

    HALF_FACE = "half_face"
    MIDFULL_FACE = "midfull_face"
    FULL_FACE = "full_face"
    FULL_FACE_NO_ALIGN = "full_face_no_align"
    WHOLE_FACE = "whole_face"
    HEAD = "head"
    HEAD_NO_ALIGN = "head_no_align"

    @property
    def framing(self) -> Framing:
        """Its place around the template."""
        return _FRAMINGS[self]


# What facesets of other suites are cut with: ratios 1, 1.1909, 1.5966, 2.1314, 2.9799.
_FRAMINGS = {
    FaceType.HALF_FACE: Framing(0.0),
    FaceType.MIDFULL_FACE: Framing(0.0675),
    FaceType.FULL_FACE: Framing(0.2109375),
    FaceType.FULL_FACE_NO_ALIGN: Framing(0.2109375, aligned=False),
    FaceType.WHOLE_FACE: Framing(0.40, centre_y=0.43),
    FaceType.HEAD: Framing(0.70, centre_y=0.0, follows_yaw=True),
    FaceType.HEAD_NO_ALIGN: Framing(0.70, centre_y=0.0, follows_yaw=True, aligned=False),
}


def plate_to_crop(
    landmarks68: npt.ArrayLike,
    face_type: FaceType,
    size: int,
    *,
    pixel_aspect: float = 1.0,
    scale: float = 1.0,
) -> Matrix:
    """Return the matrix that maps plate pixels to the pixels of an aligned crop.

    The similarity is fitted in square pixels (x · pixel_aspect, y); the matrix includes that.

    Args:
        landmarks68: 68x2 iBUG points in plate pixels.
        face_type: The framing.
        size: Side of the crop in pixels; it spans [-0.5, size - 0.5].
        pixel_aspect: Width / height of a plate pixel.
        scale: Above 1 the crop shows a smaller region, so what is pasted back comes out larger.

    Returns:
        2x3 float64.

    Raises:
        BadShape: Not 68 finite points, or points that all lie at one place.
        InvalidInput: A size, aspect or scale that is not above zero.
    """
    if not (size > 0 and pixel_aspect > 0 and scale > 0):
        raise InvalidInput(
            f"size, pixel_aspect and scale must be above 0, got {size}, {pixel_aspect}, {scale}"
        )
    points = as_points(landmarks68, 68, "landmarks68") * [pixel_aspect, 1.0]
    to_template = umeyama(points[list(ALIGN_INDEX)], TEMPLATE_51[np.array(ALIGN_INDEX) - 17])
    similarity = _square_to_crop(points, to_template, face_type.framing, size, scale)
    similarity[:, 0] *= pixel_aspect
    return similarity


def _square_to_crop(
    points: Points, to_template: Matrix, framing: Framing, size: int, scale: float
) -> Matrix:
    centre = np.array([0.5, framing.centre_y])
    if framing.follows_yaw:
        centre[0] += _yaw_shift(transform(points, to_template))
    zoom = size * scale / framing.ratio  # crop pixels per template unit
    linear = to_template[:, :2] * zoom
    if not framing.aligned:
        linear = np.eye(2) * math.sqrt(abs(np.linalg.det(linear)))
    centre_in_plate = transform(centre[None], invert(to_template))[0]
    shift = (size - 1) / 2 - linear @ centre_in_plate
    return np.column_stack([linear, shift])


def _yaw_shift(template_points: Points) -> float:
    """Return how far the centre of a head crop moves to the right, in template units."""
    x = template_points[:, 0]
    left = (x[27:30] - x[0:3]).mean()
    right = (x[[16, 15, 14]] - x[27:30]).mean()
    yaw = right - left  # below zero where the nose turns to the right of the image
    return float(yaw * abs(math.tanh(2 * yaw)) / 2)
