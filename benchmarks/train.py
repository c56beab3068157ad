"""A training step of Quick96, batch 4: as shipped against plain eager PyTorch.

Baseline: float32, NCHW, one convolution per head, SSIM by two-dimensional depth-wise convolution,
RMSprop tensor by tensor with fresh random numbers for its dropout. Candidate: `faceplate.train`
as it is: channels_last, bfloat16 where the machine is fast in it, heads in one convolution, the
gradient of large kernels over small maps as a matrix product, SSIM by banded matrices, RMSprop
piece by piece in cache, dropout from one random pattern.

On one thread and in processor seconds, which a busy machine disturbs least. The wait for data is
measured on the clock, with the shipped loader beside the shipped step.

Gate: without dropout and from the same weights both learn the same 300 batches, and the means of
their losses over 25 steps stay together; the data wait is below 3 %.
"""

import dataclasses
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
import torch
from tests.support.training import tiny_faceset
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.harness import Outcome, alternate, finish, run
from faceplate.models.blocks import Decoder
from faceplate.models.device import pick_device, pick_precision
from faceplate.models.df import DF, DFConfig
from faceplate.models.net import NetConfig
from faceplate.train.faces import FaceBank
from faceplate.train.loader import Batch, Loader, SideBatch
from faceplate.train.losses import soft_mask
from faceplate.train.presets import PRESETS, TrainSettings
from faceplate.train.step import Stepper

__all__ = ["main", "measure"]

GOAL = 1.5
GATES = {torch.float32: 1e-2, torch.bfloat16: 5e-2}
"""Largest relative difference of the losses' means, by the candidate's number format; or twice that
of two eager runs that differ by one rounding, if that is more."""
_WAIT_GATE = 0.03
"""Largest share of the time in which steps wait for their faces."""
_PARITY_NET = DFConfig(96, "ud", 32, 16, 16, 8)
_PARITY_STEPS, _PARITY_MEAN, _PARITY_RATE = 300, 25, 5e-5
_STAGES = ("forward", "loss", "backward", "optimiser")


class Steps(Protocol):
    """What both candidates can do, stage by stage."""

    def forward(self, batch: Batch) -> Any: ...

    def loss(self, passed: Any) -> Tensor: ...

    def update(self, step: int) -> None: ...


class ShippedSteps:
    """A training step as `faceplate train` has it."""

    def __init__(self, stepper: Stepper) -> None:
        self._stepper = stepper

    def forward(self, batch: Batch) -> Any:
        sides = self._stepper.sides(batch)
        return self._stepper.forward(sides, self._stepper.rng(batch.step)), sides

    def loss(self, passed: Any) -> Tensor:
        return self._stepper.judge(*passed).total

    def update(self, step: int) -> None:
        self._stepper.update(step)


class PlainSteps:
    """A training step as a textbook has it."""

    def __init__(self, net: DF, settings: TrainSettings) -> None:
        self.net = net
        self._settings = settings
        self._params = list(net.parameters())
        lr = settings.learning_rate
        self._optimizer = torch.optim.RMSprop(self._params, lr, alpha=0.9, eps=1e-6, foreach=False)

    def forward(self, batch: Batch) -> Any:
        sides = [_planes(batch.likeness), _planes(batch.performer)]
        code = self.net.encode(torch.cat([image for image, _, _ in sides]))
        count = len(batch.likeness.image)
        decoders = (self.net.decoder_likeness, self.net.decoder_performer)
        codes = (code[:count], code[count:])
        decoded = [
            (_plain_image(decoder, part), decoder.to_matte(part))
            for decoder, part in zip(decoders, codes, strict=True)
        ]
        return decoded, sides

    def loss(self, passed: Any) -> Tensor:
        decoded, sides = passed
        losses = [
            _plain_loss(image, matte, target, mattes[:, :1])
            for (image, matte), (_, target, mattes) in zip(decoded, sides, strict=True)
        ]
        return torch.stack(losses).sum()

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
    return run(measure, __doc__)


