"""A training step of Quick96, batch 4: as shipped against plain eager PyTorch.

Baseline: float32, NCHW, one convolution per head, SSIM by two-dimensional depth-wise convolution,
RMSprop tensor by tensor with fresh random numbers for its dropout. Candidate: `faceplate.train`
as it is: channels_last, bfloat16 where the machine is fast in it, heads in one convolution, SSIM by
banded matrices, RMSprop over all tensors at once, dropout from one random pattern.

On one thread and in processor seconds, which a busy machine disturbs least.

Gate: without dropout and from the same weights both learn the same batches with the same losses.
"""

import argparse
import dataclasses
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.harness import Outcome, alternate, finish
from faceplate.models.blocks import Decoder
from faceplate.models.device import pick_device, pick_precision
from faceplate.models.df import DF, DFConfig
from faceplate.train.loader import Batch, SideBatch
from faceplate.train.losses import soft_mask
from faceplate.train.presets import PRESETS, TrainSettings
from faceplate.train.step import Stepper

__all__ = ["main", "measure"]

GOAL = 1.5
GATES = {torch.float32: 2e-3, torch.bfloat16: 3e-2}
"""Largest relative difference of a loss, by the candidate's number format."""
_PARITY_NET = DFConfig(96, "ud", 32, 16, 16, 8)
_PARITY_STEPS = 10


class Steps(Protocol):
    """What both candidates can do."""

    def losses(self, batch: Batch) -> tuple[Tensor, Tensor]: ...

    def update(self, step: int) -> None: ...


class PlainSteps:
    """A training step as a textbook has it."""

    def __init__(self, net: DF, settings: TrainSettings) -> None:
        self.net = net
        self._settings = settings
        self._params = list(net.parameters())
        lr = settings.learning_rate
        self._optimizer = torch.optim.RMSprop(self._params, lr, alpha=0.9, eps=1e-6, foreach=False)

    def losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        sides = [_planes(batch.likeness), _planes(batch.performer)]
        code = self.net.encode(torch.cat([image for image, _, _ in sides]))
        count = len(batch.likeness.image)
        decoders = (self.net.decoder_likeness, self.net.decoder_performer)
        codes = (code[:count], code[count:])
        first, second = (
            _plain_loss(_plain_image(decoder, part), decoder.to_matte(part), target, mattes[:, :1])
            for decoder, part, (_, target, mattes) in zip(decoders, codes, sides, strict=True)
        )
        return first, second

    @torch.no_grad()
    def update(self, step: int) -> None:
        before = [p.clone() for p in self._params]
        self._optimizer.step()
        if self._settings.lr_dropout:
            for p, old in zip(self._params, before, strict=True):
                chosen = torch.bernoulli(torch.full_like(p, self._settings.lr_dropout))
                p.copy_(old + (p - old) * chosen)
        self._optimizer.zero_grad()


