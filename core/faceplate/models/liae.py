"""LIAE: one encoder, two bottlenecks, one decoder for both people.

Inter AB sees both people, Inter B the performer alone. The likeness is decoded from AB twice, the
performer from B and AB; the swap takes AB of the performer's face twice, so light and pose come
through what both people share.

Origin: DeepFaceLab (arXiv 2005.05535), figure 2. Option letters as in DF; LIAEHD is ``dt``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from faceplate.models.blocks import Decoder, Encoder, Inter
from faceplate.models.choices import InterTraining
from faceplate.models.net import Decoded, NetConfig, People, SwapNet, TrainPass

__all__ = ["LIAE", "LIAEConfig"]


@dataclass(frozen=True)
class LIAEConfig(NetConfig):
    """The shape of a LIAE network."""

    options: str = "ud"
    """Letters of the variant, any of ``u``, ``d``, ``t``, ``c``, in any order."""


class LIAE(SwapNet):
    """The network of a likeness and a performer.

    Args:
        config: Its shape.
        seed: Of the initial weights.
        initialisation: How they are drawn.
    """

    Config = LIAEConfig

    def build(self) -> None:
        """Make the encoder, both bottlenecks and the decoder."""
        config = self.config
        self.encoder = Encoder(config.core, config.e_dims, config.options, config.grown)
        self.inter_ab, self.inter_b = self._inter(), self._inter()
        self.decoder = Decoder(
            config.ae_dims * 4, config.d_dims, config.d_mask_dims, config.options, config.grown
        )

    def _inter(self) -> Inter:
        config, out = self.config, self.config.ae_dims * 2
        return Inter(self.encoder.size, config.ae_dims, out, config.core, config.options)

    def train_pass(self, sides: Sequence[Tensor], rng: torch.Generator | None = None) -> TrainPass:
        """Rebuild the likeness from AB twice and the performer from B and AB, in one batch."""
        counts = [len(side) for side in sides]
        features = self.encoder(torch.cat(list(sides)))
        shared = torch.split(self.inter_ab(features), counts)
        alone = self.inter_b(features[counts[0] :])
        codes = torch.cat([_joined(shared[0], shared[0]), _joined(alone, shared[1])])
        image, matte = self.decoder(codes)
        pairs = zip(torch.split(image, counts), torch.split(matte, counts), strict=True)

        def swap(*, through_code: bool = True) -> Decoded:
            code = shared[1] if through_code else shared[1].detach()
            return Decoded(*self.decoder(_joined(code, code)))

        return TrainPass([Decoded(*pair) for pair in pairs], list(shared), swap)

    def rebuild(self, faces: Tensor, person: int) -> Decoded:
        """Decode the faces' code of the person."""
        features = self.encoder(faces)
        return Decoded(*self.decoder(self._code(features, self.inter_ab(features), person)))

    def forward(
        self, faces: Tensor, morph: float | Tensor | None = None, people: People = (0, 1)
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Swap: return the likeness's face and matte, and the performer's matte, of `faces`."""
        features = self.encoder(faces)
        shared = self.inter_ab(features)
        image, matte = self.decoder(self._code(features, shared, people[0]))
        performer = self.decoder.to_matte(self._code(features, shared, people[1]))
        return image, matte, performer

    def inters(self) -> list[nn.Module]:
        """Return both bottlenecks."""
        return [self.inter_ab, self.inter_b]

    def frozen(self, training: InterTraining, random_warp: bool) -> list[nn.Module]:
        """Return Inter AB where inputs are not warped.

        Without the warp it would begin to hold who somebody is, and the swap, which sees the
        performer through it alone, would drift towards the performer. ``all`` trains it all the
        same.
        """
        return [] if random_warp or training == "all" else [self.inter_ab]

    def _code(self, features: Tensor, shared: Tensor, person: int) -> Tensor:
        return _joined(shared if person == 0 else self.inter_b(features), shared)


def _joined(first: Tensor, second: Tensor) -> Tensor:  # 2x (B, 2 ae, L, L) -> (B, 4 ae, L, L)
    return torch.cat([first, second], dim=1)
