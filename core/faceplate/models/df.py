"""DF: one encoder and one bottleneck for two people, one decoder for each.

Origin: DeepFaceLab (arXiv 2005.05535), figure 2. Option letters: ``u`` normalised code, ``d``
double resolution at the same cost, ``t`` deeper, ``c`` cosine activation.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from faceplate.errors import BadSettings
from faceplate.models.blocks import Decoder, Encoder, Inter, glorot

__all__ = ["DF", "DFConfig"]


@dataclass(frozen=True)
class DFConfig:
    """The shape of a DF network; fixed when a model is created."""

    resolution: int = 128
    """Side of the square face in pixels: 32..640, a multiple of 16 (of 32 with ``d`` or ``t``)."""
    options: str = "ud"
    """Letters of the variant, any of ``u``, ``d``, ``t``, ``c``, in any order."""
    ae_dims: int = 256
    """Length of the bottleneck, 8..1024."""
    e_dims: int = 64
    """Width of the encoder, 4..256."""
    d_dims: int = 64
    """Width of the decoders, 4..256."""
    d_mask_dims: int = 22
    """Width of the decoders' matte branch, 4..256."""

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built. Raises BadSettings."""
        unknown = set(self.options) - set("udtc")
        if unknown or len(set(self.options)) != len(self.options):
            raise BadSettings(f"options {self.options!r}: expected letters of 'udtc', each once")
        step = 32 if set("dt") & set(self.options) else 16
        if self.resolution % step or not 32 <= self.resolution <= 640:
            raise BadSettings(
                f"resolution {self.resolution}: expected a multiple of {step} in 32..640"
            )
        for name, low, high in _RANGES:
            if not low <= getattr(self, name) <= high:
                raise BadSettings(f"{name} {getattr(self, name)}: expected {low}..{high}")


_RANGES = (
    ("ae_dims", 8, 1024),
    ("e_dims", 4, 256),
    ("d_dims", 4, 256),
    ("d_mask_dims", 4, 256),
)


class DF(nn.Module):
    """The network of a likeness and a performer.

    Args:
        config: Its shape.
        seed: Of the initial weights; the same seed gives the same weights on every machine.
    """

    Config = DFConfig

    def __init__(self, config: DFConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = Encoder(config.resolution, config.e_dims, config.options)
            self.inter = Inter(
                self.encoder.size,
                config.ae_dims,
                config.ae_dims,
                config.resolution,
                config.options,
            )
            self.decoder_likeness = self._decoder()
            self.decoder_performer = self._decoder()
            self.apply(glorot)

    def _decoder(self) -> Decoder:
        config = self.config
        return Decoder(config.ae_dims, config.d_dims, config.d_mask_dims, config.options)

    def encode(self, faces: Tensor) -> Tensor:
        """Map faces (B, 3, R, R), working 0..1, to codes (B, ae_dims, L, L)."""
        code: Tensor = self.inter(self.encoder(faces))
        return code

    def likeness(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Return the likeness's face (B, 3, R, R) and matte (B, 1, R, R) of a code."""
        return self.decoder_likeness.to_image(code), self.decoder_likeness.to_matte(code)

    def performer(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Return the performer's face (B, 3, R, R) and matte (B, 1, R, R) of a code."""
        return self.decoder_performer.to_image(code), self.decoder_performer.to_matte(code)

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Swap: return the likeness's face and matte, and the performer's matte, of `faces`."""
        code = self.encode(faces)
        image, matte = self.likeness(code)
        return image, matte, self.decoder_performer.to_matte(code)
