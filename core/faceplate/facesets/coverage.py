"""``faceplate faceset coverage``: which head turns and expressions of a likeness are missing."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound
from faceplate.facesets.expression import EXPRESSIONS, classify
from faceplate.facesets.heatmap import HeatMap, draw_heat_map
from faceplate.facesets.opened import open_faceset, table_of
from faceplate.io.facefeatures import FaceTable

__all__ = ["CoverageJob", "CoverageResult", "ExpressionCoverage", "MissingCell", "coverage"]

_EXAMPLES = 3


@dataclass(frozen=True)
class CoverageJob:
    """Compare what a likeness shows with what the performer's shot needs."""

    likeness: str
    """Faceset of the likeness."""
    performer: str
    """Faceset of the performer, extracted from the shot."""
    out: str
    """Picture of the heat map (PNG)."""
    cell: float = 10.0
    """Side of a cell of yaw and pitch, 2..45 degrees."""
    enough: int = 5
    """From this many faces on the likeness covers a cell, 1 or more."""
    limit: int = 20
    """How many missing cells are listed, those that the shot needs most first; 0 lists all."""


@dataclass(frozen=True)
class MissingCell:
    """A head turn with an expression that the shot needs and the likeness hardly shows."""

    expression: str
    yaw: str
    """From and to, degrees; above 0 the nose is to the right of the picture."""
    pitch: str
    """From and to, degrees; above 0 the nose is down."""
    needed: int
    """Faces of the performer in it."""
    there: int
    """Faces of the likeness in it."""
    nearest: float | None
    """Degrees from its middle to the nearest face of the likeness with that expression."""
    frames: str
    """Frames of the performer that show it."""


@dataclass(frozen=True)
class ExpressionCoverage:
    """One expression, over all head turns."""

    expression: str
    likeness: int
    """Faces of the likeness."""
    performer: int
    """Faces of the performer."""
    covered: float | None
    """Per cent of the performer's faces that lie in covered cells."""


@dataclass(frozen=True)
class CoverageResult:
    """How well a likeness covers a shot."""

    out: str
    """The picture."""
    likeness: int
    """Faces of the likeness."""
    performer: int
    """Faces of the performer."""
    covered: float
    """Per cent of the performer's faces whose head turn and expression the likeness has."""
    turns_covered: float
    """Per cent of them whose head turn it has, whatever the expression."""
    cells_missing: int
    """Cells that the shot needs and the likeness does not cover."""
    expressions: tuple[ExpressionCoverage, ...]
    missing: tuple[MissingCell, ...]


@dataclass(frozen=True, eq=False)
class _Person:
    """The faces of one person by cell."""

    table: FaceTable
    cells: NDArray[np.int64]
    """N x 3: expression, yaw and pitch cell."""


