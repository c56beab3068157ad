"""The swap models that were used last, kept in memory."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faceplate.context import Context
from faceplate.merge.predictions import CachedPredictor, open_cache
from faceplate_server.versions import Version, model_version

__all__ = ["ModelShelf"]

_Key = tuple[str, float]  # folder, and size of the cache

CACHE_GIB = 4.0
"""As a swap job has it by default."""


class ModelShelf:
    """Opens models, and returns opened ones where no save has come or gone.

    Args:
        context: Home folder and device.
        kept: Models in memory at most; those used longest ago go first.
    """

    def __init__(self, context: Context, kept: int) -> None:
        self._context, self._kept = context, kept
        self._models: OrderedDict[_Key, tuple[Version, CachedPredictor]] = OrderedDict()

    def opener(self, cache_gib: float) -> Callable[[Path], CachedPredictor]:
        """Return what opens a model with a cache of predictions of that size."""

        def opened(model: Path) -> CachedPredictor:
            path = str(model.resolve())
            key, version = (path, cache_gib), model_version(path)
            known = self._models.get(key)
            if known is None or known[0] != version:
                cache = open_cache(cache_gib, self._context)
                predictor = CachedPredictor(Path(path), self._context.device, cache)
                self._models[key] = (version, predictor)
                while len(self._models) > self._kept:
                    self._models.popitem(last=False)
            self._models.move_to_end(key)
            return self._models[key][1]

        return opened

    def load(self, model: Path) -> tuple[dict[str, Any], bool]:
        """Bring a model into memory; returns what it is there, and whether it was read for that."""
        predictor = self.opener(CACHE_GIB)(model)
        was_read = not predictor.loaded_bytes
        predictor.load()
        return _described(str(model.resolve()), predictor), was_read

    def unload(self, model: Path) -> bool:
        """Free a model's memory; returns whether it was there."""
        path = str(model.resolve())
        keys = [key for key in self._models if key[0] == path]
        return any([self._models.pop(key)[1].loaded_bytes > 0 for key in keys])

    def loaded(self) -> list[dict[str, Any]]:
        """Describe the models in memory, those used longest ago first."""
        models = [(key[0], model) for key, (_, model) in list(self._models.items())]
        return [_described(path, model) for path, model in models if model.loaded_bytes]


def _described(path: str, model: CachedPredictor) -> dict[str, Any]:
    return {"path": path, "sha256": model.sha256, "bytes": model.loaded_bytes}
