"""Processes that measure faces side by side."""

import contextlib
import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any

from faceplate.errors import BadSettings, Exhausted
from faceplate.facesets.worker import measure_portion
from faceplate.io.faceset import Faceset

__all__ = ["MOST_WORKERS", "Crew", "pick_workers"]

MOST_WORKERS = 64
_STOP_S = 5.0

Answers = list[dict[str, Any]]


def pick_workers(wanted: int | None, faces: int) -> int:
    """Return how many processes measure; 0 is this one.

    Args:
        wanted: As asked for; None takes one for each core, and none for so few faces that starting
            processes takes longer.
        faces: How many there are.

    Raises:
        BadSettings: Not within 0..64.
    """
    if wanted is not None and not 0 <= wanted <= MOST_WORKERS:
        raise BadSettings(f"workers {wanted}: expected 0..{MOST_WORKERS}")
    if wanted is not None:
        return wanted
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, MOST_WORKERS) if faces > 500 and (cores or 1) > 1 else 0


class Crew:
    """Measures portions of faces with some processes; use it in a `with` statement.

    Args:
        faceset: Whose faces; each process opens its file anew.
        count: Number of processes; with 0 this one does it.

    Raises:
        Exhausted: A process cannot be started.
    """

    def __init__(self, faceset: Faceset, count: int) -> None:
        self._faceset = faceset
        self._idle: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()
        self._all: list[subprocess.Popen[str]] = []
        self._threads = ThreadPoolExecutor(count) if count else None
        for _ in range(count):
            self._idle.put(self._start())

    def measure(self, portions: Sequence[list[int]]) -> Iterator[Answers]:
        """Yield the answers to the portions, in their order.

        Raises:
            Exhausted: A process died twice over one portion.
        """
        if self._threads is None:
            for portion in portions:
                yield measure_portion(self._faceset, portion)
            return
        waiting: deque[Future[Answers]] = deque()
        for portion in portions:
            waiting.append(self._threads.submit(self._ask, portion))
            if len(waiting) > 2 * max(len(self._all), 1):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def __enter__(self) -> "Crew":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self._all:
            process.terminate()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        for process in self._all:
            _end(process)

    def _ask(self, portion: list[int]) -> Answers:
        process = self._idle.get()
        try:
            answers = _answer(process, portion)
            if answers is None:  # it died: once is put up with
                process = self._start()
                answers = _answer(process, portion)
            if answers is None:
                raise Exhausted(
                    f"the process that measures faces {portion[0]} to {portion[-1]} died twice: is "
                    "memory short? Measure with fewer --workers, or with --workers 0"
                )
            return answers
        finally:
            self._idle.put(process)

    def _start(self) -> "subprocess.Popen[str]":
        try:
            process = subprocess.Popen(
                # -P: files of the current folder must not stand in for ours
                [sys.executable, "-P", "-m", "faceplate.facesets.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        except OSError as error:
            raise Exhausted(f"a process that measures cannot be started: {error}") from error
        self._all.append(process)
        _write(process, str(Path(self._faceset.path).absolute()))
        return process


def _answer(process: "subprocess.Popen[str]", portion: list[int]) -> Answers | None:
    _write(process, portion)
    assert process.stdout is not None
    line = process.stdout.readline()
    answers: Answers | None = json.loads(line) if line.endswith("\n") else None
    return answers


def _write(process: "subprocess.Popen[str]", value: Any) -> None:
    assert process.stdin is not None
    # one that has died is found by its closed output
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(json.dumps(value) + "\n")
        process.stdin.flush()


def _end(process: "subprocess.Popen[str]") -> None:
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        with contextlib.suppress(BrokenPipeError):
            stream.close()
