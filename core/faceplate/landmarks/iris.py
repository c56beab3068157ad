"""MediaPipe iris: the centre and the edge of each iris.

A. Ablavatski et al., "Real-time Pupil Tracking from Monocular Video for Digital Puppetry", CVPR
workshop 2020. The network knows one eye; the other is shown to it in a mirror.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceplate.geometry.points import Points, invert, transform
from faceplate.geometry.warp import warp_crop
from faceplate.landmarks import roll_of
from faceplate.landmarks.crop import view_to_square
from faceplate.landmarks.tflite import TfliteNet

__all__ = ["IrisNet"]

_CROP_OF_EYE = 2.3
_CORNERS = ((33, 133), (362, 263))  # mesh points: the image's left eye, the right one
_MIRRORED = (True, False)
_UNMIRRORED_ORDER = (0, 3, 2, 1, 4)  # centre, right, upper, left, lower


class IrisNet:
    """Finds both irises of a face whose mesh is known.

    Args:
        weights: File of the card `iris`.
        threads: Threads of the network; 0 leaves LiteRT's own default.

    Raises:
        Damaged: The file is not this network.
    """

    def __init__(self, weights: Path, *, threads: int = 0) -> None:
        self._net = TfliteNet(weights, ("output_iris",), threads=threads)

    def __call__(self, view: npt.NDArray[np.float32], mesh: Points) -> npt.NDArray[np.float64]:
        """Return 2x5x2 points in array pixels (see `Landmarks.iris`).

        Args:
            view: HxWx3 float32 RGB, view encoding.
            mesh: 468x2 points of FaceMesh in array pixels.
        """
        eyes = [
            self._one(view, mesh[list(corners)], mirrored)
            for corners, mirrored in zip(_CORNERS, _MIRRORED, strict=True)
        ]
        return np.stack(eyes)

    def _one(
        self, view: npt.NDArray[np.float32], corners: Points, mirrored: bool
    ) -> npt.NDArray[np.float64]:
        side = self._net.side
        width = max(float(np.hypot(*(corners[1] - corners[0]))), 1.0)
        roll = roll_of(corners[0], corners[1])
        to_crop = view_to_square(corners.mean(axis=0), width * _CROP_OF_EYE, roll, side)
        crop = warp_crop(view, to_crop, side, draft=True)
        shown = np.ascontiguousarray(crop[:, ::-1]) if mirrored else crop
        points = self._net.run(shown)[0].reshape(5, 3)[:, :2].astype(np.float64)
        if mirrored:
            points[:, 0] = side - 1 - points[:, 0]
            points = points[list(_UNMIRRORED_ORDER)]
        return transform(points, invert(to_crop))
