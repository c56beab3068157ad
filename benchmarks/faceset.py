"""A faceset of 100,000 faces: open time, memory, samples per second.

The faces are made from the bundled shot by turning, moving and relighting its 24 frames, so every
picture is another one. Baseline: the same list of head turns, read from the rows themselves as a
faceset without its index would have to. Each figure is measured in a process of its own.

Opening is timed in processor seconds, which a busy machine disturbs least. Gate: it opens within a
second, and what a training keeps in memory stays within its limit.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from benchmarks.harness import Outcome
from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.hull import hull_matte
from faceplate.geometry.points import transform
from faceplate.geometry.warp import warp_crop
from faceplate.io.faceset import Face, Faceset, FacesetInfo
from faceplate.io.image import read_frame
from faceplate.io.tracked import Pose
from faceplate.train.faces import FaceBank, Sampler, cache_figures
from faceplate.train.loader import Loader
from faceplate.train.presets import TrainSettings
from faceplate.train.workers import WorkerPool

__all__ = ["main", "write_faceset"]

MINI = Path(__file__).parents[1] / "examples" / "mini"
OPEN_GATE_S = 1.0
_FACE_TYPE = FaceType.WHOLE_FACE
_RESOLUTION = 96
_BATCH = 8
_AT_ONCE = 500
_OPENINGS = 5


def main() -> int:
    """Run the benchmark; 1 if the gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--size", type=int, default=128, help="side of the faces in pixels")
    parser.add_argument("--cache-mb", type=int, default=256, help="memory for decoded faces")
    parser.add_argument("--samples", type=int, default=2000, help="samples that are timed")
    parser.add_argument("--at", type=Path, help="keep the faceset here, and take it if it is there")
    parser.add_argument("--measure", metavar="WHAT", help="measure one thing in this process")
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(MEASURES[options.measure](options)))
        return 0
    with TemporaryDirectory() as folder:
        path = options.at or Path(folder) / "many.faceset"
        if not path.exists():
            write_faceset(path, options.faces, options.size)
        return 0 if _report(path, options).passed else 1


def write_faceset(path: Path, count: int, size: int) -> None:
    """Write a faceset of that many different faces."""
    began = time.perf_counter()
    bases = list(_bases(round(size * 1.25)))
    faces = (_varied(bases[number % len(bases)], number, size) for number in range(count))
    with Faceset.create(path, FacesetInfo("many", str(_FACE_TYPE), size)) as faceset:
        for first in range(0, count, _AT_ONCE):
            faceset.add_many(islice(faces, _AT_ONCE))
            if first % 10_000 == 0:
                print(f"{first} faces, {time.perf_counter() - began:.0f} s", flush=True)
    seconds = time.perf_counter() - began
    print(f"wrote {count} faces, {path.stat().st_size / 1e9:.1f} GB, in {seconds:.0f} s")


def _report(path: Path, options: argparse.Namespace) -> Outcome:
    names = ("scan", *("open",) * _OPENINGS, "thread", "processes")
    runs: dict[str, dict[str, float]] = {}
    opened = []
    for name in names:
        runs[name] = _measured(name, path, options)
        if name == "open":
            opened.append(runs[name]["cpu_seconds"])
    print(f"{'what':12}{'figures'}")
    for name, figures in runs.items():
        print(f"{name:12}" + ", ".join(f"{key} {value:g}" for key, value in figures.items()))
    median, scanned = statistics.median(opened), runs["scan"]["cpu_seconds"]
    print(f"opening took {', '.join(f'{seconds:.2f}' for seconds in opened)} processor seconds")
    limit = options.cache_mb
    within = all(runs[name]["cached_mb"] <= limit for name in ("thread", "processes"))
    outcome = Outcome(
        "faceset", scanned / median, 1.0, median, OPEN_GATE_S, median <= OPEN_GATE_S and within
    )
    print(json.dumps(outcome.__dict__))
    return outcome


