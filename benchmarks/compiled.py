"""A training step at batch 4, eager against compiled by torch.compile.

One thread, processor seconds. Compiling comes first and is told apart, with the number of steps
after which it has paid. A ratio of 1.1 is what would make it worth while by default. Gate: both
make the same losses of the same batch.
"""

import argparse
import dataclasses
import math
import resource
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.harness import Outcome, alternate, finish
from faceplate.models import ARCHITECTURES
from faceplate.models.device import pick_device
from faceplate.train.loader import Batch, SideBatch
from faceplate.train.presets import PRESETS
from faceplate.train.step import Stepper

__all__ = ["main", "measure", "random_batch"]

GOAL, GATE = 1.1, 1e-3


def main() -> int:
    """Run the benchmark; 1 if goal or gate is missed."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--preset", choices=("quick96", "df-ud", "liae-ud"), default="quick96")
    parser.add_argument("--resolution", type=int, default=0, help="0 is the preset's")
    parser.add_argument("--repeats", type=int, default=5, help="rounds that count, at least 5")
    asked = parser.parse_args()
    return 0 if measure(asked.repeats, asked.preset, asked.resolution).passed else 1


def measure(repeats: int = 5, preset: str = "quick96", resolution: int = 0) -> Outcome:
    """Time both and print the table, what compiling took, and the outcome."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    eager, compiled = (_stepper(preset, resolution, wanted) for wanted in (False, True))
    batch = random_batch(eager.net.config.resolution)
    plain = eager(batch).sides
    began, clock = _processor_s(), time.perf_counter()
    sides = compiled(batch).sides
    cost = _processor_s() - began
    seconds = time.perf_counter() - clock
    print(f"compiled in {cost:.0f} processor seconds, {seconds:.0f} s on the clock")
    accuracy = max(abs(a / b - 1) for a, b in zip(sides, plain, strict=True))
    name = f"{preset} at {eager.net.config.resolution}"
    runs: dict[str, Callable[[], object]] = {
        f"{name}, eager": lambda: eager(batch),
        f"{name}, compiled": lambda: compiled(batch),
    }
    timings = alternate(runs, repeats, clock=time.process_time)
    before, after = (timing.median for timing in timings.values())
    steps = cost / (before - after) if before > after else math.inf
    print(f"paid back after {steps:.0f} steps")
    ratio = before / after
    outcome = Outcome("compiled", ratio, GOAL, accuracy, GATE, ratio >= GOAL and accuracy <= GATE)
    finish(outcome, timings)
    return outcome


def _stepper(preset: str, resolution: int, wanted: bool) -> Stepper:
    shape = PRESETS[preset]  # type: ignore[index]  # one of the choices above
    net = dataclasses.replace(shape.net, resolution=resolution or shape.net.resolution)
    settings = dataclasses.replace(shape.settings, batch=4, compile=wanted)
    kind = ARCHITECTURES.load(shape.architecture)
    return Stepper(kind(net, seed=1), settings, 100, pick_device("cpu"), torch.float32, seed=0)


def random_batch(side: int, count: int = 4) -> Batch:
    """Return a batch of noise: the time of a step does not depend on what the faces show."""
    rng = np.random.default_rng(0)

    def faces() -> SideBatch:
        image = rng.random((count, side, side, 3), dtype=np.float32)
        return SideBatch(image, image, np.ones((count, side, side, 2), np.float32))

    return Batch(0, (faces(), faces()))


def _processor_s() -> float:
    """Return the processor seconds of this process and of the compilers that it has run."""
    own, others = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


if __name__ == "__main__":
    sys.exit(main())
