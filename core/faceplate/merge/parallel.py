"""Frames of a shot in several processes at once, one frame to a core."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

from faceplate.context import Context
from faceplate.errors import FaceplateError, OutOfMemory
from faceplate.progress import Progress

__all__ = ["frames_in_processes", "process_count"]

_frame: Callable[[int], Any] | None = None  # of a worker process, made by `_begin`


def process_count(asked: int) -> int:
    """Return how many processes are meant; 0: one for each core that this one may use."""
    return asked or len(os.sched_getaffinity(0))


def frames_in_processes(
    make: Callable[[Context], Callable[[int], Any]],
    context: Context,
    numbers: Sequence[int],
    processes: int,
    failures: tuple[type[FaceplateError], ...],
) -> Iterator[tuple[int, Any]]:
    """Yield each frame's number with what became of it, as they are done.

    Args:
        make: Called once in each process with a context of one thread; returns what makes a frame.
        context: Of the job; its progress stays here.
        numbers: Of the frames.
        processes: At least one.
        failures: Errors that are of one frame alone: yielded in place of its result.

    Raises:
        FaceplateError: Any other error of a frame.
        OutOfMemory: A process died, which the system does to who takes too much.
    """
    alone = replace(context, progress=Progress(), threads=1)
    spawn = multiprocessing.get_context("spawn")  # forks of threads and of torch hang
    with ProcessPoolExecutor(processes, spawn, _begin, (make, alone)) as pool:
        asked: Mapping[Any, int] = {pool.submit(_one, number): number for number in numbers}
        try:
            for done in as_completed(asked):
                error = done.exception()
                if isinstance(error, BrokenProcessPool):
                    raise OutOfMemory(
                        "a process of the swap died, perhaps for want of memory: run the same job "
                        "again with fewer --processes; finished frames are kept"
                    ) from error
                if error is not None and not isinstance(error, failures):
                    raise error
                yield asked[done], error if error is not None else done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(make: Callable[[Context], Callable[[int], Any]], context: Context) -> None:
    global _frame
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process asks us to stop
    _limit_threads()
    _frame = make(context)


def _limit_threads() -> None:
    """One frame to a core: more threads inside it only wait for each other."""
    import cv2  # loaded by the frames anyway
    import OpenImageIO
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    OpenImageIO.attribute("threads", 1)


def _one(number: int) -> Any:
    assert _frame is not None  # `_begin` ran, or the pool is broken
    return _frame(number)
