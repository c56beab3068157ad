"""Frames of the rendered shots as detectors see them, with their truth."""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tests.support.paths import MINI

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.io.image import read_frame

PLATE_SPACE = "lin_ap1_scene"


@functools.cache
def truth(shot: str) -> dict[str, Any]:
    """Return the frames of `truth_<shot>.json` by number as text."""
    frames: dict[str, Any] = json.loads((MINI / f"truth_{shot}.json").read_text())["frames"]
    return frames


def true_points(shot: str, number: str) -> npt.NDArray[np.float64]:
    """Return the 68 landmarks in plate pixels (the file's are edge based)."""
    return np.array(truth(shot)[number]["landmarks68_px"]) - 0.5


@functools.cache
def view(shot: str, number: str, folder: Path = MINI) -> npt.NDArray[np.float32]:
    """Return a frame in the view encoding; read only."""
    frame = read_frame(folder / shot / f"{shot}.{number}.exr", int(number))
    image = _encodings().to_view(frame.rgb())
    image.setflags(write=False)
    return image


@functools.cache
def _encodings() -> Encodings:
    return Encodings(load_config(), PLATE_SPACE)
