"""The heat map of a coverage report."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from faceplate.facesets.expression import EXPRESSIONS
from faceplate.io.atomic import write_bytes

__all__ = ["HeatMap", "draw_heat_map"]

_MISSING, _LITTLE, _COVERED, _SPARE = "#c0392b", "#e8a33d", "#3d8b57", "#c9d6df"
_EMPTY = "#f4f4f4"
_MEANINGS = (
    (_MISSING, "needed, not there"),
    (_LITTLE, "needed, fewer than {}"),
    (_COVERED, "needed, covered"),
    (_SPARE, "there, not needed"),
)


@dataclass(frozen=True, eq=False)
class HeatMap:
    """What is drawn."""

    have: NDArray[np.int64]
    """Expressions x pitch x yaw: faces of the likeness."""
    need: NDArray[np.int64]
    """The same of the performer."""
    yaw: NDArray[np.float64]
    """Borders of the cells, degrees."""
    pitch: NDArray[np.float64]
    """Borders of the cells, degrees."""
    enough: int
    """Faces from which on a cell is covered."""
    names: tuple[str, str]
    """Of likeness and performer."""


def draw_heat_map(path: Path, chart: HeatMap) -> None:
    """Draw one panel per expression; in each cell 'faces of the likeness / of the performer'."""
    columns, rows = len(chart.yaw) - 1, len(chart.pitch) - 1
    width, height = max(0.62 * columns, 3.2), max(0.42 * rows, 1.6)
    figure = Figure(figsize=(2 * width + 1.6, 2 * height + 2.4), dpi=110)
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    for at, panel in enumerate(panels.flat):
        _panel(panel, chart, at)
    for panel in panels[-1]:
        panel.set_xlabel("yaw, degrees (above 0: nose to the right of the picture)", fontsize=8)
    for panel in panels[:, 0]:
        panel.set_ylabel("pitch, degrees\n(above 0: nose down)", fontsize=8)
    figure.suptitle(
        f"What {chart.names[0]} lacks for {chart.names[1]}: faces of the likeness / of the shot"
    )
    squares = [Rectangle((0, 0), 1, 1, color=colour) for colour, _ in _MEANINGS]
    meanings = [text.format(chart.enough) for _, text in _MEANINGS]
    figure.legend(squares, meanings, loc="lower center", ncol=4)
    figure.tight_layout(rect=(0, 0.35 / (2 * height + 2.4), 1, 1))
    encoded = io.BytesIO()
    figure.savefig(encoded, format="png", metadata={"Software": None})
    write_bytes(path, encoded.getvalue())


def _panel(panel: Any, chart: HeatMap, at: int) -> None:
    have, need = chart.have[at], chart.need[at]
    kinds = np.zeros(have.shape, int)
    kinds[have > 0] = 4
    kinds[need > 0] = 1
    kinds[(need > 0) & (have > 0)] = 2
    kinds[(need > 0) & (have >= chart.enough)] = 3
    colours = ListedColormap([_EMPTY, *(colour for colour, _ in _MEANINGS)])
    panel.pcolormesh(
        chart.yaw, chart.pitch, kinds, cmap=colours, vmin=0, vmax=4, edgecolors="white", lw=0.6
    )
    for row, column in np.argwhere(kinds > 0):
        dark = kinds[row, column] in (1, 3)
        panel.text(
            chart.yaw[column : column + 2].mean(),
            chart.pitch[row : row + 2].mean(),
            f"{have[row, column]}/{need[row, column]}",
            ha="center", va="center", fontsize=7, color="white" if dark else "black",
        )  # fmt: skip
    panel.set_xticks(chart.yaw)
    panel.set_yticks(chart.pitch)
    panel.tick_params(labelsize=7)
    panel.set_title(_headline(chart, at), fontsize=9)
    if at == 0:
        panel.invert_yaxis()  # the axes are shared; up is up


def _headline(chart: HeatMap, at: int) -> str:
    have, need = chart.have[at], chart.need[at]
    told = f"{EXPRESSIONS[at]}: {have.sum()} / {need.sum()}"
    if not need.any():
        return f"{told}, the shot has none"
    covered = need[have >= chart.enough].sum() / need.sum()
    return f"{told}, {100 * covered:.0f} % of the shot covered"
