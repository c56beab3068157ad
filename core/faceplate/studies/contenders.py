"""Which merges are compared: every mode with every colour transfer, and relight in its variants."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from faceplate.color.transfer import TransferName
from faceplate.merge.recipe import Mode, Recipe

__all__ = ["Contender", "contenders"]

Source = Literal["model", "ideal"]

_SOURCES: tuple[Source, ...] = ("model", "ideal")
_WITHOUT_TRANSFER = ("original",)
"""Modes in which no transfer can show."""


@dataclass(frozen=True)
class Contender:
    """One way of merging one prediction."""

    source: Source
    """`model`: what the network made; `ideal`: the truth, seen through the network's crop."""
    recipe: Recipe
    relight: str = ""
    """Of relight: its radii in % of face width, and its edge in %."""
    size: int = 0
    """Side of the ideal prediction's crop in pixels; 0: the model's."""
    by_matte: bool = False
    """Whether it is compared for its matte."""

    @property
    def transferred(self) -> bool:
        """Whether a transfer can show at all."""
        return self.recipe.mode not in _WITHOUT_TRANSFER

    @property
    def label(self) -> str:
        """Name for a table or under a picture."""
        recipe = self.recipe
        parts = [recipe.mode, recipe.transfer, self.relight] if self.transferred else [recipe.mode]
        parts += [recipe.matte] if self.by_matte else []
        name = " ".join(part for part in parts if part)
        size = f" {self.size}" if self.size else ""
        return f"ideal{size}: {name}" if self.source == "ideal" else name


def contenders(
    base: Recipe,
    modes: Sequence[Mode],
    transfers: Sequence[TransferName],
    radii: Sequence[float],
    mattes: Sequence[str] = (),
    sizes: Sequence[int] = (),
) -> list[Contender]:
    """Return all merges that are to be compared.

    All modes with all transfers. In the first mode: the variants of relight (radius, several radii,
    edge); the mattes, with the base's own transfer; the ideal prediction with every transfer, with
    every matte, and, without a transfer, in every size.

    Args:
        base: The settings that they share.
        modes: At least one.
        transfers: At least one.
        radii: Of relight, % of face width.
        mattes: As a recipe names them.
        sizes: Sides of the ideal prediction's crop, pixels.
    """
    listed = [
        _contender("model", replace(base, mode=mode, transfer=transfer))
        for mode in modes
        for transfer in (transfers[:1] if mode in _WITHOUT_TRANSFER else transfers)
    ]
    first = replace(base, mode=modes[0])
    if "relight" in transfers:
        listed += [_contender("model", recipe) for recipe in _relit(first, radii)]
    listed += [_contender("ideal", replace(first, transfer=transfer)) for transfer in transfers]
    if "relight" in transfers:
        listed += [_contender("ideal", recipe) for recipe in _relit(first, radii)]
    untouched = replace(first, transfer="none")
    listed += [replace(_contender("ideal", untouched), size=size) for size in sizes]
    listed += [
        replace(_contender(source, replace(first, matte=matte)), by_matte=True)
        for source in _SOURCES
        for matte in mattes
    ]
    return list(dict.fromkeys(listed))


def _relit(base: Recipe, radii: Sequence[float]) -> list[Recipe]:
    relit = replace(base, transfer="relight")
    return [
        *(replace(relit, relight_radius=radius) for radius in radii),
        *(replace(relit, relight_levels=levels) for levels in (2, 3)),
        *(replace(relit, relight_edge=edge) for edge in (0.0, 50.0, 100.0)),
    ]


def _contender(source: Source, recipe: Recipe) -> Contender:
    if recipe.transfer != "relight" or recipe.mode in _WITHOUT_TRANSFER:
        return Contender(source, recipe)
    radii = (recipe.relight_radius / 2**level for level in range(recipe.relight_levels))
    told = "+".join(f"{radius:g}" for radius in radii)
    return Contender(source, recipe, f"{told} e{recipe.relight_edge:g}")
