"""The layers that a swap writes: always the same set, with or without a face."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceplate.io.frame import Frame

__all__ = ["CHANNEL_TYPES", "OCCLUSION_ATTRIBUTE", "Layers"]

FloatArray = NDArray[np.float32]

CHANNEL_TYPES = {"fp_st.R": "float", "fp_st.G": "float"}
"""Channels that are never written as half: 11 bits cannot address a pixel of a 4K plate."""

OCCLUSION_ATTRIBUTE = {"faceplate:occlusion": "not measured"}
"""Said in every header while no network here tells occluders from skin."""


@dataclass(frozen=True, eq=False)
class Layers:
    """All that a swap makes of one frame; every array covers the plate's data window.

    `paste` (merge/composite.py) writes into these arrays while a frame is being made; nobody else
    does.
    """

    rgb: FloatArray
    """HxWx3, scene-linear: the result. Where `matte` is 0, the plate bit for bit."""
    alpha: FloatArray
    """HxW: the plate's own, or 1 where the plate has none."""
    swap: FloatArray
    """HxWx3, scene-linear: what the network made, before any transfer, times `matte`."""
    matte: FloatArray
    """HxW: what the swap was laid in with (times the plate's alpha, where it has one)."""
    learned: FloatArray
    """HxW: the network's likeness matte times its performer matte, neither eroded nor feathered."""
    occlusion: FloatArray
    """HxW of zeros: not measured yet, and the header says so."""
    confidence: FloatArray
    """HxW: the track's confidence in the face where `matte` is above 0, else 0."""
    st: FloatArray
    """HxWx2: where in the network's crop a pixel comes from, as Nuke's STMap reads it; 0 outside
    the crop."""

    @classmethod
    def of_plate(cls, frame: Frame) -> "Layers":
        """Return the layers of a frame without a face: the plate, and zeros."""
        rgb, alpha = frame.rgb(), frame.alpha()
        height, width = rgb.shape[:2]

        def zeros(*channels: int) -> FloatArray:
            return np.zeros((height, width, *channels), np.float32)

        return cls(
            rgb=rgb,
            alpha=np.ones((height, width), np.float32) if alpha is None else alpha,
            swap=zeros(3),
            matte=zeros(),
            learned=zeros(),
            occlusion=zeros(),
            confidence=zeros(),
            st=zeros(2),
        )

    def channels(self) -> dict[str, FloatArray]:
        """Return the layers by channel name, in the order in which they are written."""
        named = dict(zip("RGB", np.moveaxis(self.rgb, -1, 0), strict=True))
        named["A"] = self.alpha
        named |= {f"fp.{name}": self.swap[..., i] for i, name in enumerate("RGB")}
        named |= {
            "fp.A": self.matte,
            "fp_mask.A": self.matte,
            "fp_learned.A": self.learned,
            "fp_occ.A": self.occlusion,
            "fp_conf.A": self.confidence,
        }
        return named | {f"fp_st.{name}": self.st[..., i] for i, name in enumerate("RG")}

    def to_frame(self, plate: Frame, *, keep_layers: bool = False) -> Frame:
        """Return the layers as a frame with the plate's windows and attributes.

        Args:
            plate: The frame that they were made from.
            keep_layers: Keep the plate's other channels too, untouched.
        """
        channels = self.channels()
        if keep_layers:
            kept = {name: plate.channel(name) for name in plate.channels if name not in channels}
            channels |= kept
        pixels = np.stack(list(channels.values()), axis=-1)
        kinds = {name: kind for name, kind in plate.channel_types.items() if name in channels}
        return Frame(
            plate.number, pixels, tuple(channels), plate.data_window, plate.display_window,
            plate.pixel_aspect, plate.attributes, kinds,
        ).with_attributes(OCCLUSION_ATTRIBUTE)  # fmt: skip
