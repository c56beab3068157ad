"""What a segmenter finds in the predicted face and in the plate, in the crop of the swap model."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.geometry.facetype import FaceType
from faceplate.geometry.points import Matrix, invert
from faceplate.geometry.warp import warp_crop
from faceplate.segment import Segmenter, framing_of

__all__ = ["segmented_mattes"]

Array = NDArray[np.float32]
Side = Literal["likeness", "performer"]


def segmented_mattes(
    crops: tuple[Array, Array],
    crop_matrix: Callable[[FaceType], Matrix],
    plate_crop: Callable[[Matrix], Array],
    face_type: FaceType,
    segmenter: Segmenter,
    encodings: Encodings,
) -> dict[Side, Array]:
    """Return what is seen of the face that was made and of the one in the plate.

    A segmenter that was trained on another framing is shown that: the plate's pixels, for the
    likeness with the predicted face in their middle.

    Args:
        crops: The predicted face and what the network saw, S x S x 3 each, working encoding.
        crop_matrix: Gives plate_to_crop of a framing, for crops of this size.
        plate_crop: Cuts the plate by such a matrix, as the network sees it.
        face_type: Framing of the crops.
        segmenter: What finds mattes.
        encodings: Of the plate, with the working encoding.

    Returns:
        S x S each, in 0..1.
    """

    def find(crop: Array) -> Array:
        return segmenter(encodings.to_view(encodings.from_working(crop)))

    likeness, performer = crops
    framing = FaceType(framing_of(segmenter) or face_type)
    if framing == face_type:
        return {"likeness": find(likeness), "performer": find(performer)}
    size = len(likeness)
    own, theirs = crop_matrix(face_type), crop_matrix(framing)
    to_theirs, to_own = _between(own, theirs), _between(theirs, own)
    around = plate_crop(theirs)
    inside = warp_crop(
        np.ones((size, size), np.float32), to_theirs, size, interpolation="linear", border="zero"
    )[..., None]
    placed = warp_crop(likeness, to_theirs, size)
    seen: tuple[tuple[Side, Array], ...] = (
        ("likeness", around + inside * (placed - around)),
        ("performer", around),
    )
    return {
        side: np.clip(
            warp_crop(find(crop), to_own, size, interpolation="linear", border="zero"), 0, 1
        )
        for side, crop in seen
    }


def _between(first: Matrix, second: Matrix) -> Matrix:
    """Return the matrix from the pixels of one crop to those of another."""
    return np.asarray(second @ np.vstack([invert(first), [0, 0, 1]]), np.float64)
