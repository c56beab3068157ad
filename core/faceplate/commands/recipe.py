"""``faceplate recipe``: what a recipe can say, what one says, and whether it is right."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceplate.context import Context
from faceplate.errors import UnknownComponent, near_names
from faceplate.merge.animated import load_recipe
from faceplate.merge.presets import PRESET_TEXTS, PRESETS
from faceplate.merge.recipe import SECTIONS, Recipe
from faceplate.merge.settings import Setting, settings_of

__all__ = [
    "CheckRecipe",
    "Checked",
    "ExplainSetting",
    "ListSettings",
    "Listed",
    "ListedPreset",
    "ListedSetting",
    "ShowRecipe",
    "Shown",
    "ShownSetting",
    "check_recipe",
    "explain_setting",
    "list_settings",
    "markdown_tables",
    "show_recipe",
]


@dataclass(frozen=True)
class ListSettings:
    """List every setting of a recipe with its unit, range and default, and the presets."""


@dataclass(frozen=True)
class ListedSetting:
    """One setting."""

    setting: str
    default: str
    values: str
    """Its range or its choices."""
    unit: str


@dataclass(frozen=True)
class ListedPreset:
    """One preset."""

    preset: str
    sets: str
    """What it sets."""
    purpose: str


@dataclass(frozen=True)
class Listed:
    """All that a recipe can say."""

    settings: list[ListedSetting]
    presets: list[ListedPreset]


@dataclass(frozen=True)
class ExplainSetting:
    """Tell what one setting does."""

    setting: str
    """Its name."""


@dataclass(frozen=True)
class ShowRecipe:
    """Show the settings of a recipe at a frame: those that are not the default's, or all."""

    recipe: str | None = None
    """Recipe (JSON); the default recipe where it is left out."""
    frame: int = 0
    """Frame at which keyed settings are looked at."""
    all: bool = False
    """Show the settings at their default too."""


@dataclass(frozen=True)
class ShownSetting:
    """One setting of a recipe."""

    setting: str
    value: str
    default: str
    unit: str
    keyed: bool
    """Whether keys change it over the frames."""


@dataclass(frozen=True)
class Shown:
    """A recipe at a frame."""

    recipe: str
    frame: int
    settings: list[ShownSetting]


@dataclass(frozen=True)
class CheckRecipe:
    """Check that a recipe can be read and that its values are right."""

    recipe: str
    """Recipe (JSON)."""


@dataclass(frozen=True)
class Checked:
    """A recipe that is right."""

    recipe: str
    changed: int
    """Settings that are not the default's."""
    keyed: int
    """Settings that change over the frames."""
    first: int | None
    """First frame that has a key."""
    last: int | None
    """Last frame that has a key."""


def list_settings(job: ListSettings, context: Context) -> Listed:
    """Return every setting and preset."""
    settings = [
        ListedSetting(each.name, _text(each.default), each.values, each.unit)
        for each in settings_of(Recipe).values()
    ]
    presets = [
        ListedPreset(name, _sets(values), PRESET_TEXTS[name]) for name, values in PRESETS.items()
    ]
    return Listed(settings, presets)


def explain_setting(job: ExplainSetting, context: Context) -> Setting:
    """Return one setting. Raises UnknownComponent, with the nearest names."""
    settings = settings_of(Recipe)
    if job.setting not in settings:
        near = near_names(job.setting.replace("-", "_"), settings)
        raise UnknownComponent("setting", job.setting, near or sorted(settings))
    return settings[job.setting]


def show_recipe(job: ShowRecipe, context: Context) -> Shown:
    """Return a recipe at a frame. Raises NotFound or BadSettings."""
    animated = load_recipe(Path(job.recipe) if job.recipe else None)
    recipe, default = animated.at(job.frame), Recipe()
    shown = [
        ShownSetting(
            name, _text(getattr(recipe, name)), _text(setting.default), setting.unit,
            name in animated.keys,
        )
        for name, setting in settings_of(Recipe).items()
        if job.all or name in animated.keys or getattr(recipe, name) != getattr(default, name)
    ]  # fmt: skip
    return Shown(job.recipe or "default", job.frame, shown)


def check_recipe(job: CheckRecipe, context: Context) -> Checked:
    """Check a recipe at every frame between its keys. Raises NotFound or BadSettings."""
    animated = load_recipe(Path(job.recipe))
    frames = sorted({key.frame for keys in animated.keys.values() for key in keys})
    for frame in range(frames[0], frames[-1] + 1) if frames else []:
        animated.at(frame)
    changed = [name for name in animated.plain() if name != "keys"]
    ends = (frames[0], frames[-1]) if frames else (None, None)
    return Checked(job.recipe, len(changed), len(animated.keys), *ends)


def markdown_tables() -> str:
    """Return all settings as Markdown, a table for each section; docs/recipe.md holds them."""
    starts = {first: title for title, first in SECTIONS.items()}
    lines: list[str] = []
    for name, setting in settings_of(Recipe).items():
        if name in starts:
            head = ["| setting | default | values | unit | what it does |", "|---|---|---|---|---|"]
            lines += ["", f"### {starts[name]}", "", *head]
        cells = (f"`{name}`", _text(setting.default), setting.values, setting.unit, setting.text)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines[1:]) + "\n"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _sets(values: Any) -> str:
    return ", ".join(f"{name} {_text(value)}" for name, value in values.items()) or "nothing"
