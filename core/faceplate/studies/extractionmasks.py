"""How well mattes of a face agree with the true one, in the crop that a segmenter is shown."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.errors import BadShape, NotFound, NotReady
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.hull import hull_matte
from faceplate.geometry.points import Matrix, transform
from faceplate.geometry.warp import warp_crop
from faceplate.io.frame import Frame
from faceplate.io.image import read_frame
from faceplate.io.sequence import Sequence as Files
from faceplate.io.tracked import TrackedFace
from faceplate.masks.seen import view_crop
from faceplate.segment import Segmenter, framing_of, load_segmenter
from faceplate.segment.agreement import mask_iou
from faceplate.studies.extractionjob import HULL

__all__ = ["NOTHING", "MaskError", "MatteMaker", "load_makers", "mask_figures", "true_matte"]

logger = logging.getLogger(__name__)

Matte = NDArray[np.float32]

NOTHING = "nothing"
"""What hides a face that nothing hides."""
_SIZE = 256
_FRAMING = FaceType.WHOLE_FACE


@dataclass(frozen=True)
class MaskError:
    """How one matte agrees with the truth."""

    segmenter: str
    frame: int
    occluder: str
    iou: float


@dataclass(frozen=True, eq=False)
class MatteMaker:
    """Makes the matte of a face in a crop of 256 pixels.

    Without a segmenter it is the hull of the landmarks.
    """

    name: str
    segmenter: Segmenter | None = None

    def crop_of(self, face: TrackedFace, aspect: float) -> Matrix:
        """Return plate_to_crop of the framing that the segmenter was trained on."""
        framing = framing_of(self.segmenter) if self.segmenter else ""
        kind = FaceType(framing) if framing else _FRAMING
        return plate_to_crop(face.landmarks, kind, _SIZE, pixel_aspect=aspect)

    def make(self, frame: Frame, face: TrackedFace, encodings: Encodings) -> Matte:
        """Return what is seen of the face, 256 x 256 in 0..1."""
        matrix = self.crop_of(face, frame.pixel_aspect)
        if self.segmenter is None:
            return hull_matte(transform(face.landmarks, matrix), (_SIZE, _SIZE))
        return self.segmenter(view_crop(frame, matrix, _SIZE, encodings))

    def agreement(
        self, frame: Frame, face: TrackedFace, truth: Matte, encodings: Encodings
    ) -> float:
        """Return the intersection over union with a true matte of the plate's size, 0..1.

        What lies outside the picture does not count.
        """
        matrix = self.crop_of(face, frame.pixel_aspect)
        window = frame.data_window
        true, inside = (
            warp_crop(
                plane, matrix, _SIZE, origin=(window.x0, window.y0), interpolation="linear",
                border="zero",
            )
            for plane in (truth, np.ones_like(truth))
        )  # fmt: skip
        return mask_iou(self.make(frame, face, encodings), true, within=inside >= 1 - 1e-3)


def load_makers(
    names: Sequence[str],
    weights: Callable[[str], Path],
    threads: int,
    not_measured: dict[str, str],
) -> list[MatteMaker]:
    """Load segmenters; those whose weights are not here are left out and noted down.

    Raises:
        UnknownComponent, NotFound, Damaged: There is no such segmenter, or it is broken.
    """
    makers = []
    for name in names:
        try:
            segmenter = None if name == HULL else load_segmenter(name, weights, threads=threads)
        except NotReady as error:
            logger.warning("mattes of %s are not measured: %s", name, error)
            not_measured[f"mattes of {name}"] = str(error)
            continue
        makers.append(MatteMaker(name, segmenter))
    return makers


def true_matte(files: Files, frame: Frame) -> Matte:
    """Read the true matte of a frame, H x W in 0..1.

    Raises:
        NotFound: There is none of this frame.
        BadShape: It is not as large as the plate.
    """
    path = files.path(frame.number)
    if not path.is_file():
        raise NotFound(f"{path} does not exist: frame {frame.number} has no true matte")
    matte = read_frame(path).rgb()[..., 0]
    if matte.shape != frame.pixels.shape[:2]:
        raise BadShape(f"true matte {path}", matte.shape, f"{frame.pixels.shape[:2]}, as the plate")
    return np.ascontiguousarray(matte)


def mask_figures(errors: Sequence[MaskError]) -> Mapping[tuple[str, str], tuple[float, int]]:
    """Return mean agreement and number of faces by segmenter and occluder, `NOTHING` first."""
    groups: dict[tuple[str, str], list[float]] = {}
    for one in sorted(errors, key=lambda one: (one.occluder != NOTHING, one.occluder)):
        groups.setdefault((one.segmenter, one.occluder), []).append(one.iou)
    return {key: (float(np.mean(ious)), len(ious)) for key, ious in groups.items()}
