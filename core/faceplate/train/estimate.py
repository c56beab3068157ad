"""What a training will take, told before its first step: memory by arithmetic, speed by a probe."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from faceplate.models import ARCHITECTURES
from faceplate.models.device import precision_name
from faceplate.models.net import NetConfig
from faceplate.train.faces import FaceBank
from faceplate.train.footprint import footprint
from faceplate.train.loader import Loader
from faceplate.train.presets import TrainSettings
from faceplate.train.step import Stepper
from faceplate.train.watch import resident_mb

__all__ = ["Estimate", "estimate"]

_MB = 2**20
_LIBRARY_MB = 40.0
"""What oneDNN holds for its kernels and for copies in layouts of its own, measured on a CPU. What
the backward pass frees, the system's allocator keeps; so gradients and activations add up there.
A GPU's memory is measured in the probe."""
_WARM_UP = 2
_TIMED = 5
_ENOUGH_S = 8.0


@dataclass(frozen=True)
class Estimate:
    """What a training will take."""

    architecture: str
    """Of the network."""
    parameters: int
    """Weights of the network."""
    device: str
    """Where it was estimated for."""
    precision: str
    """fp32, bf16 or fp16."""
    memory_mb: float
    """Memory while it trains, in MB: of the device, which for a CPU is that of the process."""
    saving_mb: float
    """Main memory that its saves take besides, from the first one on."""
    program_mb: float
    """Of `memory_mb`, what the program itself holds; 0 on a GPU."""
    weights_mb: float
    """Of `memory_mb`, the weights."""
    optimizer_mb: float
    """Of `memory_mb`, the optimisers' state."""
    inner_mb: float
    """Of `memory_mb`, activations and gradients."""
    faces_mb: float
    """Of `memory_mb`, decoded faces and batches; main memory on a GPU, and then not in it."""
    it_per_s: float
    """Steps per second."""
    hours: float
    """Duration of all steps at that speed."""


def estimate(
    architecture: str,
    config: NetConfig,
    settings: TrainSettings,
    banks: Sequence[FaceBank],
    device: torch.device,
    dtype: torch.dtype,
    steps: int,
) -> Estimate:
    """Tell what a training would take; nothing is written.

    Args:
        architecture: Of the network.
        config: Its shape.
        settings: Of the training.
        banks: The faces of all people, not used yet.
        device: Where it would run.
        dtype: Number format inside the network.
        steps: That it would do.
    """
    with Loader(tuple(banks), settings, config.resolution, 1_000_000, seed=0) as loader:
        loader.make(0)  # loads what samples need, a compiler among it: the program holds that too
    program = resident_mb() if device.type == "cpu" else 0.0
    kind = ARCHITECTURES.load(architecture)
    needed = footprint(kind, config, settings, device, dtype)
    inner = (needed.gradients + needed.activations) / _MB + _LIBRARY_MB
    faces = _faces_mb(banks, config.resolution, settings.batch)
    stepper = Stepper(kind(config), settings, max(steps, 1), device, dtype, seed=0)
    speed = _probe(stepper, config.resolution, settings, banks)
    memory = program + (needed.weights + needed.optimizer) / _MB + inner + faces
    if device.type == "cuda":
        memory = torch.cuda.max_memory_reserved(device) / _MB
        inner = memory - (needed.weights + needed.optimizer) / _MB
    held = needed.weights + needed.optimizer
    return Estimate(
        architecture=architecture,
        parameters=needed.parameters,
        device=str(device),
        precision=precision_name(dtype),
        memory_mb=memory,
        saving_mb=(held + 2 * max(needed.weights, needed.optimizer)) / _MB,
        program_mb=program,
        weights_mb=needed.weights / _MB,
        optimizer_mb=needed.optimizer / _MB,
        inner_mb=inner,
        faces_mb=faces,
        it_per_s=speed,
        hours=steps / speed / 3600,
    )


def _faces_mb(banks: Sequence[FaceBank], resolution: int, batch: int) -> float:
    """Return the memory of decoded faces, as far as it may grow, and of the batches ahead."""
    faces = sum(min(bank.cache_bytes, len(bank) * bank.face_bytes) for bank in banks)
    return (faces + Loader.ring_bytes(len(banks), batch, resolution)) / _MB


def _probe(
    stepper: Stepper, resolution: int, settings: TrainSettings, banks: Sequence[FaceBank]
) -> float:
    """Train some steps on the faces themselves and return how many a second holds."""
    seconds: list[float] = []
    with Loader(tuple(banks), settings, resolution, 1_000_000, seed=0) as loader:
        for step in range(_WARM_UP + 10 * _TIMED):
            began = time.perf_counter()
            stepper(loader.next())  # its losses are fetched, so the device is done
            if step >= _WARM_UP:
                seconds.append(time.perf_counter() - began)
            if len(seconds) >= _TIMED and sum(seconds) >= _ENOUGH_S:
                break
    return 1 / statistics.mean(seconds)
