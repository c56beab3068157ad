"""The recipe's colour settings, applied to a face in its crop."""

import numpy as np
from numpy.typing import NDArray

from faceplate.color.statistics import ColorStatistics
from faceplate.color.transfer import TransferOptions, transfer
from faceplate.errors import NotReady
from faceplate.io.tracked import TrackedFace
from faceplate.merge.recipe import Recipe

__all__ = ["match_colors", "measured_colors", "transfer_options"]

Image = NDArray[np.float32]


def match_colors(
    swap: Image,
    plate: Image,
    matte: Image,
    recipe: Recipe,
    percent: float,
    measured: ColorStatistics | None = None,
) -> Image:
    """Bring a predicted face to the colours and the light of the plate.

    Args:
        swap: SxSx3 float32, working encoding: what the network made.
        plate: Likewise: what the network saw.
        matte: SxS float32, 0..1: what counts, and how much.
        recipe: The merge settings at this frame.
        percent: Pixels of the crop per % of face width.
        measured: The shot's statistics, as `measured_colors` gives them; None measures the frame.

    Raises:
        NotReady: The recipe wants the track's statistics, and there are none.
    """
    by_track = recipe.transfer_statistics == "track"
    if by_track and measured is None and recipe.transfer not in ("none", "relight"):
        raise NotReady(
            "recipe: transfer_statistics is 'track', but the track has no colours measured with "
            "this model in this frame: run faceplate measure, or use 'auto'"
        )
    if recipe.transfer_statistics == "frame":
        measured = None
    options = transfer_options(recipe, percent)
    return transfer(recipe.transfer, swap, plate, matte, options, measured)


def measured_colors(face: TrackedFace, model_sha256: str) -> ColorStatistics | None:
    """Return what `measure` wrote into a track's face for a model, or None.

    Raises:
        BadSettings: The numbers in the track are not those that this version writes.
    """
    numbers = face.swap_colors.get(model_sha256)
    return None if numbers is None else ColorStatistics.from_numbers(numbers)


def transfer_options(recipe: Recipe, percent: float) -> TransferOptions:
    """Return the recipe's options of a transfer in pixels of the crop."""
    radius = recipe.relight_radius * percent
    return TransferOptions(
        radii=tuple(radius / 2**level for level in range(recipe.relight_levels)),
        edge=recipe.relight_edge / 100,
        amount=recipe.transfer_amount / 100,
    )
