"""What to make of errors of system and libraries, and smaller of a job without memory."""

import math
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from faceplate.errors import DiskFull, FaceplateError, OutOfMemory, ran_out_of_memory
from faceplate.io.atomic import is_no_room
from faceplate_server.faults import SystemRefused

__all__ = ["foreseen", "smaller_job"]


def foreseen(error: Exception) -> Exception:
    """Return an error of ours for what system and libraries raise.

    OutOfMemory where host or device memory ran out, DiskFull, and SystemRefused for what else the
    system says. Anything else, our own errors too, comes back as it is.
    """
    if isinstance(error, FaceplateError):
        return error
    if isinstance(error, OSError):
        if is_no_room(error):
            return DiskFull(f"no room: {error}")
        return SystemRefused(f"the system refused: {error}")
    if ran_out_of_memory(error):
        return OutOfMemory(f"memory ran out: {error}".rstrip(": "))
    return error


def smaller_job(job: Any) -> tuple[dict[str, Any], str] | None:
    """Return the settings to change and a note of it, or None where nothing can be made smaller.

    The batch of a training is halved, and so are the processes of what works in several.
    """
    names = {field.name for field in fields(job)}
    changes: dict[str, Any] = {}
    for name, count in (
        ("batch", _batch), ("processes", _processes), ("workers", _processes),
    ):  # fmt: skip
        now = count(job, getattr(job, name)) if name in names else 1
        if now > 1:
            changes[name] = now // 2
            parts = getattr(job, "gradient_accumulation", None)
            if name == "batch" and parts:
                changes["gradient_accumulation"] = math.gcd(parts, now // 2)
            return changes, f"{name} {now // 2} in place of {now}, as memory ran out"
    return None


def _processes(job: Any, count: int | None) -> int:
    return count or os.cpu_count() or 1


def _batch(job: Any, batch: int | None) -> int:
    """Return the batch of a job, which may leave it to its model or preset."""
    return batch if batch is not None else _batch_of_training(job)


def _batch_of_training(job: Any) -> int:
    from faceplate.models.folder import ModelFolder  # loads torch
    from faceplate.train.opening import new_state, resumed_state

    folder = Path(job.out)
    if ModelFolder.exists(folder) and ModelFolder(folder).saves():
        return int(resumed_state(job, ModelFolder(folder).latest()).settings.batch)
    return int(new_state(job).settings.batch)
