"""One picture of every way of merging: cells with their names, frame after frame."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.evaluate.pictures import CELL, write_label

__all__ = ["Cell", "contact_sheet"]

Picture = NDArray[np.uint8]

_COLUMNS = 8
_GAP = 4
_BAR = 20


@dataclass(frozen=True, eq=False)
class Cell:
    """A face and its name."""

    label: str
    picture: Picture
    """CELL x CELL x 3."""


def contact_sheet(blocks: list[list[Cell]]) -> bytes:
    """Return the cells as a PNG, eight to a row, every block from a row of its own."""
    rows = [
        _row(block[start : start + _COLUMNS])
        for block in blocks
        for start in range(0, len(block), _COLUMNS)
    ]
    sheet = np.vstack(rows) if rows else np.zeros((_BAR, CELL, 3), np.uint8)
    _, encoded = cv2.imencode(".png", sheet[..., ::-1])
    return bytes(encoded.tobytes())


def _row(cells: list[Cell]) -> Picture:
    row = np.zeros((CELL + _BAR + _GAP, _COLUMNS * (CELL + _GAP), 3), np.uint8)
    for index, cell in enumerate(cells):
        left = index * (CELL + _GAP)
        row[_BAR : _BAR + CELL, left : left + CELL] = cell.picture
        write_label(row, cell.label, (left + 4, _BAR - 6))
    return row
