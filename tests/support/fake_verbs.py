"""Verbs without an engine, steered by files, for tests of server and client."""

import multiprocessing
import os
import resource
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from faceplate import errors
from faceplate.context import Context
from faceplate.jobs import Verb

__all__ = ["VERBS", "CountJob", "CountResult", "count"]


@dataclass(frozen=True)
class Nested:
    """Something with a path further down."""

    extra: str = ""


@dataclass(frozen=True)
class CountJob:
    """Writes one small file per frame, as every verb leaves those that are there already."""

    out: str
    frames: int = 3
    gate: str = ""
    """After the first frame, waits for this file, reporting all the while."""
    deaf: bool = False
    """Waits for the gate without a report, so it hears of no wish to stop; touches `deaf` first."""
    silent: bool = False
    """Waits for the gate before its first report already."""
    fail: str = ""
    """Name of the error to raise after the first frame."""
    die: bool = False
    """Kills itself after the first frame."""
    fork: bool = False
    """Leaves a child behind that holds its output open."""
    noise: bool = False
    """Prints to standard output, as libraries do."""
    mode: Literal["plain", "fancy"] = "plain"
    nested: Nested = field(default_factory=Nested)


@dataclass(frozen=True)
class CountResult:
    out: str
    written: int
    mean: float = float("nan")


def count(job: CountJob, context: Context) -> CountResult:
    with context.progress.control.handling({"save": (Path(job.out) / "saved").touch}):
        return _count(job, context)


def _count(job: CountJob, context: Context) -> CountResult:
    out, written = Path(job.out), 0
    out.mkdir(parents=True, exist_ok=True)
    if job.noise:
        os.write(1, b"a library prints here\n")
    if job.silent:
        (out / "begun").touch()
        while not Path(job.gate).exists():
            time.sleep(0.01)
    if job.fork:
        multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,)).start()
    for frame in range(1, job.frames + 1):
        path = out / f"{frame:04d}.txt"
        if not path.exists():
            path.write_text(f"{os.getpid()}\n")
            written += 1
        context.progress.report(
            "count", frame, job.frames, frame=frame, preview=path if frame == 1 else None, loss=0.5
        )
        if frame == 1:
            _trouble(job)
            _wait(job, context)
    return CountResult(str(out), written)


def _trouble(job: CountJob) -> None:
    if job.die:
        os.kill(os.getpid(), signal.SIGKILL)
    if job.fail == "RuntimeError":
        raise RuntimeError("a mistake in the code")
    if job.fail:
        raise getattr(errors, job.fail)("as the test wished")


def _wait(job: CountJob, context: Context) -> None:
    if job.deaf:
        (Path(job.out) / "deaf").touch()  # its last report has been sent and attended to
    while job.gate and not Path(job.gate).exists():
        time.sleep(0.01)
        if not job.deaf:
            context.progress.report("count", 1, job.frames, frame=1)


@dataclass(frozen=True)
class BlankJob:
    """A swap of a plate without anybody in it."""

    kept: int = 0


@dataclass(frozen=True)
class BlankResult:
    swapped: int
    without_face: int
    kept: int


def blank(job: BlankJob, context: Context) -> BlankResult:
    return BlankResult(0, 3 - job.kept, job.kept)


@dataclass(frozen=True)
class HungryJob:
    """Takes memory for each of its batch, of which it is allowed so much."""

    out: str
    batch: int = 8
    each_mib: int = 64
    allowed_mib: int = 400
    """More than what the process has at the start."""
    kind: Literal["real", "torch"] = "real"


@dataclass(frozen=True)
class HungryResult:
    batch: int


def hungry(job: HungryJob, context: Context) -> HungryResult:
    with (Path(job.out)).open("a") as file:
        file.write(f"{job.batch}\n")
    if job.kind == "torch" and job.batch * job.each_mib > job.allowed_mib:
        raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit = used + (job.allowed_mib << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    held = [bytearray(job.each_mib << 20) for _ in range(job.batch)]
    return HungryResult(len(held))


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


VERBS = {
    "hungry": Verb("hungry", "takes memory", f"{__name__}:HungryJob", f"{__name__}:hungry"),
    "blank": Verb("blank", "finds no face", f"{__name__}:BlankJob", f"{__name__}:blank"),
    "count": Verb(
        "count",
        "counts",
        f"{__name__}:CountJob",
        f"{__name__}:count",
        writes=("out",),
        commands=("pause", "resume", "save"),
    ),
    "swap": Verb("swap", "counts too", f"{__name__}:CountJob", f"{__name__}:count"),
}
