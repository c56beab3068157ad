"""An engine room without an engine, steered by the names of models, for tests of the server."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from faceplate import errors
from faceplate_server.engine import Engine
from faceplate_server.room import RoomSettings

__all__ = ["FakeEngine"]


class FakeEngine(Engine):
    """Checks jobs for real; swaps nothing."""

    def __init__(self, settings: RoomSettings) -> None:
        super().__init__(settings)
        self._loaded: set[str] = set()

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

    def describe_model(self, model: str) -> dict[str, Any]:
        self._obey(model)
        return {
            "model": self.list_models()["models"][0],
            "resolution": 64,
            "architecture": "df",
            "face_type": "full_face",
            "people": ["anna", "berta"],
            "details": {"saves": [{"step": 1200}], "training": {}, "history": []},
            "loaded": model in self._loaded,
        }

    def load_model(self, model: str) -> dict[str, Any]:
        self._obey(model)
        was_read = model not in self._loaded
        self._loaded.add(model)
        return {"model": self._in_memory(model), "was_read": was_read}

    def unload_model(self, model: str) -> dict[str, Any]:
        was_loaded = model in self._loaded
        self._loaded.discard(model)
        return {"was_loaded": was_loaded}

    def loaded_models(self) -> list[dict[str, Any]]:
        return [self._in_memory(model) for model in sorted(self._loaded)]

    def import_model(self, values: Mapping[str, Any]) -> dict[str, Any]:
        for name in ("source", "out"):
            self._roots.check(values[name], name)
        self._obey(values["source"])
        return {**self.list_models()["models"][0], "path": values["out"]}

    def swap_stream(
        self, number: int, settings: Mapping[str, Any], recipe: Mapping[str, Any], folder: str
    ) -> dict[str, Any]:
        self._obey(settings.get("model", ""))
        out = Path(folder) / "out.exr"
        out.write_bytes((Path(folder) / "frame.exr").read_bytes()[::-1])
        return {"path": str(out), "faces": 1, "network_runs": 0}

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

    def _in_memory(self, model: str) -> dict[str, Any]:
        return {"path": model, "sha256": "ab" * 32, "bytes": 1024}

    def _obey(self, model: str) -> None:
        name = Path(model).name
        while name == "gate" and not Path(model).exists():
            time.sleep(0.005)
        if name == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "bug":
            raise RuntimeError("a secret of the code")
        if hasattr(errors, name):
            error = getattr(errors, name)
            raise error.__new__(error, f"{name} as the test wished")
