"""A whole UHD frame, face 512 px: read, swap from a kept prediction, write.

    python -m benchmarks.frame [--repeats 5]

Baseline: the textbook. The frame is read whole, converted whole in float64 by the formula, the face
and its matte are warped over the whole frame, colours are matched by mean and deviation in float64,
and R, G, B, A are written anew. Candidate: `faceplate swap` as it is, with rows read where the face
is, the result spliced into the plate's file, and all layers beside it, which the baseline lacks. In
processor seconds of one thread.

Then `faceplate swap --processes 2` makes a shot, one frame on each of two cores; the time between
its frames is taken once both processes are at work. Gate: under a second a frame on the clock, and
no pixel outside the matte has changed. The clock tells the truth only where two cores are free, so
the processor seconds of both processes stand beside it.
"""

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenImageIO
import torch
from tests.support.shots4k import LargeShot, large_shot

from benchmarks.harness import Outcome, alternate, finish, run
from faceplate.context import Context
from faceplate.geometry.facetype import FaceType
from faceplate.io.image import read_frame, write_frame
from faceplate.merge.output import LayersWhere
from faceplate.merge.swap import SwapJob, swap
from faceplate.merge.writing import SwapShot
from faceplate.progress import Progress

__all__ = ["main", "measure"]

GOAL = 5.0
SECONDS = 1.0
PROCESSES, SHOT, WARM_UP = 2, 14, 4


def main() -> int:
    """Run the benchmark; 1 if goal or gate is missed."""
    return run(measure, __doc__)


def measure(repeats: int = 5) -> Outcome:
    """Time both and print the table and the outcome."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    OpenImageIO.attribute("threads", 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shot = large_shot(folder, 3840, 2160, 512.0, resolution=256, frames=SHOT, alike=True)
        context = Context(folder / "home", device="cpu", threads=1)
        job = SwapJob(
            **shot.job(), out=str(folder / "o" / "s.%04d.exr"), layers="beside", overwrite=True
        )
        ours = SwapShot(job, context)
        number = shot.frames[0]
        timings = alternate(
            {
                "naive, R G B A only": lambda: _naive(ours, shot, folder / "naive.exr"),
                "faceplate, all layers": lambda: ours.swap(number),
                "faceplate, result only": _variant(job, context, number, layers="none"),
                "faceplate, all inside": _variant(job, context, number, layers="inside"),
            },
            repeats,
            clock=time.process_time,
        )
        changed = _changed_outside(shot, ours, number)
        each, worked = _seconds_a_frame(replace(job, processes=PROCESSES), context)
    naive, whole, *_ = (timing.median for timing in timings.values())
    ratio = naive / whole
    print(f"a frame with all layers: {whole:.2f} s of one core; pixels changed outside: {changed}")
    print(
        f"{PROCESSES} processes: {each:.2f} s a frame on the clock, {worked:.2f} s of a core a "
        f"frame; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    passed = ratio >= GOAL and changed == 0 and each < SECONDS
    outcome = Outcome("frame", ratio, GOAL, each, SECONDS, passed)
    finish(outcome, timings)
    return outcome


def _variant(job: SwapJob, context: Context, number: int, layers: LayersWhere) -> Callable[[], Any]:
    other = replace(job, layers=layers, out=job.out.replace("s.%", f"{layers}.%"))
    shot = SwapShot(other, context)
    return lambda: shot.swap(number)


def _seconds_a_frame(job: SwapJob, context: Context) -> tuple[float, float]:
    """Return clock and processor seconds between the frames of a shot, its processes warm."""
    marks: list[tuple[float, float]] = []
    progress = Progress(lambda report: marks.append((time.perf_counter(), _worked())))
    swap(job, replace(context, progress=progress))
    (began, worked), (ended, worked_at_end) = marks[WARM_UP - 1], marks[-1]
    frames = len(marks) - WARM_UP
    return (ended - began) / frames, (worked_at_end - worked) / frames


def _worked() -> float:
    """Return the processor seconds of all processes that this one has started."""
    ticks = 0
    for child in multiprocessing.active_children():
        fields = Path(f"/proc/{child.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _changed_outside(shot: LargeShot, ours: SwapShot, number: int) -> int:
    plate = read_frame(Path(shot.plate % number)).rgb()
    result = read_frame(ours.out.path(number)).rgb()
    layers = read_frame(ours.layers_out.path(number))
    window = layers.data_window
    matte = np.zeros(plate.shape[:2], np.float32)
    matte[window.y0 : window.y1, window.x0 : window.x1] = layers.channel("fp.A")
    return int((result != plate).any(axis=-1)[matte == 0].sum())


def _naive(shot: SwapShot, large: LargeShot, path: Path) -> None:
    number = large.frames[0]
    frame = read_frame(Path(large.plate % number))
    cast = shot.roles[0].cast_face(number)
    assert cast is not None
    size = cast.predictor.resolution
    working = _to_acescct(frame.rgb().astype(np.float64))
    matrix = cast.crop_matrix(size, 1.0)
    crop = cv2.warpAffine(working, matrix, (size, size), flags=cv2.INTER_CUBIC)
    crop = np.clip(crop, 0, 1)
    seen = cast.predictor.predict(crop[None].astype(np.float32))
    face, learned = seen.face[0].astype(np.float64), seen.likeness_matte[0].astype(np.float64)
    inside = learned > 0.5 if (learned > 0.5).any() else np.ones_like(learned, bool)
    spread = crop[inside].std(axis=0) / np.maximum(face[inside].std(axis=0), 1e-6)
    face = (face - face[inside].mean(axis=0)) * spread + crop[inside].mean(axis=0)
    side = (frame.data_window.width, frame.data_window.height)
    back = cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(face, matrix, side, flags=cv2.INTER_CUBIC | back)
    matte = cv2.warpAffine(_ellipse(size), matrix, side, flags=cv2.INTER_LINEAR | back)[..., None]
    result = frame.rgb() * (1 - matte) + _from_acescct(warped) * matte
    names = dict(zip("RGB", np.moveaxis(result.astype(np.float32), -1, 0), strict=True))
    write_frame(frame.with_channels(names), path)


def _ellipse(size: int) -> np.ndarray:
    matte = np.zeros((size, size))
    ratio = FaceType.FULL_FACE.framing.ratio
    axes = (int(size / ratio * 0.55), int(size / ratio * 0.7))
    cv2.ellipse(matte, (size // 2, size // 2), axes, 0, 0, 360, 1.0, -1)
    return np.asarray(cv2.GaussianBlur(matte, (0, 0), size / 40))


def _to_acescct(linear: np.ndarray) -> np.ndarray:
    """ACEScct of ACEScg values. Source: S-2016-001."""
    log = (np.log2(np.maximum(linear, 1e-10)) + 9.72) / 17.52
    return np.where(linear <= 0.0078125, 10.5402377416545 * linear + 0.0729055341958355, log)


def _from_acescct(value: np.ndarray) -> np.ndarray:
    linear = (value - 0.0729055341958355) / 10.5402377416545
    return np.where(value <= 0.155251141552511, linear, np.exp2(value * 17.52 - 9.72))


if __name__ == "__main__":
    sys.exit(main())