def coverage(job: CoverageJob, context: Context) -> CoverageResult:
    """Compare two facesets, and draw where the likeness has too little.

    Expressions are relative to the own face: a mouth is wide that is wider than the person's usual.

    Raises:
        NotFound: A faceset, or it has no kept and measured face.
        BadSettings: A setting outside its range.
    """
    _check(job)
    likeness, performer = (_person(path, job, context) for path in (job.likeness, job.performer))
    grid = _grid(job, likeness, performer)
    have, need = grid.counts(likeness), grid.counts(performer)
    covered = have >= job.enough
    turns = have.sum(axis=0) >= job.enough
    missing = [tuple(int(i) for i in at) for at in np.argwhere((need > 0) & ~covered)]
    missing.sort(key=lambda at: (-need[at], at))
    shown = missing[: job.limit] if job.limit else missing
    names = [Path(path).stem for path in (job.likeness, job.performer)]
    draw_heat_map(
        Path(job.out),
        HeatMap(have, need, grid.yaw, grid.pitch, job.enough, (names[0], names[1])),
    )
    total = int(need.sum())
    return CoverageResult(
        out=job.out,
        likeness=len(likeness.table),
        performer=total,
        covered=_percent(int(need[covered].sum()), total),
        turns_covered=_percent(int(need.sum(axis=0)[turns].sum()), total),
        cells_missing=len(missing),
        expressions=tuple(
            ExpressionCoverage(
                name, int(have[at].sum()), int(need[at].sum()),
                _percent(int(need[at][covered[at]].sum()), int(need[at].sum()))
                if need[at].any() else None,
            )
            for at, name in enumerate(EXPRESSIONS)
        ),
        missing=tuple(
            _missing(at, grid, likeness, performer, int(need[at]), int(have[at])) for at in shown
        ),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Grid:
    yaw: NDArray[np.float64]
    """Borders of the cells, degrees."""
    pitch: NDArray[np.float64]
    first: tuple[int, int]
    """Number of the first cell of yaw and of pitch."""

    def counts(self, person: _Person) -> NDArray[np.int64]:
        """Return faces by expression, pitch and yaw."""
        found = np.zeros((len(EXPRESSIONS), len(self.pitch) - 1, len(self.yaw) - 1), np.int64)
        np.add.at(found, self.at(person), 1)
        return found

    def at(self, person: _Person) -> tuple[NDArray[np.int64], ...]:
        """Return the cell of each face, as an index of `counts`."""
        cells = person.cells
        return cells[:, 0], cells[:, 2] - self.first[1], cells[:, 1] - self.first[0]


def _person(path: str, job: CoverageJob, context: Context) -> _Person:
    with open_faceset(path) as faceset:
        table = table_of(faceset, "kept", context, measured=True)
    table = table.only(table.measured)
    if len(table) == 0:
        raise NotFound(f"{path} has no kept face that could be measured")
    expressions = classify(table["mouth_open"], table["mouth_wide"], table["eyes_open"])
    turns = [np.floor(table[name] / job.cell).astype(np.int64) for name in ("yaw", "pitch")]
    return _Person(table, np.stack([expressions, *turns], -1))


def _grid(job: CoverageJob, *people: _Person) -> _Grid:
    cells = np.concatenate([person.cells[:, 1:] for person in people])
    low, high = cells.min(axis=0), cells.max(axis=0) + 1
    borders = [np.arange(low[i], high[i] + 1) * job.cell for i in (0, 1)]
    return _Grid(borders[0], borders[1], (int(low[0]), int(low[1])))


def _missing(
    at: tuple[int, ...], grid: _Grid, likeness: _Person, performer: _Person, need: int, have: int
) -> MissingCell:
    expression, pitch, yaw = at
    inside = np.all(np.stack(grid.at(performer)) == np.array(at)[:, None], axis=0)
    frames = performer.table["frame"][inside].astype(int)
    picked = frames[
        np.linspace(0, len(frames) - 1, min(_EXAMPLES, len(frames))).round().astype(int)
    ]
    same = likeness.cells[:, 0] == expression
    middle = grid.yaw[yaw : yaw + 2].mean(), grid.pitch[pitch : pitch + 2].mean()
    away = np.hypot(
        likeness.table["yaw"][same] - middle[0], likeness.table["pitch"][same] - middle[1]
    )
    return MissingCell(
        expression=EXPRESSIONS[expression],
        yaw=f"{grid.yaw[yaw]:+g}..{grid.yaw[yaw + 1]:+g}",
        pitch=f"{grid.pitch[pitch]:+g}..{grid.pitch[pitch + 1]:+g}",
        needed=need,
        there=have,
        nearest=round(float(away.min()), 1) if len(away) else None,
        frames=", ".join(str(frame) for frame in picked),
    )


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def _check(job: CoverageJob) -> None:
    if not 2 <= job.cell <= 45:
        raise BadSettings(f"cell {job.cell}: expected 2..45 degrees")
    if job.enough < 1 or job.limit < 0:
        raise BadSettings(f"enough {job.enough}: expected 1 or more; limit {job.limit}: 0 or more")
