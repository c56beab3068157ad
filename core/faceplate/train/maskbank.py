"""The faces that a mask model learns from: what it sees, and the matte that it should find."""

import logging
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.errors import BadSettings, NotFound
from faceplate.geometry.polygons import draw_polygons
from faceplate.io.facelabels import Polygon
from faceplate.io.faceset import Face, Faceset

__all__ = ["MaskBank", "MaskFace", "Targets", "labelled_matte", "open_bank"]

logger = logging.getLogger(__name__)

Targets = Literal["auto", "labels", "masks"]
Array = NDArray[np.float32]

_ROOM = 1.5  # kept side over the network's: the affine must have something to sample


@dataclass(frozen=True, eq=False)
class MaskFace:
    """One face, K x K pixels."""

    view: NDArray[np.uint8]
    """K x K x 3, view encoding, 0..255."""
    mask: NDArray[np.uint8]
    """K x K, 0..255: what is seen of the face."""
    caption: str
    """Where it is from."""

    def floats(self) -> tuple[Array, Array]:
        """Return view and mask in 0..1."""
        scale = np.float32(1 / 255)
        return self.view.astype(np.float32) * scale, self.mask.astype(np.float32) * scale


@dataclass(frozen=True, eq=False)
class MaskBank:
    """Faces in memory, in the order of their facesets."""

    faces: tuple[MaskFace, ...]
    face_type: str
    """Framing of all of them; empty where they differ."""
    names: tuple[str, ...]
    """Whose faces the facesets hold."""

    @property
    def stamp(self) -> int:
        """A number that tells whether two banks show the same."""
        total = 0
        for face in self.faces:
            total = zlib.crc32(face.mask.tobytes(), zlib.crc32(face.view.tobytes(), total))
        return total

    def split(self, holdout: float) -> tuple["MaskBank", "MaskBank"]:
        """Return the bank to learn from and the one to be measured on, spread evenly.

        Args:
            holdout: Share of the faces that is held out, 0 up to 0.5.
        """
        count = round(holdout * len(self.faces))
        places = np.linspace(0, len(self.faces) - 1, count + 2)[1:-1]
        held = set(np.rint(places).astype(int).tolist())
        parts = [
            tuple(face for place, face in enumerate(self.faces) if (place in held) == wanted)
            for wanted in (False, True)
        ]
        return (
            MaskBank(parts[0], self.face_type, self.names),
            MaskBank(parts[1], self.face_type, self.names),
        )


def open_bank(paths: Sequence[str], resolution: int, targets: Targets) -> MaskBank:
    """Read the faces of facesets.

    Args:
        paths: The facesets.
        resolution: Side of the network's picture.
        targets: `labels`: faces with polygons only. `masks`: all kept faces, with the mattes of the
            faceset. `auto`: labels where any faceset has some, else masks.

    Raises:
        NotFound: A faceset is missing, or no face is of use.
        BadSettings: No faceset is named.
    """
    if not paths:
        raise BadSettings("mask train needs at least one --faceset")
    facesets = [Faceset.open(Path(path), readonly=True) for path in paths]
    try:
        labelled = sum(len(faceset.labelled()) for faceset in facesets)
        kind = targets if targets != "auto" else "labels" if labelled else "masks"
        side = round(resolution * _ROOM)
        faces = [face for faceset in facesets for face in _faces(faceset, side, kind)]
        types = {faceset.info.face_type for faceset in facesets}
        names = tuple(dict.fromkeys(faceset.info.name for faceset in facesets))
    finally:
        for faceset in facesets:
            faceset.close()
    if not faces:
        raise NotFound(_nothing(paths, kind))
    if len(faces) == 1:
        logger.warning("one face alone: the mask model will know no other; label some more")
    return MaskBank(tuple(faces), types.pop() if len(types) == 1 else "", names)


def labelled_matte(face: Face, polygons: Sequence[Polygon]) -> Array:
    """Return the matte that polygons draw on a face, S x S in 0..1."""
    kinds = [[one.points for one in polygons if one.kind == kind] for kind in _KINDS]
    return draw_polygons(kinds[0], kinds[1], face.size, face.mask)


_KINDS = ("include", "exclude")


def _faces(faceset: Faceset, side: int, kind: str) -> list[MaskFace]:
    # any scene-linear space will do on the way from the working encoding to the view
    encodings = Encodings(load_config(), "ACEScg", faceset.info.encoding)
    side = min(side, faceset.info.size)
    faces = []
    for id in faceset.labelled() if kind == "labels" else faceset.ids():
        face = faceset.read(id)
        mask = labelled_matte(face, faceset.labels(id)) if kind == "labels" else face.mask
        view = encodings.to_view(encodings.from_working(face.image))
        caption = f"{faceset.info.name} {face.frame}"
        faces.append(MaskFace(_bytes(view, side), _bytes(mask, side), caption))
    return faces


def _bytes(image: Array, side: int) -> NDArray[np.uint8]:
    if image.shape[0] > side:
        image = np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA))
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def _nothing(paths: Sequence[str], kind: str) -> str:
    named = ", ".join(paths)
    if kind == "labels":
        return (
            f"{named}: no kept face has labels; draw some, or take them over with `faceplate mask "
            "labels import`"
        )
    return f"{named}: there is no kept face: extract some, or take culled ones back"
