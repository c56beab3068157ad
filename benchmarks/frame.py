"""A whole UHD frame, face 512 px: read, swap from a kept prediction, write.

Baseline: the textbook. The frame is read whole, converted whole in float64 by the formula, the face
and its matte are warped over the whole frame, colours are matched by mean and deviation in float64,
and R, G, B, A are written anew. Candidate: `faceplate swap` as it is, with rows read where the face
is, the result spliced into the plate's file, and all layers beside it, which the baseline lacks.

In processor seconds of one thread: one frame goes to one core. Gate: no pixel outside the matte has
changed, and two cores, one frame on each, give a whole frame, layers and all, in under a second.
"""

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO
import torch
from tests.support.shots4k import LargeShot, large_shot

from benchmarks.harness import Outcome, alternate, finish, run
from faceplate.context import Context
from faceplate.geometry.facetype import FaceType
from faceplate.io.image import read_frame, write_frame
from faceplate.merge.swap import SwapJob
from faceplate.merge.writing import SwapShot

__all__ = ["main", "measure"]

GOAL = 5.0
SECONDS = 1.0


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
        shot = large_shot(folder, 3840, 2160, 512.0, resolution=256)
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
                "faceplate, result only": _result_only(job, context, number),
            },
            repeats,
            clock=time.process_time,
        )
        changed = _changed_outside(shot, ours, number)
    naive, whole, _ = (timing.median for timing in timings.values())
    ratio = naive / whole
    each = whole / 2  # two cores, one frame on each
    print(f"a frame with all layers: {whole:.2f} s of one core; pixels changed outside: {changed}")
    passed = ratio >= GOAL and changed == 0 and each < SECONDS
    outcome = Outcome("frame", ratio, GOAL, each, SECONDS, passed)
    finish(outcome, timings)
    return outcome


def _result_only(job: SwapJob, context: Context, number: int):  # type: ignore[no-untyped-def]
    alone = replace(job, layers="none", out=job.out.replace("s.%", "r.%"))
    shot = SwapShot(alone, context)
    return lambda: shot.swap(number)


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
