"""A process that makes samples: `python -m faceplate.train.sampleworker`.

It reads one `WorkerOrder` as a JSON line from standard input, then one line per batch: the step,
the slot of the shared memory, and its share of the samples. It writes these there and answers with
the step, or with an error. No picture travels over a pipe. It ends when standard input closes, so
it never outlives the training; killing it costs what it was at.
"""

import json
import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TextIO

import cv2

from faceplate.config import from_dict
from faceplate.errors import Damaged, FaceplateError
from faceplate.train.faces import cache_figures
from faceplate.train.ring import Ring, RingShape
from faceplate.train.samples import BankOrder, SampleMaker, SampleSettings, Share

__all__ = ["WorkerOrder", "main"]


@dataclass(frozen=True)
class WorkerOrder:
    """What a worker needs to know once."""

    banks: list[BankOrder]
    settings: SampleSettings
    ring: tuple[int, int, int, int]
    """`RingShape`."""
    descriptor: int
    """Of the shared memory."""


def main() -> int:
    """Work until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the trainer's to answer
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    cv2.setNumThreads(1)  # workers are the threads
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not look like an answer
    lines = iter(os.fdopen(os.dup(0), encoding="utf-8").readline, "")
    first = next(lines, "")
    if not first:
        return 0
    try:
        _work(from_dict(WorkerOrder, json.loads(first), "order"), lines, answers)
    except FaceplateError as error:
        _say(answers, error=type(error).__name__, message=str(error))
    except BrokenPipeError:
        pass  # the training is gone
    return 0


def _work(order: WorkerOrder, lines: Iterable[str], answers: TextIO) -> None:
    banks = tuple(bank.open() for bank in order.banks)
    for bank, ordered in zip(banks, order.banks, strict=True):
        if bank.stamp != ordered.stamp:
            raise Damaged(
                f"{bank.path} was changed while it is trained on; start the training again, it "
                "goes on from its newest save"
            )
    maker = SampleMaker(banks, order.settings)
    ring = Ring(RingShape(*order.ring), order.descriptor)
    for line in lines:
        task = json.loads(line)
        for side, place in task["shares"]:
            arrays = ring.arrays(task["slot"], side)
            sample = maker.make(task["step"], Share(side, place))
            arrays.image[place] = sample.image
            arrays.target[place] = sample.target
            arrays.mattes[place] = sample.mattes
        _say(answers, step=task["step"], **cache_figures(banks))


def _say(answers: TextIO, **values: Any) -> None:
    answers.write(json.dumps(values) + "\n")
    answers.flush()


if __name__ == "__main__":
    sys.exit(main())
