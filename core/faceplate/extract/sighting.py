"""One face seen in one frame, before anybody knows whose it is."""

import math
from dataclasses import dataclass, replace

import numpy as np

from faceplate.embed import Embedding
from faceplate.extract.appearance import Signature
from faceplate.extract.view import SquareBox, SquarePoints
from faceplate.io.tracked import FaceColor, FaceSource

__all__ = ["Sighting", "box_of", "centre_of", "eye_distance", "overlap", "side_of"]


@dataclass(frozen=True, eq=False)
class Sighting:
    """A face in square pixels."""

    points: SquarePoints
    """68 x 2."""
    box: SquareBox
    presence: float
    """0..1, the landmarker's."""
    score: float
    """0..1, the detector's; for a tracked face the last one it had."""
    source: FaceSource
    signature: Signature
    iris: SquarePoints | None = None
    color: FaceColor | None = None
    person: int | None = None
    """The number that a correction names; else None."""
    drawn: SquareBox | None = None
    """The box that an artist drew; else None."""
    identity: Embedding | None = None
    """Who it is, where an embedder was asked."""
    automatic: SquarePoints | None = None
    """What the landmarker sees where an artist put the points; None in a face that it found."""

    @property
    def confidence(self) -> float:
        """0..1: the geometric mean of score and presence."""
        return math.sqrt(self.score * self.presence)

    def named(self, person: int, drawn: SquareBox) -> "Sighting":
        """Return this face as an artist's: of this person, in this box."""
        return replace(self, person=person, drawn=drawn, source="corrected")

    def scored(self, score: float) -> "Sighting":
        """Return this face as a detector confirmed it."""
        return replace(self, score=score, source="detected")

    def doubted(self, share: float) -> "Sighting":
        """Return this face with a part of its score, where a detector did not see it."""
        return replace(self, score=self.score * share)


def box_of(points: SquarePoints) -> SquareBox:
    """Return the box of a face as detectors draw it: the points' own, with half the forehead.

    The 68 points end at the brows; the hairline is about as far above them as the mouth is below
    the nose's tip.
    """
    x0, y0 = points.min(axis=0)
    x1, y1 = points.max(axis=0)
    up = points[27] - points[8]
    lift = 0.25 * up  # towards the hairline, whichever way the head is tilted
    brows = points[17:27] + lift
    x0, y0 = min(x0, brows[:, 0].min()), min(y0, brows[:, 1].min())
    x1, y1 = max(x1, brows[:, 0].max()), max(y1, brows[:, 1].max())
    return float(x0), float(y0), float(x1), float(y1)


def centre_of(box: SquareBox) -> SquarePoints:
    """Return the middle of a box."""
    return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])


def side_of(box: SquareBox) -> float:
    """Return the side of the square of a box's area, in pixels."""
    return float(np.sqrt(max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)))


def eye_distance(points: SquarePoints) -> float:
    """Return the distance of the eyes' middles, in pixels."""
    return float(np.linalg.norm(points[36:42].mean(axis=0) - points[42:48].mean(axis=0)))


def overlap(one: SquareBox, other: SquareBox) -> float:
    """Return the intersection of two boxes over their union, 0..1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (side_of(one) ** 2 + side_of(other) ** 2 - shared)