def _measured(what: str, path: Path, options: argparse.Namespace) -> dict[str, float]:
    words = [
        *("--measure", what, "--at", str(path)),
        *("--cache-mb", str(options.cache_mb), "--samples", str(options.samples)),
    ]
    command = [sys.executable, "-m", "benchmarks.faceset", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _scan(options: argparse.Namespace) -> dict[str, float]:
    began, began_cpu = time.perf_counter(), time.process_time()
    with Faceset.open(options.at, readonly=True) as faceset:
        query = "SELECT id, yaw, pitch, roll FROM faces NOT INDEXED WHERE keep = 1"
        rows = faceset.database.connection().execute(query).fetchall()
    cpu = time.process_time() - began_cpu
    return {"seconds": time.perf_counter() - began, "cpu_seconds": cpu, "faces": len(rows)}


def _open(options: argparse.Namespace) -> dict[str, float]:
    before = _resident_mb()
    began, began_cpu = time.perf_counter(), time.process_time()
    bank = FaceBank(options.at, _RESOLUTION, options.cache_mb * 2**20)
    opened, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    grown = _resident_mb() - before
    began = time.perf_counter()
    Sampler(bank.yaws, 1, uniform_yaw=True).face(0)
    sampler = time.perf_counter() - began
    began = time.perf_counter()
    with Faceset.open(options.at, readonly=True) as faceset:
        faceset.content_hash()
    return {
        "seconds": opened,
        "cpu_seconds": cpu,
        "faces": len(bank),
        "resident_mb_more": grown,
        "sampler_s": sampler,
        "content_hash_s": time.perf_counter() - began,
    }


def _thread(options: argparse.Namespace) -> dict[str, float]:
    return _samples(options, 0)


def _processes(options: argparse.Namespace) -> dict[str, float]:
    return _samples(options, 2)


def _samples(options: argparse.Namespace, workers: int) -> dict[str, float]:
    before = _resident_mb()
    room = options.cache_mb * 2**20 // 2
    banks = tuple(FaceBank(options.at, _RESOLUTION, room) for _ in range(2))
    settings = TrainSettings(batch=_BATCH)
    steps = options.samples // (2 * _BATCH)
    with Loader(banks, settings, _RESOLUTION, 10_000, 1, workers=workers) as loader:
        loader.next()
        began, began_cpu = time.perf_counter(), time.process_time()
        for _ in range(steps):
            loader.next()
        seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
        makers = loader._makers
        figures = makers.figures if isinstance(makers, WorkerPool) else cache_figures(banks)
        resident = _resident_mb() + sum(_resident_mb(pid) for pid in loader.pids)
    of_workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu += of_workers.ru_utime + of_workers.ru_stime  # with their start
    return {
        "cpu_ms_per_sample": 1e3 * cpu / (steps * 2 * _BATCH),
        "samples_per_s": steps * 2 * _BATCH / seconds,
        "cached_mb": figures["cached"] / 2**20,
        "resident_mb_more": resident - before,
        "resident_mb": resident,
    }


MEASURES = {"scan": _scan, "open": _open, "thread": _thread, "processes": _processes}


def _resident_mb(pid: int | None = None) -> float:
    pages = int(Path(f"/proc/{pid or 'self'}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _bases(size: int) -> Iterator[Face]:
    """Yield the faces of the bundled shot, with room around them to turn in."""
    truth: dict[str, Any] = json.loads((MINI / "truth_A.json").read_text())["frames"]
    encodings = Encodings(load_config(), "lin_ap1_scene")
    for number, frame in truth.items():
        points = np.array(frame["landmarks68_px"]) - 0.5  # the file's are edge based
        matrix = plate_to_crop(points, _FACE_TYPE, size, scale=0.8)
        plate = read_frame(MINI / "A" / f"A.{int(number):04d}.exr", int(number)).rgb()
        crop = np.clip(warp_crop(encodings.to_working(plate), matrix, size), 0, 1)
        inside = transform(points, matrix)
        yield Face(
            image=crop,
            mask=hull_matte(inside, (size, size)),
            landmarks=inside.astype(np.float32),
            plate_landmarks=points.astype(np.float32),
            plate_to_crop=matrix,
            face_type=str(_FACE_TYPE),
            source="many.%06d.exr",
            frame=0,
            person=1,
            pose=Pose(0.0, 0.0, 0.0),
            confidence=1.0,
            sharpness=1.0,
        )


def _varied(base: Face, number: int, size: int) -> Face:
    """Return a face turned, moved and relit by what follows from its number."""
    rng = np.random.default_rng(number)
    middle = (base.size - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), rng.uniform(-12, 12), rng.uniform(0.9, 1.1))
    turn[:, 2] += rng.uniform(-4, 4, 2) - (base.size - size) / 2
    light = rng.uniform(-0.06, 0.06, 3) + rng.normal(0, 0.002, (size, size, 3))
    image = warp_crop(base.image, turn, size) + light
    return replace(
        base,
        image=np.clip(image, 0, 1).astype(np.float32),
        mask=warp_crop(base.mask, turn, size, interpolation="linear", border="zero"),
        landmarks=transform(base.landmarks, turn).astype(np.float32),
        plate_to_crop=(np.vstack([turn, [0, 0, 1]]) @ np.vstack([base.plate_to_crop, [0, 0, 1]]))[
            :2
        ],
        frame=number,
        pose=Pose(float(rng.normal(0, 20)), float(rng.normal(0, 8)), 0.0),
    )


if __name__ == "__main__":
    sys.exit(main())
