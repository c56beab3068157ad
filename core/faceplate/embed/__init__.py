"""Who a face is, as numbers: what an embedder is, and which there are."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from faceplate.errors import WeightsMissing
from faceplate.registry import Registry

__all__ = [
    "AUTOMATIC",
    "EMBEDDERS",
    "Embedder",
    "EmbedderType",
    "Embedding",
    "first_present",
    "load_embedder",
]

Embedding = npt.NDArray[np.float64]
"""One face as one vector; two are compared by their Euclidean distance."""


class Embedder(Protocol):
    """Turns a face into numbers that are alike for one person. Not safe to share by threads."""

    card: str
    """The model card of its weights."""
    same: float
    """Two faces nearer than this are one person, as far as those who made the weights say."""

    def __call__(
        self, view: npt.NDArray[np.float32], landmarks68: npt.NDArray[np.floating]
    ) -> Embedding:
        """Return the numbers of one face.

        Args:
            view: HxWx3 float32 RGB in the view encoding (0..1), square pixels. NaN counts as black.
            landmarks68: 68 x 2 array pixels of the view.

        Raises:
            BadShape: Another shape.
        """
        ...


class EmbedderType(Protocol):
    """What `EMBEDDERS` holds: a class to be made with the path of its card's weights."""

    card: str

    def __call__(self, weights: Path, *, threads: int = 0) -> Embedder:
        """Load the weights. `threads` 0 leaves the library's own default."""
        ...


EMBEDDERS: Registry[EmbedderType] = Registry(
    "embedder",
    {
        "sface": "faceplate.embed.onnxface:SFace",
        "arcface": "faceplate.embed.onnxface:ArcFace",
        "dlib": "faceplate.embed.dlibface:DlibFace",
    },
    group="faceplate.embedders",
)
"""Names of embedders. None has weights that come with Faceplate: fetch or import their cards."""

AUTOMATIC: tuple[str, ...] = ("sface", "dlib")
"""Those that are taken unasked where their weights are here: their licences allow paid work."""


def load_embedder(name: str, weights: Callable[[str], Path], *, threads: int = 0) -> Embedder:
    """Return an embedder that is ready.

    Args:
        name: One of `EMBEDDERS`.
        weights: Gives the file of a card, such as the `path` of a weight store.
        threads: Threads of its network; 0 leaves the library's own default.

    Raises:
        UnknownComponent: No embedder has that name.
        WeightsMissing: From `weights`.
        ExtraMissing: A package that it runs on is not installed.
        Damaged: The file is no such network.
    """
    kind = EMBEDDERS.load(name)
    return kind(weights(kind.card), threads=threads)


def first_present(weights: Callable[[str], Path]) -> str | None:
    """Return the first of `AUTOMATIC` whose weights are here, or None."""
    for name in AUTOMATIC:
        try:
            weights(EMBEDDERS.load(name).card)
        except WeightsMissing:
            continue
        return name
    return None
