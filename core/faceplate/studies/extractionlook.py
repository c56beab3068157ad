"""One pass over the pictures of a shot: its mattes are measured, and overlay cells drawn."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.extract.overlay import draw_faces, overlay_cell
from faceplate.extract.sheet import Cell
from faceplate.extract.view import FrameView, Patch, plate_to_square
from faceplate.geometry.points import invert, transform
from faceplate.geometry.polygons import outlines
from faceplate.io.frame import Frame
from faceplate.progress import Progress
from faceplate.studies.extractionmasks import NOTHING, MaskError, MatteMaker, true_matte
from faceplate.studies.extractionmatch import Match
from faceplate.studies.extractionmeasures import face_errors
from faceplate.studies.extractionshot import MeasuredShot

__all__ = ["OVERLAY_NOTE", "Looked", "look_through", "spread"]

OVERLAY_NOTE = (
    "box, points and arrow: found, a colour for each person; red: true points; yellow: outline of "
    "the matte; d detected, t tracked, c corrected; off: inner points, % of the eye distance"
)

_TRUE = (255, 60, 60)
_OUTLINE = (255, 230, 40)
_FINE = 4  # fractional bits of cv2's coordinates

Picture = NDArray[np.uint8]


class Looked:
    """What a pass over the pictures gathers."""

    def __init__(self) -> None:
        self.masks: list[MaskError] = []
        self.cells: list[Cell] = []


def look_through(
    measured: MeasuredShot,
    matches: Sequence[Match],
    makers: Sequence[MatteMaker],
    sheet_frames: int,
    progress: Progress,
) -> Looked:
    """Measure the mattes of all found true faces, and draw some frames.

    Only frames that are needed are read.

    Raises:
        NotFound, BadShape, BadImage: A picture or a true matte is not there or of another size.
        Cancelled: On request.
    """
    looked = Looked()
    by_frame: dict[int, list[Match]] = {}
    for one in matches:
        by_frame.setdefault(one.frame, []).append(one)
    shown = set(spread(measured.frames, sheet_frames))
    masked = {one.frame for one in matches if one.true and one.found} if measured.mattes else set()
    wanted = [frame for frame in measured.frames if frame in shown | masked]
    for done, number in enumerate(wanted, 1):
        frame = measured.shot.plate.read(number)
        if frame is not None:
            here = by_frame.get(number, [])
            masks = _masks(measured, frame, here, makers)
            looked.masks += masks
            if number in shown:
                looked.cells.append(_cell(measured, frame, here, makers, masks))
        progress.report(f"pictures of {measured.name}", done, len(wanted), frame=number)
    return looked


def spread(frames: Sequence[int], count: int) -> list[int]:
    """Return so many frames, or all there are, evenly spread.

    Example:
        >>> spread(range(10), 3)
        [1, 5, 8]
    """
    some = min(count, len(frames))
    return [frames[(2 * n + 1) * len(frames) // (2 * some)] for n in range(some)]


def _masks(
    measured: MeasuredShot, frame: Frame, here: Sequence[Match], makers: Sequence[MatteMaker]
) -> list[MaskError]:
    if measured.mattes is None:
        return []
    both = [(one.true, one.found) for one in here if one.true and one.found]
    truth = true_matte(measured.mattes, frame) if both else np.zeros((1, 1), np.float32)
    return [
        MaskError(
            maker.name,
            frame.number,
            true.occluder or NOTHING,
            maker.agreement(frame, found, truth, measured.shot.encodings),
        )
        for true, found in both
        for maker in makers
    ]


def _cell(
    measured: MeasuredShot,
    frame: Frame,
    here: Sequence[Match],
    makers: Sequence[MatteMaker],
    masks: Sequence[MaskError],
) -> Cell:
    view = FrameView(frame, measured.shot.encodings)
    patch = overlay_cell(view)
    picture = np.ascontiguousarray(np.rint(np.clip(patch.image, 0, 1) * 255), np.uint8)
    drawn = next((maker for maker in makers if maker.segmenter is not None), None)
    for one in here:
        if one.found is not None and drawn is not None:
            _draw_outline(picture, patch, frame, one, drawn, measured)
        if one.true is not None:
            points = patch.from_square(plate_to_square(one.true.landmarks, frame.pixel_aspect))
            _dots(picture, points)
    faces = [one.found for one in here if one.found is not None]
    lined = replace(patch, image=picture.astype(np.float32) / np.float32(255))
    image = draw_faces(lined, faces, frame.pixel_aspect)
    of_drawn = [mask for mask in masks if drawn is not None and mask.segmenter == drawn.name]
    return Cell(image, f"{frame.number}: {_told(here, frame.pixel_aspect, of_drawn)}")


def _draw_outline(
    picture: Picture,
    patch: Patch,
    frame: Frame,
    one: Match,
    maker: MatteMaker,
    measured: MeasuredShot,
) -> None:
    assert one.found is not None  # asked before
    matte = maker.make(frame, one.found, measured.shot.encodings)
    to_plate = invert(maker.crop_of(one.found, frame.pixel_aspect))
    for polygon in (shape for shapes in outlines(matte) for shape in shapes):
        square = plate_to_square(transform(polygon, to_plate), frame.pixel_aspect)
        line = np.rint(patch.from_square(square) * (1 << _FINE)).astype(np.int32)
        cv2.polylines(picture, [line], True, _OUTLINE, 1, cv2.LINE_AA, _FINE)


def _dots(picture: Picture, points: NDArray[np.float64]) -> None:
    for point in points:
        x, y = np.rint(point * (1 << _FINE)).astype(int).tolist()
        cv2.circle(picture, (x, y), 1 << _FINE, _TRUE, cv2.FILLED, cv2.LINE_AA, _FINE)


def _told(here: Sequence[Match], aspect: float, masks: Sequence[MaskError]) -> str:
    """Return what is seen in a frame, in ASCII."""
    texts = [_told_of(one, aspect) for one in here] or ["no face"]
    if masks:
        texts.append(f"IoU {masks[0].iou:.2f}")
    return ", ".join(texts)


def _told_of(one: Match, aspect: float) -> str:
    if one.found is None:
        return "MISSED"
    turn = f"#{one.found.person} {one.found.source[0]} yaw {one.found.pose.yaw:+.0f}"
    if one.true is None:
        return turn
    hidden = f" {one.true.occluder}" if one.true.occluder else ""
    return (
        f"{turn} (true {one.true.yaw:+.0f}) off {face_errors(one, aspect)['inner']:.1f} %{hidden}"
    )
