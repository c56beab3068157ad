"""One landmarker for faces that look at the camera, another for faces that are turned away.

The part that PRNet plays in the ETH/Disney pipeline (J. Naruniec et al., EGSR 2020): landmarks that
follow the visible contour are good up to about a half profile, points on the head's surface beyond.
What decides is the yaw of the first landmarker's own points. Within a band around the switch both
are mixed, so that a head which turns slowly never jumps; a landmarker knows nothing of the frame
before, and the mixing needs to know nothing.
"""

import numpy as np
import numpy.typing as npt

from faceplate.errors import BadSettings, BadShape
from faceplate.geometry.pose import estimate_pose
from faceplate.landmarks import Landmarker, Landmarks

__all__ = ["BAND", "ByYaw"]

BAND = 10.0
"""Degrees of yaw over which one landmarker takes over from the other."""

_FAR = 8.0  # focal length for the yaw, in sides of the view: a view is one face, seen from afar


class ByYaw:
    """A landmarker that chooses between two by the yaw of the face.

    Args:
        facing: For faces up to the switch; it looks at all, to know how far they are turned.
        turned: For faces beyond it.
        switch_yaw: Degrees of yaw, either way, in the middle of the band of 10 degrees: 5 to 85.

    Raises:
        BadSettings: A switch outside that range.
    """

    def __init__(self, facing: Landmarker, turned: Landmarker, switch_yaw: float = 45.0) -> None:
        if not BAND / 2 <= switch_yaw <= 90 - BAND / 2:
            raise BadSettings(f"switch_yaw must be 5 to 85 degrees, got {switch_yaw}")
        self.cards = (*facing.cards, *turned.cards)
        self._facing, self._turned = facing, turned
        self._begin = switch_yaw - BAND / 2

    def __call__(
        self,
        view: npt.NDArray[np.float32],
        box: tuple[float, float, float, float],
        roll_hint: float | None = None,
    ) -> Landmarks:
        """Return the points of the face in a box. Raises BadShape."""
        facing = self._facing(view, box, roll_hint)
        share = self._share(_yaw_of(facing.points68, view))
        if share == 0:
            return facing
        turned = self._turned(view, box, roll_hint)
        return turned if share == 1 else _mixed(facing, turned, share)

    def _share(self, yaw: float) -> float:
        """Return the part of the second landmarker, 0..1."""
        way = min(max((abs(yaw) - self._begin) / BAND, 0.0), 1.0)
        return way * way * (3 - 2 * way)


def _yaw_of(points68: npt.NDArray[np.float64], view: npt.NDArray[np.float32]) -> float:
    height, width = view.shape[:2]
    try:
        return estimate_pose(points68, (width, height), focal_px=_FAR * max(width, height))[0]
    except BadShape:
        return 0.0  # no face: nothing that another landmarker would know better


def _mixed(facing: Landmarks, turned: Landmarks, share: float) -> Landmarks:
    """Return landmarks between two; mesh and iris are of whichever has them."""
    return Landmarks(
        points68=(1 - share) * facing.points68 + share * turned.points68,
        presence=(1 - share) * facing.presence + share * turned.presence,
        mesh=_between(facing.mesh, turned.mesh, share),
        iris=_between(facing.iris, turned.iris, share),
    )


def _between(
    one: npt.NDArray[np.float64] | None, other: npt.NDArray[np.float64] | None, share: float
) -> npt.NDArray[np.float64] | None:
    if one is None or other is None:
        return one if other is None else other
    return (1 - share) * one + share * other
