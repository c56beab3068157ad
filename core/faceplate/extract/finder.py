"""Finds faces in a frame: the detector where nothing is known, the landmarker where a face was."""

from dataclasses import dataclass

import numpy as np

from faceplate.color.encodings import Encodings
from faceplate.detect import Detector
from faceplate.extract.appearance import Signature, sign
from faceplate.extract.measure import face_color
from faceplate.extract.sighting import Sighting, box_of, side_of
from faceplate.extract.view import FrameView, Patch, SquareBox, SquarePoints
from faceplate.io.tracked import FaceColor, FaceSource
from faceplate.landmarks import Landmarker, Landmarks, roll_of

__all__ = ["Finder", "Found", "roll_of_face"]

_AROUND = 0.9
"""Half the part that the landmarker gets, in sides of the box, for an upright head: its own crop is
1.5 sides wide, and the face may have moved."""
_PART_PX = 240
"""Longer side of that part at most; more than the landmarker's own resolution."""


@dataclass(frozen=True)
class Found:
    """A box of the detector."""

    box: SquareBox
    score: float
    roll: float | None = None
    """The head's roll in degrees where the detector knows that it is turned."""


class Finder:
    """A detector and a landmarker, working in square pixels of the plate.

    Args:
        detector: Looks at whole frames.
        landmarker: Looks at single faces.
        encodings: The plate's colours.
        detect_size: Longer side to which frames are made smaller for the detector; 0: never.
        min_face: Smallest side of a face, square pixels.
    """

    def __init__(
        self,
        detector: Detector,
        landmarker: Landmarker,
        encodings: Encodings,
        detect_size: int = 640,
        min_face: float = 0.0,
    ) -> None:
        self.encodings = encodings
        self._detector = detector
        self._landmarker = landmarker
        self._detect_size = detect_size
        self._min_face = min_face

    def detect(self, view: FrameView) -> list[Found]:
        """Return the faces of a frame, the surest first."""
        patch = view.whole(self._detect_size)
        found = [
            Found(patch.box_to_square(one.box), float(one.score), one.roll)
            for one in self._detector(patch.image)
        ]
        large = [face for face in found if side_of(face.box) >= self._min_face]
        return sorted(large, key=lambda face: -face.score)

    def look(
        self,
        view: FrameView,
        box: SquareBox,
        score: float,
        source: FaceSource,
        roll: float | None = None,
    ) -> Sighting | None:
        """Return the face in a box, or None where the landmarker sees none.

        Args:
            view: The frame.
            box: Where the face should be, as `sighting.box_of` draws it.
            score: The detector's, of now or before.
            source: What led to the box.
            roll: The head's roll in degrees, where it is known.
        """
        patch = view.part(_grown(box, roll), _PART_PX)
        if patch is None:
            return None
        seen = self._landmarker(patch.image, patch.box_from_square(box), roll)
        return self._sighting(view, patch, seen, score, source)

    def describe(self, view: FrameView, points: SquarePoints) -> tuple[Signature, FaceColor | None]:
        """Return the look and the colours of a face with these 68 points (square pixels)."""
        patch = view.part(_grown(box_of(points), None), _PART_PX) or view.whole(_PART_PX)
        signature = sign(patch.image, patch.from_square(points))
        return signature, face_color(view, points, self.encodings)

    def _sighting(
        self, view: FrameView, patch: Patch, seen: Landmarks, score: float, source: FaceSource
    ) -> Sighting | None:
        points = patch.to_square(seen.points68)
        if not np.isfinite(points).all() or np.ptp(points, axis=0).min() < 1:
            return None
        iris = None if seen.iris is None else patch.to_square(seen.iris).reshape(-1, 2)
        return Sighting(
            points=points,
            box=box_of(points),
            presence=float(np.clip(seen.presence, 0, 1)),
            score=min(max(score, 0.0), 1.0),
            source=source,
            signature=sign(patch.image, seen.points68),
            iris=iris,
            color=face_color(view, points, self.encodings),
        )


def roll_of_face(points: SquarePoints) -> float:
    """Return the roll of a face with these 68 points in degrees, counter-clockwise."""
    return roll_of(points[36:42].mean(axis=0), points[42:48].mean(axis=0))


def _grown(box: SquareBox, roll: float | None) -> SquareBox:
    """Return the part that the landmarker needs; its crop is turned by the roll."""
    angle = np.radians(45 if roll is None else roll)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    larger = max(box[2] - box[0], box[3] - box[1])
    half = _AROUND * larger * float(abs(np.cos(angle)) + abs(np.sin(angle)))
    return x - half, y - half, x + half, y + half
