"""Small faces in large frames: a detector that looks at overlapping tiles, and at the whole frame.

A face smaller than the overlap lies uncut in at least one tile; larger ones are found in the whole
frame, which the detector shrinks. Of what several looks see, each face stays once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from faceplate.detect import Detection, Detector
from faceplate.detect.boxes import check_view, covered, without_doubles
from faceplate.errors import BadSettings

__all__ = ["Tiled", "tile_starts"]

_MARGIN = 0.05
"""A box nearer to an inner border than this share of its larger side may be cut by it."""

_TOUCHES = 0.1
"""Share of a part that lies in an uncut box from which the part belongs to that face."""


@dataclass(frozen=True)
class _Seen:
    """A face, and whether a border between tiles may cut it."""

    face: Detection
    cut: bool


class Tiled:
    """Looks at the whole image, and at tiles of it where it is larger than one.

    Args:
        detector: Looks at each; it should not shrink an image of the tile's size.
        tile: Side of a tile in pixels.
        overlap: Least share of a tile that it has in common with the next one, 0.1..0.9.
        zoom: Tiles are cut this many times smaller and enlarged for the detector, 1..4.

    Raises:
        BadSettings: A tile, an overlap or a zoom out of its range.
    """

    def __init__(
        self, detector: Detector, *, tile: int = 640, overlap: float = 0.3, zoom: float = 1.0
    ) -> None:
        if tile < 32 or not 0.1 <= overlap <= 0.9 or not 1 <= zoom <= 4:
            raise BadSettings(
                "tiles need 32 or more pixels, an overlap of 0.1 to 0.9 and a zoom of 1 to 4, got "
                f"{tile}, {overlap} and {zoom}"
            )
        self.card = detector.card
        self._detector = detector
        self._zoom = zoom
        self._tile = max(1, round(tile / zoom))
        self._step = max(1, int(self._tile * (1 - overlap)))

    def __call__(self, view: npt.NDArray[np.float32]) -> list[Detection]:
        """Return the faces, the best score first. Raises BadShape."""
        check_view(view)
        seen = [_Seen(face, cut=False) for face in self._detector(view)]
        rows, columns = (tile_starts(side, self._tile, self._step) for side in view.shape[:2])
        if len(rows) * len(columns) > 1:
            for y in rows:
                for x in columns:
                    seen += self._look(view, x, y)
        return _each_once(seen)

    def _look(self, view: npt.NDArray[np.float32], x: int, y: int) -> list[_Seen]:
        """Return the faces of one tile, in pixels of the view."""
        part = view[y : y + self._tile, x : x + self._tile]
        height, width = view.shape[:2]
        # the sides of the tile that are no sides of the frame
        inner = (x > 0, y > 0, x + part.shape[1] < width, y + part.shape[0] < height)
        limits = (x, y, x + part.shape[1] - 1, y + part.shape[0] - 1)
        found = [_placed(face, x, y, self._zoom) for face in self._detector(self._enlarged(part))]
        return [_Seen(face, _near(face, limits, inner)) for face in found]

    def _enlarged(self, part: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if self._zoom == 1:
            return np.ascontiguousarray(part)
        finite = np.nan_to_num(part, nan=0.0, posinf=1.0, neginf=0.0)  # one NaN must not spread
        larger = cv2.resize(
            finite, None, fx=self._zoom, fy=self._zoom, interpolation=cv2.INTER_LINEAR
        )
        return np.asarray(larger, np.float32)


def _each_once(seen: Sequence[_Seen]) -> list[Detection]:
    """Return each face once; parts that a border cut off give way to any uncut box they touch."""
    whole = [one.face for one in seen if not one.cut]
    parts = [
        one.face
        for one in seen
        if one.cut and all(covered(one.face.box, face.box) < _TOUCHES for face in whole)
    ]
    return without_doubles([*whole, *parts])


def tile_starts(side: int, tile: int, step: int) -> list[int]:
    """Return where the tiles of one axis begin, evenly, no further apart than `step` pixels."""
    if side <= tile:
        return [0]
    count = -(-(side - tile) // step) + 1
    return [round(number * (side - tile) / (count - 1)) for number in range(count)]


def _placed(face: Detection, x: int, y: int, zoom: float) -> Detection:
    """Return a face of an enlarged tile in pixels of the view."""

    def place(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.add((points + 0.5) / zoom - 0.5, [x, y])

    (x0, y0), (x1, y1) = place(np.reshape(face.box, (2, 2))).tolist()
    points = None if face.points5 is None else place(face.points5)
    return replace(face, box=(x0, y0, x1, y1), points5=points)


def _near(
    face: Detection, limits: tuple[int, int, int, int], inner: tuple[bool, bool, bool, bool]
) -> bool:
    box = np.array(face.box)
    margin = _MARGIN * max(box[2] - box[0], box[3] - box[1])
    inside = (box - np.array(limits)) * [1, 1, -1, -1]  # how far from each side, 0: on it
    return bool((inside[list(inner)] < margin).any())
