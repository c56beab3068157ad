"""DF: one encoder and one bottleneck for two people, one decoder for each.

Origin: DeepFaceLab (arXiv 2005.05535), figure 2. Option letters: ``u`` normalised code, ``d``
double resolution at the same cost, ``t`` deeper, ``c`` cosine activation. DFHD is ``dt``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from faceplate.models.blocks import Decoder, Encoder, Inter
from faceplate.models.net import Decoded, NetConfig, People, SwapNet, TrainPass

__all__ = ["DF", "DFConfig"]


@dataclass(frozen=True)
class DFConfig(NetConfig):
    """The shape of a DF network."""

    options: str = "ud"
    """Letters of the variant, any of ``u``, ``d``, ``t``, ``c``, in any order."""


class DF(SwapNet):
    """The network of a likeness and a performer.

    Args:
        config: Its shape.
        seed: Of the initial weights.
        initialisation: How they are drawn.
    """

    Config: ClassVar[type[NetConfig]] = DFConfig

    def build(self) -> None:
        """Make the encoder, the bottleneck and the decoders."""
        config = self.config
        self.encoder = Encoder(config.core, config.e_dims, config.options, config.grown)
        self.inter = Inter(
            self.encoder.size, config.ae_dims, config.ae_dims, config.core, config.options
        )
        self._build_decoders()

    def _build_decoders(self) -> None:
        self.decoder_likeness = self._decoder()
        self.decoder_performer = self._decoder()

    def _decoder(self) -> Decoder:
        config = self.config
        return Decoder(
            config.ae_dims, config.d_dims, config.d_mask_dims, config.options, config.grown
        )

    def encode(self, faces: Tensor) -> Tensor:
        """Map faces (B, 3, R, R), working 0..1, to codes (B, ae_dims, L, L)."""
        code: Tensor = self.inter(self.encoder(faces))
        return code

    def train_pass(self, sides: Sequence[Tensor], rng: torch.Generator | None = None) -> TrainPass:
        """Rebuild each side with its own decoder; all go through the encoder as one batch."""
        codes = torch.split(self.encode(torch.cat(list(sides))), [len(side) for side in sides])

        def swap(*, through_code: bool = True) -> Decoded:
            return self._decoded(0, codes[1] if through_code else codes[1].detach())

        decoded = [self._decoded(person, code) for person, code in enumerate(codes)]
        return TrainPass(decoded, list(codes), swap)

    def rebuild(self, faces: Tensor, person: int) -> Decoded:
        """Decode the faces' code with the person's decoder."""
        return self._decoded(person, self.encode(faces))

    def forward(
        self, faces: Tensor, morph: float | Tensor | None = None, people: People = (0, 1)
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Swap: return the likeness's face and matte, and the performer's matte, of `faces`."""
        code = self.encode(faces)
        image, matte = self._decoded(people[0], code)
        return image, matte, self._decoder_of(people[1]).to_matte(code)

    def inters(self) -> list[nn.Module]:
        """Return the one bottleneck."""
        return [self.inter]

    def _decoder_of(self, person: int) -> Decoder:
        return (self.decoder_likeness, self.decoder_performer)[person]

    def _decoded(self, person: int, code: Tensor) -> Decoded:
        return Decoded(*self._decoder_of(person)(code))
