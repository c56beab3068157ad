"""One face, from the plate to what is laid over it: crop, prediction, mattes, colour, detail."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.color.statistics import ColorStatistics
from faceplate.errors import BadSettings, Damaged
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.points import Box, Matrix
from faceplate.geometry.warp import roi_of, warp_crop
from faceplate.io.frame import Frame, sanitize
from faceplate.io.tracked import TrackedFace
from faceplate.merge.colors import match_colors
from faceplate.merge.composite import SwappedFace, coverage_of, unpremultiplied
from faceplate.merge.detail import sharpen
from faceplate.merge.layers import part_of
from faceplate.merge.mattes import (
    FaceMattes,
    MatteSources,
    build_mattes,
    needs_segmenter,
    output_matrix,
)
from faceplate.merge.predictions import FacePredictor
from faceplate.merge.recipe import Recipe
from faceplate.merge.segmented import segmented_mattes
from faceplate.merge.trackmattes import LearnedMattes, chosen_mattes
from faceplate.merge.upscale import Upscaler, super_resolve
from faceplate.models.net import People
from faceplate.models.predictor import Prediction
from faceplate.segment import Segmenter, framing_of

__all__ = [
    "CastFace",
    "FaceInCrop",
    "Predicted",
    "face_in_crop",
    "make_face",
    "plate_crop",
    "predict_face",
]

FloatArray = NDArray[np.float32]
Side = Literal["likeness", "performer"]
Predicted = tuple[FloatArray, Prediction]
"""What a network was shown of a face, SxSx3 in the working encoding, and what it made of it."""

_FILTER_REACH = 4  # pixels of the plate that the widest filter reads around a crop


@dataclass(frozen=True, eq=False)
class CastFace:
    """A face of one frame with all that is decided about it."""

    face: TrackedFace
    """Its entry in the track."""
    predictor: FacePredictor
    """The swap model."""
    recipe: Recipe
    """The merge settings at this frame."""
    encodings: Encodings
    """Of the plate, with the model's working encoding."""
    people: People = (0, 1)
    """Whose face goes in, and who is in the plate, as the model numbers them."""
    morph: float | None = None
    """Share of the likeness, where the architecture has one."""
    colors: ColorStatistics | None = None
    """What `measure` found over the shot for this model; None measures the frame."""
    learned: LearnedMattes | None = None
    """The network's mattes, smoothed over the shot; None takes the frame's own."""
    mattes: Frame | None = None
    """Where external mattes are read from; None: the plate."""
    segmenter: Segmenter | None = None
    """What makes `segmented` mattes, where the recipe asks for any."""
    upscaler: Upscaler | None = None
    """What refines the predicted face, where the recipe asks for it."""
    velocity: Matrix | None = None
    """2x3: a plate point to its pixels per frame (`velocity_of`), where motion is blurred."""
    predicted: Predicted | None = None
    """What `predict_face` gave for this face before; None: it is asked."""

    def __post_init__(self) -> None:
        if self.encodings.working != self.predictor.config.encoding:
            raise BadSettings(
                f"the model works in {self.predictor.config.encoding!r}, the encodings given in "
                f"{self.encodings.working!r}; use the model's"
            )

    def crop_matrix(self, size: int, pixel_aspect: float) -> Matrix:
        """Return plate_to_crop of a crop of this size."""
        face_type = FaceType(self.predictor.config.face_type)
        return plate_to_crop(self.face.landmarks, face_type, size, pixel_aspect=pixel_aspect)

    def roi(self, frame: Frame) -> Box:
        """Return the plate pixels that its face is laid over, inside the data window."""
        size = self.predictor.resolution
        back = output_matrix(
            self.crop_matrix(size, frame.pixel_aspect), size, self.recipe.output_scale
        )
        return roi_of(back, size, _inside(frame))

    def seen(self, frame: Frame) -> list[Box]:
        """Return the plate pixels that are looked at for it, none where it lies outside: those it
        is laid over, and what the networks are shown, which may be more.
        """
        if not _area(self.roi(frame)):
            return []
        size, aspect = self.predictor.resolution, frame.pixel_aspect
        kinds = {self.predictor.config.face_type}
        if self.segmenter is not None:
            kinds.add(framing_of(self.segmenter) or self.predictor.config.face_type)
        matrices = [
            plate_to_crop(self.face.landmarks, FaceType(kind), size, pixel_aspect=aspect)
            for kind in sorted(kinds)
        ]
        shown = [roi_of(one, size, _inside(frame), _FILTER_REACH) for one in matrices]
        return [box for box in (self.roi(frame), *shown) if _area(box)]


def make_face(frame: Frame, cast: CastFace) -> SwappedFace:
    """Predict a face and bring it as far as it gets in its own crop.

    Raises:
        BadImage: The plate has no colour channels that could be altered.
        Damaged: The model predicts values that are not finite.
    """
    crop, prediction = predict_face(frame, cast)
    recipe, size = cast.recipe, cast.predictor.resolution
    ratio = FaceType(cast.predictor.config.face_type).framing.ratio
    back, mattes = _mattes(frame, cast, crop, prediction, ratio)
    face = match_colors(
        prediction.face[0],
        crop,
        mattes.in_crop(back, size),
        recipe,
        size / ratio / 100,
        cast.colors,
    )
    finer = super_resolve(
        face, cast.upscaler, recipe.super_resolution, recipe.super_resolution_power
    )
    finer = sharpen(finer, recipe.sharpen, recipe.sharpen_amount, recipe.sharpen_size)
    pixels = np.sqrt(abs(np.linalg.det(back[:, :2])) / frame.pixel_aspect)  # of the crop, a pixel
    return SwappedFace(
        finer,
        _zoomed(back, finer.shape[0] / size),
        back,
        size,
        mattes.roi,
        mattes.matte * np.float32(recipe.opacity),
        mattes.learned,
        mattes.occlusion,
        cast.face.confidence,
        size / ratio / float(pixels),
        np.zeros((2, 3)) if cast.velocity is None else cast.velocity,
    )


