"""What every swap network is: the contract between architectures and all who train or run them.

People are numbered as their facesets are given: 0 is the likeness, whose face goes in, 1 the
performer, who is in the plate; further ones follow where an architecture takes them.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from faceplate.errors import BadSettings
from faceplate.models.choices import InterTraining
from faceplate.models.growth import Outer
from faceplate.models.initialise import initialise

__all__ = [
    "Decoded",
    "NetConfig",
    "People",
    "SwapDecoder",
    "SwapNet",
    "TrainPass",
]

People = tuple[int, int]
"""Whose face goes in, and who is in the plate."""


@dataclass(frozen=True)
class NetConfig:
    """The shape of a swap network; fixed when a model is created, but for its growth."""

    resolution: int = 128
    """Side of the square face in pixels: 32..640, a multiple of 16 (of 32 with ``d`` or ``t``); of
    a grown network up to 1024."""
    options: str = ""
    """Letters of the variant, any of ``u``, ``d``, ``t``, ``c``, in any order."""
    ae_dims: int = 256
    """Length of the bottleneck, 8..1024."""
    e_dims: int = 64
    """Width of the encoder, 4..256."""
    d_dims: int = 64
    """Width of the decoders, 4..256."""
    d_mask_dims: int = 22
    """Width of the decoders' matte branch, 4..256."""
    grown: int = 0
    """How often the network has doubled its resolution since it was made, 0..5."""

    OWN: ClassVar[tuple[str, ...]] = ()
    """Fields that another architecture's values cannot be taken for."""
    RANGES: ClassVar[dict[str, tuple[int, int]]] = {
        "grown": (0, 5),
        "ae_dims": (8, 1024),
        "e_dims": (4, 256),
        "d_dims": (4, 256),
        "d_mask_dims": (4, 256),
    }

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built. Raises BadSettings."""
        unknown = set(self.options) - set("udtc")
        if unknown or len(set(self.options)) != len(self.options):
            raise BadSettings(f"options {self.options!r}: expected letters of 'udtc', each once")
        for name, (low, high) in self.RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise BadSettings(f"{name} {getattr(self, name)}: expected {low}..{high}")
        self._check_resolution()

    def _check_resolution(self) -> None:
        step = (32 if set("dt") & set(self.options) else 16) << self.grown
        low, high = 32 << self.grown, min(640 << self.grown, 1024 if self.grown else 640)
        if self.resolution % step or not low <= self.resolution <= high:
            raise BadSettings(
                f"resolution {self.resolution}: expected a multiple of {step} in {low}..{high}"
            )

    @property
    def core(self) -> int:
        """Side of the face in pixels before the network grew."""
        return self.resolution >> self.grown


class Decoded(NamedTuple):
    """What a decoder makes of a code."""

    image: Tensor
    """(B, 3, R, R), 0..1."""
    matte: Tensor
    """(B, 1, R, R), 0..1."""


class SwapDecoder(Protocol):
    """Decodes the swap of a training pass, when a loss asks for it."""

    def __call__(self, *, through_code: bool = True) -> Decoded:
        """Return the likeness in place of the performer.

        Args:
            through_code: Let gradients reach the encoder; without, they end at the code.
        """


@dataclass(frozen=True, eq=False)
class TrainPass:
    """What one training step needs of a network."""

    decoded: list[Decoded]
    """Of each side, its own face rebuilt."""
    codes: list[Tensor]
    """Of each side, (B, ...): what TrueFace pulls together; empty where that has no meaning."""
    swap: SwapDecoder
    """Decodes the swap of the performer's side (the second)."""


class SwapNet(nn.Module, ABC):
    """The base of all swap networks.

    Args:
        config: Its shape.
        seed: Of the initial weights; the same seed gives the same weights on every machine.
        initialisation: How they are drawn, ``glorot`` or ``convolution_aware``.
    """

    Config: ClassVar[type[NetConfig]] = NetConfig
    config: NetConfig

    def __init__(self, config: NetConfig, seed: int = 0, initialisation: str = "glorot") -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.build()
            initialise(self, initialisation)

    @abstractmethod
    def build(self) -> None:
        """Make the parts; their weights are initialised afterwards."""

    @property
    def people(self) -> int:
        """How many people it holds."""
        return 2

    @property
    def drawn(self) -> int:
        """How many random numbers a training pass draws for each face of the likeness, in turn."""
        return 0

    @abstractmethod
    def train_pass(self, sides: Sequence[Tensor], rng: torch.Generator | None = None) -> TrainPass:
        """Rebuild each side's faces as a training does.

        Args:
            sides: Faces of each person, (B, 3, R, R), working encoding 0..1.
            rng: Of the random choices that an architecture makes, on the CPU: `drawn` numbers for
                each face of the likeness, so that several processes can share a batch.
        """

    @abstractmethod
    def rebuild(self, faces: Tensor, person: int) -> Decoded:
        """Rebuild faces (B, 3, R, R) of a person, without any random choice."""

    @abstractmethod
    def forward(
        self, faces: Tensor, morph: float | Tensor | None = None, people: People = (0, 1)
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Swap: return the likeness's face and matte, and the performer's matte, of `faces`.

        Args:
            faces: (B, 3, R, R), working encoding 0..1.
            morph: Share of the likeness, 0..1, where the architecture has one; None is all of it.
            people: Whose face goes in, and who is in the plate.
        """

    def fade(self, share: float) -> None:
        """Let the outermost level of a grown network count by `share`, 0..1, the others fully."""
        for name, module in self.named_modules():
            if isinstance(module, Outer):
                level = int(name.rpartition(".")[2]) + 1
                module.fade.fill_(share if level == self.config.grown else 1.0)

    @abstractmethod
    def inters(self) -> list[nn.Module]:
        """Return the bottlenecks: what holds people, and starts afresh after a pretraining."""

    def frozen(self, training: InterTraining, random_warp: bool) -> list[nn.Module]:
        """Return the parts that a training leaves as they are.

        Args:
            training: ``original`` as the paper's code has it, ``all`` trains everything, ``auto``
                takes what is best for the architecture.
            random_warp: Whether the inputs are warped.
        """
        return []
