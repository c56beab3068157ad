"""The verb `swap`: a plate, its track and a model in; EXR layers out."""

import logging
import time
from collections import Counter
from dataclasses import dataclass

from faceplate.context import Context
from faceplate.errors import BadImage, BadShape, Damaged, NotFound
from faceplate.merge.writing import FrameOutcome, SwapJob, SwapShot

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
    seconds: float
    """Wall time of the frames."""
    likeness: str
    """Id of the likeness."""
    consent_id: str | None
    """Id of the consent record."""


def swap(job: SwapJob, context: Context) -> SwapResult:
    """Swap the frames of a shot.

    A frame that fails (a truncated file, say) does not stop the others: the shot goes on, and at
    its end `Damaged` (exit code 3) lists every frame that failed and why. All other frames are
    written by then, and running the same job again makes only those that lack.

    Raises:
        Damaged: Frames failed.
        Cancelled: Somebody asked to stop; it happens between two frames, which are whole.
        FaceplateError: What `SwapShot` raises before the first frame; what concerns all frames.
    """
    shot = SwapShot(job, context)
    began = time.monotonic()
    outcomes: Counter[FrameOutcome] = Counter()
    failed: dict[int, str] = {}
    numbers = shot.plate.frames
    context.progress.check()
    for done, number in enumerate(numbers, start=1):
        try:
            outcomes[shot.swap(number)] += 1
        except _OF_ONE_FRAME as error:
            logger.warning("frame %d failed: %s", number, error)
            failed[number] = str(error)
        context.progress.report("swap", done, len(numbers), frame=number)
    _raise_failed(failed, len(numbers))
    return SwapResult(
        out=shot.out.pattern,
        frames=len(numbers),
        swapped=outcomes["swapped"],
        without_face=outcomes["no face"],
        kept=outcomes["kept"],
        skipped=outcomes["skipped"],
        seconds=time.monotonic() - began,
        likeness=shot.likeness,
        consent_id=shot.consent_id,
    )


def _raise_failed(failed: dict[int, str], total: int) -> None:
    if not failed:
        return
    lines = "; ".join(f"{number}: {reason}" for number, reason in list(failed.items())[:10])
    more = f"; and {len(failed) - 10} more" if len(failed) > 10 else ""
    raise Damaged(
        f"{len(failed)} of {total} frames failed, all others are written. {lines}{more}. Mend them "
        "and run the same job again: only they are made"
    )
