"""Pictures of a training: what it makes of fixed faces, and how its losses fell."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.io.atomic import atomic_file, write_bytes
from faceplate.models.net import SwapNet
from faceplate.train.checkpoint import History
from faceplate.train.faces import FaceBank

__all__ = ["Preview", "plot_losses", "shown_faces"]

Array = NDArray[np.float32]

_ROWS = 4
_CAPTIONS = ("likeness", "its rebuild", "performer", "its rebuild", "swap")
_CAPTION_PX = 18


class Preview:
    """Draws a grid: likeness, its rebuild, performer, its rebuild, swap.

    Args:
        banks: Faces of the likeness and of the performer; up to four of each are shown, spread over
            the head turns.
        resolution: Side of the model's face in pixels.
    """

    def __init__(self, banks: tuple[FaceBank, ...], resolution: int) -> None:
        self._faces = [shown_faces(bank, resolution) for bank in banks[:2]]
        # Any scene-linear space will do on the way from the working encoding to the view.
        self._encodings = Encodings(load_config(), "ACEScg", banks[0].info.encoding)

    def write(self, net: SwapNet, device: torch.device, folder: Path, step: int) -> Path:
        """Draw the grid and keep it as ``previews/<step>.png``; return its path.

        Raises:
            DiskFull: No room.
        """
        with torch.inference_mode():
            likeness, performer = (_tensor(faces, device) for faces in self._faces)
            columns = [
                self._faces[0],
                _images(net.rebuild(likeness, 0).image),
                self._faces[1],
                _images(net.rebuild(performer, 1).image),
                _images(net(performer)[0]),
            ]
        rows = min(len(column) for column in columns)
        grid = np.hstack([np.vstack(list(column[:rows])) for column in columns])
        view = self._encodings.to_view(self._encodings.from_working(np.ascontiguousarray(grid)))
        path = folder / "previews" / f"{step:09d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, _png(_captioned(view, grid.shape[1] // len(columns))))
        return path


def plot_losses(history: History, path: Path, rollbacks: Sequence[int] = ()) -> Path:
    """Draw the losses over the steps, both axes readable without a legend elsewhere.

    Args:
        history: Losses of the whole training.
        path: Where to.
        rollbacks: Steps at which the training went back; marked.

    Raises:
        DiskFull: No room.
    """
    points = np.array(
        [point for point in history.points if np.isfinite(point).all()] or [[0, 1, 1]]
    )
    with mpl.rc_context({"path.simplify": True}):
        figure = Figure(figsize=(8, 4), dpi=100, layout="constrained")
        axes = figure.add_subplot()
        axes.plot(points[:, 0], points[:, 1], label="likeness", linewidth=1)
        axes.plot(points[:, 0], points[:, 2], label="performer", linewidth=1)
        for number, step in enumerate(rollbacks):
            label = "went back" if number == 0 else None
            axes.axvline(step, label=label, color="tab:red", linestyle=":", linewidth=1)
        axes.set(xlabel="step", ylabel="loss", yscale="log")
        axes.grid(alpha=0.3, which="both")
        axes.legend()
        with atomic_file(path) as part:
            figure.savefig(part, format="png")
    return path


def shown_faces(bank: FaceBank, resolution: int) -> Array:
    """Return up to four faces of a bank, N x R x R x 3, from one head turn to the other."""
    order = np.argsort(bank.yaws, kind="stable")
    places = np.linspace(0, len(order) - 1, num=min(_ROWS, len(order)) + 2)[1:-1]
    picked = order[np.rint(places).astype(int)]
    return np.stack([_resized(bank.get(int(index)).image, resolution) for index in picked])


def _resized(image: NDArray[np.uint16], resolution: int) -> Array:
    size = (resolution, resolution)
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.float32) / np.float32(65535)


def _tensor(faces: Array, device: torch.device) -> torch.Tensor:  # (B, R, R, 3) -> (B, 3, R, R)
    return torch.from_numpy(faces).permute(0, 3, 1, 2).to(device)


def _images(tensor: torch.Tensor) -> Array:
    return np.asarray(tensor.permute(0, 2, 3, 1).cpu().numpy(), np.float32)


def _captioned(view: Array, width: int) -> NDArray[np.uint8]:
    picture = np.rint(view * 255).astype(np.uint8)
    strip = np.zeros((_CAPTION_PX, picture.shape[1], 3), np.uint8)
    for column, caption in enumerate(_CAPTIONS):
        place = (column * width + 3, _CAPTION_PX - 5)
        cv2.putText(strip, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (230, 230, 230), 1)
    return np.vstack([strip, picture])


def _png(rgb: NDArray[np.uint8]) -> bytes:
    _, encoded = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    return bytes(encoded.tobytes())
