"""MediaPipe FaceMesh: 468 points with depth, of which 68 stand for the iBUG points.

Y. Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", CVPR
workshop 2019. The network looks twice: at a crop around the box, then at one around the first mesh.
Its lids hardly move when the eyes close: they come from the iris network, as in MediaPipe's own
graph for both.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceplate.errors import BadShape
from faceplate.geometry.points import invert, transform
from faceplate.geometry.warp import warp_crop
from faceplate.landmarks import Landmarks, Place, roll_of
from faceplate.landmarks.crop import check_face, upright_box, view_to_place
from faceplate.landmarks.iris import RIM_TO_MESH, IrisNet
from faceplate.landmarks.tflite import TfliteNet

__all__ = ["MESH_TO_68", "FaceMesh"]

MESH_TO_68: tuple[int, ...] = (
    *(162, 234, 93, 132, 172, 150, 149, 148, 152, 377, 378, 379, 397, 361, 323, 454, 389),  # jaw
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),  # brows
    *(168, 197, 5, 4, 75, 97, 2, 326, 305),  # nose
    *(33, 160, 158, 133, 153, 163, 362, 385, 387, 263, 390, 380),  # eyes
    *(61, 39, 37, 0, 267, 269, 291, 321, 314, 17, 84, 91),  # outer lips
    *(78, 81, 13, 311, 308, 402, 14, 178),  # inner lips
)
"""The mesh point nearest to each iBUG point, alike on both sides, measured on the true points of 18
rendered heads. The jaw's are of the mesh's rim, not of the visible contour; its first and last are
one further up than the nearest, which makes up for half of FaceMesh's error in pitch."""

_CROP_OF_FACE = 1.5
_LEFT_EYE_OUTER, _RIGHT_EYE_OUTER = 33, 263
_LOST = 0.02  # below this presence the first mesh does not say where to look again


class FaceMesh:
    """The default landmarker.

    Args:
        weights: File of the card `facemesh-468`.
        iris_weights: File of the card `iris`; None leaves the irises out and the lids to the mesh.
        threads: Threads of the networks; 0 leaves LiteRT's own default.

    Raises:
        Damaged: A file is not its network.
    """

    cards = ("facemesh-468", "iris")

    def __init__(
        self, weights: Path, iris_weights: Path | None = None, *, threads: int = 0
    ) -> None:
        self._net = TfliteNet(weights, ("conv2d_20", "conv2d_30"), threads=threads)
        self._iris = None if iris_weights is None else IrisNet(iris_weights, threads=threads)

    def __call__(
        self,
        view: npt.NDArray[np.float32],
        box: tuple[float, float, float, float],
        roll_hint: float | None = None,
    ) -> Landmarks:
        """Return the points of the face in a box, the mesh and the irises. Raises BadShape."""
        centre, width, height = check_face(view, box)
        side_px = max(width, height) * _CROP_OF_FACE
        mesh, presence = self._mesh(view, Place((centre[0], centre[1]), side_px, roll_hint or 0.0))
        if presence > _LOST:
            mesh, presence = self._mesh(view, _place_of(mesh))
        return self._landmarks(view, mesh, presence)

    def place(self, found: Landmarks) -> Place:
        """Return the square around a mesh. Raises BadShape where the landmarks have none."""
        if found.mesh is None:
            raise BadShape("landmarks", "no mesh", "landmarks that FaceMesh found")
        return _place_of(found.mesh)

    def look(self, view: npt.NDArray[np.float32], place: Place) -> Landmarks:
        """Return the points of the face that fills a place, as `__call__` does."""
        return self._landmarks(view, *self._mesh(view, place))

    def _mesh(
        self, view: npt.NDArray[np.float32], place: Place
    ) -> tuple[npt.NDArray[np.float64], float]:
        side = self._net.side
        to_crop = view_to_place(place, side)
        raw, logit = self._net.run(warp_crop(view, to_crop, side, draft=True))
        points = raw.reshape(468, 3).astype(np.float64)  # (468, 3)
        # x and y are indices of crop pixels (their centres, as in MediaPipe); z is in crop pixels.
        flat = transform(points[:, :2], invert(to_crop))
        depth = points[:, 2] * (place.side_px / side)
        presence = 1 / (1 + np.exp(-np.clip(float(logit[0]), -60, 60)))
        return np.column_stack([flat, depth]), float(presence)

    def _landmarks(
        self, view: npt.NDArray[np.float32], mesh: npt.NDArray[np.float64], presence: float
    ) -> Landmarks:
        iris = None
        if self._iris is not None:
            eyes = self._iris(view, mesh[:, :2])
            mesh[np.array(RIM_TO_MESH), :2] = eyes.rims
            iris = eyes.iris
        return Landmarks(mesh[list(MESH_TO_68), :2], presence, mesh, iris)


def _place_of(mesh: npt.NDArray[np.float64]) -> Place:
    """Return the square around a mesh, turned as its eyes are."""
    points = mesh[:, :2]
    roll = roll_of(points[_LEFT_EYE_OUTER], points[_RIGHT_EYE_OUTER])
    centre, width, height = upright_box(points, roll)
    return Place((centre[0], centre[1]), max(width, height) * _CROP_OF_FACE, roll)
