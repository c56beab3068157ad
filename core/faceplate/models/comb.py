"""Comb: one encoder and one bottleneck for N people, one decoder for each.

DF with more teeth: every person's face can go in the place of every other's, and what people have
in common is learnt from all of them. Person 0 is the likeness, 1 the performer, further ones follow
in the order of the training's `others`.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from faceplate.models.blocks import Decoder
from faceplate.models.df import DF
from faceplate.models.net import NetConfig

__all__ = ["Comb", "CombConfig"]


@dataclass(frozen=True)
class CombConfig(NetConfig):
    """The shape of a comb network."""

    options: str = "ud"
    """Letters of the variant, any of ``u``, ``d``, ``t``, ``c``, in any order."""
    people: int = 3
    """Decoders, 2..16; a training counts its facesets."""

    RANGES: ClassVar[dict[str, tuple[int, int]]] = {**NetConfig.RANGES, "people": (2, 16)}


class Comb(DF):
    """The network of several people.

    Args:
        config: Its shape.
        seed: Of the initial weights.
        initialisation: How they are drawn.
    """

    Config = CombConfig
    config: CombConfig

    def _build_decoders(self) -> None:
        self.decoders = nn.ModuleList(self._decoder() for _ in range(self.config.people))

    @property
    def people(self) -> int:
        """How many people it holds."""
        return self.config.people

    def _decoder_of(self, person: int) -> Decoder:
        decoder = self.decoders[person]
        assert isinstance(decoder, Decoder)
        return decoder
