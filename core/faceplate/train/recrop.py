"""Training at a tighter framing than the faceset was cut with: a new crop out of the old one."""

import math

import numpy as np

from faceplate.errors import BadSettings
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.points import Matrix, invert
from faceplate.io.faceset import Face

__all__ = ["check_recrop", "recrop_matrix", "side_share"]

_SLACK = 0.01
"""Share of the wider crop's side that may lie outside it; whole_face overhangs head by 0.002."""


def check_recrop(wide: FaceType, wanted: FaceType, what: str) -> None:
    """Refuse a framing that the crops do not hold.

    Args:
        wide: What the faces were cut with.
        wanted: What the model is to see.
        what: Name of the faceset for the message.

    Raises:
        BadSettings: The wanted framing reaches beyond the crop.

    Example:
        >>> check_recrop(FaceType.WHOLE_FACE, FaceType.FULL_FACE, "amy")
    """
    if wide == wanted or _holds(wide, wanted):
        return
    held = [str(kind) for kind in FaceType if kind == wide or _holds(wide, kind)]
    raise BadSettings(
        f"{what} holds {wide} crops, out of which {wanted} cannot be cut; it holds "
        f"{', '.join(held)}. Extract it again with --face-type {wanted}, or train at another one"
    )


def recrop_matrix(face: Face, wanted: FaceType, side: int) -> Matrix:
    """Return the matrix from the pixels of a face's crop to those of the wanted framing.

    Both framings follow from the same landmarks of the plate, so the result is what the plate would
    have been cut to.

    Args:
        face: As it lies in the faceset.
        wanted: The new framing.
        side: Its side in pixels.

    Returns:
        2x3 float64.
    """
    columns = np.linalg.norm(face.plate_to_crop[:, :2], axis=0)
    aspect = float(columns[0] / columns[1])
    to_wanted = plate_to_crop(face.plate_landmarks, wanted, side, pixel_aspect=aspect)
    back = np.vstack([invert(face.plate_to_crop), [0, 0, 1]])
    return np.asarray(to_wanted @ back, np.float64)


def side_share(wide: FaceType, wanted: FaceType) -> float:
    """Return the side of the wanted crop as a share of the wide one's, 0..1."""
    return wanted.framing.ratio / wide.framing.ratio


def _holds(wide: FaceType, wanted: FaceType) -> bool:
    """Return whether the wanted crop lies inside the wide one, however the head is turned."""
    if wanted.framing.follows_yaw:
        return False  # head: nothing is wider
    outer, inner = wide.framing, wanted.framing
    apart = abs(outer.centre_y - inner.centre_y)
    reach = inner.ratio / 2
    if outer.aligned != inner.aligned:  # any angle may lie between the two
        reach *= math.sqrt(2)
    sideways = _MOST_YAW_SHIFT if outer.follows_yaw else 0.0
    room = outer.ratio * (0.5 + _SLACK)
    return max(apart, sideways) + reach <= room


_MOST_YAW_SHIFT = 0.4
"""How far a head crop moves towards the back of a head in profile, in template units."""
