"""Segmenters that were trained here: `faceplate mask train` makes them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from faceplate.segment.crops import checked_view, matte_to_size, view_to_size
from faceplate.segment.maskmodel import open_mask_model

__all__ = ["Occlusion", "TrainedSegmenter"]

Floats = npt.NDArray[np.float32]

_NOISE = 0.1  # values below are meant as 0


class TrainedSegmenter:
    """The matte of a face as a mask model sees it.

    Args:
        weights: The model's file, or the folder of its training.
        threads: Not used: torch has threads of its own for all networks together.

    Raises:
        NotFound: There is no such file.
        Damaged: It is no mask model.
    """

    card = ""

    def __init__(self, weights: Path, *, threads: int = 0) -> None:
        self.config, self._net = open_mask_model(weights)
        self._net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it

    @property
    def face_type(self) -> str:
        """Framing that it was trained on; empty where it takes several."""
        return self.config.face_type

    def __call__(self, view: Floats) -> Floats:
        """Return the matte of a crop, HxH in 0..1. Raises BadShape."""
        small = view_to_size(checked_view(view), self.config.net.resolution)
        with torch.inference_mode():
            batch = torch.from_numpy(small.transpose(2, 0, 1)[None].copy())  # (1, 3, R, R)
            matte = torch.sigmoid(self._net(batch))[0, 0].numpy()
        clean = np.where(matte < _NOISE, 0, matte)
        return matte_to_size(clean, view.shape[0])


class Occlusion(TrainedSegmenter):
    """The general model that comes with Faceplate, trained on rendered heads.

    Args:
        weights: File of the card `occlusion`.
        threads: Not used.
    """

    card = "occlusion"
