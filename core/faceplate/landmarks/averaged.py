"""The mean of several looks at one face, each at a crop that is moved a little.

Where a network places a point depends on the grid of pixels that it is shown: moved by a fraction
of a point's error, the crop gives another answer. Their mean is nearer to the truth and trembles
less from frame to frame. J. Naruniec et al., "High-Resolution Neural Face Swapping for Visual
Effects", EGSR 2020, average over perturbed crops; five looks are the five crops (centre and
diagonals) of DeepFaceLab's second pass.
"""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from faceplate.errors import BadSettings
from faceplate.landmarks import CloseLandmarker, Landmarker, Landmarks, Place

__all__ = ["MOST_LOOKS", "Averaged", "places_around"]

MOST_LOOKS = 33
_MOVED = 0.05
"""How far a look is from the centre along x and y, of the crop's side. Measured from 1/256 to 0.06:
the jitter falls up to here, and further away the crops begin to show other things."""
_LOST = 0.02  # below this presence there is no face to look at again


class Averaged:
    """A landmarker that looks several times.

    Always the same crops for the same face, so the points of a frame do not depend on when or how
    often it is analysed.

    Args:
        landmarker: Does the looking; one of those that can be told where to look.
        looks: Looks at the face around where it was found, 2 to 33.

    Raises:
        BadSettings: A number of looks outside that range, or a landmarker that looks where it
            likes.
    """

    def __init__(self, landmarker: Landmarker, looks: int = 5) -> None:
        if not 2 <= looks <= MOST_LOOKS:
            raise BadSettings(f"looks to average must be 2..{MOST_LOOKS}, got {looks}")
        if not isinstance(landmarker, CloseLandmarker):
            raise BadSettings(
                f"{type(landmarker).__name__} cannot be told where to look: leave `looks` at 1, or"
                " choose another landmarker"
            )
        self.cards = landmarker.cards
        self._landmarker = landmarker
        self._looks = looks

    def __call__(
        self,
        view: npt.NDArray[np.float32],
        box: tuple[float, float, float, float],
        roll_hint: float | None = None,
    ) -> Landmarks:
        """Return the mean points of the face in a box, and their mean presence. Raises BadShape."""
        found = self._landmarker(view, box, roll_hint)
        return found if found.presence < _LOST else self.look(view, self.place(found))

    def place(self, found: Landmarks) -> Place:
        """Return where to look again at a face that was found."""
        return self._landmarker.place(found)

    def look(self, view: npt.NDArray[np.float32], place: Place) -> Landmarks:
        """Return the mean points of the face that fills a place."""
        around = places_around(place, self._looks)
        return _mean([self._landmarker.look(view, one) for one in around])


def places_around(place: Place, looks: int) -> list[Place]:
    """Return a place and others around it, first on its diagonals.

    Args:
        place: Comes first.
        looks: How many in all.
    """
    places, distance = [place], _MOVED * math.sqrt(2) * place.side_px
    for number in range(looks - 1):
        angle = math.radians(45 - place.roll) + 2 * math.pi * number / (looks - 1)
        x, y = place.centre
        moved = x + distance * math.cos(angle), y + distance * math.sin(angle)
        places.append(replace(place, centre=moved))
    return places


def _mean(looks: list[Landmarks]) -> Landmarks:
    meshes = [look.mesh for look in looks if look.mesh is not None]
    irises = [look.iris for look in looks if look.iris is not None]
    return Landmarks(
        points68=np.mean([look.points68 for look in looks], axis=0),
        presence=float(np.mean([look.presence for look in looks])),
        mesh=np.mean(meshes, axis=0) if meshes else None,
        iris=np.mean(irises, axis=0) if irises else None,
    )
