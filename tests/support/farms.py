"""Shots for tests of the farm."""

from pathlib import Path
from typing import Any

from tests.support.paths import MINI
from tests.support.swaps import consent_file, tiny_model, truth_track

from faceplate.farm.shot import FarmJob

__all__ = ["farm_job"]


def farm_job(folder: Path, **settings: Any) -> FarmJob:
    """Return a job on the bundled shot with a tiny model; its files lie in `folder`."""
    if not (folder / "model").exists():
        tiny_model(folder / "model")
        truth_track(folder / "true.track.json")
        consent_file(folder / "consent.json")
    values = {
        "plate": str(MINI / "B" / "B.%04d.exr"),
        "out": str(folder / "out" / "s.%04d.exr"),
        "bundle": str(folder / "bundle"),
        "model": str(folder / "model"),
        "consent": str(folder / "consent.json"),
        "frames": "1001-1006",
        "chunk": 2,
    }
    return FarmJob(**{**values, **settings})
