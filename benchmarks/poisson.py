"""Poisson blending of a 512 px face, float32 HDR, against OpenCV's and against the exact solve.

    python -m benchmarks.poisson [--size 512] [--repeats 7]

Baselines: cv2.seamlessClone, which is 8-bit and clips at 1, on the same face in a UHD frame; and
the exact answer by a sparse LU factorisation (scipy's SuperLU, symmetric mode, minimum degree
ordering), its matrix assembled by numpy. One thread each, processor seconds, in turn. The first
counts for the goal of 5, the second for that of 50; `ratio` is the first, `passed` asks for both.

Gate: the largest error over the largest value of the exact field, in the linear domain.
"""

import argparse
import sys
import time

import cv2
import numpy as np
from tests.support.poisson import BoolArray, FloatArray, boundary_field, problem

from benchmarks.harness import Outcome, alternate, finish
from faceplate.merge.poisson import poisson_blend

__all__ = ["main", "measure"]

GOAL, GOAL_EXACT = 5.0, 50.0
GATE = 1e-4
FRAME = (2160, 3840)
NAMES = ("seamlessClone, 8-bit", "sparse LU, float64", "linear", "log", "robust")


def main() -> int:
    """Run the benchmark; 1 if a goal or the gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="side of the face's box in pixels")
    parser.add_argument("--repeats", type=int, default=7, help="rounds that count, at least 5")
    options = parser.parse_args()
    return 0 if measure(options.size, options.repeats).passed else 1


def measure(size: int = 512, repeats: int = 7) -> Outcome:
    """Time them in turn and print the table and the outcome."""
    cv2.setNumThreads(1)
    swap, plate, region = problem(size)
    matte = region.astype(np.float32)
    clone = seamless_clone(swap, plate, region)
    difference = plate.astype(np.float64) - swap
    timings = alternate(
        {
            NAMES[0]: clone,
            NAMES[1]: lambda: boundary_field(difference, region),
            NAMES[2]: lambda: poisson_blend(swap, plate, matte, domain="linear"),
            NAMES[3]: lambda: poisson_blend(swap, plate, matte, domain="log"),
            NAMES[4]: lambda: poisson_blend(swap, plate, matte, domain="robust"),
        },
        repeats,
        clock=time.process_time,
    )
    exact = boundary_field(difference, region)
    added = poisson_blend(swap, plate, matte, domain="linear").astype(np.float64) - swap
    accuracy = float(np.abs(added - exact)[region].max() / np.abs(exact).max())
    ours = timings[NAMES[2]].median
    ratio, ratio_exact = timings[NAMES[0]].median / ours, timings[NAMES[1]].median / ours
    print(f"{size} px, {region.mean():.0%} of the box is face; one thread, processor time")
    print(f"against seamlessClone {ratio:.1f} (goal {GOAL:g}), exact {ratio_exact:.1f} "
          f"(goal {GOAL_EXACT:g})")  # fmt: skip
    passed = ratio >= GOAL and ratio_exact >= GOAL_EXACT and accuracy <= GATE
    outcome = Outcome("poisson", ratio, GOAL, accuracy, GATE, passed)
    finish(outcome, timings)
    return outcome


def seamless_clone(swap: FloatArray, plate: FloatArray, region: BoolArray):  # type: ignore[no-untyped-def]  # a closure
    """Return OpenCV's clone of the face into the middle of an 8-bit UHD frame."""

    def coded(image: FloatArray) -> np.ndarray:
        return np.round(np.clip(image, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)

    frame = np.full((*FRAME, 3), 96, np.uint8)
    top, left = (FRAME[0] - swap.shape[0]) // 2, (FRAME[1] - swap.shape[1]) // 2
    frame[top : top + swap.shape[0], left : left + swap.shape[1]] = coded(plate)
    source, mask = coded(swap), region.astype(np.uint8) * 255
    centre = (FRAME[1] // 2, FRAME[0] // 2)
    return lambda: cv2.seamlessClone(source, frame, mask, centre, cv2.NORMAL_CLONE)


if __name__ == "__main__":
    sys.exit(main())
