"""``faceplate faceset info|list|sheet``: looking at a faceset."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceplate.context import Context
from faceplate.errors import BadSettings, Damaged, NotFound
from faceplate.extract.sheet import Cell, page_path, write_page
from faceplate.facesets.measure import METHOD, view_of
from faceplate.facesets.opened import Which, open_faceset, ranked
from faceplate.facesets.sorters import SortName
from faceplate.io.facefeatures import FaceTable, unmeasured
from faceplate.io.faceset import Faceset

__all__ = [
    "FacesetFigures",
    "InfoJob",
    "ListJob",
    "Listed",
    "ListedFace",
    "SheetJob",
    "SheetResult",
    "SourceFigures",
    "info",
    "list_faces",
    "sheet",
]

_BLANK = 0.15
_CULLED = 0.35
_MOST_SIDE = 1024


@dataclass(frozen=True)
class InfoJob:
    """Tell what a faceset is."""

    faceset: str
    """The faceset."""


@dataclass(frozen=True)
class SourceFigures:
    """The faces of one person in one plate."""

    source: str
    """The plate's pattern."""
    person: int
    faces: int
    kept: int
    frames: str
    """First and last."""


@dataclass(frozen=True)
class FacesetFigures:
    """What a faceset is."""

    faceset: str
    name: str
    """Whose face it is."""
    face_type: str
    size: int
    """Side of the crops, in pixels."""
    encoding: str
    faces: int
    kept: int
    culled: int
    labelled: int
    """Faces with hand-drawn polygons."""
    measured: int
    """Faces that `faceset features` has measured."""
    consent_id: str
    created_by: str
    content_hash: str
    """sha256 of the kept faces."""
    sources: tuple[SourceFigures, ...]


@dataclass(frozen=True)
class ListJob:
    """List the faces of a faceset in an order."""

    faceset: str
    """The faceset."""
    sort: SortName = "source"
    """The order. What it needs is measured first, once."""
    reverse: bool = False
    """Last first."""
    limit: int = 20
    """How many are listed, 1 or more; the orders `best` choose that many."""
    which: Which = "kept"
    """The kept faces, the culled ones, or all."""


@dataclass(frozen=True)
class ListedFace:
    """One line of a list."""

    id: int
    """Number of the face, for `faceset cull --ids`."""
    source: str
    frame: int
    person: int
    yaw: float
    """Degrees."""
    pitch: float
    """Degrees."""
    value: float | None
    """What it is sorted by."""
    kept: bool


@dataclass(frozen=True)
class Listed:
    """The first faces of an order."""

    faces: int
    """How many there are in all."""
    listed: tuple[ListedFace, ...]


@dataclass(frozen=True)
class SheetJob:
    """Draw contact sheets of a faceset, in an order."""

    faceset: str
    """The faceset."""
    out: str
    """Picture of the first page (PNG); further ones get .2, .3 and so on before the extension."""
    sort: SortName = "source"
    """The order. What it needs is measured first, once."""
    reverse: bool = False
    """Last first."""
    which: Which = "kept"
    """The kept faces, the culled ones (drawn dark), or all."""
    page: int = 1
    """The first page that is drawn, from 1."""
    pages: int = 1
    """How many pages are drawn; 0 draws all that follow."""
    columns: int = 12
    """Faces beside each other, 1..64."""
    rows: int = 8
    """Faces below each other, 1..64."""
    cell: int = 128
    """Side of a face, 16..1024 pixels."""


@dataclass(frozen=True)
class SheetResult:
    """What was drawn."""

    faces: int
    """Faces in all."""
    pages: int
    """Pages that they make."""
    sheets: tuple[str, ...]
    """The files."""


def info(job: InfoJob, context: Context) -> FacesetFigures:
    """Read what a faceset is; needs no right to write."""
    with Faceset.open(Path(job.faceset), readonly=True) as faceset:
        kept, faces = len(faceset.ids()), len(faceset)
        missing = unmeasured(faceset, METHOD) if faceset.has_newer_tables else range(faces)
        return FacesetFigures(
            faceset=job.faceset,
            name=faceset.info.name,
            face_type=faceset.info.face_type,
            size=faceset.info.size,
            encoding=faceset.info.encoding,
            faces=faces,
            kept=kept,
            culled=faces - kept,
            labelled=len(faceset.labelled(kept=False)),
            measured=faces - len(missing),
            consent_id=faceset.info.consent_id,
            created_by=faceset.info.created_by,
            content_hash=faceset.content_hash(),
            sources=_sources(faceset),
        )


