"""One frame: every chosen face through the network and into the layers.

A pure function of the frame, its faces, the model and the recipe, so that any split of a shot into
tasks gives the same pixels. Nothing temporal happens here.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.color.transfer import TransferOptions, transfer
from faceplate.errors import BadSettings, Damaged
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.hull import hull_matte
from faceplate.geometry.points import Matrix, transform
from faceplate.geometry.warp import roi_of, warp_crop
from faceplate.io.frame import Frame, Window, sanitize
from faceplate.io.tracked import TrackedFace
from faceplate.merge.composite import SwappedFace, coverage_of, paste, unpremultiplied
from faceplate.merge.layers import Layers
from faceplate.merge.mattes import (
    choose_matte,
    clean_matte,
    erode_feather,
    matte_size,
    resize_matte,
)
from faceplate.merge.recipe import Recipe
from faceplate.models.folder import SwapModelConfig
from faceplate.models.predictor import Prediction

__all__ = ["FacePredictor", "plate_crop", "swap_frame"]

FloatArray = NDArray[np.float32]

_FILTER_REACH = 4  # pixels of the plate that the widest filter reads around a crop


class FacePredictor(Protocol):
    """What a swap asks of a model; `faceplate.models.predictor.Predictor` is one."""

    @property
    def config(self) -> SwapModelConfig:
        """What the model is."""

    @property
    def resolution(self) -> int:
        """Side of its crops in pixels."""

    def predict(self, crops: FloatArray) -> Prediction:
        """Swap N x S x S x 3 crops in the working encoding."""


def swap_frame(
    frame: Frame,
    faces: Iterable[TrackedFace],
    predictor: FacePredictor,
    recipe: Recipe,
    encodings: Encodings,
) -> Layers:
    """Swap the faces of one frame.

    Args:
        frame: The plate in the space of `encodings`, scene-linear, premultiplied if it has alpha.
        faces: Those to swap, laid over each other in this order; the network always sees the plate.
            None at all: the layers are the plate and zeros.
        predictor: The swap model.
        recipe: The merge settings.
        encodings: Of the plate, with the model's working encoding.

    Raises:
        BadSettings: The working encoding is not the one that the model was trained in.
        BadImage: The plate has no colour channels that could be altered.
        Damaged: The model predicts values that are not finite.
    """
    if encodings.working != predictor.config.encoding:
        raise BadSettings(
            f"the model works in {predictor.config.encoding!r}, the encodings given in "
            f"{encodings.working!r}; use the model's"
        )
    layers = Layers.of_plate(frame)
    for face in faces:
        swapped = _swap_face(frame, face, predictor, recipe, encodings)
        paste(layers, swapped, frame.data_window, encodings, recipe.interpolation)
    return layers


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
    x0, y0, x1, y1 = roi_of(matrix, size, (window.x0, window.y0, window.x1, window.y1))
    if x1 <= x0:
        return np.zeros((size, size, 3), np.float32)
    x0, y0 = max(x0 - _FILTER_REACH, window.x0), max(y0 - _FILTER_REACH, window.y0)
    x1, y1 = min(x1 + _FILTER_REACH, window.x1), min(y1 + _FILTER_REACH, window.y1)
    place = (slice(y0 - window.y0, y1 - window.y0), slice(x0 - window.x0, x1 - window.x0))
    part = replace(frame, pixels=frame.pixels[place], data_window=Window(x0, y0, x1, y1))
    pixels = sanitize(part.rgb())[0]
    if "A" in frame.channels:
        pixels = unpremultiplied(pixels, coverage_of(frame.channel("A"), place))
    # clipped before the filter too, as extract does it: the network must see what it was trained on
    working = np.clip(encodings.to_working(pixels), 0, 1)
    return np.clip(warp_crop(working, matrix, size, origin=(x0, y0)), 0, 1)


def _swap_face(
    frame: Frame,
    face: TrackedFace,
    predictor: FacePredictor,
    recipe: Recipe,
    encodings: Encodings,
) -> SwappedFace:
    face_type, size = FaceType(predictor.config.face_type), predictor.resolution
    aspect = frame.pixel_aspect
    to_crop = plate_to_crop(face.landmarks, face_type, size, pixel_aspect=aspect)
    large = matte_size(size)
    to_matte = plate_to_crop(face.landmarks, face_type, large, pixel_aspect=aspect)

    crop = plate_crop(frame, to_crop, size, encodings)
    prediction = predictor.predict(crop[None])  # (1, S, S, 3)
    raw = prediction.face[0]
    if not np.isfinite(raw).all():
        raise Damaged("the swap model predicts NaN or infinity: its weights are spoilt; train on "
                      "from an earlier save")  # fmt: skip
    learned = clean_matte(prediction.likeness_matte[0] * prediction.performer_matte[0])
    learned = resize_matte(learned, large)
    hull = hull_matte(transform(face.landmarks, to_matte), (large, large))
    percent = large / face_type.framing.ratio / 100  # pixels of the matte per % of face width
    matte = erode_feather(
        choose_matte(recipe.matte, learned, hull), recipe.erode * percent, recipe.feather * percent
    )
    radius = recipe.relight_radius / 100 * size / face_type.framing.ratio
    moved = transfer(
        recipe.transfer, raw, crop, resize_matte(matte, size), TransferOptions((radius,))
    )
    return SwappedFace(
        moved, raw, to_crop, matte * recipe.opacity, learned, to_matte, face.confidence
    )