def main() -> int:
    """Run the benchmark; 1 if goal or gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="rounds that count, at least 5")
    outcome = measure(parser.parse_args().repeats)
    return 0 if outcome.passed else 1


def measure(repeats: int = 5) -> Outcome:
    """Time both and print the table, the stages and the outcome."""
    torch.set_num_threads(1)
    device = pick_device("cpu")
    dtype = pick_precision(device)
    preset = PRESETS["quick96"]
    batches = [_batch(step, preset.net.resolution, preset.settings.batch) for step in range(2)]
    plain = PlainSteps(DF(preset.net), preset.settings)
    shipped = Stepper(DF(preset.net), preset.settings, 100, device, dtype, seed=0)
    stages: dict[str, dict[str, list[float]]] = {}
    runs = {
        "eager float32 NCHW": _timed(plain, batches, stages.setdefault("eager", {})),
        f"as shipped ({dtype})": _timed(shipped, batches, stages.setdefault("shipped", {})),
    }
    timings = alternate(runs, repeats, clock=time.process_time)
    eager, ours = (timing.median for timing in timings.values())
    accuracy, gate = _parity(device, dtype), GATES[dtype]
    _print_stages(stages, repeats)
    ratio = eager / ours
    outcome = Outcome("train", ratio, GOAL, accuracy, gate, ratio >= GOAL and accuracy <= gate)
    finish(outcome, timings)
    return outcome


def _timed(
    steps: Steps, batches: list[Batch], stages: dict[str, list[float]]
) -> Callable[[], None]:
    stages.update(defaultdict(list, {"forward and loss": [], "backward": [], "update": []}))
    count = [0]

    def run() -> None:
        batch = batches[count[0] % len(batches)]
        marks = [time.process_time()]
        likeness, performer = steps.losses(batch)
        marks.append(time.process_time())
        torch.autograd.backward(likeness + performer)
        marks.append(time.process_time())
        steps.update(count[0])
        marks.append(time.process_time())
        count[0] += 1
        for name, begun, ended in zip(stages, marks, marks[1:], strict=False):
            stages[name].append(ended - begun)

    return run


def _print_stages(stages: dict[str, dict[str, list[float]]], repeats: int) -> None:
    print(f"{'stage, median ms':32}{'eager':>12}{'as shipped':>12}{'ratio':>8}")
    for name in stages["eager"]:
        eager, shipped = (
            statistics.median(stages[who][name][-repeats:]) for who in ("eager", "shipped")
        )
        print(f"{name:32}{eager * 1e3:12.1f}{shipped * 1e3:12.1f}{eager / shipped:8.2f}")


def _parity(device: torch.device, dtype: torch.dtype) -> float:
    """Return the largest relative difference of the losses of both over some steps."""
    settings = dataclasses.replace(PRESETS["quick96"].settings, lr_dropout=0.0, batch=2)
    plain = PlainSteps(DF(_PARITY_NET, seed=1), settings)
    shipped = Stepper(DF(_PARITY_NET, seed=1), settings, 100, device, dtype, seed=0)
    worst = 0.0
    for step in range(_PARITY_STEPS):
        batch = _batch(step % 2, _PARITY_NET.resolution, settings.batch)
        values = []
        for steps in (plain, shipped):
            total = sum(steps.losses(batch), start=torch.zeros(()))
            torch.autograd.backward(total)
            steps.update(step)
            values.append(total.item())
        worst = max(worst, abs(values[0] - values[1]) / values[0])
    return worst


def _batch(step: int, resolution: int, count: int) -> Batch:
    rng = np.random.default_rng(step)

    def side() -> SideBatch:
        coarse = torch.from_numpy(rng.random((count, 3, 12, 12), dtype=np.float32))
        smooth = functional.interpolate(coarse, size=(resolution, resolution), mode="bicubic")
        image = smooth.clamp(0, 1).permute(0, 2, 3, 1).contiguous().numpy()
        mattes = np.zeros((count, resolution, resolution, 2), np.float32)
        mattes[:, 10:-10, 14:-14] = 1
        return SideBatch(image, image, mattes)

    return Batch(step, (side(), side()))


def _planes(side: SideBatch) -> tuple[Tensor, Tensor, Tensor]:
    image, target, mattes = (
        torch.from_numpy(array).permute(0, 3, 1, 2).contiguous()
        for array in (side.image, side.target, side.mattes)
    )
    return image, target, mattes


def _plain_image(decoder: Decoder, code: Tensor) -> Tensor:
    features = decoder.image(code)
    parts = torch.stack([conv(features) for conv in decoder.head], dim=2).flatten(1, 2)
    return torch.sigmoid(functional.pixel_shuffle(parts, 2))


def _plain_loss(image: Tensor, matte: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    weight = soft_mask(mask, "quick96")
    seen, wanted = image * weight, target * weight
    structure = 10 * _plain_dssim(seen, wanted, int(image.shape[-1] / 11.6))
    colour = 10 * nn.functional.mse_loss(seen, wanted)
    return structure + colour + 10 * nn.functional.mse_loss(matte, mask)


def _plain_dssim(a: Tensor, b: Tensor, window: int) -> Tensor:
    offsets = torch.arange(window) - (window - 1) / 2
    line = torch.softmax(-offsets.square() / (2 * 1.5**2), 0)
    kernel = torch.outer(line, line).expand(3, 1, window, window)

    def mean(x: Tensor) -> Tensor:
        return functional.conv2d(x, kernel, groups=3)

    mean_a, mean_b = mean(a), mean(b)
    luminance = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
    structure = (2 * mean(a * b) - 2 * mean_a * mean_b + 9e-4) / (
        mean(a * a + b * b) - mean_a**2 - mean_b**2 + 9e-4
    )
    return (1 - (luminance * structure).mean()) / 2


if __name__ == "__main__":
    sys.exit(main())
