"""``faceplate faceset cull|keep|undo|log|purge``: setting faces aside, and taking that back."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound, Refused
from faceplate.facesets.opened import open_faceset, ranked
from faceplate.facesets.sorters import Ranking, SortName
from faceplate.io.faceset import Faceset, LogEntry

__all__ = [
    "CullJob",
    "CullResult",
    "KeepJob",
    "Log",
    "LogJob",
    "PurgeJob",
    "PurgeResult",
    "UndoJob",
    "UndoResult",
    "cull",
    "cull_ids",
    "keep",
    "log",
    "purge",
    "undo",
]


@dataclass(frozen=True)
class CullJob:
    """Set faces aside. They stay in the file and `faceset undo` takes them back.

    Name faces by their numbers, or an order and which part of it goes.
    """

    faceset: str
    """The faceset."""
    ids: tuple[int, ...] = ()
    """Numbers of faces, as `faceset list` and the sheets show them."""
    sort: SortName | None = None
    """The order. What it needs is measured first, once."""
    reverse: bool = False
    """Last first."""
    keep: int | None = None
    """Keep this many, the first of the order; 0 or more."""
    above: float | None = None
    """Cull faces whose value is above this, in the unit of the order."""
    below: float | None = None
    """Cull faces whose value is below this, in the unit of the order."""
    dry_run: bool = False
    """Only tell how many it would be."""


@dataclass(frozen=True)
class CullResult:
    """What was set aside."""

    faceset: str
    culled: int
    """Faces that were kept before and are not now (or would not be, in a dry run)."""
    kept: int
    """Faces kept now."""


@dataclass(frozen=True)
class KeepJob:
    """Take culled faces back."""

    faceset: str
    """The faceset."""
    ids: tuple[int, ...] = ()
    """Numbers of faces."""
    all: bool = False
    """All of them."""


@dataclass(frozen=True)
class UndoJob:
    """Take back what was done to the faces of a faceset, newest first."""

    faceset: str
    """The faceset."""
    steps: int = 1
    """How many steps, 1 or more."""


@dataclass(frozen=True)
class UndoResult:
    """What was taken back."""

    undone: tuple[LogEntry, ...]
    """Newest first."""
    kept: int
    """Faces kept now."""


@dataclass(frozen=True)
class LogJob:
    """Tell what was done to the faces of a faceset."""

    faceset: str
    """The faceset."""


@dataclass(frozen=True)
class Log:
    """What was done, oldest first."""

    entries: tuple[LogEntry, ...]


@dataclass(frozen=True)
class PurgeJob:
    """Delete the culled faces from the file, for good."""

    faceset: str
    """The faceset."""
    yes: bool = False
    """Do it. Without, it is only told how many faces would go."""


@dataclass(frozen=True)
class PurgeResult:
    """What was deleted."""

    purged: int
    """Faces."""
    bytes_freed: int
    """How much smaller the file is."""


def cull(job: CullJob, context: Context) -> CullResult:
    """Cull faces.

    Raises:
        BadSettings: Neither faces nor an order with a part of it, or both.
        NotFound: A face that is named is not there.
    """
    _check(job)
    with open_faceset(job.faceset) as faceset:
        if job.ids:
            ids = _known(faceset, job.ids)
            what = "cull by hand"
        else:
            ids, what = _part(job, faceset, context), _words(job)
        return cull_ids(faceset, ids, what, job.dry_run)


def cull_ids(faceset: Faceset, ids: list[int], what: str, dry_run: bool = False) -> CullResult:
    """Cull these faces, as one entry of the log."""
    if dry_run:
        going = len(set(faceset.ids()) & set(ids))
        return CullResult(str(faceset.path), going, len(faceset.ids()) - going)
    count = faceset.set_keep(ids, False, what)
    return CullResult(str(faceset.path), count, len(faceset.ids()))


def keep(job: KeepJob, context: Context) -> CullResult:
    """Take faces back. Raises BadSettings where none is named, NotFound."""
    if bool(job.ids) == job.all:
        raise BadSettings("name the faces to take back with --ids, or give --all")
    with open_faceset(job.faceset) as faceset:
        ids = _known(faceset, job.ids) if job.ids else faceset.ids(kept=False)
        count = faceset.set_keep(ids, True, "keep all" if job.all else "keep by hand")
        return CullResult(job.faceset, -count, len(faceset.ids()))


def undo(job: UndoJob, context: Context) -> UndoResult:
    """Take steps back. Raises BadSettings, or NotFound where nothing is left to take back."""
    if job.steps < 1:
        raise BadSettings(f"steps {job.steps}: expected 1 or more")
    with open_faceset(job.faceset) as faceset:
        undone: list[LogEntry] = []
        while len(undone) < job.steps and (entry := faceset.undo()) is not None:
            undone.append(entry)
        if not undone:
            raise NotFound(f"{job.faceset}: nothing is left to be taken back")
        return UndoResult(tuple(undone), len(faceset.ids()))


def log(job: LogJob, context: Context) -> Log:
    """Read the log; needs no right to write."""
    with Faceset.open(Path(job.faceset), readonly=True) as faceset:
        return Log(tuple(faceset.log()))


def purge(job: PurgeJob, context: Context) -> PurgeResult:
    """Delete the culled faces.

    Raises:
        Refused: Without `yes`; the message says what would go.
        DiskFull: The faces are gone, and there is no room to write the file anew and smaller.
    """
    path = Path(job.faceset)
    with open_faceset(job.faceset) as faceset:
        going = len(faceset) - len(faceset.ids())
        if going and not job.yes:
            raise Refused(
                f"{going} culled faces of {path} would be deleted for good, and no undo brings "
                "them back: say --yes to do it"
            )
        faceset.close()
        before = path.stat().st_size
        purged = faceset.purge()
    return PurgeResult(purged, before - path.stat().st_size)


def _check(job: CullJob) -> None:
    parts = [job.keep is not None, job.above is not None or job.below is not None]
    if bool(job.ids) == (job.sort is not None) or (job.sort is not None and sum(parts) != 1):
        raise BadSettings(
            "say what to cull: --ids, or --sort with --keep or with --above and --below"
        )
    if job.ids and any(parts):
        raise BadSettings("--keep, --above and --below need an order: --sort")
    if job.keep is not None and job.keep < 0:
        raise BadSettings(f"keep {job.keep}: expected 0 or more")


def _known(faceset: Faceset, ids: tuple[int, ...]) -> list[int]:
    missing = sorted(set(ids) - set(faceset.ids(kept=False)))
    if missing:
        raise NotFound(f"{faceset.path} has no face {', '.join(map(str, missing[:10]))}")
    return list(ids)


def _part(job: CullJob, faceset: Faceset, context: Context) -> list[int]:
    assert job.sort is not None
    target = job.keep or 0
    table, ranking = ranked(faceset, job.sort, context, reverse=job.reverse, target=target)
    if job.keep is not None:
        return [int(id) for id in table.ids[ranking.order[job.keep :]]]
    return [int(id) for id in table.ids[_outside(job, ranking)]]


def _outside(job: CullJob, ranking: Ranking) -> NDArray[np.bool_]:
    if ranking.values is None:
        raise BadSettings(f"the order {job.sort} has no values: cull with --keep")
    gone = np.zeros(len(ranking.values), bool)
    if job.above is not None:
        gone |= ranking.values > job.above
    if job.below is not None:
        gone |= ranking.values < job.below
    return gone


def _words(job: CullJob) -> str:
    limits = {"keep": job.keep, "above": job.above, "below": job.below}
    said = [f"{name} {value:g}" for name, value in limits.items() if value is not None]
    return " ".join(["cull by", f"{job.sort}{' reversed' if job.reverse else ''}:", *said])
