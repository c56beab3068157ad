"""The orders of a faceset: each a column, or worked out of all faces together."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceplate.facesets.best import best_faces
from faceplate.facesets.kernels import chain
from faceplate.io.facefeatures import FaceTable, histograms, looks
from faceplate.io.faceset import Faceset

__all__ = ["SORTERS", "Ranking", "SortName", "Sorter", "Sorting", "rank", "turned"]

logger = logging.getLogger(__name__)

SortName = Literal[
    "original", "source", "blur", "motion-blur", "sharpness", "yaw", "pitch", "roll", "size",
    "brightness", "hue", "black", "confidence", "mouth-open", "mouth-wide", "eyes-open",
    "brows-up", "histogram-similar", "histogram-dissimilar", "look-similar", "look-dissimilar",
    "one-face", "best", "best-large",
]  # fmt: skip

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Sorting:
    """What an order is made of."""

    faceset: Faceset
    table: FaceTable
    """The faces, all of them measured where the sorter needs it."""
    target: int
    """How many faces somebody wants to have, for orders that depend on it."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """Faces in an order."""

    order: NDArray[np.int64]
    """Places in the table."""
    values: Values | None
    """What they were sorted by, one for each place of the table; None: nothing single."""


@dataclass(frozen=True)
class Sorter:
    """One order."""

    text: str
    """What comes first, and what the values are."""
    ranking: Callable[[Sorting], Ranking]
    measured: bool = True
    """Whether the faces must be measured for it."""


def rank(name: SortName, sorting: Sorting, reverse: bool = False) -> Ranking:
    """Sort the faces of a table; those without figures come last either way."""
    sorter = SORTERS[name]
    if not sorter.measured:
        found = sorter.ranking(sorting)
        return Ranking(found.order[::-1] if reverse else found.order, found.values)
    measured = np.flatnonzero(sorting.table.measured)
    inner = Sorting(sorting.faceset, sorting.table.only(measured), sorting.target)
    found = sorter.ranking(inner)
    order = measured[found.order[::-1] if reverse else found.order]
    left = np.flatnonzero(~sorting.table.measured)
    if len(left):
        logger.warning("%d faces have no figures and come last", len(left))
    values = None
    if found.values is not None:
        values = np.full(len(sorting.table), np.nan)
        values[measured] = found.values
    return Ranking(np.concatenate([order, left]), values)


def _by(column: str, text: str, *, descending: bool = False, measured: bool = True) -> Sorter:
    def ranking(sorting: Sorting) -> Ranking:
        values = sorting.table[column]
        order = np.argsort(-values if descending else values, kind="stable")
        return Ranking(order, values)

    return Sorter(text, ranking, measured)


def _original(sorting: Sorting) -> Ranking:
    ids = sorting.table.ids
    return Ranking(np.argsort(ids, kind="stable"), ids.astype(np.float64))


def _source(sorting: Sorting) -> Ranking:
    return Ranking(np.arange(len(sorting.table)), sorting.table["frame"])  # read in this order


def _one_face(sorting: Sorting) -> Ranking:
    table = sorting.table
    _, sources = np.unique(np.array(table.sources, np.str_), return_inverse=True)
    places = np.stack([sources.astype(np.float64), table["frame"]], -1)
    _, frames, counts = np.unique(places, axis=0, return_inverse=True, return_counts=True)
    values = counts[frames.ravel()].astype(np.float64)
    return Ranking(np.argsort(values, kind="stable"), values)


def _similar(read: Callable[[Sorting], NDArray[np.float32]]) -> Callable[[Sorting], Ranking]:
    def ranking(sorting: Sorting) -> Ranking:
        vectors = turned(read(sorting))
        if len(vectors) == 0:
            return Ranking(np.arange(0), np.zeros(0))
        start = int(np.argmax((vectors**2).sum(axis=1)))  # the oddest: the chain need not return
        order, steps = chain(vectors, start)
        values = np.zeros(len(vectors))
        values[order] = np.sqrt(steps)
        return Ranking(order, values)

    return ranking


def _dissimilar(read: Callable[[Sorting], NDArray[np.float32]]) -> Callable[[Sorting], Ranking]:
    def ranking(sorting: Sorting) -> Ranking:
        vectors = read(sorting)
        if len(vectors) == 0:
            return Ranking(np.arange(0), np.zeros(0))
        # The mean squared distance to all others, but for what is the same for all faces: no pair
        # need be looked at.
        apart = ((vectors - vectors.mean(axis=0)) ** 2).sum(axis=1)
        values = (apart + apart.mean()).astype(np.float64)
        return Ranking(np.argsort(-values, kind="stable"), values)

    return ranking


def turned(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn vectors, N x M, so that the numbers that vary most come first; distances stay."""
    centred = vectors - vectors.mean(axis=0) if len(vectors) else vectors
    _, axes = np.linalg.eigh(centred.T @ centred)
    return np.ascontiguousarray(centred @ axes[:, ::-1], np.float32)


