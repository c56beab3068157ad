"""Files that a shot needs and that no setting names: those inside its cast and its recipes."""

from collections.abc import Sequence
from pathlib import Path

from faceplate.io.sequence import Sequence as Files
from faceplate.merge.animated import AnimatedRecipe, load_recipe
from faceplate.merge.cast import CastMember
from faceplate.segment import is_mask_path

__all__ = ["assets_inside"]


def assets_inside(members: Sequence[CastMember], cast: bool) -> tuple[Path, ...]:
    """Return the files and folders that a cast and its recipes name.

    Args:
        members: Of the cast, or the one person.
        cast: Whether a file names them; else settings do, and only their recipes count.

    Raises:
        NotFound, BadSettings: A recipe is not there, or wrong.
    """
    found: list[Path] = []
    for member in members:
        if cast:
            named = (member.model, member.recipe, member.consent)
            found += [Path(path) for path in named if path]
            found += [Files.parse(member.mattes).folder] if member.mattes else []
        recipe = load_recipe(Path(member.recipe) if member.recipe else None)
        found += [Path(name) for name in _segmenters(recipe) if is_mask_path(name)]
    return tuple(dict.fromkeys(path.resolve() for path in found))


def _segmenters(recipe: AnimatedRecipe) -> list[str]:
    keyed = [str(key.value) for key in recipe.keys.get("segmenter", ())]
    return [recipe.base.segmenter, *keyed]
