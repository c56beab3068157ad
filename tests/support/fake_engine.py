"""An engine room without an engine, steered by the names of models, for tests of the server."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from faceplate import errors
from faceplate_server.engine import Engine

__all__ = ["FakeEngine"]


class FakeEngine(Engine):
    """Checks jobs for real; swaps nothing."""

    def list_models(self) -> dict[str, Any]:
        model = {
            "name": "m1",
            "path": "/models/m1",
            "config": {"likeness": "anna", "performer": "berta", "net": {"resolution": 64}},
            "sha256": "ab" * 32,
            "step": 1200,
            "problem": "",
        }
        broken = {**model, "name": "m2", "config": {}, "sha256": "", "step": 0, "problem": "torn"}
        return {"models": [model, broken], "recipe_schema": {"title": "Recipe"}}

    def swap_frame(
        self, frame: int, settings: Mapping[str, Any], recipe: Mapping[str, Any]
    ) -> dict[str, Any]:
        self._roots.check_settings(settings)
        self._obey(settings["model"])
        path = Path(settings["out"] % frame)
        path.write_text(f"{frame} {recipe}")
        return {"path": str(path), "faces": 1, "network_runs": 1}

    def tweak_frame(
        self, settings: Mapping[str, Any], changes: Mapping[str, Any]
    ) -> dict[str, Any]:
        self._roots.check_settings(settings)
        Path(settings["view"]).write_text(f"{settings['frame']} {changes}")
        return {"view": settings["view"], "out": None, "faces": 1, "network_runs": 0}

    def swap_buffer(
        self,
        frame: int,
        settings: Mapping[str, Any],
        recipe: Mapping[str, Any],
        buffer: Mapping[str, Any],
    ) -> dict[str, Any]:
        self._roots.check_settings(settings)
        shape = (buffer["height"], buffer["width"], 4)
        pixels = np.memmap(buffer["path"], np.float32, "r+", shape=shape)
        pixels[..., 0] += frame
        return {"faces": 1}

    def _obey(self, model: str) -> None:
        name = Path(model).name
        if name == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "bug":
            raise RuntimeError("a secret of the code")
        if hasattr(errors, name):
            error = getattr(errors, name)
            raise error.__new__(error, f"{name} as the test wished")
