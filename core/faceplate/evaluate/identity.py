"""How alike two faces are to a face-recognition network: dlib's ResNet-29, 128 numbers a face.

The figure of the paper that this project follows. dlib and its weights are an optional extra; the
package of the weights is found, never imported (its import needs a module that is gone).
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadShape, ExtraMissing

__all__ = ["Descriptor", "identity_transfer", "load_descriptor"]

_WEIGHTS = Path("models") / "dlib_face_recognition_resnet_model_v1.dat"
_CHIP_SIZE, _CHIP_PADDING = 150, 0.25  # what the network was trained on


class Descriptor:
    """Turns a face in a picture into the 128 numbers of dlib's network.

    Args:
        dlib: The module.
        weights: The network's file.
    """

    def __init__(self, dlib: Any, weights: Path) -> None:
        self._dlib = dlib
        self._network = dlib.face_recognition_model_v1(str(weights))

    def __call__(
        self, view: NDArray[np.float32], landmarks68: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Describe one face.

        Args:
            view: HxWx3 in the view encoding, 0..1.
            landmarks68: 68 x 2 array pixels. To compare pictures of one pose, give the same points
                for all of them: then the chips are cut alike, and only what is in them differs.
        """
        if view.ndim != 3 or view.shape[2] != 3:
            raise BadShape("picture of a face", view.shape, "HxWx3")
        pixels = np.rint(np.clip(np.nan_to_num(view), 0, 1) * 255).astype(np.uint8)
        chip = self._dlib.get_face_chip(
            np.ascontiguousarray(pixels), self._detection(landmarks68), _CHIP_SIZE, _CHIP_PADDING
        )
        return np.array(self._network.compute_face_descriptor(chip), np.float64)

    def _detection(self, landmarks68: NDArray[np.floating]) -> Any:
        # dlib's points are whole pixels; on a small face that moves a chip by half a pixel at most.
        points = [self._dlib.point(round(float(x)), round(float(y))) for x, y in landmarks68]
        left, top = landmarks68.min(axis=0)
        right, bottom = landmarks68.max(axis=0)
        box = self._dlib.rectangle(int(left), int(top), int(right), int(bottom))
        return self._dlib.full_object_detection(box, self._dlib.points(points))


@cache
def load_descriptor() -> Descriptor:
    """Load the network once.

    Raises:
        ExtraMissing: dlib or the package with its weights is not installed.
    """
    # an optional extra: imported only where the figure is asked for
    try:
        import dlib
    except ImportError as error:
        raise ExtraMissing("dlib (identity figures)", "identity") from error
    spec = find_spec("face_recognition_models")
    folders = (spec.submodule_search_locations if spec else None) or []
    for folder in folders:
        weights = Path(folder) / _WEIGHTS
        if weights.is_file():
            return Descriptor(dlib, weights)
    raise ExtraMissing("face_recognition_models (weights of dlib's network)", "identity")


def identity_transfer(
    result: NDArray[np.float64], plate: NDArray[np.float64], truth: NDArray[np.float64]
) -> float | None:
    """Return 1 - d(result, truth) / d(plate, truth): 0 the plate, 1 the truth.

    Below 0 the result is further from the truth than the plate was. None where plate and truth
    cannot be told apart.
    """
    whole = float(np.linalg.norm(plate - truth))
    if whole < 1e-6:
        return None
    return 1 - float(np.linalg.norm(result - truth)) / whole