def measure(repeats: int = 5) -> Outcome:
    """Time both and print the table, the stages and the outcome."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    device = pick_device("cpu")
    dtype = pick_precision(device)
    preset = PRESETS["quick96"]
    batches = [_batch(step, preset.net.resolution, preset.settings.batch) for step in range(2)]
    plain = PlainSteps(_net(preset.net), preset.settings)
    stepper = Stepper(_net(preset.net), preset.settings, 100, device, dtype, seed=0)
    stages: dict[str, dict[str, list[float]]] = {}
    runs = {
        "eager float32 NCHW": _timed(plain, batches, stages.setdefault("eager", {})),
        f"as shipped ({dtype})": _timed(
            ShippedSteps(stepper), batches, stages.setdefault("shipped", {})
        ),
    }
    timings = alternate(runs, repeats, clock=time.process_time)
    eager, ours = (timing.median for timing in timings.values())
    _print_stages(stages, repeats)
    wait = _data_wait(stepper, preset.settings)
    print(f"{'data wait':32}{wait:12.2%}   of the time, goal below {_WAIT_GATE:.0%}")
    accuracy, noise = _parity(device, dtype)
    gate = max(GATES[dtype], 2 * noise)
    ratio = eager / ours
    passed = ratio >= GOAL and accuracy <= gate and wait < _WAIT_GATE
    outcome = Outcome("train", ratio, GOAL, accuracy, gate, passed)
    finish(outcome, timings)
    return outcome


def _net(config: NetConfig) -> DF:
    return DF(DFConfig(**{f.name: getattr(config, f.name) for f in dataclasses.fields(DFConfig)}))


def _timed(
    steps: Steps, batches: list[Batch], stages: dict[str, list[float]]
) -> Callable[[], None]:
    stages.update({name: [] for name in _STAGES})
    count = [0]

    def run() -> None:
        batch = batches[count[0] % len(batches)]
        marks = [time.process_time()]
        passed = steps.forward(batch)
        marks.append(time.process_time())
        total = steps.loss(passed)
        marks.append(time.process_time())
        torch.autograd.backward(total)
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


def _data_wait(stepper: Stepper, settings: TrainSettings, steps: int = 8) -> float:
    """Return the share of the time in which steps wait for the batches of a real faceset."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        banks = []
        for seed, name in enumerate(("likeness", "performer")):
            path = tiny_faceset(Path(folder) / name, name, count=48, size=256, seed=seed)
            banks.append(FaceBank(path, stepper.net.config.resolution, 1 << 30))
            stack.callback(banks[-1].close)
        side = stepper.net.config.resolution
        loader = stack.enter_context(Loader(tuple(banks), settings, side, 1_000_000, seed=0))
        stepper(loader.next())
        began, waited = time.perf_counter(), loader.waited
        for _ in range(steps):
            stepper(loader.next())
        return (loader.waited - waited) / (time.perf_counter() - began)


def _parity(device: torch.device, dtype: torch.dtype) -> tuple[float, float]:
    """Return how far the shipped losses are from the eager ones, and eager ones from themselves.

    Both are the largest relative difference of means over 25 of 300 steps. The second is between
    two eager runs whose first weights differ by one rounding: what is noise in a training.
    """
    settings = dataclasses.replace(
        PRESETS["quick96"].settings, lr_dropout=0.0, batch=2, learning_rate=_PARITY_RATE
    )
    rounded = DF(_PARITY_NET, seed=1)
    with torch.no_grad():
        for param in rounded.parameters():
            param.mul_(1 + 2**-23)
    shipped = Stepper(DF(_PARITY_NET, seed=1), settings, 100, device, dtype, seed=0)
    candidates: tuple[Steps, ...] = (
        PlainSteps(DF(_PARITY_NET, seed=1), settings),
        PlainSteps(rounded, settings),
        ShippedSteps(shipped),
    )
    curves: tuple[list[float], ...] = ([], [], [])
    for step in range(_PARITY_STEPS):
        batch = dataclasses.replace(_batch(step % 8, _PARITY_NET.resolution, 2), step=step)
        for steps, curve in zip(candidates, curves, strict=True):
            total = steps.loss(steps.forward(batch))
            torch.autograd.backward(total)
            steps.update(step)
            curve.append(total.item())
    eager, again, ours = (np.reshape(curve, (-1, _PARITY_MEAN)).mean(axis=1) for curve in curves)
    for name, means in (("eager", eager), ("eager, one rounding off", again), ("shipped", ours)):
        text = " ".join(f"{mean:.3f}" for mean in means)
        print(f"{'losses, ' + name:32}{text}")
    return float(np.abs(ours / eager - 1).max()), float(np.abs(again / eager - 1).max())


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
