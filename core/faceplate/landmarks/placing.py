"""How the points of a face are placed: by which landmarkers, and with how many looks."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faceplate.errors import BadSettings
from faceplate.landmarks import Landmarker, load_landmarker
from faceplate.landmarks.averaged import MOST_LOOKS, Averaged
from faceplate.landmarks.byyaw import ByYaw

__all__ = ["Placing"]


@dataclass(frozen=True)
class Placing:
    """The choice of landmarkers."""

    landmarker: str = "facemesh"
    """One of `LANDMARKERS`."""
    looks: int = 1
    """Looks at slightly moved crops whose points are averaged; 1 is the plain landmarker."""
    landmarker_3d: str | None = None
    """One of `LANDMARKERS` for faces that are turned further than `switch_yaw`."""
    switch_yaw: float = 45.0
    """Degrees of yaw, either way: 5 to 85."""

    def load(self, weights: Callable[[str], Path], *, threads: int = 0) -> Landmarker:
        """Return the landmarker that is asked for, ready.

        All weights are loaded now: a face that turns away late in a shot finds them there.

        Args:
            weights: Gives the file of a card, such as the `path` of a weight store.
            threads: Threads of the networks; 0 leaves the libraries' own default.

        Raises:
            BadSettings: A number of looks or a yaw outside its range.
            UnknownComponent: No landmarker has that name.
            WeightsMissing: From `weights`; nothing is done without them.
            Damaged: A file is no such network.
        """
        facing = self._looking(load_landmarker(self.landmarker, weights, threads=threads))
        if self.landmarker_3d is None:
            return facing
        if self.landmarker_3d == self.landmarker:
            raise BadSettings(f"landmarker_3d is {self.landmarker} too: leave it out")
        turned = self._looking(load_landmarker(self.landmarker_3d, weights, threads=threads))
        return ByYaw(facing, turned, self.switch_yaw)

    def _looking(self, landmarker: Landmarker) -> Landmarker:
        if self.looks < 1:
            raise BadSettings(f"looks must be 1..{MOST_LOOKS}, got {self.looks}")
        return landmarker if self.looks == 1 else Averaged(landmarker, self.looks)
