"""Single frames over the wire with a kept prediction, 1080p, alone and while a batch job runs.

The real server, the shot of the other benchmarks (face 500 px high, DF of 256 pixels). SwapBuffer
lays the swap into shared memory, TweakFrame shows a PNG, SwapFrame writes EXR files: of one frame
again and again, with another feather each time, as who turns a knob does; and of another plate each
time, as who goes through a shot does. Only the network is spared. Then a swap of many frames or a
training runs as a job on the same processor, as nice as the server makes it, and as nice as
anybody. Milliseconds are what the server itself measures; those of the processor are what all
threads of its engine room took, and say most where others use the machine too.
"""

import argparse
import itertools
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tests.support.masks import mini_faceset
from tests.support.servers import Client, fake_settings, running_server
from tests.support.shots4k import large_shot
from tests.support.swaps import consent_file

from benchmarks.harness import Outcome
from benchmarks.tweak import df_model
from faceplate.io.image import read_frame
from faceplate_protos.v1 import frames_pb2, jobs_pb2, status_pb2
from faceplate_server.app import ENGINE
from faceplate_server.verbs import ENGINE_VERBS

__all__ = ["main", "measure"]

GOAL_MS = 200.0
STARVED = 2.0
"""A frame beside a batch job may take so many times as long as alone."""
BUFFER, PREVIEW = "SwapBuffer", "SwapFrame, the result, stored"
"""What is measured beside jobs too; the second is a host's preview."""
JOBS = (("swap", 10), ("train", 10), ("swap", 0))
"""Verbs and the niceness of their workers."""
THROUGH = 16
"""Frames that are gone through: more than the server keeps in memory."""

Ask = Callable[[float], Any]


class Artist:
    """Asks for frames.

    Args:
        client: Of the server.
        folder: Where results go.
        given: Plate, track, model and consent.
        numbers: The frames that are asked for in turn; one of them is looked at again and again.
    """

    def __init__(
        self, client: Client, folder: Path, given: dict[str, str], numbers: tuple[int, ...]
    ) -> None:
        self._client, self._folder, self._given = client, folder, given
        self._numbers = itertools.cycle(numbers)
        self._consent = {"consent": given["consent"]}
        self._plate = read_frame(Path(given["plate"] % numbers[0])).pixels
        self._buffer = ""

    def buffer(self, feather: float) -> Any:
        """Lay the swap into shared memory."""
        height, width = self._plate.shape[:2]
        if not self._buffer:
            request = frames_pb2.OpenBufferRequest(width=width, height=height)
            self._buffer = self._client(self._client.frames.OpenBuffer, request).buffer
        np.memmap(self._buffer, np.float32, "r+", shape=self._plate.shape)[:] = self._plate
        wanted = {**self._consent, "color_space": "ACEScg"}
        return self._ask("SwapBuffer", feather, wanted, buffer=self._buffer)

    def file(self, layers: str, compression: str) -> Ask:
        """Return what writes an EXR file."""
        out = str(self._folder / f"{layers}_{compression}" / "p.%04d.exr")
        settings = {"layers": layers, "compression": compression, **self._consent}
        plate = self._given["plate"]
        return lambda feather: self._ask("SwapFrame", feather, settings, plate=plate, out=out)

    def tweak(self, feather: float) -> Any:
        """Look at the face."""
        plate, view = self._given["plate"], str(self._folder / "v.png")
        return self._ask("TweakFrame", feather, self._consent, plate=plate, view=view)

    def _ask(self, name: str, feather: float, settings: dict[str, str], **named: str) -> Any:
        recipe = "changes_json" if name == "TweakFrame" else "recipe_json"
        named |= {recipe: json.dumps({"feather": feather}), "settings_json": json.dumps(settings)}
        shared = {name: self._given[name] for name in ("track", "model")}
        kind = getattr(frames_pb2, f"{name}Request")
        request = kind(frame=next(self._numbers), **shared, **named)
        return self._client(getattr(self._client.frames, name), request, 300.0)


