"""What share of a device's measured matmul peak a training step reaches, and where the rest goes.

The peak is the best rate of square matrix products in the step's own number format, measured on the
same device in the same run; the step's floating-point operations are counted by torch while it runs
once. The table by kinds of work comes from torch's profiler. On a GPU times are those of CUDA
events; on a CPU one thread and processor seconds. Ratio: achieved share of the peak. Goal: a
quarter, which convolutions of few channels seldom pass. Gate: the counted operations of two steps
are equal.
"""

import argparse
import dataclasses
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.compiled import random_batch
from benchmarks.harness import Outcome, Timing, finish
from faceplate.models import ARCHITECTURES
from faceplate.models.device import pick_device, pick_precision
from faceplate.train.presets import PRESETS
from faceplate.train.step import Stepper

__all__ = ["main", "measure"]

GOAL = 0.25
_KINDS = (
    ("convolutions", ("conv", "implicit", "winograd", "cudnn", "dgrad", "wgrad", "fprop", "xmma")),
    ("matrix products", ("mm", "gemm", "linear", "matmul", "addmm")),
    ("optimiser", ("adam", "foreach", "rmsprop", "fused", "lerp", "addcdiv", "addcmul")),
    ("copies and layout", ("copy", "memcpy", "memset", "contiguous", "_to_copy", "nchw", "nhwc",
                           "clone", "cat", "fill", "zero")),
)  # fmt: skip


def main() -> int:
    """Run the benchmark; 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--preset", choices=("quick96", "df-ud", "liae-ud"), default="quick96")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=10, help="steps that count, at least 5")
    asked = parser.parse_args()
    return 0 if measure(asked.repeats, asked.preset, asked.device, asked.batch).passed else 1


def measure(
    repeats: int = 10, preset: str = "quick96", device_name: str = "auto", batch: int = 4
) -> Outcome:
    """Time steps, the peak and the kinds of work; print all three and the outcome."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    device = pick_device(device_name)
    dtype = pick_precision(device)
    shape = PRESETS[preset]  # type: ignore[index]  # one of the choices above
    settings = dataclasses.replace(shape.settings, batch=batch)
    net = ARCHITECTURES.load(shape.architecture)(shape.net, seed=1)
    stepper = Stepper(net, settings, 100, device, dtype, seed=0)
    faces = random_batch(shape.net.resolution, batch)
    counts = [_operations(lambda: stepper(faces)) for _ in range(2)]
    step = Timing(f"{preset} step, {device.type} {dtype}".replace("torch.", ""))
    step.seconds.extend(_timed(lambda: stepper(faces), device) for _ in range(max(repeats, 5)))
    peak = _peak(device, dtype)
    achieved = counts[1] / step.median
    print(f"{1 / step.median:.2f} it/s, {counts[1] / 1e9:.1f} GFLOP a step")
    print(f"peak of matrix products {peak / 1e9:.0f} GFLOP/s, of a step {achieved / 1e9:.0f}")
    _print_kinds(lambda: stepper(faces), device)
    ratio, gate = achieved / peak, 1e-6
    accuracy = abs(counts[0] / counts[1] - 1)
    outcome = Outcome("peak", ratio, GOAL, accuracy, gate, ratio >= GOAL and accuracy <= gate)
    finish(outcome, {step.name: step})
    return outcome


def _operations(work: Callable[[], object]) -> int:
    """Return the floating-point operations of convolutions and matrix products, both ways."""
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


def _timed(work: Callable[[], object], device: torch.device) -> float:
    """Return the seconds of one piece of work: of the device, or of the processor."""
    if device.type != "cuda":
        began = time.process_time()
        work()
        return time.process_time() - began
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    first.record()
    work()
    last.record()
    torch.cuda.synchronize(device)
    return float(first.elapsed_time(last)) / 1e3


def _peak(device: torch.device, dtype: torch.dtype) -> float:
    """Return the best operations per second of square products of some sizes."""
    best = 0.0
    for side in (1024, 2048) if device.type == "cpu" else (4096, 8192):
        a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        seconds = [_timed(lambda a=a, b=b: a @ b, device) for _ in range(6)]  # type: ignore[misc]
        best = max(best, 2 * side**3 / statistics.median(seconds[1:]))
    return best


def _print_kinds(work: Callable[[], object], device: torch.device) -> None:
    """Print the share of each kind of work in a step's time on the device."""
    activities = [ProfilerActivity.CPU]
    if device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as profiler:
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    shares = dict.fromkeys([*(kind for kind, _ in _KINDS), "elementwise and the rest"], 0.0)
    for event in profiler.key_averages():
        if device.type == "cuda":
            spent = float(event.self_device_time_total)
        else:
            spent = float(event.self_cpu_time_total)
        shares[_kind(event.key.lower())] += spent
    whole = sum(shares.values()) or 1.0
    for kind, spent in shares.items():
        print(f"  {kind:28}{100 * spent / whole:6.1f} %")


def _kind(name: str) -> str:
    found = (kind for kind, words in _KINDS if any(word in name for word in words))
    return next(found, "elementwise and the rest")


if __name__ == "__main__":
    sys.exit(main())