def _zoomed(matrix: Matrix, zoom: float) -> Matrix:
    """Return the matrix to the pixels of a crop that is this many times as large."""
    zoomed = matrix * zoom
    zoomed[:, 2] += (zoom - 1) / 2
    return zoomed


@dataclass(frozen=True, eq=False)
class FaceInCrop:
    """What can be measured of a face, in the crop of its network."""

    swap: FloatArray
    """SxSx3, working encoding: what the network made."""
    plate: FloatArray
    """SxSx3: what it saw."""
    matte: FloatArray
    """SxS, 0..1: the recipe's."""
    learned: LearnedMattes
    """The network's own, as it made them."""


def face_in_crop(frame: Frame, cast: CastFace) -> FaceInCrop:
    """Predict a face, and shape its matte.

    Raises:
        BadImage: The plate has no colour channels that could be altered.
        Damaged: The model predicts values that are not finite.
    """
    crop, prediction = predict_face(frame, cast)
    ratio = FaceType(cast.predictor.config.face_type).framing.ratio
    back, mattes = _mattes(frame, cast, crop, prediction, ratio)
    return FaceInCrop(
        prediction.face[0],
        crop,
        mattes.in_crop(back, cast.predictor.resolution),
        (prediction.likeness_matte[0], prediction.performer_matte[0]),
    )


def _mattes(
    frame: Frame, cast: CastFace, crop: FloatArray, prediction: Prediction, ratio: float
) -> tuple[Matrix, FaceMattes]:
    """Return the matrix that the face goes back with, and its mattes."""
    size = cast.predictor.resolution
    to_crop = cast.crop_matrix(size, frame.pixel_aspect)
    back = output_matrix(to_crop, size, cast.recipe.output_scale)
    sources = _sources(frame, cast, crop, prediction, ratio)
    return back, build_mattes(sources, cast.recipe, cast.roi(frame))


def _sources(
    frame: Frame, cast: CastFace, crop: FloatArray, prediction: Prediction, ratio: float
) -> MatteSources:
    segmented: dict[Side, FloatArray] = {}
    if needs_segmenter(cast.recipe):
        if cast.segmenter is None:
            raise BadSettings("recipe: a segmented matte is asked for, and no segmenter is given")
        size, aspect = cast.predictor.resolution, frame.pixel_aspect
        segmented = segmented_mattes(
            (prediction.face[0], crop),
            lambda kind: plate_to_crop(cast.face.landmarks, kind, size, pixel_aspect=aspect),
            lambda matrix: plate_crop(frame, matrix, size, cast.encodings),
            FaceType(cast.predictor.config.face_type),
            cast.segmenter,
            cast.encodings,
        )
    own = (prediction.likeness_matte[0], prediction.performer_matte[0])
    likeness, performer = chosen_mattes(own, cast.learned, cast.recipe)
    return MatteSources(
        cast.face.landmarks,
        cast.crop_matrix(cast.predictor.resolution, frame.pixel_aspect),
        ratio,
        likeness,
        performer,
        pixel_aspect=frame.pixel_aspect,
        segmented=segmented,
        external=cast.mattes or frame,
    )


def predict_face(frame: Frame, cast: CastFace) -> Predicted:
    """Return what the network is shown, SxSx3 in the working encoding, and what it predicts.

    Raises:
        BadImage: The plate has no colour channels.
        Damaged: The model predicts values that are not finite.
    """
    if cast.predicted is not None:
        return cast.predicted
    size = cast.predictor.resolution
    matrix = cast.crop_matrix(size, frame.pixel_aspect)
    crop = plate_crop(frame, matrix, size, cast.encodings)
    prediction = cast.predictor.predict(crop[None], cast.people, cast.morph)  # (1, S, S, 3)
    if not np.isfinite(prediction.face).all():
        raise Damaged("the swap model predicts NaN or infinity: its weights are spoilt; train on "
                      "from an earlier save")  # fmt: skip
    return crop, prediction


def plate_crop(frame: Frame, matrix: Matrix, size: int, encodings: Encodings) -> FloatArray:
    """Cut what the network sees out of a plate: finite, unpremultiplied, working encoding, 0..1.

    Only the pixels that the crop touches are converted. Beyond the data window its edge goes on.

    Args:
        frame: The plate.
        matrix: plate_to_crop.
        size: Side of the crop.
        encodings: Of the plate.
    """
    window = frame.data_window
    x0, y0, x1, y1 = roi_of(matrix, size, _inside(frame))
    if x1 <= x0:
        return np.zeros((size, size, 3), np.float32)
    x0, y0 = max(x0 - _FILTER_REACH, window.x0), max(y0 - _FILTER_REACH, window.y0)
    x1, y1 = min(x1 + _FILTER_REACH, window.x1), min(y1 + _FILTER_REACH, window.y1)
    pixels = sanitize(part_of(frame, (x0, y0, x1, y1)).rgb())[0]
    pixels = unpremultiplied(pixels, coverage_of(frame, (x0, y0, x1, y1)))
    # clipped before the filter too, as extract does it: the network must see what it was trained on
    working = np.clip(encodings.to_working(pixels), 0, 1)
    return np.clip(warp_crop(working, matrix, size, origin=(x0, y0)), 0, 1)


def _inside(frame: Frame) -> Box:
    window = frame.data_window
    return (window.x0, window.y0, window.x1, window.y1)


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])