def list_faces(job: ListJob, context: Context) -> Listed:
    """List faces. Raises BadSettings for a limit that means nothing."""
    if job.limit < 1:
        raise BadSettings(f"limit {job.limit}: expected 1 or more")
    with open_faceset(job.faceset) as faceset:
        table, ranking = ranked(
            faceset, job.sort, context, which=job.which, reverse=job.reverse, target=job.limit
        )
        shown = ranking.order[: job.limit]
        values = np.full(len(table), np.nan) if ranking.values is None else ranking.values
        listed = tuple(_line(table, int(at), float(values[at])) for at in shown)
        return Listed(len(table), listed)


def sheet(job: SheetJob, context: Context) -> SheetResult:
    """Draw sheets; only the faces on them are decoded.

    Raises:
        NotFound: No face is there to be drawn, or no such page.
        BadSettings: A setting outside its range.
    """
    _check_sheet(job)
    per_page = job.columns * job.rows
    with open_faceset(job.faceset) as faceset:
        table, ranking = ranked(
            faceset, job.sort, context, which=job.which, reverse=job.reverse,
            target=per_page * (job.page + max(job.pages, 1) - 1),
        )  # fmt: skip
        count = -(-len(table) // per_page)
        if job.page > count:
            raise NotFound(f"{job.faceset} makes {count} pages of {per_page}: no page {job.page}")
        last = min(count, job.page + job.pages - 1) if job.pages else count
        values = np.full(len(table), np.nan) if ranking.values is None else ranking.values
        written = []
        for number in range(job.page, last + 1):
            chosen = ranking.order[(number - 1) * per_page : number * per_page]
            cells = [_cell(faceset, table, int(at), float(values[at])) for at in chosen]
            path = page_path(Path(job.out), number - job.page + 1)
            write_page(path, cells, (job.cell, job.cell), job.columns)
            written.append(str(path))
            context.progress.report("sheet", number - job.page + 1, last + 1 - job.page)
    return SheetResult(len(table), count, tuple(written))


def _sources(faceset: Faceset) -> tuple[SourceFigures, ...]:
    rows = faceset.places()
    frames: dict[tuple[str, int], list[int]] = {}
    kept: Counter[tuple[str, int]] = Counter()
    for source, frame, person, keep in rows:
        frames.setdefault((source, person), []).append(frame)
        kept[source, person] += keep
    return tuple(
        SourceFigures(source, person, len(found), kept[source, person], f"{found[0]}-{found[-1]}")
        for (source, person), found in sorted(frames.items())
    )


def _line(table: FaceTable, at: int, value: float) -> ListedFace:
    return ListedFace(
        id=int(table.ids[at]),
        source=table.sources[at],
        frame=int(table["frame"][at]),
        person=int(table["person"][at]),
        yaw=round(float(table["yaw"][at]), 1),
        pitch=round(float(table["pitch"][at]), 1),
        value=None if math.isnan(value) else round(value, 5),
        kept=bool(table["keep"][at]),
    )


def _cell(faceset: Faceset, table: FaceTable, at: int, value: float) -> Cell:
    id = int(table.ids[at])
    caption = f"{id}" if math.isnan(value) else f"{id}: {value:.4g}"
    try:
        face = faceset.read(id)
    except Damaged:
        size = faceset.info.size
        return Cell(np.full((size, size, 3), _BLANK, np.float32), f"{id}: damaged")
    shade = 1.0 if table["keep"][at] else _CULLED
    return Cell(view_of(face, faceset.info.encoding) * np.float32(shade), caption)


def _check_sheet(job: SheetJob) -> None:
    ranges: Sequence[tuple[str, int, int, int]] = (
        ("page", job.page, 1, 10**9),
        ("pages", job.pages, 0, 10**9),
        ("columns", job.columns, 1, 64),
        ("rows", job.rows, 1, 64),
        ("cell", job.cell, 16, _MOST_SIDE),
    )
    for name, value, low, high in ranges:
        if not low <= value <= high:
            raise BadSettings(f"{name} {value}: expected {low}..{high}")
