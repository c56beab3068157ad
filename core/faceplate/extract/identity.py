"""Who a face is: the embedder on faces of the plate, and the face of a reference picture."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from faceplate.embed import EMBEDDERS, Embedder, Embedding, first_present, load_embedder
from faceplate.errors import NotFound
from faceplate.extract.choose import Likeness
from faceplate.extract.finder import Finder
from faceplate.extract.shot import open_shot
from faceplate.extract.sighting import box_of, side_of
from faceplate.extract.view import FrameView, SquarePoints

__all__ = ["Identifier", "likeness_of", "pick_embedder"]

_AROUND = 0.6
"""How much of its surroundings a face is cut out with, in sides of its box: dlib's chip and the
template of the others reach over the box by less."""
_PART_PX = 320


def pick_embedder(name: str, weights: Callable[[str], Path], threads: int) -> Embedder | None:
    """Return the embedder of that name; ``auto`` the first present, ``none`` None.

    Raises:
        UnknownComponent, WeightsMissing, ExtraMissing, Damaged: As `load_embedder` does; ``auto``
            never misses anything.
    """
    chosen = first_present(weights) if name == "auto" else name
    if chosen is None or chosen == "none":
        return None
    EMBEDDERS.load(chosen)
    return load_embedder(chosen, weights, threads=threads)


class Identifier:
    """An embedder on faces of a plate, given in square pixels.

    Args:
        embedder: Looks at one face.
    """

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    def __call__(self, view: FrameView, points: SquarePoints) -> Embedding | None:
        """Return who the face with these 68 points is; None where it is outside the frame."""
        box = box_of(points)
        reach = _AROUND * max(side_of(box), 1.0)
        grown = box[0] - reach, box[1] - reach, box[2] + reach, box[3] + reach
        patch = view.part(grown, _PART_PX)
        if patch is None:
            return None
        return np.asarray(self.embedder(patch.image, patch.from_square(points)), np.float64)


def likeness_of(
    file: str, color_space: str | None, ocio: str | None, finder: Finder, embedder: Embedder | None
) -> Likeness:
    """Return the largest face of a reference picture.

    Args:
        file: A picture; of a movie its first frame counts.
        color_space: Of the picture; None takes what it says.
        ocio: Path or name of an OCIO config.
        finder: Detector and landmarker.
        embedder: None where there is none.

    Raises:
        NotFound: No such file, or no face in it.
        BadImage, BadSequence, UnknownColorSpace: The picture.
    """
    if not Path(file).is_file():
        raise NotFound(f"the reference {file} does not exist")
    shot = open_shot(file, frames=None, missing="error", color_space=color_space, ocio=ocio)
    view = shot.view(0)
    found = finder.detect(view) if view is not None else []
    if view is None or not found:
        raise NotFound(f"no face was found in the reference {file}: show one from the front")
    largest = max(found, key=lambda one: side_of(one.box))
    face = finder.look(view, largest.box, largest.score, "detected", largest.roll)
    if face is None:
        raise NotFound(f"the face in the reference {file} could not be read: show a larger one")
    if embedder is None:
        return Likeness(file, face.signature)
    identity = Identifier(embedder)(view, face.points)
    return Likeness(file, face.signature, identity, embedder.same)