def _histograms(sorting: Sorting) -> NDArray[np.float32]:
    # of unit length, so that a squared distance is 2 - 2 times the Bhattacharyya coefficient
    return histograms(sorting.faceset, sorting.table.ids.tolist()) / np.float32(3**0.5)


def _looks(sorting: Sorting) -> NDArray[np.float32]:
    return looks(sorting.faceset, sorting.table.ids.tolist())[:, 1:]


def _best(quality: str, descending: bool) -> Callable[[Sorting], Ranking]:
    def ranking(sorting: Sorting) -> Ranking:
        table = sorting.table
        sharp = table[quality] * (-1 if descending else 1)
        order = best_faces(
            table["yaw"], table["pitch"], sharp, _histograms(sorting), sorting.target
        )
        return Ranking(order, None)

    return ranking


SORTERS: Mapping[SortName, Sorter] = {
    "original": Sorter("as they were added; their numbers", _original, measured=False),
    "source": Sorter("by plate, frame and person; the frame", _source, measured=False),
    "blur": _by("blur", "sharpest edges first; their width, below 1 is sharp"),
    "motion-blur": _by("motion_blur", "least first; 0..1, above 0.7 it is seen"),
    "sharpness": _by(
        "sharpness", "most fine detail first; its share", descending=True, measured=False
    ),
    "yaw": _by("yaw", "nose to the left of the picture first; degrees", measured=False),
    "pitch": _by("pitch", "nose up first; degrees", measured=False),
    "roll": _by("roll", "clockwise first; degrees", measured=False),
    "size": _by("size", "largest in its plate first; side in pixels", descending=True),
    "brightness": _by("brightness", "brightest first; 0..1", descending=True),
    "hue": _by("hue", "from red over green to blue; degrees"),
    "black": _by("black", "least black first; share of the crop, 0..1"),
    "confidence": _by(
        "confidence", "surest first; 0..1", descending=True, measured=False
    ),
    "mouth-open": _by("mouth_open", "widest open first; template units", descending=True),
    "mouth-wide": _by("mouth_wide", "widest first; template units", descending=True),
    "eyes-open": _by("eyes_open", "most shut first; template units"),
    "brows-up": _by("brows_up", "highest first; template units", descending=True),
    "histogram-similar": Sorter(
        "each followed by the one of the likest colours; distance to the one before",
        _similar(_histograms),
    ),
    "histogram-dissimilar": Sorter(
        "rarest colours first; mean squared distance to all", _dissimilar(_histograms)
    ),
    "look-similar": Sorter(
        "each followed by the one that looks most alike; distance to the one before",
        _similar(_looks),
    ),
    "look-dissimilar": Sorter(
        "rarest looks first; mean squared distance to all", _dissimilar(_looks)
    ),
    "one-face": Sorter("fewest faces in the frame first; how many", _one_face, measured=False),
    "best": Sorter(
        "even over head turns, sharp, and different; depends on how many are wanted",
        _best("blur", descending=False),
    ),
    "best-large": Sorter("as best, large in place of sharp", _best("size", descending=True)),
}  # fmt: skip
"""All orders, by name."""
