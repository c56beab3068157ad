"""How a shot opens what it is made of.

A job opens everything once. Who swaps one frame after the other, as the server does, brings openers
that keep what they opened last.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faceplate.context import Context
from faceplate.io.frame import Frame
from faceplate.io.image import read_frame
from faceplate.io.trackfile import Track
from faceplate.merge.animated import AnimatedRecipe, load_recipe
from faceplate.merge.face import CastFace, Predicted
from faceplate.merge.predictions import CachedPredictor, open_cache

__all__ = ["Openers", "fresh_openers"]


def _rows(path: Path, number: int, rows: tuple[int, int], sha256: str) -> Frame:
    return read_frame(path, number, rows=rows)


@dataclass(frozen=True)
class Openers:
    """What opens the parts of a shot."""

    model: Callable[[Path], CachedPredictor]
    """Gives the model of a folder."""
    track: Callable[[Path], Track] = Track.load
    """Gives the track of a file."""
    recipe: Callable[[Path | None], AnimatedRecipe] = load_recipe
    """Gives the recipe of a file; the default one for None."""
    rows: Callable[[Path, int, tuple[int, int], str], Frame] = _rows
    """Gives rows of a plate's file: its path, the frame's number, the first row and the one after
    the last, and the sha256 that the file was found to have just before."""
    predict: Callable[[Frame, CastFace], Predicted] | None = None
    """Gives what a network saw and made of a face of that frame; None: it is asked."""


def fresh_openers(context: Context, cache_gib: float) -> Openers:
    """Return openers that keep nothing in memory.

    Args:
        context: Home folder and device.
        cache_gib: Size of the cache of predictions, as a job has it.
    """
    cache = open_cache(cache_gib, context)
    return Openers(lambda path: CachedPredictor(path, context.device, cache))
