"""Contact sheets: many small pictures with a line of text each, in pages that fit a screen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadImage
from faceplate.io.atomic import write_bytes

__all__ = ["Cell", "page_path", "write_page", "write_sheet"]

_CAPTION_PX = 18
_GAP_PX = 4
_GROUND = 40
_INK = (230, 230, 230)


@dataclass(frozen=True, eq=False)
class Cell:
    """One picture of a sheet."""

    image: NDArray[np.float32]
    """HxWx3, view encoding, 0..1."""
    caption: str
    """ASCII."""


def write_sheet(
    path: Path,
    cells: Sequence[Cell],
    size: tuple[int, int],
    columns: int,
    rows: int,
    note: str = "",
) -> list[Path]:
    """Write the pages of a contact sheet.

    Args:
        path: Where the first page goes, a PNG; further pages get ``.2``, ``.3``, ... before the
            extension.
        cells: The pictures, in reading order.
        size: Width and height that a picture is fitted into, in pixels.
        columns: Pictures beside each other.
        rows: Pictures below each other on one page.
        note: A line below each page that says what its colours mean, ASCII; empty: none.

    Returns:
        The files; none where there is no picture.
    """
    per_page = columns * rows
    pages = [cells[start : start + per_page] for start in range(0, len(cells), per_page)]
    written = [page_path(path, number) for number in range(1, len(pages) + 1)]
    for page, shown in zip(written, pages, strict=True):
        write_page(page, shown, size, columns, note)
    return written


def page_path(path: Path, number: int) -> Path:
    """Return where a page goes, counted from 1: the first one has the plain name."""
    return path if number == 1 else path.with_suffix(f".{number}{path.suffix}")


def write_page(
    path: Path, cells: Sequence[Cell], size: tuple[int, int], columns: int, note: str = ""
) -> None:
    """Write one page of a contact sheet as PNG; the arguments are those of `write_sheet`."""
    done, blob = cv2.imencode(".png", _page(cells, size, columns, note)[..., ::-1])
    if not done:
        raise BadImage(f"{path}: the sheet could not be encoded")
    write_bytes(path, bytes(blob))


def _page(
    cells: Sequence[Cell], size: tuple[int, int], columns: int, note: str
) -> NDArray[np.uint8]:
    step_x, step_y = size[0] + _GAP_PX, size[1] + _CAPTION_PX + _GAP_PX
    columns = min(columns, len(cells))
    rows = -(-len(cells) // columns)
    note_px = _CAPTION_PX + _GAP_PX if note else 0
    shape = (rows * step_y + _GAP_PX + note_px, columns * step_x + _GAP_PX, 3)
    page = np.full(shape, _GROUND, np.uint8)
    for cell, (x, y) in zip(cells, _places(columns, step_x, step_y), strict=False):
        picture = _fitted(cell.image, size)
        page[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
        _write(page, cell.caption, (x + 2, y + size[1] + _CAPTION_PX - 5))
    _write(page, note, (_GAP_PX + 2, shape[0] - 2 * _GAP_PX))
    return page


def _write(page: NDArray[np.uint8], text: str, place: tuple[int, int]) -> None:
    cv2.putText(page, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, _INK, 1, cv2.LINE_AA)


def _places(columns: int, step_x: int, step_y: int) -> Iterator[tuple[int, int]]:
    at = 0
    while True:
        yield _GAP_PX + at % columns * step_x, _GAP_PX + at // columns * step_y
        at += 1


def _fitted(image: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.uint8]:
    scale = min(size[0] / image.shape[1], size[1] / image.shape[0])
    fit = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = image if scale == 1 else cv2.resize(image, fit, interpolation=how)
    return np.rint(np.clip(np.nan_to_num(small), 0, 1) * 255).astype(np.uint8)
