import dataclasses
import tomllib
from importlib import resources

import pytest

from faceplate.errors import BadSettings, UnknownComponent
from faceplate.models.cards import (
    DEFAULTS,
    Card,
    EmbeddedSource,
    InstalledSource,
    UrlSource,
    WheelSource,
    find_card,
    load_cards,
    parse_card,
)

CARDS = load_cards()
FOLDER = resources.files("faceplate.models").joinpath("cards")
SOURCES = {
    "wheel": WheelSource,
    "url": UrlSource,
    "installed": InstalledSource,
    "embedded": EmbeddedSource,
}


def hexadecimal(text, length):
    return len(text) == length and set(text) <= set("0123456789abcdef")


def test_there_is_a_card_for_every_role():
    assert {card.role for card in CARDS.values()} == {
        "detection",
        "landmarks",
        "pose",
        "segmentation",
        "identity",
        "upscaling",
    }


def test_the_defaults_come_from_pinned_wheels_and_may_be_used_in_paid_work():
    for name in DEFAULTS:
        card = CARDS[name]
        assert isinstance(card.sources[0], WheelSource)
        assert card.commercial_use == "yes"
        assert card.sha256
        assert card.bytes


@pytest.mark.parametrize("name", CARDS)
def test_a_card_is_named_after_its_file_and_its_hashes_are_hashes(name):
    card = CARDS[name]
    assert FOLDER.joinpath(f"{name}.toml").is_file()
    assert "/" not in card.file
    assert card.sha256 is None or hexadecimal(card.sha256, 64)
    assert card.sha256_prefix is None or hexadecimal(card.sha256_prefix, 10)
    for source in card.sources:
        if isinstance(source, WheelSource):
            assert hexadecimal(source.archive_sha256, 64)
        if isinstance(source, UrlSource):
            assert source.url.startswith("https://")
    assert card.sources or card.notes  # without a source, the notes say where to get it


def test_no_two_cards_share_a_file():
    files = [card.file for card in CARDS.values()]
    assert len(files) == len(set(files))


@pytest.mark.parametrize("name", CARDS)
def test_every_key_of_a_source_is_known(name):
    text = FOLDER.joinpath(f"{name}.toml").read_text(encoding="utf-8")
    for source in tomllib.loads(text).get("sources", []):
        known = {field.name for field in dataclasses.fields(SOURCES[source["kind"]])}
        assert set(source) <= known


def test_weights_that_are_not_for_paid_work_say_so():
    assert CARDS["arcface-r50"].commercial_use == "no"
    assert CARDS["bisenet-r18"].commercial_use == "no"
    assert CARDS["xseg"].commercial_use == "unclear"


def test_an_unknown_name_lists_the_cards():
    with pytest.raises(UnknownComponent, match="facemesh-468"):
        find_card("facemash")


@pytest.mark.parametrize(
    ("text", "says"),
    [("name = ", "not TOML"), ('nome = "x"', "did you mean 'name'"), ('name = "x"', "role")],
)
def test_a_wrong_card_is_refused_by_its_name(text, says):
    with pytest.raises(BadSettings, match=rf"odd\.toml.*{says}"):
        parse_card(text, "odd.toml")


def test_a_card_is_immutable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        find_card("iris").sha256 = "0"  # type: ignore[misc]  # the point of the test


def test_optional_facts_of_a_card_default_to_unknown():
    card = Card("n", "pose", "t", "f", "MIT", "MIT", "yes", "nothing")
    assert (card.bytes, card.sha256, card.sources) == (None, None, ())
