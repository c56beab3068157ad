"""Telling the face from what covers it: what a segmenter is, and which there are."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from faceplate.registry import Registry

__all__ = ["SEGMENTERS", "Segmenter", "SegmenterType", "load_segmenter"]


class Segmenter(Protocol):
    """Makes the matte of the visible face in an aligned crop."""

    card: str
    """The model card of its weights."""

    def __call__(self, view: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the matte, HxW float32 in 0..1, 1 where the face is seen.

        Args:
            view: Square crop HxHx3 float32 RGB in the view encoding (0..1). NaN counts as black.

        Raises:
            BadShape: Another shape.
        """
        ...


class SegmenterType(Protocol):
    """What `SEGMENTERS` holds: a class to be made with the path of its card's weights."""

    card: str

    def __call__(self, weights: Path, *, threads: int = 0) -> Segmenter:
        """Load the weights. `threads` 0 leaves the library's own default."""
        ...


SEGMENTERS: Registry[SegmenterType] = Registry(
    "segmenter",
    {
        "xseg": "faceplate.segment.onnxface:XSeg",
        "bisenet": "faceplate.segment.onnxface:BiSeNet",
    },
    group="faceplate.segmenters",
)
"""Names of segmenters. None has weights that come with Faceplate: fetch or import their cards."""


def load_segmenter(name: str, weights: Callable[[str], Path], *, threads: int = 0) -> Segmenter:
    """Return a segmenter that is ready.

    Args:
        name: One of `SEGMENTERS`.
        weights: Gives the file of a card, such as the `path` of a weight store.
        threads: Threads of its network; 0 leaves the library's own default.

    Raises:
        UnknownComponent: No segmenter has that name.
        WeightsMissing: From `weights`.
        Damaged: The file is no such network.
    """
    kind = SEGMENTERS.load(name)
    return kind(weights(kind.card), threads=threads)
