"""A rendered shot on the bench: its frames, its faces, a model, and the ideal prediction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.evaluate.truthset import FaceTruth, TruthFrame
from faceplate.geometry.warp import warp_crop
from faceplate.io.frame import Frame
from faceplate.io.tracked import Pose, TrackedFace
from faceplate.merge.face import CastFace, plate_crop
from faceplate.merge.frame import swap_cast
from faceplate.merge.predictions import CachedPredictor, FacePredictor
from faceplate.models.folder import SwapModelConfig
from faceplate.models.net import People
from faceplate.models.predictor import Prediction
from faceplate.studies.contenders import Contender

__all__ = ["Bench", "IdealPredictor", "face_of_truth"]

FloatArray = NDArray[np.float32]

_MEASURED = ("R", "G", "B", "fp_mask.A")  # channels that the figures are of


class IdealPredictor:
    """Predicts the truth: S resampled into the crop, under the matte of the visible face.

    Args:
        config: Of the model whose place it takes.
        size: Side of the crop in pixels.
        face: SxSx3, working encoding.
        matte: SxS, 0..1.
    """

    def __init__(
        self, config: SwapModelConfig, size: int, face: FloatArray, matte: FloatArray
    ) -> None:
        self.config, self.resolution = config, size
        self._prediction = Prediction(face[None], matte[None], matte[None])

    def predict(
        self, crops: FloatArray, people: People = (0, 1), morph: float | None = None
    ) -> Prediction:
        """Return the truth, whatever is asked."""
        return self._prediction

    @classmethod
    def of(
        cls, frame: TruthFrame, cast: CastFace, size: int, encodings: Encodings
    ) -> "IdealPredictor":
        """Resample the truth of a frame into the crop that a face's network would see."""
        matrix = cast.crop_matrix(size, frame.truth.pixel_aspect)
        window = frame.truth.data_window
        face = plate_crop(frame.truth, matrix, size, encodings)
        visible = warp_crop(
            frame.visible, matrix, size, origin=(window.x0, window.y0), interpolation="linear",
            border="zero",
        )  # fmt: skip
        # learned mattes are multiplied with each other: their product is to be the visible face
        root = np.sqrt(np.clip(visible, 0, 1), dtype=np.float32)
        return cls(cast.predictor.config, size, face, root)


@dataclass(frozen=True, eq=False)
class Bench:
    """What merges one frame in any way."""

    predictor: CachedPredictor
    encodings: Encodings

    def merge(self, frame: TruthFrame, faces: Sequence[TrackedFace], contender: Contender) -> Frame:
        """Return a frame, merged in that way, with the matte that was used."""
        cast = [self._cast(frame, face, contender) for face in faces]
        return swap_cast(frame.plate, cast).to_frame(names=_MEASURED)

    def _cast(self, frame: TruthFrame, face: TrackedFace, contender: Contender) -> CastFace:
        cast = CastFace(face, self.predictor, contender.recipe, self.encodings)
        if contender.source == "model":
            return cast
        size = contender.size or self.predictor.resolution
        ideal: FacePredictor = IdealPredictor.of(frame, cast, size, self.encodings)
        return replace(cast, predictor=ideal)


def face_of_truth(face: FaceTruth, number: int, origin: tuple[int, int]) -> TrackedFace:
    """Return the track entry that a perfect analysis would give.

    Args:
        face: What is known.
        number: Of the frame.
        origin: x0, y0 of the data window, in which the truth's pixels are counted.
    """
    points = (face.landmarks68 + origin).astype(np.float32)
    x0, y0, x1, y1 = face.box
    box = (x0 + origin[0], y0 + origin[1], x1 + origin[0], y1 + origin[1])
    pose = Pose(face.yaw, 0.0, face.roll)
    return TrackedFace(1, number, box, points, points, pose, 1.0, 1.0, "detected")
