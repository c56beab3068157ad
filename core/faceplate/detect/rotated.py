"""Faces that lie on their side or stand on their head: a detector that also looks at turned images.

The networks know upright heads. They find many turned ones all the same, but with doubt, and then
the five points are anywhere; in the image that is turned the right way they are sure.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from faceplate.detect import Detection, Detector
from faceplate.detect.boxes import check_view, without_doubles

__all__ = ["Rotated"]

Doubles = npt.NDArray[np.float64]

_SURE = 0.99
"""Score from which an upright face is believed to be upright."""
_UPRIGHT = 45.0
"""Largest tilt of the eyes, in degrees, of a face that counts as upright in its image."""


class Rotated:
    """Looks at the image upright and turned by 90, 180 and 270 degrees; the surest look counts.

    Args:
        detector: Looks at each of them.
        always: Look at all four every time. Else the turned ones are looked at where the upright
            one shows no face, or one that is not surely upright: somebody who lies beside somebody
            who stands may then be missed.
    """

    def __init__(self, detector: Detector, *, always: bool = False) -> None:
        self.card = detector.card
        self._detector = detector
        self._always = always

    def __call__(self, view: npt.NDArray[np.float32]) -> list[Detection]:
        """Return the faces, the best score first; turned ones tell their roll. Raises BadShape."""
        check_view(view)
        upright = self._detector(view)
        if not self._always and upright and all(_surely_upright(face) for face in upright):
            return upright
        found = [*upright]
        for turns in (1, 2, 3):
            turned = np.ascontiguousarray(np.rot90(view, turns))
            found += [_turned_back(face, turns, view.shape) for face in self._detector(turned)]
        return without_doubles(found)


def _tilt(face: Detection) -> float:
    """Return the tilt of the eyes against the turn of the image it was found in, in degrees."""
    if face.points5 is None:
        return 0.0
    right, down = face.points5[1] - face.points5[0]
    return float(np.degrees(np.arctan2(-down, right)))


def _surely_upright(face: Detection) -> bool:
    return face.score >= _SURE and abs(_tilt(face)) < _UPRIGHT


def _turned_back(face: Detection, turns: int, shape: tuple[int, ...]) -> Detection:
    """Return a face of an image that was turned counter-clockwise by so many right angles."""
    roll = (_tilt(face) - 90 * turns + 180) % 360 - 180
    corners = _points_back(np.reshape(face.box, (2, 2)), turns, shape)
    (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    points = None if face.points5 is None else _points_back(face.points5, turns, shape)
    return replace(face, box=(x0, y0, x1, y1), points5=points, roll=roll)


def _points_back(points: Doubles, turns: int, shape: tuple[int, ...]) -> Doubles:
    height, width = shape[:2]
    x, y = points[..., 0], points[..., 1]
    back = {1: (width - 1 - y, x), 2: (width - 1 - x, height - 1 - y), 3: (y, height - 1 - x)}
    return np.stack(back[turns], axis=-1)
