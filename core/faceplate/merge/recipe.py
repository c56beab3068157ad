"""The recipe: every setting of a merge, as one JSON file per shot."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from faceplate.color.transfer import TransferName
from faceplate.config import from_json
from faceplate.errors import BadSettings

__all__ = ["Interpolation", "MatteChoice", "Recipe", "load_recipe"]

MatteChoice = Literal["learned*hull", "learned", "hull"]
Interpolation = Literal["linear", "cubic", "lanczos"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "transfer": get_args(TransferName),
    "matte": get_args(MatteChoice),
    "interpolation": get_args(Interpolation),
}
_RANGES: dict[str, tuple[float, float]] = {
    "relight_radius": (1.0, 100.0),
    "erode": (0.0, 30.0),
    "feather": (0.0, 60.0),
    "opacity": (0.0, 1.0),
}


@dataclass(frozen=True)
class Recipe:
    """How a predicted face is brought into the plate.

    Lengths are per cent of the *face width*: the side of the alignment template's square, from the
    outer end of one brow to that of the other on a face seen from the front. It comes from the
    similarity of the crop, so it does not shrink as the head turns.

    Raises:
        BadSettings: A value outside its range or its choices.

    Example:
        >>> Recipe(feather=8.0).transfer
        'relight'
    """

    transfer: TransferName = "relight"
    """What brings the swap to the plate's light: `relight` exchanges its low frequencies for the
    plate's, `rct` moves mean and deviation per channel (Reinhard), `none` leaves it alone."""
    relight_radius: float = 12.0
    """Sigma of the low pass of `relight`, % of face width, 1 to 100. Small: more of the plate's
    shading and of its features; large: more of the likeness's own shading."""
    matte: MatteChoice = "learned*hull"
    """Which mattes are multiplied: the network's own (likeness times performer), the hull of the
    landmarks."""
    erode: float = 0.0
    """How far the matte is drawn in before its feather begins, % of face width, 0 to 30."""
    feather: float = 8.0
    """Width of the soft edge, % of face width, 0 to 60; all of it lies inside the eroded matte."""
    opacity: float = 1.0
    """The matte is multiplied by this, 0 to 1."""
    interpolation: Interpolation = "cubic"
    """Filter that takes the predicted face back to the plate. Mattes are always linear."""

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise BadSettings(
                    f"recipe: {name} must be one of {', '.join(choices)}, got {value!r}"
                )
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadSettings(f"recipe: {name} must be from {low:g} to {high:g}, got {value!r}")


def load_recipe(path: Path | None) -> Recipe:
    """Read a recipe, or return the default one where no path is given.

    Raises:
        NotFound: No such file.
        BadSettings: Not JSON, unknown keys, or values out of range; the message names the key.
    """
    return Recipe() if path is None else from_json(Recipe, path)
