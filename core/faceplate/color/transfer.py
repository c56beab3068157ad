"""What brings a predicted face to the light of the plate. All in the working encoding.

Crops are float32 HxWx3 and may hold any value; nothing is clipped. The matte is float32 HxW in
0..1, and its values are weights: only what lies under it is measured, so that hair and background
do not bleed into the face. With an empty matte, or one of less than a whole pixel, the swap comes
back as it is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.color import linear
from faceplate.color.relight import relight
from faceplate.color.sliced import idt, mix, sot
from faceplate.color.statistics import ColorStatistics, check_crops, measure_color

__all__ = ["TransferName", "TransferOptions", "transfer"]

Image = NDArray[np.float32]
TransferName = Literal["none", "rct", "lct", "mkl", "idt", "sot", "mix", "relight"]

_LINEAR: dict[str, Callable[[ColorStatistics], NDArray[np.float64]]] = {
    "rct": linear.rct,
    "lct": linear.lct,
    "mkl": linear.mkl,
}
_SLICED: dict[str, Callable[[Image, Image, ColorStatistics], Image]] = {
    "idt": idt,
    "sot": sot,
    "mix": mix,
}


@dataclass(frozen=True)
class TransferOptions:
    """What a transfer needs besides the pictures."""

    radii: tuple[float, ...] = (12.0,)
    """Sigmas of relight's low passes in crop pixels, each > 0; the passes are averaged."""
    edge: float = 0.0
    """How far relight's low pass leaves out what is no light, 0 to 1."""
    amount: float = 1.0
    """Share of the transfer that is taken, 0 to 1."""


def transfer(
    name: TransferName,
    swap: Image,
    plate: Image,
    matte: Image,
    options: TransferOptions,
    statistics: ColorStatistics | None = None,
) -> Image:
    """Apply the transfer of that name.

    Args:
        name: `none`; `rct`, `lct`, `mkl` (affine maps); `idt`, `sot`, `mix` (the whole
            distribution); `relight` (low frequencies, so it knows where in the face it is).
        swap: What the network made, HxWx3 float32, working encoding.
        plate: What is there, likewise.
        matte: HxW float32, 0..1.
        options: Radii and edge are `relight`'s.
        statistics: Measured over the shot; None measures this frame. `relight` has no use for them.

    Returns:
        HxWx3 float32, unclipped.

    Raises:
        BadShape: The crops or the matte differ in size.
    """
    check_crops(swap, plate, matte)
    if name == "none" or options.amount == 0:
        return swap
    if name == "relight":
        statistics = None
    elif statistics is None:
        statistics = measure_color(swap, plate, matte, marginals=name in _SLICED)
    moved = _moved(name, swap, plate, matte, options, statistics)
    if options.amount == 1:
        return moved
    return np.asarray(swap + np.float32(options.amount) * (moved - swap))


def _moved(
    name: TransferName,
    swap: Image,
    plate: Image,
    matte: Image,
    options: TransferOptions,
    statistics: ColorStatistics | None,
) -> Image:
    if statistics is None:
        return relight(swap, plate, matte, options.radii, options.edge)
    if not statistics.usable:
        return swap
    if name in _LINEAR:
        return np.asarray(cv2.transform(swap, _LINEAR[name](statistics)), np.float32)
    return _SLICED[name](swap, matte, statistics)
