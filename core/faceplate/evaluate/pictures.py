"""The truth panel as pictures: lines over the frames, and a sheet of faces."""

import io

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.evaluate.measure import Figure
from faceplate.evaluate.panel import FIGURES
from faceplate.evaluate.truthset import FaceTruth, TruthFrame

__all__ = ["CELL", "face_cell", "plot_png", "sheet_png", "sheet_row", "write_label"]

Picture = NDArray[np.uint8]

SHEET_COLUMNS = ("plate", "swap", "truth", "matte")
CELL = 240
"""Side of a face in a sheet, pixels."""
_AROUND = 1.1  # half side of a cell, in face widths
_BAR = 22
_GAP = 4


def plot_png(rows: dict[int, dict[str, Figure]]) -> bytes:
    """Draw every figure over the frames, the result's and the plate's, as a PNG.

    Args:
        rows: Frame to figure name to figure.
    """
    # a quarter of a second that nobody else needs to spend
    from matplotlib.figure import Figure as Canvas
    from matplotlib.ticker import MaxNLocator

    names = [name for name in FIGURES if any(name in row for row in rows.values())]
    columns = 3
    lines = max(-(-len(names) // columns), 1)
    canvas = Canvas(figsize=(4.6 * columns, 2.7 * lines), dpi=100, layout="constrained")
    for index, name in enumerate(names):
        axes = canvas.add_subplot(lines, columns, index + 1)
        frames = [number for number, row in rows.items() if name in row]
        for attribute, color in (("plate", "0.6"), ("result", "tab:blue")):
            values = [getattr(rows[number][name], attribute) for number in frames]
            values = [np.nan if value is None else value for value in values]
            axes.plot(frames, values, ".-", color=color, label=attribute)
        truth = FIGURES[name].truth
        if truth is not None:
            axes.axhline(truth, color="tab:green", lw=0.8, label="truth")
        axes.set_title(f"{name}, {FIGURES[name].unit}", fontsize=9)
        axes.tick_params(labelsize=7)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(fontsize=7)
    target = io.BytesIO()
    canvas.savefig(target, format="png")
    return target.getvalue()


def sheet_row(frame: TruthFrame, encodings: Encodings) -> Picture:
    """Return plate, swap, truth and matte of one frame side by side, around the face.

    The matte is the one that the result was made with; the visible face where it names none.
    """
    used = frame.used_matte
    matte = frame.visible if used is None else used
    pictures = [
        encodings.to_view(image.rgb()) for image in (frame.plate, frame.result, frame.truth)
    ]
    pictures.append(np.repeat(np.clip(np.nan_to_num(matte), 0, 1)[..., None], 3, axis=2))
    cells = [face_cell(picture, frame.face) for picture in pictures]
    gap = np.zeros((CELL, _GAP, 3), np.uint8)
    row = np.hstack([part for cell in cells for part in (cell, gap)][:-1])
    write_label(row, str(frame.number), (6, CELL - 8))
    return row


def sheet_png(rows: list[Picture]) -> bytes:
    """Return the rows below each other, under the names of the columns, as a PNG."""
    width = len(SHEET_COLUMNS) * (CELL + _GAP) - _GAP
    bar = np.zeros((_BAR, width, 3), np.uint8)
    for index, name in enumerate(SHEET_COLUMNS):
        write_label(bar, name, (index * (CELL + _GAP) + 6, _BAR - 7))
    gap = np.zeros((_GAP, width, 3), np.uint8)
    sheet = np.vstack([bar, *[part for row in rows for part in (row, gap)]])
    _, encoded = cv2.imencode(".png", sheet[..., ::-1])
    return bytes(encoded.tobytes())


def face_cell(picture: NDArray[np.float32], face: FaceTruth) -> Picture:
    """Return a face with what is around it, CELL x CELL, from a picture in the view encoding."""
    center, half = face.landmarks68.mean(axis=0), _AROUND * face.width
    scale = CELL / (2 * half)
    to_cell = np.array(
        [[scale, 0, -(center[0] - half) * scale], [0, scale, -(center[1] - half) * scale]]
    )
    method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    cell = cv2.warpAffine(picture, to_cell, (CELL, CELL), flags=method)
    return np.rint(np.clip(cell, 0, 1) * 255).astype(np.uint8)


def write_label(picture: Picture, text: str, place: tuple[int, int]) -> None:
    """Write small white text on a black ground."""
    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.45
    (width, height), _ = cv2.getTextSize(text, font, size, 1)
    x, y = place
    cv2.rectangle(picture, (x - 3, y - height - 3), (x + width + 3, y + 4), (0, 0, 0), cv2.FILLED)
    cv2.putText(picture, text, place, font, size, (255, 255, 255), 1, cv2.LINE_AA)
