"""Single frames over the wire with a kept prediction, 1080p, alone and while a batch job runs.

The real server, the shot of the other benchmarks (face 500 px high, DF of 256 pixels); every frame
is asked for with another feather, so that it is merged anew; only the network is spared. SwapBuffer
lays the swap into shared memory, TweakFrame shows a PNG, SwapFrame writes EXR files. Then a swap of
many frames runs as a job on the same processor, as nice as the server makes it, and as nice as
anybody. Milliseconds are what the server itself measures.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tests.support.servers import Client, fake_settings, running_server
from tests.support.shots4k import large_shot

from benchmarks.harness import Outcome
from benchmarks.tweak import df_model
from faceplate.io.image import read_frame
from faceplate_protos.v1 import frames_pb2, jobs_pb2
from faceplate_server.app import ENGINE
from faceplate_server.verbs import ENGINE_VERBS

__all__ = ["main", "measure"]

GOAL_MS = 200.0
STARVED = 2.0
"""A frame beside a batch job may take so many times as long as alone."""


class Artist:
    """Asks for one frame again and again."""

    def __init__(self, client: Client, folder: Path, given: dict[str, str], number: int) -> None:
        self._client, self._folder, self._given, self._number = client, folder, given, number
        plate = read_frame(folder / f"p.{number}.exr", number).pixels
        height, width = plate.shape[:2]
        opened = client.frames.OpenBuffer
        request = frames_pb2.OpenBufferRequest(width=width, height=height)
        self._buffer = client(opened, request).buffer
        self._plate = plate
        self._consent = {"consent": given["consent"]}

    def buffer(self, feather: float) -> Any:
        """Lay the swap into shared memory."""
        np.memmap(self._buffer, np.float32, "r+", shape=self._plate.shape)[:] = self._plate
        wanted = {**self._consent, "color_space": "ACEScg"}
        return self._ask("SwapBuffer", feather, settings=wanted, buffer=self._buffer)

    def file(self, layers: str, compression: str) -> Callable[[float], Any]:
        """Return what writes an EXR file."""
        out = str(self._folder / f"{layers}_{compression}" / "p.%04d.exr")
        settings = {"layers": layers, "compression": compression}
        settings |= self._consent
        plate = self._given["plate"]
        return lambda feather: self._ask(
            "SwapFrame", feather, settings=settings, plate=plate, out=out
        )

    def tweak(self, feather: float) -> Any:
        """Look at the face."""
        plate, view = self._given["plate"], str(self._folder / "v.png")
        return self._ask("TweakFrame", feather, settings=self._consent, plate=plate, view=view)

    def _ask(self, name: str, feather: float, settings: dict[str, str], **named: str) -> Any:
        recipe = "changes_json" if name == "TweakFrame" else "recipe_json"
        named |= {recipe: json.dumps({"feather": feather}), "settings_json": json.dumps(settings)}
        shared = {name: self._given[name] for name in ("track", "model")}
        request = getattr(frames_pb2, f"{name}Request")(frame=self._number, **shared, **named)
        return self._client(getattr(self._client.frames, name), request, 300.0)


def main() -> int:
    """Run the benchmark; 1 if goal or gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=20, help="of each figure, at least 5")
    return 0 if measure(max(parser.parse_args().frames, 5)).passed else 1


def measure(count: int) -> Outcome:
    """Measure, and print the table and the outcome."""
    medians: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="fp") as name:
        folder = Path(name)
        shot = large_shot(folder, 1920, 1080, 500.0, frames=60, alike=True)
        given = {**shot.job(), "model": str(df_model(folder / "df256"))}
        print(f"{'1080p, kept prediction':44}{'median ms':>11}{'p95 ms':>9}{'min ms':>9}")
        for niceness in (None, 10, 0):
            settings = fake_settings(folder, job_niceness=niceness or 0, devices=("cpu",))
            with running_server(settings, ENGINE_VERBS, ENGINE) as client:
                busy = "" if niceness is None else _submit(client, folder, given)
                artist = Artist(client, folder, given, shot.frames[0])
                asked = {"SwapBuffer": artist.buffer}
                if niceness is None:
                    asked |= {
                        "TweakFrame": artist.tweak,
                        "SwapFrame, the result, stored": artist.file("none", "none"),
                        "SwapFrame, the result, ZIP": artist.file("none", "zip"),
                        "SwapFrame, layers beside, stored": artist.file("beside", "none"),
                        "SwapFrame, all layers, ZIP": artist.file("inside", "zip"),
                    }
                beside = "" if niceness is None else f" beside a job of niceness {niceness}"
                for title, ask in asked.items():
                    medians[title + beside] = _row(title + beside, ask, count)
                if busy:
                    client(client.jobs.CancelJob, jobs_pb2.CancelJobRequest(id=busy))
    median = medians["SwapBuffer"]
    starved = medians["SwapBuffer beside a job of niceness 10"] / median
    passed = median <= GOAL_MS and starved <= STARVED
    outcome = Outcome("interactive", GOAL_MS / median, 1.0, starved, STARVED, passed)
    print(json.dumps(outcome.__dict__))
    return outcome


def _row(title: str, ask: Callable[[float], Any], count: int) -> float:
    """Print a line; the first two, which fill caches, do not count."""
    times = [ask(2.0 + number / 7).milliseconds for number in range(count + 2)][2:]
    median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"{title:44}{median:11.0f}{p95:9.0f}{min(times):9.0f}", flush=True)
    return median


def _submit(client: Client, folder: Path, given: dict[str, str]) -> str:
    """Start a job that keeps the processor busy, and wait until it does."""
    wanted: dict[str, Any] = {**given, "out": str(folder / "job" / "p.%04d.exr"), "cache_gib": 0}
    request = jobs_pb2.SubmitJobRequest(
        verb="swap", settings_json=json.dumps({**wanted, "overwrite": True})
    )
    job = client(client.jobs.SubmitJob, request).job
    watched = client(client.jobs.WatchJob, jobs_pb2.WatchJobRequest(id=job.id), 300.0)
    for message in watched:
        if message.job.progress.done:
            break
    watched.cancel()
    return str(job.id)


if __name__ == "__main__":
    sys.exit(main())
