"""The panel of figures of one frame, the result's and the plate's own beside it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.evaluate import panel
from faceplate.evaluate.identity import Descriptor, identity_transfer
from faceplate.evaluate.truthset import TruthFrame
from faceplate.io.frame import Frame, sanitize
from faceplate.landmarks import Landmarker

__all__ = ["Figure", "FlickerMeter", "FrameMeter", "outside_of"]

FloatArray = NDArray[np.float32]

_MARGIN = 6  # pixels around the matte that the window of the SSIM reaches


@dataclass(frozen=True)
class Figure:
    """One figure of one frame, or its mean."""

    result: float | None
    plate: float | None


@dataclass(frozen=True, eq=False)
class _Crops:
    """The region of the matte, in the working encoding."""

    result: FloatArray
    plate: FloatArray
    truth: FloatArray
    matte: FloatArray
    band: FloatArray
    width: float

    def both(self, figure: Callable[[FloatArray], float]) -> Figure:
        return Figure(figure(self.result), figure(self.plate))


class FrameMeter:
    """Measures frames.

    Args:
        encodings: Of the plate; its working encoding is the one of the figures.
        descriptor: Of faces; None leaves identity unmeasured.
        landmarker: For the geometry; None leaves it unmeasured.
    """

    def __init__(
        self, encodings: Encodings, descriptor: Descriptor | None, landmarker: Landmarker | None
    ) -> None:
        self.encodings, self._descriptor, self._landmarker = encodings, descriptor, landmarker

    def measure(self, frame: TruthFrame) -> dict[str, Figure]:
        """Return all figures of one frame but flicker and outside; those unmeasured are absent."""
        crops = self._crops(frame)
        truth, matte, width = crops.truth, crops.matte, crops.width
        figures = {
            "light": crops.both(lambda image: panel.light(image, truth, matte, width)),
            "detail": crops.both(lambda image: panel.detail(image, truth, matte, width)),
            "tone": crops.both(lambda image: panel.tone(image, truth, matte)),
            "ssim": crops.both(lambda image: panel.ssim(image, truth, matte)),
            "seam": crops.both(lambda image: panel.seam(image, truth, crops.band, width)),
        }
        return self._seen_by_networks(frame) | figures

    def working(self, frame: Frame) -> FloatArray:
        """Return a frame's colours in the working encoding, finite."""
        return self.encodings.to_working(sanitize(frame.rgb())[0])

    def matte(self, frame: TruthFrame) -> FloatArray:
        """Return the matte of the visible face, drawn in by 2 % of the face width."""
        return panel.eroded(frame.visible, frame.face.width)

    def _crops(self, frame: TruthFrame) -> _Crops:
        matte = self.matte(frame)
        used = frame.used_matte
        band = panel.edge_band(frame.visible if used is None else used)
        # the band may run where an occluder hides the face: nothing was swapped there
        band *= frame.visible > 0
        place = _region(np.maximum(matte, band))
        result, plate, truth = (
            self.working(image)[place] for image in (frame.result, frame.plate, frame.truth)
        )
        return _Crops(result, plate, truth, matte[place], band[place], frame.face.width)

    def _seen_by_networks(self, frame: TruthFrame) -> dict[str, Figure]:
        views = [
            self.encodings.to_view(image.rgb())
            for image in (frame.result, frame.plate, frame.truth)
        ]
        figures: dict[str, Figure] = {}
        if self._descriptor is not None:
            # The same points for all three: chips are cut alike, only what is in them differs.
            points = frame.face.landmarks68
            result, plate, truth = (self._descriptor(view, points) for view in views)
            figures["identity"] = Figure(identity_transfer(result, plate, truth), 0.0)
        if self._landmarker is not None:
            found = [
                self._landmarker(view, frame.face.box, frame.face.roll).points68 for view in views
            ]
            distance = frame.face.eye_distance
            figures["geometry"] = Figure(
                panel.geometry(found[0], found[2], distance),
                panel.geometry(found[1], found[2], distance),
            )
        return figures


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
