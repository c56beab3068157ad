"""What a shot or a role that is kept depends on: as long as none of it changes, it may be used."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from faceplate.context import Context
from faceplate.io.sequence import Sequence
from faceplate.merge.cast import load_cast
from faceplate.merge.tweak import TweakJob
from faceplate.provenance.consent import today
from faceplate.provenance.decisions import revocations

__all__ = ["Version", "file_version", "model_version", "permission_version", "tweak_version"]

Version = tuple[int, int, int, int]


def file_version(path: str | Path | None) -> Version:
    """Return what tells a file or folder from what stood there before; zeros where there is none.

    Times of writing can be set back and sizes be equal; the time of the last change of any of that
    cannot.
    """
    if path is None:
        return (0, 0, 0, 0)
    try:
        found = Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return (0, 0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def model_version(model: str) -> Version:
    """Return what tells whether saves of a model have come or gone."""
    return file_version(Path(model) / "saves")


def permission_version(consent: str | None, context: Context) -> tuple[object, ...]:
    """Return what a decision about consent depends on besides what is asked."""
    revoked = revocations(context.home / "consent.log")
    return (file_version(consent), today(), *sorted(revoked.items()))


def tweak_version(job: TweakJob, context: Context) -> tuple[object, ...]:
    """Return all that a kept shot depends on: its settings, and its files as they are now.

    What changes from one look to the next is none of it: changes of the recipe, and where the
    picture goes. Neither are external mattes and mask models, which are looked at every time.
    """
    place = replace(job, set=(), view="any.png", out=None, view_of="face")
    frame = Sequence.parse(Path(job.plate)).path(job.frame)
    files = (job.track, job.recipe, job.cast, job.ocio, str(frame))
    members = tuple(_member_version(member) for member in _members(job))
    permission = permission_version(job.consent, context)
    return (place, tuple(map(file_version, files)), members, permission)


def _members(job: TweakJob) -> Iterator[Any]:
    """Yield the job itself, or the members of its cast: whatever names models and files."""
    if job.cast:
        yield from load_cast(Path(job.cast))
    else:
        yield job


def _member_version(member: Any) -> tuple[Version, ...]:
    files = (member.recipe, member.consent)
    return (model_version(member.model), *map(file_version, files))
