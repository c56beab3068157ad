"""Verbs that a real server runs for the plug-in in a moment: files are copied."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from faceplate.context import Context
from faceplate.jobs import Verb


@dataclass(frozen=True)
class AnalyseJob:
    plate: str
    out: str
    frames: str
    color_space: str = ""


@dataclass(frozen=True)
class SwapJob:
    plate: str
    track: str
    model: str
    out: str
    frames: str
    color_space: str = ""
    shot: str = ""


@dataclass(frozen=True)
class AnalyseResult:
    frames: int
    frames_with_face: int


@dataclass(frozen=True)
class SwapResult:
    swapped: int


def analyse(job: AnalyseJob, context: Context) -> AnalyseResult:
    count = len(_numbers(job.frames))
    Path(job.out).write_text("track")
    context.progress.report("analyse", count, count)
    return AnalyseResult(count, count)


def swap(job: SwapJob, context: Context) -> SwapResult:
    for number in _numbers(job.frames):
        out = Path(job.out % number)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(job.plate % number, out)
        context.progress.report("swap", 1, 1, frame=number)
    return SwapResult(len(_numbers(job.frames)))


def _numbers(frames: str) -> range:
    first, last = map(int, frames.split("-"))
    return range(first, last + 1)


VERBS = {
    "analyse": Verb(
        "analyse",
        "copies nothing",
        f"{__name__}:AnalyseJob",
        f"{__name__}:analyse",
        reads=("plate",),
        writes=("out",),
    ),
    "swap": Verb(
        "swap",
        "copies the plate",
        f"{__name__}:SwapJob",
        f"{__name__}:swap",
        reads=("plate", "track", "model"),
        writes=("out",),
    ),
}
