"""One face in one frame, one person's faces through a shot, and the plate that they are in."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadShape

__all__ = [
    "Box",
    "FaceColor",
    "FaceSource",
    "PersonTrack",
    "PlateInfo",
    "Points",
    "Pose",
    "SwapColor",
    "TrackedFace",
]

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in plate pixels."""
Points = NDArray[np.float32]
FaceSource = Literal["detected", "tracked", "corrected"]


SwapColor = Mapping[str, tuple[float, ...]]
"""Plain numbers by name; `faceplate.color.statistics.ColorStatistics` says what they mean."""


@dataclass(frozen=True)
class Pose:
    """Where a face looks, in degrees."""

    yaw: float
    """> 0: the nose turns to the right of the image."""
    pitch: float
    """> 0: the nose goes down."""
    roll: float
    """> 0: counter-clockwise."""


@dataclass(frozen=True)
class FaceColor:
    """Plate colour statistics of one face: over its hull, in the working encoding."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class TrackedFace:
    """One face of one person in one frame."""

    person: int
    """Number of the person, from 1."""
    frame: int
    box: Box
    landmarks: Points
    """68 x 2 plate pixels, smoothed over time; an artist's own where `source` is corrected."""
    raw_landmarks: Points
    """68 x 2 plate pixels as the landmarker gave them, in a corrected face too."""
    pose: Pose
    confidence: float
    """0..1, from the detector's score and the landmarker's presence."""
    presence: float
    """0..1: the landmarker's own belief that there is a face."""
    source: FaceSource
    iris: Points | None = None
    """N x 2 plate pixels: the landmarker's iris points, where it gives them."""
    color: FaceColor | None = None
    swap_colors: Mapping[str, SwapColor] = field(default_factory=dict)
    """What `measure` found of the swap and the plate, smoothed over the shot, by the sha256 of the
    swap model."""
    swap_mattes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The network's mattes, smoothed over the shot, by the sha256 of the swap model: `likeness` and
    `performer`, small PNGs as base64."""

    def __post_init__(self) -> None:
        for name in ("landmarks", "raw_landmarks"):
            points = np.asarray(getattr(self, name), np.float32)
            if points.shape != (68, 2):
                raise BadShape(f"{name} of a tracked face", points.shape, "68 x 2 points")
            object.__setattr__(self, name, points)

    def corrected(self, landmarks: Points, box: Box | None = None) -> "TrackedFace":
        """Return this face with an artist's points, marked so that analyse keeps them.

        What the landmarker gave stays beside them: how far they lie apart is what the frames around
        it are pulled by.
        """
        return replace(self, landmarks=landmarks, box=box or self.box, source="corrected")


@dataclass(frozen=True, eq=False)
class PersonTrack:
    """The faces of one person through a shot."""

    person: int
    faces: tuple[TrackedFace, ...]
    """In the order of their frames."""
    name: str = ""
    """Free text for the artist."""
    boxes: Mapping[int, Box] = field(default_factory=dict)
    """Frame to a box that an artist drew without points; the next analyse finds the points."""

    @cached_property
    def _by_frame(self) -> dict[int, TrackedFace]:
        return {face.frame: face for face in self.faces}

    @property
    def frames(self) -> list[int]:
        """Frames with a face of this person."""
        return [face.frame for face in self.faces]

    @property
    def amount(self) -> float:
        """How much face there is in the shot: the sum of the boxes' mean sides, in pixels."""
        sides = [(box[2] - box[0], box[3] - box[1]) for box in (face.box for face in self.faces)]
        return sum(math.sqrt(max(width, 0.0) * max(height, 0.0)) for width, height in sides)

    def at(self, frame: int) -> TrackedFace | None:
        """Return this person's face in a frame, or None."""
        return self._by_frame.get(frame)


@dataclass(frozen=True)
class PlateInfo:
    """The plate that a track was made from."""

    pattern: str
    width: int
    """Of the display window, in pixels."""
    height: int
    first: int
    last: int
    fps: float | None = None
    pixel_aspect: float = 1.0
    """Width of a pixel over its height."""
    color_space: str = ""
    """Name in the OCIO config."""
    ocio_config: str = ""
    ocio_hash: str = ""
    origin: tuple[int, int] = (0, 0)
    """The top left pixel of the display window, where the files do not count from 0."""
