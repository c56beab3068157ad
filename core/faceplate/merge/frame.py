"""One frame: every chosen face through its network and into the layers.

A pure function of the frame, its faces, the models and the recipes, so that any split of a shot
into tasks gives the same pixels. Nothing temporal happens here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from faceplate.color.encodings import Encodings
from faceplate.errors import BadSettings
from faceplate.geometry.points import Box
from faceplate.geometry.warp import warp_crop
from faceplate.io.exrparts import empty_frame
from faceplate.io.frame import Frame, Window
from faceplate.io.tracked import TrackedFace
from faceplate.merge.composite import paste
from faceplate.merge.face import CastFace, make_face, predict_face
from faceplate.merge.layers import Layers, Region, SeenCrop
from faceplate.merge.predictions import FacePredictor
from faceplate.merge.recipe import Recipe

__all__ = ["show_predictions", "swap_cast", "swap_frame"]


def swap_frame(
    frame: Frame,
    faces: Iterable[TrackedFace],
    predictor: FacePredictor,
    recipe: Recipe,
    encodings: Encodings,
) -> Layers:
    """Swap the faces of one frame, all with one model and one recipe.

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
    people = (1, 0) if recipe.direction == "performer" else (0, 1)
    cast = [CastFace(face, predictor, recipe, encodings, people) for face in faces]
    if not cast and recipe.mode == "raw-predict":
        return show_predictions(frame, [(predictor.resolution, None)])
    return swap_cast(frame, cast)


def swap_cast(frame: Frame, cast: Sequence[CastFace]) -> Layers:
    """Swap the faces of one frame, each with its own model and recipe.

    Args:
        frame: The plate.
        cast: The faces, laid over each other in this order.

    Raises:
        BadSettings: Some are laid into the plate and some are shown as predicted (`raw-predict`).
        BadImage: The plate has no colour channels that could be altered.
        Damaged: A model predicts values that are not finite.
    """
    _require_colors(frame)
    shown = [one for one in cast if one.recipe.mode == "raw-predict"]
    if shown:
        return show_predictions(frame, [(one.predictor.resolution, one) for one in cast])
    faces = [one for one in cast if _area(one.roi(frame))]
    if not faces:
        return Layers(frame)
    made = [make_face(frame, one) for one in faces]
    region = Region.of_plate(frame, _around([face.roi for face in made]))
    for face, one in zip(made, faces, strict=True):
        paste(region, face, frame, one.encodings, one.recipe)
    return Layers(frame, region)


def show_predictions(frame: Frame, slots: Sequence[tuple[int, CastFace | None]]) -> Layers:
    """Return the predictions themselves, side by side, in a frame of their own size.

    The mattes are as they would be laid in, seen in the crop; the ST map is the crop's own.

    Args:
        frame: The plate.
        slots: Side of the crop, and the face or None where that person is not in the frame, whose
            place stays black. So all frames of a shot are of one size.

    Raises:
        BadSettings: Some faces are to be laid into the plate instead.
        Damaged: A model predicts values that are not finite.
    """
    if any(one is not None and one.recipe.mode != "raw-predict" for _, one in slots):
        raise BadSettings(
            "recipe: mode raw-predict makes frames of another size than the plate's: give it to "
            "all members of the cast, or to none"
        )
    window = Window(0, 0, sum(size for size, _ in slots), max(size for size, _ in slots))
    blank = replace(
        empty_frame(frame, ("R", "G", "B")),
        pixels=np.zeros((window.height, window.width, 3), np.float32),
        data_window=window,
        display_window=window,
        pixel_aspect=1.0,
    )
    region = Region.of_plate(blank, (0, 0, window.x1, window.y1))
    left = 0
    for size, one in slots:
        if one is not None:
            _show(region, frame, one, slice(left, left + size))
        left += size
    return Layers(blank, region)


def _show(region: Region, frame: Frame, one: CastFace, columns: slice) -> None:
    size = one.predictor.resolution
    place = (slice(0, size), columns)
    face = one.encodings.from_working(predict_face(frame, one)[1].face[0])
    region.rgb[place] = region.face[place] = face
    region.face_matte[place] = 1
    region.confidence[place] = one.face.confidence
    left = columns.start
    moved = np.array([[1.0, 0, -left], [0, 1, 0]])
    region.crops.append(SeenCrop(moved, size, (left, 0, left + size, size)))
    if not _area(one.roi(frame)):
        return
    made = make_face(frame, one)
    for layer, own in (
        (region.matte, made.matte),
        (region.learned, made.learned),
        (region.occlusion, made.occlusion),
    ):
        layer[place] = warp_crop(
            own,
            made.plate_to_crop,
            size,
            origin=made.roi[:2],
            interpolation="linear",
            border="zero",
        )


def _require_colors(frame: Frame) -> None:
    """Raise BadImage where a plate has neither colours nor luminance."""
    if "Y" not in frame.channels:
        for name in "RGB":
            frame.channel(name)


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _around(boxes: Sequence[Box]) -> Box:
    """Return the smallest box around all of these."""
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)
