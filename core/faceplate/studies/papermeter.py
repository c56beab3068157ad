"""The figures of the paper's Table 2 that the truth panel does not hold: identity and pose."""

import logging
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from faceplate.color.encodings import Encodings
from faceplate.embed.dlibface import DlibFace
from faceplate.errors import NotReady
from faceplate.evaluate.identity import load_descriptor
from faceplate.evaluate.truthset import TruthFrame
from faceplate.geometry.pose import estimate_pose
from faceplate.io.frame import Frame
from faceplate.landmarks import Landmarker

__all__ = ["PaperMeter", "Side"]

logger = logging.getLogger(__name__)

T = TypeVar("T")
Side = tuple[float | None, float | None]
"""Identity distance and pose; None where it cannot be measured."""


class PaperMeter:
    """Measures how far a picture is from the truth in who it shows, and where that head looks.

    Args:
        encodings: Of the plate.
        landmarker: Loads the landmarker for the pose.
    """

    def __init__(self, encodings: Encodings, landmarker: Callable[[], Landmarker]) -> None:
        self.encodings = encodings
        self.not_measured: dict[str, str] = {}
        """Figures that cannot be measured, and why."""
        self._descriptor: DlibFace | None = self._or_why_not("identity", load_descriptor)
        self._landmarker: Landmarker | None = self._or_why_not("landmarks", landmarker)

    def measure(self, frame: TruthFrame, picture: Frame) -> Side:
        """Return the distance of the descriptors of picture and truth, and of their poses.

        The pose is the mean of the differences of yaw, pitch and roll in degrees. None where a
        figure cannot be measured.
        """
        views = [self.encodings.to_view(image.rgb()) for image in (picture, frame.truth)]
        identity = pose = None
        if self._descriptor is not None:
            # the same points for both: the chips are cut alike, only what is in them differs
            ours, theirs = (self._descriptor(view, frame.face.landmarks68) for view in views)
            identity = float(np.linalg.norm(ours - theirs))
        if self._landmarker is not None:
            height, width = views[0].shape[:2]
            points = [
                self._landmarker(view, frame.face.box, frame.face.roll).points68 for view in views
            ]
            ours, theirs = (np.array(estimate_pose(found, (width, height))) for found in points)
            pose = float(np.abs(ours - theirs).mean())
        return identity, pose

    def _or_why_not(self, figure: str, load: Callable[[], T]) -> T | None:
        try:
            return load()
        except NotReady as error:
            logger.warning("%s is not measured: %s", figure, error)
            self.not_measured[figure] = str(error)
            return None
