"""The panel of figures of one frame, the result's and the plate's own beside it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.embed.dlibface import DlibFace
from faceplate.evaluate import panel
from faceplate.evaluate.identity import identity_transfer
from faceplate.evaluate.truthset import TruthFrame
from faceplate.io.frame import Frame, sanitize
from faceplate.landmarks import Landmarker

__all__ = ["Figure", "FlickerMeter", "FrameMeter", "Known", "outside_of"]

FloatArray = NDArray[np.float32]

_MARGIN = 6  # pixels around the matte that the window of the SSIM reaches


@dataclass(frozen=True)
class Figure:
    """One figure of one frame, or its mean."""

    result: float | None
    plate: float | None


@dataclass(frozen=True, eq=False)
class Known:
    """What does not change with the result: plate and truth of one frame, as they are measured."""

    place: tuple[slice, slice]
    """Rows and columns around the visible face, which all pictures here are cut to."""
    plate: FloatArray
    """Working encoding, finite."""
    truth: FloatArray
    visible: FloatArray
    """HxW, 0..1."""
    matte: FloatArray
    """HxW: the visible face, drawn in by 2 % of the face width."""
    descriptors: tuple[NDArray[np.float64], NDArray[np.float64]] | None
    """Of plate and truth; None where identity is not measured."""
    points: tuple[NDArray[np.floating], NDArray[np.floating]] | None
    """68 x 2 of plate and truth, found by the landmarker; None where there is none."""


class FrameMeter:
    """Measures frames.

    Args:
        encodings: Of the plate; its working encoding is the one of the figures.
        descriptor: Of faces; None leaves identity unmeasured.
        landmarker: For the geometry; None leaves it unmeasured.
    """

    def __init__(
        self, encodings: Encodings, descriptor: DlibFace | None, landmarker: Landmarker | None
    ) -> None:
        self.encodings, self._descriptor, self._landmarker = encodings, descriptor, landmarker

    def known(self, frame: TruthFrame) -> Known:
        """Measure plate and truth of a frame, for several results of it."""
        place = _region(frame.visible)
        views = [self.encodings.to_view(image.rgb()) for image in (frame.plate, frame.truth)]
        plate, truth = (self.working(image, place) for image in (frame.plate, frame.truth))
        matte = panel.eroded(frame.visible, frame.face.width)
        descriptors = points = None
        if self._descriptor is not None:
            descriptors = (self._described(views[0], frame), self._described(views[1], frame))
        if self._landmarker is not None:
            points = (self._found(views[0], frame), self._found(views[1], frame))
        return Known(place, plate, truth, frame.visible[place], matte[place], descriptors, points)

    def measure(self, frame: TruthFrame, known: Known) -> dict[str, Figure]:
        """Return all figures of one frame but flicker and outside; those unmeasured are absent."""
        result = self.working(frame.result, known.place)
        truth, matte, width = known.truth, known.matte, frame.face.width
        used = frame.used_matte
        # the band may run where an occluder hides the face: nothing was swapped there
        band = panel.edge_band(known.visible if used is None else used[known.place])
        band *= known.visible > 0

        def both(figure: Callable[[FloatArray], float]) -> Figure:
            return Figure(figure(result), figure(known.plate))

        figures = {
            "light": both(lambda image: panel.light(image, truth, matte, width)),
            "detail": both(lambda image: panel.detail(image, truth, matte, width)),
            "tone": both(lambda image: panel.tone(image, truth, matte)),
            "ssim": both(lambda image: panel.ssim(image, truth, matte)),
            "seam": both(lambda image: panel.seam(image, truth, band, width)),
        }
        return self._seen_by_networks(frame, known) | figures

    def working(self, frame: Frame, place: tuple[slice, slice] | None = None) -> FloatArray:
        """Return a frame's colours in the working encoding, finite; all, or a part of it."""
        rgb = frame.rgb() if place is None else np.ascontiguousarray(frame.rgb()[place])
        return self.encodings.to_working(sanitize(rgb)[0])

    def _seen_by_networks(self, frame: TruthFrame, known: Known) -> dict[str, Figure]:
        figures: dict[str, Figure] = {}
        if known.descriptors is None and known.points is None:
            return figures
        view = self.encodings.to_view(frame.result.rgb())
        if known.descriptors is not None:
            plate, truth = known.descriptors
            result = self._described(view, frame)
            figures["identity"] = Figure(identity_transfer(result, plate, truth), 0.0)
        if known.points is not None:
            distance, (of_plate, of_truth) = frame.face.eye_distance, known.points
            figures["geometry"] = Figure(
                panel.geometry(self._found(view, frame), of_truth, distance),
                panel.geometry(of_plate, of_truth, distance),
            )
        return figures

    def _described(self, view: FloatArray, frame: TruthFrame) -> NDArray[np.float64]:
        # The same points for all pictures: chips are cut alike, only what is in them differs.
        assert self._descriptor is not None
        return self._descriptor(view, frame.face.landmarks68)

    def _found(self, view: FloatArray, frame: TruthFrame) -> NDArray[np.floating]:
        assert self._landmarker is not None
        return self._landmarker(view, frame.face.box, frame.face.roll).points68


@dataclass(frozen=True, eq=False)
class _Moment:
    """Differences from the truth in one frame."""

    number: int
    result: FloatArray
    plate: FloatArray
    matte: FloatArray


class FlickerMeter:
    """Second differences in time need three frames in a row: feed them in order."""

    def __init__(self) -> None:
        self._past: list[_Moment] = []

    def add(
        self, number: int, result: FloatArray, plate: FloatArray, matte: FloatArray
    ) -> tuple[int, Figure] | None:
        """Take the next frame; return the flicker of the frame before it, if that is known.

        Args:
            number: Frame number.
            result: The result minus the truth, working encoding, HxWx3.
            plate: The plate minus the truth.
            matte: Of the visible face.
        """
        if self._past and number != self._past[-1].number + 1:
            self._past.clear()
        self._past = [*self._past[-2:], _Moment(number, result, plate, matte)]
        if len(self._past) < 3:
            return None
        first, middle, last = self._past
        common = np.minimum(np.minimum(first.matte, middle.matte), last.matte)
        if not common.any():
            return None
        return middle.number, Figure(
            panel.flicker(first.result, middle.result, last.result, common),
            panel.flicker(first.plate, middle.plate, last.plate, common),
        )


def outside_of(frame: TruthFrame) -> Figure | None:
    """Return the largest difference from the plate where the used matte is 0; None without one."""
    used = frame.used_matte
    if used is None:
        return None
    return Figure(panel.outside(frame.result.rgb(), frame.plate.rgb(), used), 0.0)


def _region(mask: FloatArray) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return slice(0, 1), slice(0, 1)
    y0, x0 = max(int(rows[0]) - _MARGIN, 0), max(int(columns[0]) - _MARGIN, 0)
    return slice(y0, int(rows[-1]) + 1 + _MARGIN), slice(x0, int(columns[-1]) + 1 + _MARGIN)