def main() -> int:
    """Run the benchmark; 1 if goal or gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=20, help="of each figure, at least 5")
    return 0 if measure(max(parser.parse_args().frames, 5)).passed else 1


def measure(count: int) -> Outcome:
    """Measure, and print the table and the outcome."""
    with tempfile.TemporaryDirectory(prefix="fp") as name:
        folder = Path(name)
        model = {"model": str(df_model(folder / "df256"))}
        given = {**large_shot(folder, 1920, 1080, 500.0, frames=60, alike=True).job(), **model}
        many = {**large_shot(folder / "many", 1920, 1080, 500.0, frames=THROUGH).job(), **model}
        columns = f"{'median ms':>11}{'p95 ms':>9}{'min ms':>9}{'CPU ms':>9}"
        print(f"{'1080p, kept prediction':46}{columns}")
        medians = _alone(folder, given, many, count)
        beside = {
            (verb, niceness, title): median
            for verb, niceness in JOBS
            for title, median in _beside(folder, given, verb, niceness, count).items()
        }
    slowest = max(medians[BUFFER], medians[PREVIEW])
    nice = {key: median for key, median in beside.items() if key[1]}
    starved = max(median / medians[title] for (_, _, title), median in nice.items())
    passed = slowest <= GOAL_MS and starved <= STARVED
    outcome = Outcome("interactive", GOAL_MS / slowest, 1.0, starved, STARVED, passed)
    print(json.dumps(outcome.__dict__))
    return outcome


def _alone(
    folder: Path, given: dict[str, str], many: dict[str, str], count: int
) -> dict[str, float]:
    settings = fake_settings(folder, devices=("cpu",))
    with running_server(settings, ENGINE_VERBS, ENGINE) as client:
        artist = Artist(client, folder, given, (1001,))
        asked = {
            BUFFER: artist.buffer,
            "TweakFrame": artist.tweak,
            PREVIEW: artist.file("none", "none"),
            "SwapFrame, the result, ZIP": artist.file("none", "zip"),
            "SwapFrame, layers beside, stored": artist.file("beside", "none"),
            "SwapFrame, all layers, ZIP": artist.file("inside", "zip"),
        }
        medians = {title: _row(client, title, ask, count) for title, ask in asked.items()}
        other = Artist(client, folder / "many", many, tuple(range(1001, 1001 + THROUGH)))
        ask = other.file("none", "none")
        title = f"{PREVIEW}, another plate"
        medians[title] = _row(client, title, ask, count, unseen=THROUGH)
    return medians


def _beside(
    folder: Path, given: dict[str, str], verb: str, niceness: int, count: int
) -> dict[str, float]:
    settings = fake_settings(folder, job_niceness=niceness, devices=("cpu",))
    with running_server(settings, ENGINE_VERBS, ENGINE) as client:
        busy = _submit(client, verb, _work(folder, given, verb))
        artist = Artist(client, folder, given, (1001,))
        asked = {BUFFER: artist.buffer, PREVIEW: artist.file("none", "none")}
        medians = {
            title: _row(client, f"{title}, {verb} at {niceness}", ask, count)
            for title, ask in asked.items()
        }
        client(client.jobs.CancelJob, jobs_pb2.CancelJobRequest(id=busy))
    return medians


def _row(client: Client, title: str, ask: Ask, count: int, unseen: int = 2) -> float:
    """Print a line; the first ones, which fill caches, do not count."""
    for number in range(unseen):
        ask(1.0 + number / 7)
    status = client(client.server.GetStatus, status_pb2.GetStatusRequest())
    (engine,) = (worker.pid for worker in status.workers if worker.role == "engine room")
    began = _processor_ms(engine)
    times = [ask(2.0 + number / 7).milliseconds for number in range(count)]
    took = (_processor_ms(engine) - began) / count
    median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"{title:46}{median:11.0f}{p95:9.0f}{min(times):9.0f}{took:9.0f}", flush=True)
    return median


def _processor_ms(pid: int) -> float:
    """Return what a process has taken of the processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")


def _work(folder: Path, given: dict[str, str], verb: str) -> dict[str, Any]:
    """Return the settings of a job that keeps the processor busy."""
    if verb == "swap":
        out = str(folder / "job" / "p.%04d.exr")
        return {**given, "out": out, "cache_gib": 0, "overwrite": True}
    faceset = folder / "faces.fpset"
    allowed = {"likeness": "p1B", "training_allowed": True, "uses": ["swap", "train"]}
    consent = str(consent_file(folder / "train.json", **allowed))
    if not faceset.exists():
        mini_faceset(faceset, 128)
    faces = {"likeness": str(faceset), "performer": str(faceset), "consent": consent}
    return {**faces, "out": str(folder / "training"), "preset": "quick96"}


def _submit(client: Client, verb: str, settings: dict[str, Any]) -> str:
    """Start a job, and wait until it is at work."""
    request = jobs_pb2.SubmitJobRequest(verb=verb, settings_json=json.dumps(settings))
    job = client(client.jobs.SubmitJob, request).job
    watched = client(client.jobs.WatchJob, jobs_pb2.WatchJobRequest(id=job.id), 300.0)
    for message in watched:
        if message.job.progress.done:
            break
        if message.job.error.message:
            raise RuntimeError(f"{verb}: {message.job.error.message}")
    watched.cancel()
    return str(job.id)


if __name__ == "__main__":
    sys.exit(main())
