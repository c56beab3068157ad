"""What the network made of a crop, kept, so that a changed recipe never runs it again.

A prediction is found by what it is a pure function of: the very pixels that the network was shown
(hence the frame, the track entry, the colour space and the face type), the hash of the weights,
whose face goes in, and the number format and kind of device that computed it. Nothing can go stale.
"""

import hashlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from faceplate.context import Context
from faceplate.errors import BadSettings, NotReady
from faceplate.io.atomic import write_bytes
from faceplate.models.device import pick_device, pick_precision
from faceplate.models.folder import ModelFolder, SwapModelConfig
from faceplate.models.net import People
from faceplate.models.predictor import Prediction, Predictor, load_predictor

__all__ = [
    "CachedPredictor",
    "FacePredictor",
    "PredictionCache",
    "open_cache",
    "prediction_key",
]

logger = logging.getLogger(__name__)

FloatArray = NDArray[np.float32]

_FOLDER = "cache/predictions"  # in the home folder
_GIB = 1 << 30
_VERSION = b"faceplate prediction 1"
_PUTS_BETWEEN_LOOKS = (
    64  # other processes fill the folder too, so it is looked through now and then
)


class FacePredictor(Protocol):
    """What a swap asks of a model."""

    @property
    def config(self) -> SwapModelConfig:
        """What the model is."""

    @property
    def resolution(self) -> int:
        """Side of its crops in pixels."""

    def predict(
        self, crops: FloatArray, people: People = (0, 1), morph: float | None = None
    ) -> Prediction:
        """Swap N x S x S x 3 crops in the working encoding, 0..1."""


class PredictionCache:
    """Predictions as files, the ones used longest ago removed where there are too many.

    Several processes may use one folder. Files are whole or not there; a damaged one counts as
    absent and is made again.

    Args:
        folder: Its own folder; made on the first `put`.
        limit: Bytes of all files together, > 0; passed for a moment while it is filled.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        if limit <= 0:
            raise BadSettings(f"a cache of predictions needs a limit above 0 bytes, got {limit}")
        self._folder, self._limit = folder, limit
        self._held = 0
        self._puts = 0

    def get(self, key: str) -> Prediction | None:
        """Return the prediction with this key, or None; it counts as used now."""
        path = self._path(key)
        try:
            tensors = load(path.read_bytes())
            found = Prediction(tensors["face"], tensors["likeness"], tensors["performer"])
            os.utime(path)
        except FileNotFoundError:
            return None
        except (SafetensorError, KeyError) as error:
            logger.warning("the kept prediction %s is damaged and is made again: %s", path, error)
            path.unlink(missing_ok=True)
            return None
        return found

    def put(self, key: str, prediction: Prediction) -> None:
        """Keep a prediction. Raises DiskFull; nothing half-written is kept."""
        content = save(
            {
                "face": np.ascontiguousarray(prediction.face),
                "likeness": np.ascontiguousarray(prediction.likeness_matte),
                "performer": np.ascontiguousarray(prediction.performer_matte),
            }
        )
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content)
        self._held += len(content)
        if self._puts % _PUTS_BETWEEN_LOOKS == 0 or self._held > self._limit:
            self._tidy()
        self._puts += 1

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.safetensors"

    def _tidy(self) -> None:
        """Remove what was used longest ago until nine tenths of the limit are left."""
        files = sorted(self._files())
        self._held = sum(size for _, size, _ in files)
        if self._held <= self._limit:
            return
        for _, size, path in files:
            if self._held <= self._limit * 9 // 10:
                break
            path.unlink(missing_ok=True)
            self._held -= size

    def _files(self) -> Iterator[tuple[int, int, Path]]:
        """Yield when each file was used last, its size and its path."""
        for path in self._folder.glob("*/*.safetensors"):
            try:
                status = path.stat()
            except FileNotFoundError:  # another process was faster
                continue
            yield status.st_mtime_ns, status.st_size, path


def open_cache(limit_gib: float, context: Context) -> PredictionCache | None:
    """Return the cache in the home folder; None where the limit is 0: nothing is kept."""
    limit = round(limit_gib * _GIB)
    return PredictionCache(context.home / _FOLDER, limit) if limit else None


class CachedPredictor:
    """A swap model that is asked only for what is not kept yet, and loaded only when it is asked.

    Args:
        model: Folder of the swap model; its newest whole save is taken.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        cache: Where predictions are kept; None keeps none.

    Raises:
        NotFound: There is no model, or it has no save.
        Damaged: No save is whole.
    """

    def __init__(self, model: Path, device: str, cache: PredictionCache | None) -> None:
        self._folder = ModelFolder(model)
        self._device = device
        self._cache = cache
        self._loaded: Predictor | None = None
        self.sha256 = self._folder.sha256()
        """Hash of the weights, for provenance."""
        self.network_runs = 0
        """How many crops went through the network; all others were kept."""

    @property
    def config(self) -> SwapModelConfig:
        """What the model is."""
        return self._folder.config

    @property
    def resolution(self) -> int:
        """Side of its crops in pixels."""
        return self.config.net.resolution

    def predict(
        self, crops: FloatArray, people: People = (0, 1), morph: float | None = None
    ) -> Prediction:
        """Swap crops, each from the cache where it is there. Raises as `Predictor.predict`."""
        each = [self._one(crop[None], people, morph) for crop in crops]  # (1, S, S, 3)
        if len(each) == 1:
            return each[0]
        return Prediction(
            np.concatenate([one.face for one in each]),
            np.concatenate([one.likeness_matte for one in each]),
            np.concatenate([one.performer_matte for one in each]),
        )

    def _one(self, crop: FloatArray, people: People, morph: float | None) -> Prediction:
        if self._cache is None:
            return self._run(crop, people, morph)
        key = prediction_key(crop, self.sha256, people, morph, self._runs_as())
        found = self._cache.get(key)
        if found is None:
            found = self._run(crop, people, morph)
            self._cache.put(key, found)
        return found

    @property
    def loaded_bytes(self) -> int:
        """Bytes of its parameters in memory; 0 where it is not loaded."""
        return 0 if self._loaded is None else self._loaded.parameter_bytes

    def load(self) -> Predictor:
        """Load the model, where it is not; the first prediction would. Raises NotReady, Damaged."""
        if self._loaded is None:
            loaded = load_predictor(self._folder, self._device)
            if loaded.sha256 != self.sha256:
                raise NotReady(
                    f"{self._folder.path} was saved anew while it was in use: run the same again, "
                    "so that all frames are made by one save"
                )
            self._loaded = loaded
        return self._loaded

    def _run(self, crop: FloatArray, people: People, morph: float | None) -> Prediction:
        loaded = self.load()
        self.network_runs += 1
        return loaded.predict(crop, people, morph)

    def _runs_as(self) -> str:
        device = pick_device(self._device)
        return f"{device.type} {pick_precision(device, 'auto')}"


def prediction_key(
    crop: FloatArray, model_sha256: str, people: People, morph: float | None, runs_as: str
) -> str:
    """Return the sha256 (hex) of all that a prediction depends on.

    Args:
        crop: What the network is shown, float32.
        model_sha256: Of the weights.
        people: Whose face goes in, and who is in the plate.
        morph: Share of the likeness, where the architecture has one.
        runs_as: Kind of device and number format, such as ``cpu torch.float32``.
    """
    digest = hashlib.sha256(_VERSION)
    for text in (model_sha256, str(people), str(morph), runs_as, str(crop.shape)):
        digest.update(text.encode() + b"\0")
    digest.update(np.ascontiguousarray(crop).tobytes())
    return digest.hexdigest()
