"""How frames are looked at: shrunk, in tiles, turned."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from faceplate.detect import Detector, load_detector
from faceplate.detect.rotated import Rotated
from faceplate.detect.tiled import Tiled
from faceplate.errors import BadSettings

__all__ = ["Looking", "Rotations", "Tiles"]

Rotations = Literal["never", "fallback", "always"]
Tiles = Literal["never", "auto", "fine"]

_TILE = 640
_LARGE = 2560
"""Longer side in pixels over which `auto` looks in tiles: UHD, 4K and more."""
_AUTO_TIMES = 3
"""How much finer `auto` sees a large frame in tiles than whole."""
_SURE_PX = 40.0
"""Side of a face in the network's pixels from which every rendered one was found."""
_MAX_ZOOM = 4.0


@dataclass(frozen=True)
class Looking:
    """How a detector looks at a frame."""

    detect_size: int = 640
    """Longer side to which whole frames are shrunk, in pixels, 64 or more; 0 leaves them alone."""
    rotations: Rotations = "fallback"
    """When turned images are looked at too (see `Rotated`)."""
    tiles: Tiles = "auto"
    """``auto``: frames over 2,560 pixels also in tiles, three times finer than whole; ``fine``: all
    frames in tiles so fine that the smallest face asked for is found."""

    def load(
        self,
        name: str,
        weights: Callable[[str], Path],
        frame: tuple[int, int],
        min_face: float,
        *,
        threads: int = 0,
    ) -> tuple[Detector, int]:
        """Return a detector that looks so, and the longer side to which it wants its frames shrunk.

        Args:
            name: One of `DETECTORS`.
            weights: Gives the file of a card, such as the `path` of a weight store.
            frame: Width and height of the frames in pixels.
            min_face: Smallest side of a face that is asked for, in pixels of the frame.
            threads: Threads of its network; 0 leaves the library's own default.

        Returns:
            The detector; the side in pixels, 0 where frames are not to be shrunk.

        Raises:
            BadSettings: A detect size out of its range.
            UnknownComponent, WeightsMissing, Damaged: See `load_detector`.
        """
        if self.detect_size != 0 and self.detect_size < 64:
            raise BadSettings(f"detect_size must be 0, or 64 or more, got {self.detect_size}")
        long_side = self.detect_size or max(frame)
        detector = load_detector(name, weights, threads=threads, long_side=long_side)
        side, zoom = self._fineness(max(frame), min_face)
        if side is not None:
            detector = Tiled(detector, tile=self.detect_size or _TILE, zoom=zoom)
        if self.rotations != "never":
            detector = Rotated(detector, always=self.rotations == "always")
        return detector, self.detect_size if side is None else side

    def _fineness(self, longest: int, min_face: float) -> tuple[int | None, float]:
        """Return the longer side of tiled frames (None: no tiles; 0: as they are), and the zoom."""
        if self.tiles == "auto" and self.detect_size and longest > _LARGE:
            side = self.detect_size * _AUTO_TIMES
            return (side if side < longest else 0), 1.0
        if self.tiles != "fine":
            return None, 1.0
        zoom = min(_SURE_PX / max(min_face, 1.0), _MAX_ZOOM)
        side = 0 if zoom >= 1 else round(longest * zoom)
        small = 0 < side <= (self.detect_size or _TILE)
        return (None if small else side), max(zoom, 1.0)
