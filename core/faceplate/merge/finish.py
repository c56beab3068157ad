"""What makes a face look shot by the plate's camera, at its place in the plate.

In the order in which light goes: the plate's own fine detail on the skin, the recipe's degrading,
the motion while the shutter is open, the lens, the grain. Everything before the grain is the same
for the same pixels wherever tiles or windows end; the grain depends on frame and place alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.geometry.points import Box, Matrix
from faceplate.merge.defocus import defocus, match_defocus
from faceplate.merge.detail import degrade, reinject_detail
from faceplate.merge.grain import add_grain, measure_grain
from faceplate.merge.motion import motion_blur
from faceplate.merge.recipe import Recipe

__all__ = ["Place", "finish_face", "needs_motion"]

Image = NDArray[np.float32]
Matte = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Place:
    """Where a face is."""

    box: Box
    """x0, y0, x1, y1 of the pixels in the plate."""
    frame: int
    """Number of the frame."""
    face_width: float
    """Face width in plate pixels (of their height)."""
    velocity: Matrix
    """2x3, of `velocity_of`; zeros where the recipe blurs no motion."""


def needs_motion(recipe: Recipe) -> bool:
    """Return whether a recipe asks for the motion of a face."""
    return recipe.motion_blur > 0


def finish_face(
    face: Image, plate: Image, matte: Matte, place: Place, recipe: Recipe, encodings: Encodings
) -> Image:
    """Finish one face.

    Args:
        face: float32 HxWx3, scene-linear, as the mode has left it; no pixel need be under a matte.
        plate: float32 HxWx3, scene-linear, finite and not premultiplied.
        matte: float32 HxW that the face is laid in with, opacity included.
        place: Where the pixels are.
        recipe: At this frame.
        encodings: Of the plate.

    Returns:
        float32 HxWx3, scene-linear; `face` itself where the recipe asks for nothing.
    """
    if recipe.detail or recipe.denoise or recipe.bicubic_degrade or recipe.color_degrade:
        face = _in_working(face, plate, matte, place, recipe, encodings)
    face = motion_blur(face, place.velocity, recipe.motion_blur, place.box[:2])
    face = _focused(face, plate, matte, recipe)
    return _grained(face, plate, matte, place, recipe)


def _in_working(
    face: Image, plate: Image, matte: Matte, place: Place, recipe: Recipe, encodings: Encodings
) -> Image:
    working = encodings.to_working(face)
    sigma = recipe.detail_radius / 100 * place.face_width
    if recipe.detail:
        seen = encodings.to_working(plate)
        working = reinject_detail(working, seen, matte, recipe.detail, sigma)
    return encodings.from_working(degrade(working, recipe, matte))


def _focused(face: Image, plate: Image, matte: Matte, recipe: Recipe) -> Image:
    diameter = recipe.defocus_size
    if recipe.defocus:
        # discs after each other add up by their squares, as all blurs do
        matched = recipe.defocus / 100 * match_defocus(face, plate, matte)
        diameter = float(np.hypot(diameter, matched))
    return defocus(face, diameter)


def _grained(face: Image, plate: Image, matte: Matte, place: Place, recipe: Recipe) -> Image:
    if not recipe.grain:
        return face
    return add_grain(
        face, measure_grain(plate, matte), measure_grain(face, matte), matte, place.box,
        place.frame, amount=recipe.grain, seed=recipe.grain_seed,
    )  # fmt: skip
