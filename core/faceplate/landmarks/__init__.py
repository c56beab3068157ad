"""The 68 points of a face: what a landmarker is, and which there are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from faceplate.registry import Registry

__all__ = [
    "LANDMARKERS",
    "CloseLandmarker",
    "Landmarker",
    "LandmarkerType",
    "Landmarks",
    "Place",
    "load_landmarker",
    "roll_of",
]


@dataclass(frozen=True)
class Landmarks:
    """The points of one face, in array pixels: the centre of the top left one is (0, 0)."""

    points68: npt.NDArray[np.float64]
    """68x2, iBUG order."""
    presence: float
    """0..1: how sure it is that there is a face."""
    mesh: npt.NDArray[np.float64] | None = None
    """468x3: x, y in pixels, z in about the same unit, away from the camera; None where the
    landmarker has no mesh."""
    iris: npt.NDArray[np.float64] | None = None
    """2x5x2: the image's left eye, then the right one; the centre of the iris, then its right,
    upper, left and lower edge; None where the landmarker does not look for it."""


class Landmarker(Protocol):
    """Places the points of one face. Not safe to share between threads."""

    cards: tuple[str, ...]
    """The model cards of its weights."""

    def __call__(
        self,
        view: npt.NDArray[np.float32],
        box: tuple[float, float, float, float],
        roll_hint: float | None = None,
    ) -> Landmarks:
        """Return the points of the face in a box.

        Args:
            view: HxWx3 float32 RGB in the view encoding (0..1), square pixels. NaN counts as black.
            box: x0, y0, x1, y1 of the face in array pixels, from the forehead to the chin.
            roll_hint: How the head is tilted in degrees, above 0 counter-clockwise (see `roll_of`);
                None takes it as upright.

        Raises:
            BadShape: Another shape, or a box without an area.
        """
        ...


@dataclass(frozen=True)
class Place:
    """Which square of a view a landmarker's network looks at."""

    centre: tuple[float, float]
    """x, y in view pixels."""
    side_px: float
    """Side of the square in view pixels."""
    roll: float
    """How the square is turned in degrees, above 0 counter-clockwise: as the head is tilted."""


@runtime_checkable
class CloseLandmarker(Landmarker, Protocol):
    """A landmarker that can be told exactly where to look, and so be asked more than once."""

    def place(self, found: Landmarks) -> Place:
        """Return where to look again at a face that was found."""
        ...

    def look(self, view: npt.NDArray[np.float32], place: Place) -> Landmarks:
        """Return the points of the face that fills a place, from one look at it."""
        ...


class LandmarkerType(Protocol):
    """What `LANDMARKERS` holds: a class to be made with the paths of its cards' weights."""

    cards: tuple[str, ...]

    def __call__(self, *weights: Path, threads: int = 0) -> Landmarker:
        """Load the weights. `threads` 0 leaves the library's own default."""
        ...


LANDMARKERS: Registry[LandmarkerType] = Registry(
    "landmarker",
    {
        "facemesh": "faceplate.landmarks.facemesh:FaceMesh",
        "2dfan4": "faceplate.landmarks.fan:Fan2D",
        "3dfan4": "faceplate.landmarks.fan:Fan3D",
    },
    group="faceplate.landmarkers",
)
"""Names of landmarkers; `facemesh` is the default."""


def load_landmarker(name: str, weights: Callable[[str], Path], *, threads: int = 0) -> Landmarker:
    """Return a landmarker that is ready.

    Args:
        name: One of `LANDMARKERS`.
        weights: Gives the file of a card, such as the `path` of a weight store.
        threads: Threads of its networks; 0 leaves the library's own default.

    Raises:
        UnknownComponent: No landmarker has that name.
        WeightsMissing: From `weights`.
        Damaged: A file is no such network.
    """
    kind = LANDMARKERS.load(name)
    return kind(*(weights(card) for card in kind.cards), threads=threads)


def roll_of(left_eye: npt.ArrayLike, right_eye: npt.ArrayLike) -> float:
    """Return the tilt of the line between two eyes in degrees, above 0 counter-clockwise.

    Args:
        left_eye: x, y of the eye on the image's left.
        right_eye: x, y of the eye on the image's right.

    Example:
        >>> round(roll_of((0, 0), (10, -10)))
        45
    """
    dx, dy = np.subtract(right_eye, left_eye)
    return float(np.degrees(np.arctan2(-dy, dx)))
