"""Labels drawn on their faces, in pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.io.atomic import write_bytes
from faceplate.io.facelabels import Polygon

__all__ = ["LabelCell", "write_label_sheet"]

_SIDE, _CAPTION_PX, _COLUMNS, _ROWS = 192, 18, 8, 5
_COLOURS = {"include": (80, 230, 80), "exclude": (255, 90, 60)}


@dataclass(frozen=True, eq=False)
class LabelCell:
    """One face with its labels."""

    view: NDArray[np.float32]
    """S x S x 3, view encoding, 0..1."""
    matte: NDArray[np.float32]
    """S x S: what the labels draw."""
    polygons: Sequence[Polygon]
    """In crop pixels."""
    caption: str
    """ASCII."""


def write_label_sheet(path: Path, cells: Sequence[LabelCell]) -> list[Path]:
    """Write faces with their labels: what is left out is dark, includes green, excludes red.

    Args:
        path: Where the first page goes, a PNG; further pages get ``.2``, ``.3``, ... before the
            extension.
        cells: The faces, in reading order.

    Returns:
        The files.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    per_page, written = _COLUMNS * _ROWS, []
    for number, start in enumerate(range(0, len(cells), per_page), 1):
        page = path if number == 1 else path.with_suffix(f".{number}{path.suffix}")
        drawn = [_drawn(cell) for cell in cells[start : start + per_page]]
        blank = np.zeros_like(drawn[0])
        columns = min(_COLUMNS, len(drawn))
        drawn += [blank] * (-len(drawn) % columns)
        rows = [np.hstack(drawn[at : at + columns]) for at in range(0, len(drawn), columns)]
        picture = np.ascontiguousarray(np.vstack(rows)[..., ::-1])
        write_bytes(page, cv2.imencode(".png", picture)[1].tobytes())
        written.append(page)
    return written


def _drawn(cell: LabelCell) -> NDArray[np.uint8]:
    shown = cell.view * (0.3 + 0.7 * cell.matte[..., None])
    pixels = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
    pixels = np.ascontiguousarray(cv2.resize(pixels, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA))
    zoom = _SIDE / len(cell.view)
    for polygon in cell.polygons:
        points = np.rint(((polygon.points + 0.5) * zoom - 0.5) * 16).astype(np.int32)
        cv2.polylines(pixels, [points], True, _COLOURS[polygon.kind], 1, cv2.LINE_AA, 4)
    strip = np.zeros((_CAPTION_PX, _SIDE, 3), np.uint8)
    place = (3, _CAPTION_PX - 5)
    cv2.putText(strip, cell.caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (230, 230, 230), 1)
    return np.vstack([strip, pixels])
