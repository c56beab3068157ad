"""Processes that make samples, and what happens when one of them dies."""

import contextlib
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from faceplate import errors
from faceplate.config import to_dict
from faceplate.errors import BadSettings, Exhausted, FaceplateError
from faceplate.train.faces import FaceBank
from faceplate.train.ring import Ring
from faceplate.train.samples import BankOrder, SampleMaker, SampleSettings, Share
from faceplate.train.sampleworker import WorkerOrder

__all__ = ["MOST_WORKERS", "WorkerPool", "pick_workers"]

logger = logging.getLogger(__name__)

MOST_WORKERS = 64

_MOST_DEATHS = 3
"""Deaths one after the other, without a batch between them, that are put up with."""
_STOP_S = 5.0


def pick_workers(wanted: int | None, device: str) -> int:
    """Return how many processes make samples; 0 is a thread of this one.

    Args:
        wanted: As asked for; None takes a thread where the network runs on the CPU, whose cores it
            would otherwise share with them, and up to 12 processes beside a GPU.
        device: Kind of device that the network runs on.

    Raises:
        BadSettings: Not within 0..64, or there are no such processes on this system.
    """
    if wanted is not None and not 0 <= wanted <= MOST_WORKERS:
        raise BadSettings(f"workers {wanted}: expected 0..{MOST_WORKERS}")
    possible = os.name == "posix"
    if wanted and not possible:
        raise BadSettings("workers: this system cannot share memory with them; use --workers 0")
    if wanted is not None:
        return wanted
    return min(12, max(1, _cores() - 1)) if device == "cuda" and possible else 0


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass
class _Task:
    """Samples of one step that one worker makes."""

    step: int
    slot: int
    shares: list[Share] = field(default_factory=list)

    def line(self) -> bytes:
        return json.dumps(self.__dict__).encode() + b"\n"


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    waiting: list[_Task]
    """What it has not answered yet, oldest first."""
    unread: bytes = b""
    cache: dict[str, int] = field(default_factory=dict)
    """What it said of its kept faces."""

    @property
    def stdin(self) -> IO[bytes]:
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        assert self.process.stdout is not None
        return self.process.stdout


class WorkerPool:
    """Writes the batches of steps into a ring, with some processes.

    Each face has its worker, so that together they keep as many faces as one process would. A
    worker that dies is replaced and its samples are made again: they come out the same.

    Args:
        banks: Faces; the workers open them anew.
        settings: How the samples look.
        ring: Where batches are written.
        count: Number of workers.

    Raises:
        Exhausted: A worker cannot be started.
    """

    def __init__(
        self, banks: Sequence[FaceBank], settings: SampleSettings, ring: Ring, count: int
    ) -> None:
        self._maker = SampleMaker(tuple(banks), settings)
        self._shares = [
            Share(side, place) for side in range(len(banks)) for place in range(ring.shape.batch)
        ]
        room = [bank.cache_bytes // count for bank in banks]
        orders = [BankOrder.of(bank, size) for bank, size in zip(banks, room, strict=True)]
        order = WorkerOrder(orders, settings, ring.shape, ring.descriptor)
        self._order = json.dumps(to_dict(order)).encode() + b"\n"
        self._ring = ring
        self._deaths = 0
        self._selector = selectors.DefaultSelector()
        self._workers: list[_Worker] = []
        for _ in range(count):
            self._workers.append(self._start([]))

    @property
    def pids(self) -> list[int]:
        """Process ids."""
        return [worker.process.pid for worker in self._workers]

    @property
    def figures(self) -> dict[str, int]:
        """As `cache_figures`, of all workers together."""
        names = ("cached", "hits", "asked")
        return {name: sum(w.cache.get(name, 0) for w in self._workers) for name in names}

    def submit(self, step: int, slot: int) -> None:
        """Begin the batch of a step."""
        tasks = [_Task(step, slot) for _ in self._workers]
        for share in self._shares:
            tasks[self._maker.face(step, share) % len(tasks)].shares.append(share)
        for worker, task in zip(self._workers, tasks, strict=True):
            if task.shares:
                worker.waiting.append(task)
                # one that has died is found by its closed output, and its tasks are given on then
                with contextlib.suppress(BrokenPipeError):
                    worker.stdin.write(task.line())

    def wait(self, step: int) -> None:
        """Wait until the batch of a step is there.

        Raises:
            FaceplateError: Whatever a worker met.
            Exhausted: Workers die again and again.
        """
        while any(task.step == step for worker in self._workers for task in worker.waiting):
            for key, _ in self._selector.select():
                self._listen(int(key.data))

    def close(self) -> None:
        """End the processes."""
        self._selector.close()
        for worker in self._workers:
            with contextlib.suppress(BrokenPipeError):
                worker.stdin.close()
            worker.process.terminate()
        for worker in self._workers:
            try:
                worker.process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            worker.stdout.close()

    def _start(self, waiting: list[_Task]) -> _Worker:
        try:
            process = subprocess.Popen(
                # -P: files of the current folder must not stand in for ours
                [sys.executable, "-P", "-m", "faceplate.train.sampleworker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                pass_fds=[self._ring.descriptor],
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        except OSError as error:
            raise Exhausted(
                f"a process that makes samples cannot be started: {error}; train with --workers 0"
            ) from error
        worker = _Worker(process, waiting)
        self._selector.register(worker.stdout, selectors.EVENT_READ, len(self._workers))
        with contextlib.suppress(BrokenPipeError):
            worker.stdin.write(self._order)
            for task in waiting:
                worker.stdin.write(task.line())
        return worker

    def _listen(self, number: int) -> None:
        worker = self._workers[number]
        received = os.read(worker.stdout.fileno(), 1 << 16)
        if not received:
            self._replace(number)
            return
        *lines, worker.unread = (worker.unread + received).split(b"\n")
        for line in lines:
            self._note(worker, json.loads(line))

    def _note(self, worker: _Worker, answer: dict[str, Any]) -> None:
        if "error" in answer:
            raise _rebuilt(answer["error"], answer["message"])
        self._deaths = 0
        worker.cache = answer
        worker.waiting = [task for task in worker.waiting if task.step != answer["step"]]

    def _replace(self, number: int) -> None:
        dead = self._workers[number]
        self._selector.unregister(dead.stdout)
        status = dead.process.wait()
        dead.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            dead.stdin.close()
        self._deaths += 1
        how = _how(status)
        if self._deaths > _MOST_DEATHS:
            raise Exhausted(
                f"processes that make samples died {self._deaths} times in a row, the last one "
                f"{how}: was memory short? Train with fewer --workers, less --cache-mb, or with "
                "--workers 0"
            )
        logger.warning("a process that makes samples died (%s); another takes its place", how)
        kept, self._workers = self._workers, self._workers[:number]
        self._workers = [*self._workers, self._start(dead.waiting), *kept[number + 1 :]]


def _how(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def _rebuilt(name: str, message: str) -> FaceplateError:
    """Return the error that a worker reported by class name and message."""
    kind: type[FaceplateError] = getattr(errors, name)
    error = kind.__new__(kind)
    Exception.__init__(error, message)  # past the subclass's own __init__, whose data is gone
    return error
