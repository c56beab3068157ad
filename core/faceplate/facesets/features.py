"""The verb ``faceset features``: measures all faces once, so that they can be sorted at once."""

import base64
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceplate.context import Context
from faceplate.facesets.crew import Crew, pick_workers
from faceplate.facesets.measure import METHOD
from faceplate.io.facefeatures import FeatureRow, unmeasured, write_features
from faceplate.io.faceset import Faceset

__all__ = ["FeaturesJob", "FeaturesResult", "features", "measure_missing"]

logger = logging.getLogger(__name__)

_PORTION = 32
_MOST_PROBLEMS = 20


@dataclass(frozen=True)
class FeaturesJob:
    """Which faceset to measure."""

    faceset: str
    """The faceset. Only faces whose figures are missing or out of date are measured."""
    workers: int | None = None
    """Processes that measure, 0..64; 0 is this process, and None one for each core."""


@dataclass(frozen=True)
class FeaturesResult:
    """What was measured."""

    faceset: str
    """The file."""
    faces: int
    """Faces in it, culled ones too."""
    measured: int
    """Faces measured this time."""
    damaged: int
    """Faces that cannot be decoded; they stay without figures and come last in every order."""
    seconds: float
    problems: tuple[str, ...] = ()
    """What is wrong with the first damaged ones."""


def features(job: FeaturesJob, context: Context) -> FeaturesResult:
    """Measure the faces of a faceset; a second run does only what is missing.

    A run that is stopped or killed loses the portions that it was at, some 32 faces each. Several
    may run on one faceset: they write the same figures.

    Raises:
        NotFound, Damaged: The faceset.
        BadSettings: A number of workers that means nothing, or a faceset of a newer Faceplate.
        Cancelled: The figures so far are kept.
    """
    began = time.monotonic()
    with Faceset.open(Path(job.faceset)) as faceset:
        measured, problems = measure_missing(faceset, context, job.workers)
        return FeaturesResult(
            faceset=job.faceset,
            faces=len(faceset),
            measured=measured,
            damaged=len(problems),
            seconds=round(time.monotonic() - began, 2),
            problems=tuple(problems[:_MOST_PROBLEMS]),
        )


def measure_missing(
    faceset: Faceset, context: Context, workers: int | None = None
) -> tuple[int, list[str]]:
    """Measure what is missing; return how many were measured, and what is wrong with others."""
    ids = unmeasured(faceset, METHOD)
    count = pick_workers(workers, len(ids))
    portions = [ids[start : start + _PORTION] for start in range(0, len(ids), _PORTION)]
    measured, done, problems = 0, 0, []
    with Crew(faceset, count) as crew:
        for answers in crew.measure(portions):
            wrong = [answer["problem"] for answer in answers if "problem" in answer]
            for problem in wrong:
                logger.warning("not measured: %s", problem)
            problems += wrong
            measured += write_features(faceset, METHOD, _rows(answers))
            done += len(answers)
            context.progress.report("features", done, len(ids))
    return measured, problems


def _rows(answers: Iterable[dict[str, Any]]) -> list[FeatureRow]:
    return [
        FeatureRow(
            answer["face"],
            answer["sha256"],
            tuple(answer["numbers"]),
            *(base64.b64decode(answer[name]) for name in ("fingerprint", "histogram", "look")),
        )
        for answer in answers
        if "problem" not in answer
    ]
