"""Telling the face from what covers it: what a segmenter is, and which there are."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from faceplate.errors import UnknownComponent
from faceplate.registry import Registry

if TYPE_CHECKING:  # torch stays out of a light import
    from faceplate.segment.masknet import MaskNet

__all__ = [
    "MASK_NETWORKS",
    "SEGMENTERS",
    "Segmenter",
    "SegmenterType",
    "framing_of",
    "is_mask_path",
    "load_segmenter",
]


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
        "occlusion": "faceplate.segment.trained:Occlusion",
    },
    group="faceplate.segmenters",
)
"""Names of segmenters. The weights of `occlusion` come with Faceplate, those of others by card."""

MASK_NETWORKS: "Registry[type[MaskNet]]" = Registry(
    "mask network",
    {
        "ternausnet": "faceplate.segment.ternausnet:TernausNet",
        "xseg": "faceplate.segment.xsegnet:XSegNet",
    },
    group="faceplate.mask_networks",
)
"""Networks that `faceplate mask train` trains; what it makes is a segmenter named by its path."""


def is_mask_path(name: str) -> bool:
    """Return whether a segmenter is named by the path of a mask model.

    Example:
        >>> is_mask_path("occlusion"), is_mask_path("masks/shot_010")
        (False, True)
    """
    return name not in SEGMENTERS.names() and (
        "/" in name or "\\" in name or name.endswith(".safetensors") or Path(name).exists()
    )


def framing_of(segmenter: Segmenter) -> str:
    """Return the face type that a segmenter was trained on; empty where it takes any."""
    return str(getattr(segmenter, "face_type", ""))


def load_segmenter(name: str, weights: Callable[[str], Path], *, threads: int = 0) -> Segmenter:
    """Return a segmenter that is ready.

    Args:
        name: One of `SEGMENTERS`, or the path of a mask model: its file, or the folder of its
            training.
        weights: Gives the file of a card, such as the `path` of a weight store.
        threads: Threads of its network; 0 leaves the library's own default.

    Raises:
        UnknownComponent: No segmenter has that name, and it is no path.
        NotFound: There is no mask model at that path.
        WeightsMissing: From `weights`.
        Damaged: The file is no such network.
    """
    if is_mask_path(name):
        # torch loads where it is needed only
        from faceplate.segment.trained import TrainedSegmenter

        return TrainedSegmenter(Path(name), threads=threads)
    kind = _kind(name)
    return kind(weights(kind.card), threads=threads)


def _kind(name: str) -> SegmenterType:
    try:
        return SEGMENTERS.load(name)
    except UnknownComponent as error:
        error.add_note("a mask model of your own is named by its path")
        raise
