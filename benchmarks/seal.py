"""What the sidecar costs: hashes of a UHD frame, and sealing, signing and checking a shot.

    python -m benchmarks.seal [--repeats 5]

Baseline: `faceplate swap` of a frame from a kept prediction, without a sidecar. Candidate: the same
with the frame's hashes, as they are taken right after it was written. In processor seconds of one
thread, for layers inside the result and beside it. Goal: hashing adds no more than a few hundredths
(ratio of the frame without to the frame with it). Gate: seconds of a core that sealing a shot of
1000 frames takes at its end, its sidecar signed.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import OpenImageIO
import torch
from tests.support.shots4k import large_shot

from benchmarks.harness import Outcome, Timing, alternate, finish, run
from faceplate.commands.verify import VerifyJob, verify
from faceplate.context import Context
from faceplate.merge.output import LayersWhere
from faceplate.merge.sealing import hash_frame, seal_sequence
from faceplate.merge.swap import SwapJob
from faceplate.merge.writing import SwapShot
from faceplate.provenance.keys import new_key
from faceplate.provenance.sidecar import SealedFrame

__all__ = ["main", "measure"]

GOAL = 0.95
SECONDS = 2.0
FRAMES = 1000


def main() -> int:
    """Run the benchmark; 1 if goal or gate is missed."""
    return run(measure, __doc__)


def measure(repeats: int = 5) -> Outcome:
    """Time all of it and print the table and the outcome."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    OpenImageIO.attribute("threads", 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shot = large_shot(folder, 3840, 2160, 512.0, resolution=256, frames=1, alike=True)
        context = Context(folder / "home", device="cpu", threads=1)
        new_key(context.home, "House")
        job = SwapJob(**shot.job(), out=str(folder / "o" / "s.%04d.exr"), overwrite=True)
        number = shot.frames[0]
        ratios, timings = [], {}
        for where in ("inside", "beside"):
            found = alternate(_two(job, context, number, where), repeats, clock=time.process_time)
            plain, hashed = (timing.median for timing in found.values())
            ratios.append(plain / hashed)
            timings |= found
        sealing, checking = _shot(SwapShot(job, context), number, context)
        timings |= {timing.name: timing for timing in (sealing, checking)}
    print(f"frame without / with hashes: inside {ratios[0]:.3f}, beside {ratios[1]:.3f}")
    passed = min(ratios) >= GOAL and sealing.median < SECONDS
    outcome = Outcome("seal", min(ratios), GOAL, sealing.median, SECONDS, passed)
    finish(outcome, timings)
    return outcome


def _two(
    job: SwapJob, context: Context, number: int, where: LayersWhere
) -> dict[str, Callable[[], object]]:
    shot = SwapShot(replace(job, layers=where, out=job.out.replace("s.%", f"{where}.%")), context)
    return {
        f"layers {where}": lambda: shot.swap(number),
        f"layers {where}, hashed": lambda: shot.swap_and_hash(number),
    }


def _shot(shot: SwapShot, number: int, context: Context) -> tuple[Timing, Timing]:
    """Time sealing 1000 frames that are hashed, and checking one of them, file and all."""
    shot.swap(number)
    frame, making = hash_frame([shot.out.path(number)], number, {}), shot.making()
    entries = [
        (SealedFrame(each, frame.files, {**frame.header, "frame": str(each)}, 0), making)
        for each in range(number, number + FRAMES)
    ]
    sealing, checking = Timing(f"seal {FRAMES} frames"), Timing("verify one frame")
    job = VerifyJob(str(shot.out.folder / "s.provenance.json"), frames=str(number))
    for _ in range(5):
        for path in shot.out.folder.glob("s.provenance.*"):
            path.unlink()
        sealing.seconds.append(_timed(lambda: seal_sequence(shot.out, entries, context.home)))
        checking.seconds.append(_timed(lambda: verify(job, context)))
    return sealing, checking


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    sys.exit(main())
