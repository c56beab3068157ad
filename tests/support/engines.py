"""What tests of the engine room share: the engine itself, the rendered shot, its settings."""

from pathlib import Path
from typing import Any

import numpy as np
from tests.support.paths import MINI
from tests.support.swaps import consent_file, mini_frame, tiny_model, truth_track

from faceplate_server.engine import Engine
from faceplate_server.room import RoomSettings
from faceplate_server.verbs import ENGINE_VERBS

__all__ = [
    "FRAME",
    "a_buffer",
    "buffer_settings",
    "engine_shot",
    "frame_settings",
    "make_engine",
]

FRAME = 1004


def engine_shot(folder: Path) -> Path:
    """Fill a folder with a track of plate B, an untrained model and consent for it."""
    truth_track(folder / "B.json")
    tiny_model(folder / "models" / "tiny")
    consent_file(folder / "consent.json")
    return folder


def make_engine(shot: Path, **changes: Any) -> Engine:
    settings = {
        "home": str(shot / "home"),
        "roots": (str(shot), str(MINI)),
        "engine": "",
        "verbs": ENGINE_VERBS,
        "device": "cpu",
        **changes,
    }
    return Engine(RoomSettings(**settings))


def frame_settings(shot: Path, **changes: Any) -> dict[str, Any]:
    return {
        "plate": str(MINI / "B" / "B.%04d.exr"),
        "track": str(shot / "B.json"),
        "model": str(shot / "models" / "tiny"),
        "out": str(shot / "out" / "B.%04d.exr"),
        "consent": str(shot / "consent.json"),
        **changes,
    }


def a_buffer(shot: Path) -> tuple[dict[str, Any], "np.memmap[Any, Any]"]:
    """Lay a frame of plate B into a file as shared memory holds it; where it is, and its pixels."""
    plate = mini_frame("B", FRAME)
    window = plate.data_window
    path = shot / "buffer"
    shape = (window.height, window.width, 4)
    pixels = np.memmap(path, np.float32, "w+", shape=shape)
    pixels[..., :3], pixels[..., 3] = plate.rgb(), 1
    place = {"path": str(path), "width": window.width, "height": window.height}
    return {**place, "x0": window.x0, "y0": window.y0, "pixel_aspect": plate.pixel_aspect}, pixels


def buffer_settings(shot: Path, **changes: Any) -> dict[str, Any]:
    names = ("track", "model", "consent")
    return {**{name: frame_settings(shot)[name] for name in names}, **changes}
