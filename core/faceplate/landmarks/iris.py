"""MediaPipe iris: the centre and the edge of each iris, and the rims of the lids.

A. Ablavatski et al., "Real-time Pupil Tracking from Monocular Video for Digital Puppetry", CVPR
workshop 2020. The network knows the eye on the image's left; the other is shown to it in a mirror.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceplate.geometry.points import Points, invert, transform
from faceplate.geometry.warp import warp_crop
from faceplate.landmarks import roll_of
from faceplate.landmarks.crop import view_to_square
from faceplate.landmarks.tflite import TfliteNet

__all__ = ["RIM_TO_MESH", "Eyes", "IrisNet"]

RIM_TO_MESH: tuple[tuple[int, ...], ...] = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398),
)
"""The mesh points that the rims are: the image's left eye, the right one. Of each the lower lid
from the outer corner to the inner one, then the upper lid between them."""

_CROP_OF_EYE = 2.3
_CORNERS = ((33, 133), (362, 263))  # mesh points: the image's left eye, the right one
_MIRRORED = (False, True)
_UNMIRRORED_ORDER = (0, 3, 2, 1, 4)  # centre, right, upper, left, lower
_RIM = 16  # the first of the 71 points of lids and brow


@dataclass(frozen=True)
class Eyes:
    """Both eyes in array pixels, the image's left one first."""

    iris: npt.NDArray[np.float64]
    """2x5x2 (see `Landmarks.iris`)."""
    rims: npt.NDArray[np.float64]
    """2x16x2: where the lids end, in the order of `RIM_TO_MESH`."""


class IrisNet:
    """Finds irises and lids of a face whose mesh is known.

    Args:
        weights: File of the card `iris`.
        threads: Threads of the network; 0 leaves LiteRT's own default.

    Raises:
        Damaged: The file is not this network.
    """

    def __init__(self, weights: Path, *, threads: int = 0) -> None:
        outputs = ("output_iris", "output_eyes_contours_and_brows")
        self._net = TfliteNet(weights, outputs, threads=threads)

    def __call__(self, view: npt.NDArray[np.float32], mesh: Points) -> Eyes:
        """Return the eyes of a face.

        Args:
            view: HxWx3 float32 RGB, view encoding.
            mesh: 468x2 points of FaceMesh in array pixels.
        """
        eyes = [
            self._one(view, mesh[list(corners)], mirrored)
            for corners, mirrored in zip(_CORNERS, _MIRRORED, strict=True)
        ]
        return Eyes(np.stack([iris for iris, _ in eyes]), np.stack([rim for _, rim in eyes]))

    def _one(
        self, view: npt.NDArray[np.float32], corners: Points, mirrored: bool
    ) -> tuple[Points, Points]:
        side = self._net.side
        width = max(float(np.hypot(*(corners[1] - corners[0]))), 1.0)
        roll = roll_of(corners[0], corners[1])
        to_crop = view_to_square(corners.mean(axis=0), width * _CROP_OF_EYE, roll, side)
        crop = warp_crop(view, to_crop, side, draft=True)
        shown = np.ascontiguousarray(crop[:, ::-1]) if mirrored else crop
        iris, rim = (
            raw.reshape(-1, 3)[:, :2].astype(np.float64)  # (5, 2), (71, 2)
            for raw in self._net.run(shown)
        )
        if mirrored:
            iris[:, 0], rim[:, 0] = side - 1 - iris[:, 0], side - 1 - rim[:, 0]
            iris = iris[list(_UNMIRRORED_ORDER)]
        back = invert(to_crop)
        return transform(iris, back), transform(rim[:_RIM], back)
