"""Baseline and candidate, in turn, in one process: only their ratio counts.

Absolute times on a shared machine scatter by a factor of two; the ratio of two medians whose runs
alternate does not. Each benchmark prints a readable table and, as its last line, one JSON object.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Outcome", "Timing", "alternate", "finish", "peak_bytes", "run"]


@dataclass(frozen=True)
class Timing:
    """Seconds of each run of one candidate."""

    name: str
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Median of the runs in seconds."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Outcome:
    """What the last line of a benchmark says."""

    name: str
    ratio: float
    """Baseline time over candidate time; for costs, what the benchmark's table says."""
    goal: float
    accuracy: float
    """Figure of the accuracy gate."""
    gate: float
    """Bound of the accuracy figure."""
    passed: bool
    """Goal and gate both held."""


def alternate(
    runs: dict[str, Callable[[], object]],
    repeats: int = 5,
    warm_up: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Timing]:
    """Run every candidate in turn, `repeats` times after `warm_up` rounds that do not count.

    Args:
        runs: Name to a function that does the whole work once.
        repeats: Rounds that count; at least five.
        warm_up: Rounds before that.
        clock: Wall clock by default; `time.process_time` for processor seconds.
    """
    if repeats < 5:
        raise ValueError(f"a median of at least five runs is wanted, got repeats={repeats}")
    timings = {name: Timing(name) for name in runs}
    for round_number in range(-warm_up, repeats):
        for name, run in runs.items():
            began = clock()
            run()
            if round_number >= 0:
                timings[name].seconds.append(clock() - began)
    return timings


def finish(outcome: Outcome, timings: dict[str, Timing]) -> None:
    """Print the table of timings and, last, the outcome as one JSON object."""
    print(f"{'candidate':32}{'median ms':>12}{'min ms':>12}{'max ms':>12}{'runs':>6}")
    for timing in timings.values():
        low, high = min(timing.seconds), max(timing.seconds)
        print(
            f"{timing.name:32}{timing.median * 1e3:12.2f}{low * 1e3:12.2f}{high * 1e3:12.2f}"
            f"{len(timing.seconds):6d}"
        )
    print(json.dumps(outcome.__dict__))


def run(measure: Callable[[int], Outcome], description: str, repeats: int = 5) -> int:
    """Run a benchmark that is asked for its rounds alone; 1 if goal or gate is missed."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument(
        "--repeats", type=int, default=repeats, help="rounds that count, at least 5"
    )
    return 0 if measure(parser.parse_args().repeats).passed else 1


def peak_bytes() -> int:
    """Return the most resident memory of this process since its program began.

    Not getrusage's `ru_maxrss`: Linux lets a new program inherit the peak of the process that
    started it, such as pytest.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the system does not tell the peak of a process")
