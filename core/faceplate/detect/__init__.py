"""Finding faces: what a detector is, and which there are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from faceplate.registry import Registry

__all__ = ["DETECTORS", "Detection", "Detector", "DetectorType", "load_detector"]


@dataclass(frozen=True)
class Detection:
    """One face in an image, in array pixels: the centre of the top left one is (0, 0)."""

    box: tuple[float, float, float, float]
    """x0, y0, x1, y1 from the forehead to the chin; may reach beyond the image."""
    score: float
    """0..1."""
    points5: npt.NDArray[np.float64] | None = None
    """5x2: the eyes, the nose and the corners of the mouth, of each pair first the one that is on
    the left when the head is upright; None where the detector gives none."""
    roll: float | None = None
    """How the head is tilted in degrees, above 0 counter-clockwise, where it was found in a turned
    image; None: about upright."""


class Detector(Protocol):
    """Finds the faces of one image. Not safe to share between threads."""

    card: str
    """The model card of its weights."""

    def __call__(self, view: npt.NDArray[np.float32]) -> list[Detection]:
        """Return the faces, the best score first.

        Args:
            view: HxWx3 float32 RGB in the view encoding (0..1), square pixels. NaN counts as black.

        Raises:
            BadShape: Another shape.
        """
        ...


class DetectorType(Protocol):
    """What `DETECTORS` holds: a class to be made with the path of its card's weights."""

    card: str

    def __call__(self, weights: Path, *, threads: int = 0, long_side: int = 640) -> Detector:
        """Load the weights. `threads` 0 leaves the library's own default.

        Images whose longer side is over `long_side` are shrunk to it before the network sees them.
        """
        ...


DETECTORS: Registry[DetectorType] = Registry(
    "detector",
    {
        "retinaface": "faceplate.detect.retinaface:RetinaFace",
        "retinaface-r50": "faceplate.detect.retinaface:RetinaFaceR50",
        "s3fd": "faceplate.detect.s3fd:S3FD",
        "scrfd": "faceplate.detect.scrfd:SCRFD",
        "yunet": "faceplate.detect.yunet:YuNet",
    },
    group="faceplate.detectors",
)
"""Names of detectors; `retinaface` is the default."""


def load_detector(
    name: str, weights: Callable[[str], Path], *, threads: int = 0, long_side: int = 640
) -> Detector:
    """Return a detector that is ready.

    Args:
        name: One of `DETECTORS`.
        weights: Gives the file of a card, such as the `path` of a weight store.
        threads: Threads of its network; 0 leaves the library's own default.
        long_side: Larger images are shrunk to this for the network, in pixels.

    Raises:
        UnknownComponent: No detector has that name.
        WeightsMissing: From `weights`.
        Damaged: The file is no such network.
    """
    kind = DETECTORS.load(name)
    return kind(weights(kind.card), threads=threads, long_side=long_side)
