"""Pictures of a mask training: what it finds in faces, and how loss and IoU went."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from faceplate.io.atomic import atomic_file, write_bytes
from faceplate.segment.agreement import mask_iou
from faceplate.segment.crops import view_to_size
from faceplate.train.maskbank import MaskBank
from faceplate.train.masksamples import MaskSample
from faceplate.train.maskstep import MaskStepper, find_mattes, spread

__all__ = ["overlay", "plot_course", "write_preview"]

Array = NDArray[np.float32]

_FACES, _ROWS = 12, 6
_SIDE = 128
_CAPTION_PX = 18
_RED, _BLUE = np.array([1.0, 0.1, 0.1]), np.array([0.15, 0.35, 1.0])


def write_preview(
    path: Path, stepper: MaskStepper, bank: MaskBank, samples: Sequence[MaskSample]
) -> Path:
    """Draw faces with the matte asked for and the one found, and some samples below.

    Six faces and six samples, each as picture, matte asked for, matte found, and what differs: red
    is missed, blue is too much.

    Args:
        path: A PNG.
        stepper: With the network.
        bank: The faces to show.
        samples: As the network is shown them; their found mattes are drawn too.

    Raises:
        DiskFull: No room.
    """
    resolution = stepper.net.config.resolution
    cells = []
    mattes = find_mattes(stepper, bank, resolution, _ROWS)
    for place, matte in zip(spread(bank, _ROWS), mattes, strict=True):
        view, mask = bank.faces[place].floats()
        cells.append(_row(view, mask, matte, bank.faces[place].caption))
    for sample in samples[:_ROWS]:
        shown = MaskSample(sample.view, sample.mask)
        (matte,) = _found(stepper, shown)
        cells.append(_row(sample.view, sample.mask, matte, "sample"))
    if len(cells) % 2:
        cells.append(np.zeros_like(cells[0]))
    pairs = [np.hstack(pair) for pair in zip(cells[::2], cells[1::2], strict=True)]
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.rint(np.vstack(pairs) * 255).astype(np.uint8)
    write_bytes(path, cv2.imencode(".png", picture[..., ::-1])[1].tobytes())
    return path


def overlay(view: Array, wanted: Array, found: Array) -> Array:
    """Return a face with what a matte misses in red and what it has too much in blue."""
    missed = np.clip(wanted - found, 0, 1)[..., None]
    extra = np.clip(found - wanted, 0, 1)[..., None]
    grey = view.mean(axis=-1, keepdims=True) * np.ones(3)
    shown = 0.5 * grey + 0.35 * view * found[..., None]
    return np.asarray(
        np.clip(shown * (1 - missed - extra) + _RED * missed + _BLUE * extra, 0, 1), np.float32
    )


def plot_course(course: Sequence[Sequence[float]], path: Path) -> Path:
    """Draw loss and IoU over the steps.

    Args:
        course: Step, loss, IoU of each point.
        path: A PNG.

    Raises:
        DiskFull: No room.
    """
    points = np.array([list(point) for point in course] or [[0.0, 1.0, 0.0]])
    with mpl.rc_context({"path.simplify": True}):
        figure = Figure(figsize=(8, 4), dpi=100, layout="constrained")
        left = figure.add_subplot()
        left.plot(points[:, 0], points[:, 1], color="tab:orange", label="loss", linewidth=1)
        left.set(xlabel="step", ylabel="loss", yscale="log")
        right = left.twinx()
        right.plot(points[:, 0], points[:, 2], color="tab:blue", label="IoU", linewidth=1)
        right.set(ylabel="IoU", ylim=(0, 1))
        left.grid(alpha=0.3)
        figure.legend(loc="outside upper right")
        with atomic_file(path) as part:
            figure.savefig(part, format="png")
    return path


def _found(stepper: MaskStepper, sample: MaskSample) -> list[Array]:
    import torch  # loaded by the stepper already

    stepper.net.eval()
    with torch.inference_mode():
        logits = stepper.net_logits(sample.view[None])
        return [torch.sigmoid(logits)[0, 0].cpu().numpy()]


def _row(view: Array, mask: Array, matte: Array, name: str) -> Array:
    view, mask, matte = (view_to_size(image, _SIDE) for image in (view, mask, matte))
    grey = [np.repeat(image[..., None], 3, axis=2) for image in (mask, matte)]
    row = np.hstack([view, *grey, overlay(view, mask, matte)])
    strip = np.zeros((_CAPTION_PX, row.shape[1], 3), np.uint8)  # OpenCV writes on bytes alone
    text = f"{name}  IoU {mask_iou(matte, mask):.3f}"
    place = (3, _CAPTION_PX - 5)
    cv2.putText(strip, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (230, 230, 230), 1)
    return np.asarray(np.vstack([strip / np.float32(255), row]), np.float32)
