"""A rendered shot whose exact swap is known, with a result to be measured against it.

The truth is described by a JSON file, one entry per frame under ``frames``: ``landmarks68_px`` of
the plate's face (counted from the edges of the pixels: the centre of the top left one is 0.5, 0.5),
``bbox_face``, ``yaw`` and ``roll`` in degrees, ``empty``.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadSettings, BadShape, NotFound
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.io.frame import Frame
from faceplate.io.image import read_frame
from faceplate.io.plate import Plate, open_plate
from faceplate.io.sequence import Sequence

__all__ = ["FaceTruth", "TruthFrame", "TruthSet"]

FloatArray = NDArray[np.float32]

_KEYS = ("landmarks68_px", "bbox_face", "yaw", "roll", "empty")


@dataclass(frozen=True, eq=False)
class FaceTruth:
    """What is known about the face of one frame, in array pixels (centres at whole numbers)."""

    landmarks68: NDArray[np.float64]
    box: tuple[float, float, float, float]
    yaw: float
    """Degrees, > 0: the nose turns to the right of the image."""
    roll: float
    """Degrees, > 0: counter-clockwise."""
    empty: bool
    """No pixel of the face is in the frame."""

    @cached_property
    def width(self) -> float:
        """Face width in pixels: the side of the alignment template's square."""
        to_template = plate_to_crop(self.landmarks68, FaceType.HALF_FACE, 1)
        return 1 / math.sqrt(abs(float(np.linalg.det(to_template[:, :2]))))

    @cached_property
    def eye_distance(self) -> float:
        """Distance of the centres of the eyes in pixels."""
        left, right = self.landmarks68[36:42].mean(axis=0), self.landmarks68[42:48].mean(axis=0)
        return float(np.linalg.norm(left - right))


@dataclass(frozen=True, eq=False)
class TruthFrame:
    """One frame of result, plate and truth. All three cover the same window."""

    number: int
    face: FaceTruth
    result: Frame
    plate: Frame
    truth: Frame
    visible: FloatArray
    """HxW, 0..1: the face of the plate where nothing hides it."""

    @property
    def used_matte(self) -> FloatArray | None:
        """The matte that the result was made with (`fp_mask.A`), or None where it has none."""
        if "fp_mask.A" not in self.result.channels:
            return None
        return np.ascontiguousarray(self.result.channel("fp_mask.A"))


class TruthSet:
    """Result, plate, truth and mattes of a shot, opened together.

    Args:
        result: Pattern of the result's layers.
        plate: Pattern of the plate (B).
        truth: Pattern of the exact swap (S).
        masks: Folder or pattern of the mattes of the visible face.
        truth_json: Description of the plate's faces.
        frames: Frames to measure; None takes those of the result.

    Raises:
        NotFound: One of them is not there, or does not have the frames of the result.
        BadSettings: The description is not one.
    """

    def __init__(
        self,
        *,
        result: str,
        plate: str,
        truth: str,
        masks: str,
        truth_json: str,
        frames: str | None,
    ) -> None:
        self.result: Plate = open_plate(result, frames=frames)
        self.numbers = self.result.frames
        self.plate = open_plate(plate, frames=self.numbers)
        self.truth = open_plate(truth, frames=self.numbers)
        self._masks = Sequence.parse(masks)
        self._faces = _read_description(Path(truth_json))
        unknown = [number for number in self.numbers if str(number) not in self._faces]
        if unknown:
            raise NotFound(f"{truth_json} has no frame {unknown[0]}; narrow --frames")

    def face(self, number: int) -> FaceTruth:
        """Return what is known about the face of a frame."""
        entry = self._faces[str(number)]
        absent = [key for key in _KEYS if key not in entry]
        if absent:
            raise BadSettings(f"truth of frame {number}: {', '.join(absent)} is missing")
        x0, y0, x1, y1 = (float(value) - 0.5 for value in entry["bbox_face"])
        return FaceTruth(
            np.array(entry["landmarks68_px"], np.float64) - 0.5,
            (x0, y0, x1, y1),
            float(entry["yaw"]),
            float(entry["roll"]),
            bool(entry["empty"]),
        )

    def read(self, number: int) -> TruthFrame:
        """Read a frame of everything.

        Raises:
            BadShape: The pictures do not cover the same pixels.
            BadImage: A file cannot be read.
        """
        result, plate, truth = (
            _present(shot.read(number)) for shot in (self.result, self.plate, self.truth)
        )
        visible = read_frame(self._masks.path(number)).rgb()[..., 0]
        sizes = {frame.pixels.shape[:2] for frame in (result, plate, truth)} | {visible.shape}
        if len(sizes) > 1:
            raise BadShape(f"pictures of frame {number}", sorted(sizes), "one size for all")
        return TruthFrame(number, self.face(number), result, plate, truth, visible)


def _present(frame: Frame | None) -> Frame:
    # the plates are opened with missing="error": whatever is asked for is there
    assert frame is not None
    return frame


def _read_description(path: Path) -> Mapping[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFound(f"{path} does not exist") from error
    except ValueError as error:
        raise BadSettings(f"{path} is not JSON: {error}") from error
    faces = values.get("frames") if isinstance(values, dict) else None
    if not isinstance(faces, dict):
        raise BadSettings(f"{path}: expected an object with 'frames', keyed by frame number")
    return faces
