"""``faceplate faceset merge|split``: facesets out of facesets; those they come from stay."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from faceplate import __version__
from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound
from faceplate.io.facecopy import Copied, check_alike, copy_faces
from faceplate.io.faceset import Faceset

__all__ = ["MergeJob", "MergeResult", "SplitJob", "SplitPart", "SplitResult", "merge", "split"]

_PORTION = 50


@dataclass(frozen=True)
class MergeJob:
    """Which facesets to join into one."""

    facesets: tuple[str, ...]
    """The facesets, of one face type, size and encoding."""
    out: str
    """The joined faceset; one that is there is added to."""
    name: str = ""
    """Whose face it is; empty where all say the same."""
    which: Literal["kept", "all"] = "all"
    """All faces, culled ones with their flag, or the kept ones alone."""
    conflict: Literal["refuse", "first", "rename"] = "refuse"
    """Where two facesets have different faces of the same plate, frame and person: refuse, take the
    first faceset's, or put the name of its faceset before every plate's name."""


@dataclass(frozen=True)
class MergeResult:
    """What was joined."""

    faceset: str
    """The joined file."""
    faces: int
    """Kept faces in it now."""
    added: int
    unchanged: int
    """Faces that were there already."""
    passed_over: int
    """Faces in whose place an earlier faceset had another."""
    content_hash: str
    seconds: float


@dataclass(frozen=True)
class SplitJob:
    """Which faceset to take apart, and by what."""

    faceset: str
    """The faceset."""
    out: str
    """Folder of the parts."""
    by: Literal["source", "person", "kept"] = "source"
    """One part for each plate, for each person's number, or one of the kept and one of the culled
    faces."""


@dataclass(frozen=True)
class SplitPart:
    """One part."""

    faceset: str
    """Its file."""
    faces: int
    """All faces in it."""


@dataclass(frozen=True)
class SplitResult:
    """What was taken apart."""

    parts: tuple[SplitPart, ...]
    seconds: float


def merge(job: MergeJob, context: Context) -> MergeResult:
    """Join facesets with their labels, figures and flags; a second run does what is missing.

    Raises:
        BadSettings: The facesets are not alike, or are of different names or consent records.
        InvalidInput: Different faces of one plate, frame and person.
        Cancelled: What was copied is kept.
    """
    began = time.monotonic()
    sources = [Faceset.open(Path(path), readonly=True) for path in job.facesets]
    try:
        with _joined(job, sources) as target:
            ids = [source.ids(kept=job.which == "kept") for source in sources]
            total, done, counts = sum(map(len, ids)), 0, Copied(0, 0, 0)
            for source, some in zip(sources, ids, strict=True):
                rename = _prefixed(source.path) if job.conflict == "rename" else None
                for start in range(0, len(some), _PORTION):
                    portion = some[start : start + _PORTION]
                    counts += copy_faces(
                        source, target, portion, rename=rename, refuse=job.conflict == "refuse"
                    )
                    done += len(portion)
                    context.progress.report("merge", done, total)
            return MergeResult(
                job.out, len(target.ids()), counts.added, counts.unchanged, counts.passed_over,
                target.content_hash(), round(time.monotonic() - began, 2),
            )  # fmt: skip
    finally:
        for source in sources:
            source.close()


def split(job: SplitJob, context: Context) -> SplitResult:
    """Take a faceset apart; a second run does what is missing.

    Raises:
        NotFound: It has no face.
        BadSettings: Another faceset is in the place of a part.
        Cancelled: What was copied is kept.
    """
    began = time.monotonic()
    with Faceset.open(Path(job.faceset), readonly=True) as source:
        groups = _groups(source, job.by)
        if not groups:
            raise NotFound(f"{job.faceset} has no face")
        total, done, parts = len(source), 0, []
        for name, ids in groups.items():
            path = Path(job.out) / f"{Path(job.faceset).stem}.{name}.faceset"
            with Faceset.create_or_open(path, source.info) as target:
                for start in range(0, len(ids), _PORTION):
                    copy_faces(source, target, ids[start : start + _PORTION])
                    done += len(ids[start : start + _PORTION])
                    context.progress.report("split", done, total)
                parts.append(SplitPart(str(path), len(target)))
    return SplitResult(tuple(parts), round(time.monotonic() - began, 2))


def _joined(job: MergeJob, sources: Sequence[Faceset]) -> Faceset:
    if not sources:
        raise BadSettings("name the facesets to join")
    if Path(job.out).resolve() in [source.path.resolve() for source in sources]:
        raise BadSettings(f"{job.out} is one of the facesets: write the joined one to another file")
    fields = ["face_type", "size", "encoding", "consent_id", *([] if job.name else ["name"])]
    for source in sources[1:]:
        check_alike(sources[0], source, fields)
    info = sources[0].info
    made = f"faceplate {__version__}, merged"
    return Faceset.create_or_open(
        Path(job.out), replace(info, name=job.name or info.name, created_by=made)
    )


def _prefixed(path: Path) -> Callable[[str], str]:
    return lambda source: f"{path.stem}/{source}"


def _groups(source: Faceset, by: str) -> dict[str, list[int]]:
    """Return the ids of each part by its name, which suits a file."""
    places = zip(source.ids(kept=False), source.places(), strict=True)
    groups: dict[str, list[int]] = {}
    names: dict[str, str] = {}
    for id, (pattern, _, person, keep) in places:
        key = {"source": pattern, "person": f"person-{person}"}.get(by)
        key = key or ("kept" if keep else "culled")
        if key not in names:
            plain = re.sub(r"[^A-Za-z0-9-]+", "_", Path(key).name).strip("_") or "part"
            names[key] = plain if plain not in names.values() else f"{plain}-{len(names) + 1}"
        groups.setdefault(names[key], []).append(id)
    return groups
