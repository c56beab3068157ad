"""The pictures of a training: which preview sheets are kept, and the swap over the steps."""

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from faceplate.errors import BadSettings
from faceplate.io.atomic import write_bytes
from faceplate.models.folder import ModelFolder
from faceplate.models.net import SwapNet
from faceplate.train.checkpoint import TrainState
from faceplate.train.faces import FaceBank
from faceplate.train.preview import Preview, plot_losses

__all__ = ["Sheets", "draw_history", "thin_out"]

Picture = NDArray[np.uint8]

_SHOWN = 8
_CAPTION_PX = 18
_COLUMNS = 5


class Sheets:
    """Draws the pictures of one training.

    Args:
        banks: Faces of the likeness and of the performer.
        folder: The model.
        keep: Preview sheets that are kept, at least 2.

    Raises:
        BadSettings: `keep` is too small.
    """

    def __init__(self, banks: tuple[FaceBank, ...], folder: ModelFolder, keep: int) -> None:
        if keep < 2:
            raise BadSettings(
                f"keep_previews {keep}: expected at least 2, the first and the newest"
            )
        self._preview = Preview(banks, folder.config.net.resolution)
        self._folder, self._keep = folder.path, keep
        self._drawn: tuple[int, int] | None = None
        self.newest = Path()
        """The newest preview sheet."""
        self.plot = folder.path / "losses.png"
        """The losses over the steps."""
        self.history = folder.path / "previews" / "history.png"
        """The swap over the steps."""

    def draw(self, net: SwapNet, device: torch.device, state: TrainState) -> Path:
        """Draw all three, unless they are of this step already; return the preview sheet.

        Raises:
            DiskFull: No room.
        """
        now = state.step, len(state.rollbacks)
        if now != self._drawn:
            self.newest = self._preview.write(net, device, self._folder, state.step)
            thin_out(self.newest.parent, self._keep)
            draw_history(self.newest.parent)
            plot_losses(state.history, self.plot, [note.step for note in state.rollbacks])
            self._drawn = now
        return self.newest


def thin_out(folder: Path, keep: int) -> list[Path]:
    """Remove sheets until at most `keep` are left, spread evenly over the training.

    The first and the newest stay; of the others those go first that are nearest to their
    neighbours, and of equals the older.

    Args:
        folder: ``MODEL/previews``.
        keep: At least 2.

    Returns:
        The sheets that are left, oldest first.
    """
    sheets = _sheets(folder)
    while len(sheets) > keep:
        steps = [int(sheet.stem) for sheet in sheets]
        gaps = [after - before for before, after in zip(steps, steps[2:], strict=False)]
        sheets.pop(1 + gaps.index(min(gaps))).unlink(missing_ok=True)
    return sheets


def draw_history(folder: Path) -> Path | None:
    """Draw the swap over the steps of up to eight sheets as ``history.png``; None without sheets.

    Raises:
        DiskFull: No room.
    """
    sheets = _sheets(folder)
    if not sheets:
        return None
    places = np.linspace(0, len(sheets) - 1, min(_SHOWN, len(sheets)))
    chosen = np.unique(places.round().astype(int))
    columns = [_swap_column(sheets[index]) for index in chosen]
    there = [column for column in columns if column is not None]
    alike = [column for column in there if column.shape == there[-1].shape]  # a model may grow
    if not alike:
        return None
    _, encoded = cv2.imencode(".png", np.hstack(alike))
    path = folder / "history.png"
    write_bytes(path, bytes(encoded.tobytes()))
    return path


def _sheets(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.png") if path.stem.isdecimal())


def _swap_column(sheet: Path) -> Picture | None:
    """Return the last column of a sheet, captioned with its step; None where it is no picture."""
    picture = cv2.imdecode(np.frombuffer(sheet.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        return None
    whole = np.asarray(picture, np.uint8)
    column = whole[:, -(whole.shape[1] // _COLUMNS) :].copy()
    column[:_CAPTION_PX] = 0
    place = (3, _CAPTION_PX - 5)
    cv2.putText(
        column, f"{int(sheet.stem)}", place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (230, 230, 230), 1
    )
    return column
