"""The verb `swap`: a plate, its track and a model in; EXR layers out."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from faceplate.context import Context
from faceplate.errors import (
    BadImage,
    BadShape,
    Damaged,
    FaceplateError,
    FramesFailed,
    NotFound,
)
from faceplate.merge.parallel import frames_in_processes, process_count
from faceplate.merge.sealing import Seal, seal_sequence
from faceplate.merge.writing import FrameOutcome, SwapJob, SwapShot
from faceplate.provenance.sidecar import SealedFrame

__all__ = ["SwapJob", "SwapResult", "swap"]

logger = logging.getLogger(__name__)

# What is wrong with one frame alone; anything else (a full disk, a cancelled job) stops the shot.
_OF_ONE_FRAME = (BadImage, BadShape, Damaged, NotFound)


@dataclass(frozen=True)
class SwapResult:
    """What a swap did."""

    out: str
    """Pattern of the files."""
    frames: int
    """Frames asked for."""
    swapped: int
    """Frames written with a face."""
    without_face: int
    """Frames written as the plate is: no face, or none whose matte lies in the frame."""
    kept: int
    """Frames that were there already with the same settings."""
    skipped: int
    """Missing frames that were skipped."""
    network_runs: int
    """Predictions that had to be made; all others were kept from earlier."""
    seconds: float
    """Wall time of the frames."""
    likeness: str
    """Id of the likeness."""
    consent_id: str | None
    """Id of the consent record."""
    sidecar: str | None = None
    """Where the sidecar lies that says what every frame is made of."""
    signed_by: str | None = None
    """Who signed the sidecar; None where there is no key, or no sidecar."""


def swap(job: SwapJob, context: Context) -> SwapResult:
    """Swap the frames of a shot.

    A frame that fails (a truncated file, say) does not stop the others: the shot goes on, and at
    its end `FramesFailed` (exit code 3) lists every frame that failed and why. All other frames are
    written by then, and running the same job again makes only those that lack.

    Raises:
        FramesFailed: Frames failed.
        Cancelled: Somebody asked to stop; it happens between two frames, which are whole.
        FaceplateError: What `SwapShot` raises before the first frame; what concerns all frames.
    """
    shot = SwapShot(job, context)
    began = time.monotonic()
    outcomes: Counter[FrameOutcome] = Counter()
    failed: dict[int, str] = {}
    numbers, ran = shot.plate.frames, 0
    context.progress.check()
    sealed: list[SealedFrame] = []
    for done, (number, outcome, runs, files) in enumerate(_outcomes(shot, job, context), start=1):
        if isinstance(outcome, FaceplateError):
            logger.warning("frame %d failed: %s", number, outcome)
            failed[number] = str(outcome)
        else:
            outcomes[outcome] += 1
        ran += runs
        sealed += [files] if files is not None else []
        context.progress.report("swap", done, len(numbers), frame=number)
    seal = _seal(shot, sealed, context) if sealed else None
    if failed:
        raise FramesFailed(failed, len(numbers))
    return SwapResult(
        out=shot.out.pattern,
        frames=len(numbers),
        swapped=outcomes["swapped"],
        without_face=outcomes["no face"],
        kept=outcomes["kept"],
        skipped=outcomes["skipped"],
        network_runs=ran,
        seconds=time.monotonic() - began,
        likeness=shot.likeness,
        consent_id=shot.consent_id,
        sidecar=seal.sidecar if seal else None,
        signed_by=seal.signed_by if seal else None,
    )


def _seal(shot: SwapShot, frames: list[SealedFrame], context: Context) -> Seal:
    making = shot.making()
    return seal_sequence(shot.out, [(frame, making) for frame in frames], context.home)


def _outcomes(
    shot: SwapShot, job: SwapJob, context: Context
) -> Iterator[tuple[int, FrameOutcome | FaceplateError, int, SealedFrame | None]]:
    """Yield each frame's number, what became of it, how often the network ran, and its hashes."""
    numbers = shot.plate.frames
    processes = min(process_count(job.processes), len(numbers))
    if processes > 1:
        made = frames_in_processes(
            partial(_frame_maker, job), context, numbers, processes, _OF_ONE_FRAME
        )
        for number, made_of in made:
            yield (number, made_of, 0, None) if isinstance(made_of, FaceplateError) else (
                number, *made_of
            )  # fmt: skip
        return
    for number in numbers:
        try:
            yield number, *_frame(shot, job.sidecar, number)
        except _OF_ONE_FRAME as error:
            yield number, error, 0, None


def _frame_maker(
    job: SwapJob, context: Context
) -> Callable[[int], tuple[FrameOutcome, int, SealedFrame | None]]:
    """Return what makes a frame of the shot, in a process of its own."""
    return partial(_frame, SwapShot(job, context), job.sidecar)


def _frame(
    shot: SwapShot, hashed: bool, number: int
) -> tuple[FrameOutcome, int, SealedFrame | None]:
    before = shot.network_runs
    outcome, sealed = shot.swap_and_hash(number) if hashed else (shot.swap(number), None)
    return outcome, shot.network_runs - before, sealed
