"""What a mask model sees of a face in its plate, and where its matte goes back to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.points import Matrix
from faceplate.geometry.warp import roi_of, warp_back, warp_crop
from faceplate.io.frame import Frame, Window, sanitize
from faceplate.io.tracked import TrackedFace
from faceplate.segment import Segmenter

__all__ = ["PlateSegmenter", "view_crop"]

Array = NDArray[np.float32]

_FILTER_REACH = 4  # pixels of the plate that the widest filter reads around a crop


def view_crop(frame: Frame, matrix: Matrix, size: int, encodings: Encodings) -> Array:
    """Cut a face out of a plate in the view encoding; only what the crop touches is converted.

    Args:
        frame: The plate.
        matrix: plate_to_crop.
        size: Side of the crop.
        encodings: Of the plate.

    Returns:
        S x S x 3 in 0..1; beyond the data window its edge goes on, black where none of it is seen.
    """
    window = frame.data_window
    box = (window.x0, window.y0, window.x1, window.y1)
    x0, y0, x1, y1 = roi_of(matrix, size, box, _FILTER_REACH)
    if x1 <= x0:
        return np.zeros((size, size, 3), np.float32)
    rows = slice(y0 - window.y0, y1 - window.y0)
    part = Frame(
        frame.number,
        np.ascontiguousarray(frame.pixels[rows, x0 - window.x0 : x1 - window.x0]),
        frame.channels,
        Window(x0, y0, x1, y1),
        frame.display_window,
    )
    view = encodings.to_view(sanitize(part.rgb())[0])
    return np.clip(warp_crop(view, matrix, size, origin=(x0, y0)), 0, 1)


@dataclass(frozen=True, eq=False)
class PlateSegmenter:
    """Makes mattes of the plate's size."""

    segmenter: Segmenter
    face_type: FaceType
    """Framing of the crops that it is shown."""
    size: int
    """Side of the crops, and of the mattes before they go back."""
    encodings: Encodings
    """Of the plate."""

    def add(self, matte: Array, frame: Frame, face: TrackedFace) -> None:
        """Add what is seen of a face to a matte over the frame's data window, in place."""
        aspect = frame.pixel_aspect
        matrix = plate_to_crop(face.landmarks, self.face_type, self.size, pixel_aspect=aspect)
        window = frame.data_window
        x0, y0, x1, y1 = roi_of(matrix, self.size, (window.x0, window.y0, window.x1, window.y1))
        if x1 <= x0:
            return
        seen = self.segmenter(view_crop(frame, matrix, self.size, self.encodings))
        back = warp_back(seen, matrix, (x0, y0, x1, y1), interpolation="linear")
        part = matte[y0 - window.y0 : y1 - window.y0, x0 - window.x0 : x1 - window.x0]
        np.maximum(part, np.clip(back, 0, 1), out=part)
