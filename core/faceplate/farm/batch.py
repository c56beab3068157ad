"""The verb `batch`: the frames of one farm task.

A task may be killed, repeated, or cut otherwise next time: frames are independent of each other,
whole ones of the same settings are kept, and any split of a range gives the same files.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from faceplate.context import Context
from faceplate.errors import NoFace
from faceplate.io.sequence import Sequence, format_frames, parse_frames
from faceplate.io.trackfile import Track
from faceplate.io.whois import find_person
from faceplate.merge.cast import load_cast
from faceplate.merge.swap import swap
from faceplate.merge.writing import SwapJob

__all__ = ["BatchJob", "BatchResult", "batch"]

_STALE_SECONDS = 3600.0
"""No frame takes so long: an unfinished file that is older belongs to a task that was killed."""


@dataclass(frozen=True, kw_only=True)
class BatchJob(SwapJob):
    """Swap the frames of one farm task; the last line of output is a JSON summary.

    Like `swap`, and safe to run again, in other chunks, or twice at once. A request to stop ends it
    within 5 seconds: the frame at work is finished if it can be, else dropped.
    """

    sidecar: bool = False
    """Write the sidecar of these frames at the end of the task. A farm makes that of the whole shot
    in its last step, `faceplate seal`, when no task writes any more."""
    require_face: bool = False
    """End with exit code 4 where a frame has no face of the person; all frames are written."""


@dataclass(frozen=True)
class BatchResult:
    """What a task did."""

    out: str
    """Pattern of the files."""
    frames: str
    """Frames that were asked for, such as ``1001-1010``; ``all`` of the plate."""
    written: int
    """Frames written now."""
    without_face: int
    """Of these, frames without a face: written as the plate is."""
    kept: int
    """Frames that were there already with the same settings."""
    skipped: int
    """Missing frames that were skipped."""
    seconds: float
    """Wall time."""
    likeness: str
    """Id of the likeness."""
    consent_id: str | None
    """Id of the consent record."""
    exit_code: int = 0
    """Of a task that ends well; the summary of one that fails says which."""


def batch(job: BatchJob, context: Context) -> BatchResult:
    """Swap the frames of one task.

    Raises:
        FramesFailed: Some frames failed, all others are written (exit code 3).
        NoFace: A face is required and a frame has none; all are written (exit code 4).
        FaceplateError: What `swap` raises.
    """
    began = time.monotonic()
    remove_stale(Sequence.parse(job.out))
    result = swap(job, context)
    if job.require_face:
        _require_faces(job)
    return BatchResult(
        out=result.out,
        frames=job.frames or "all",
        written=result.swapped + result.without_face,
        without_face=result.without_face,
        kept=result.kept,
        skipped=result.skipped,
        seconds=round(time.monotonic() - began, 2),
        likeness=result.likeness,
        consent_id=result.consent_id,
    )


def remove_stale(out: Sequence, now: float | None = None) -> list[Path]:
    """Remove unfinished files of killed tasks from a folder of results; returns them.

    Those of the last hour may belong to a task that is at work, and stay.

    Args:
        out: The results.
        now: Time of day in seconds since 1970; None takes the clock.
    """
    limit = (time.time() if now is None else now) - _STALE_SECONDS
    parts = out.folder.glob(f".{_escaped(out.head)}*.part") if out.folder.is_dir() else ()
    stale = []
    for part in parts:
        try:
            if part.stat().st_mtime < limit:
                part.unlink()
                stale.append(part)
        except FileNotFoundError:  # another task was faster, or has finished the frame
            continue
    return sorted(stale)


def _escaped(text: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in text)


def _require_faces(job: BatchJob) -> None:
    track = Track.load(Path(job.track))
    people = [member.person for member in load_cast(Path(job.cast))] if job.cast else [job.person]
    found = [find_person(track, who) for who in people]
    with_face = {frame for person in found if person is not None for frame in person.frames}
    asked = set(parse_frames(job.frames)) if job.frames else set(track.frames)
    without = (asked - with_face) & set(track.frames)
    if without:
        raise NoFace(
            f"frames {format_frames(without)} have no face of this person and are written as the "
            "plate is. Look at the track's overlay sheet, or leave out --require-face"
        )
