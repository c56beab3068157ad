"""What `measure` found, as a picture: the offset from swap to plate over the frames."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ColorCurve", "plot_colors"]

Offsets = Mapping[int, NDArray[np.float64]]
_INKS = {"R": "tab:red", "G": "tab:green", "B": "tab:blue"}


@dataclass(frozen=True, eq=False)
class ColorCurve:
    """One person's offsets by frame: R, G, B, working encoding."""

    name: str
    raw: Offsets
    smooth: Offsets


def plot_colors(curves: Sequence[ColorCurve]) -> bytes:
    """Draw the offsets as they were found (thin) and smoothed (thick), as a PNG."""
    # a quarter of a second that nobody else needs to spend
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.2 * len(curves)), layout="constrained")
    FigureCanvasAgg(figure)
    for index, curve in enumerate(curves):
        axes = figure.add_subplot(len(curves), 1, index + 1)
        for channel, (name, ink) in enumerate(_INKS.items()):
            _draw(axes, curve.raw, channel, color=ink, lw=0.8, alpha=0.5, marker=".")
            _draw(axes, curve.smooth, channel, color=ink, lw=2.0, label=name)
        axes.set_title(f"{curve.name}: mean of the plate - mean of the swap", fontsize=9)
        axes.set_xlabel("frame")
        axes.set_ylabel("working encoding")
        axes.legend(fontsize=8)
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=100)
    return target.getvalue()


def _draw(axes: Any, offsets: Offsets, channel: int, **style: Any) -> None:
    axes.plot(list(offsets), [offset[channel] for offset in offsets.values()], **style)
