"""AMP ("amplifier"): two bottlenecks mixed channel by channel, one decoder.

A morph value says what share of the channels comes from the likeness's bottleneck, so that a swap
can lie anywhere between the performer and the likeness. In training each sample of the likeness
mixes randomly chosen channels, so the decoder must make do with any of them.

Origin: DeepFaceLab's model of that name. There both bottlenecks stay at their random start, for
they are missing from the optimiser's list; here they are trained unless `InterTraining` says
``original``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from faceplate.errors import BadSettings
from faceplate.models.blocks import Decoder, Encoder
from faceplate.models.choices import InterTraining
from faceplate.models.net import Decoded, NetConfig, People, SwapNet, TrainPass

__all__ = ["AMP", "AMPConfig"]


@dataclass(frozen=True)
class AMPConfig(NetConfig):
    """The shape of an AMP network."""

    resolution: int = 224
    """Side of the square face in pixels: 32..640, a multiple of 32."""
    options: str = "udt"
    """Letters of the variant: ``udt``, and ``c`` if wanted."""
    inter_dims: int = 1024
    """Channels of the bottlenecks' map, 32..2048."""
    morph_factor: float = 0.5
    """Share of the likeness's channels in training, 0.1..0.5."""

    OWN: ClassVar[tuple[str, ...]] = ("options",)
    RANGES: ClassVar[dict[str, tuple[int, int]]] = {**NetConfig.RANGES, "inter_dims": (32, 2048)}

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built. Raises BadSettings."""
        super().__post_init__()
        if not set("udt") <= set(self.options):
            raise BadSettings(f"options {self.options!r}: amp has 'udt' always, and 'c' if wanted")
        if not 0.1 <= self.morph_factor <= 0.5:
            raise BadSettings(f"morph_factor {self.morph_factor}: expected 0.1..0.5")


class MapInter(nn.Module):
    """A bottleneck: one dense layer to a small feature map.

    Args:
        inputs: Length of the code.
        outputs: Channels of the map.
        side: Of the map in pixels.
    """

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        super().__init__()
        self.shape = (outputs, side, side)
        self.dense = nn.Linear(inputs, outputs * side**2)

    def forward(self, code: Tensor) -> Tensor:
        """Map (B, inputs) to (B, outputs, L, L)."""
        feature_map: Tensor = self.dense(code).reshape(-1, *self.shape)
        return feature_map


class AMP(SwapNet):
    """The network of a likeness and a performer.

    Args:
        config: Its shape.
        seed: Of the initial weights.
        initialisation: How they are drawn.
    """

    Config = AMPConfig
    config: AMPConfig

    def build(self) -> None:
        """Make the encoder, both bottlenecks and the decoder."""
        config = self.config
        self.encoder = Encoder(config.core, config.e_dims, config.options, config.grown)
        self.dense = nn.Linear(self.encoder.size, config.ae_dims)
        self.inter_likeness, self.inter_performer = self._inter(), self._inter()
        self.decoder = Decoder(
            config.inter_dims, config.d_dims, config.d_mask_dims, config.options, config.grown
        )

    def _inter(self) -> MapInter:
        config = self.config
        return MapInter(config.ae_dims, config.inter_dims, config.core // 32)

    @property
    def drawn(self) -> int:
        """One number for each channel of the bottlenecks."""
        return self.config.inter_dims

    def train_pass(self, sides: Sequence[Tensor], rng: torch.Generator | None = None) -> TrainPass:
        """Rebuild the likeness from a random mix of channels and the performer from its own."""
        counts = [len(side) for side in sides]
        codes = self._encode(torch.cat(list(sides)))
        chosen = self._random_channels(counts[0], rng).to(codes.device)
        of_performer = torch.split(self.inter_performer(codes), counts)
        likeness = torch.where(chosen, self.inter_likeness(codes[: counts[0]]), of_performer[0])
        image, matte = self.decoder(torch.cat([likeness, of_performer[1]]))
        pairs = zip(torch.split(image, counts), torch.split(matte, counts), strict=True)

        def swap(*, through_code: bool = True) -> Decoded:
            code = self.inter_likeness(codes[counts[0] :])
            return Decoded(*self.decoder(code if through_code else code.detach()))

        return TrainPass([Decoded(*pair) for pair in pairs], [], swap)

    def rebuild(self, faces: Tensor, person: int) -> Decoded:
        """Decode the person's own mix; the likeness's channels are spread evenly."""
        code = self._encode(faces)
        mixed = self.inter_performer(code)
        if person == 0:
            mixed = torch.where(
                self._even_channels().to(code.device), self.inter_likeness(code), mixed
            )
        return Decoded(*self.decoder(mixed))

    def forward(
        self, faces: Tensor, morph: float | Tensor | None = None, people: People = (0, 1)
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Swap: return the likeness's face and matte, and the performer's matte, of `faces`.

        Args:
            faces: (B, 3, R, R), working encoding 0..1.
            morph: Share of the channels, the first ones, that come from the likeness, 0..1: a
                number, or a tensor of one or of B; None is 1.
            people: Whose face goes in, and who is in the plate.
        """
        code = self._encode(faces)
        bottlenecks = (self.inter_likeness(code), self.inter_performer(code))
        goes_in, performer = bottlenecks[people[0]], bottlenecks[people[1]]
        mixed = torch.where(
            self._first_channels(1.0 if morph is None else morph, code.device), goes_in, performer
        )
        image, matte = self.decoder(mixed)
        return image, matte, self.decoder.to_matte(performer)

    def inters(self) -> list[nn.Module]:
        """Return both bottlenecks."""
        return [self.inter_likeness, self.inter_performer]

    def frozen(self, training: InterTraining, random_warp: bool) -> list[nn.Module]:
        """Return both bottlenecks for ``original``: they stay at their random start."""
        return self.inters() if training == "original" else []

    def _encode(self, faces: Tensor) -> Tensor:
        code: Tensor = self.dense(self.encoder(faces))
        return code

    def _random_channels(self, count: int, rng: torch.Generator | None) -> Tensor:
        """Return (count, inter_dims, 1, 1) booleans: for each sample its own random channels."""
        dims = self.config.inter_dims
        places = torch.rand(count, dims, generator=rng).argsort(dim=1)
        return (places < int(dims * self.config.morph_factor))[:, :, None, None]

    def _even_channels(self) -> Tensor:
        share = self.config.morph_factor
        steps = (torch.arange(self.config.inter_dims + 1) * share).floor()
        return (steps.diff() > 0)[None, :, None, None]

    def _first_channels(self, morph: float | Tensor, device: torch.device) -> Tensor:
        dims = self.config.inter_dims
        given = morph if isinstance(morph, Tensor) else torch.tensor(morph)
        share = given.to(device, torch.float32).reshape(-1, 1, 1, 1)
        places = torch.arange(dims, device=device)[None, :, None, None]
        return places < (share * dims).floor()
