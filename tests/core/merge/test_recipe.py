from dataclasses import fields

import pytest

from faceplate.config import from_dict
from faceplate.errors import BadSettings
from faceplate.merge.recipe import MATTE_TERMS, SECTIONS, Recipe, matte_terms
from faceplate.merge.settings import check_values, settings_of

SETTINGS = settings_of(Recipe)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"feather": -1}, "feather"),
        ({"feather": float("nan")}, "feather"),
        ({"erode": 31}, "erode"),
        ({"erode_top": -61}, "erode_top"),
        ({"relight_radius": 0}, "relight_radius"),
        ({"opacity": 1.5}, "opacity"),
        ({"transfer": "magic"}, "transfer"),
        ({"matte": "learnt"}, "learned"),
        ({"matte": "hull*"}, "matte"),
        ({"interpolation": "nearest"}, "interpolation"),
        ({"mode": "seemless"}, "seamless"),
        ({"grain": 401}, "grain .* 400 %"),
    ],
)
def test_values_out_of_range_are_refused_by_name(values, named):
    with pytest.raises(BadSettings, match=named):
        Recipe(**values)


def test_an_edge_in_pixels_may_be_wider_than_one_in_per_cent():
    assert Recipe(edge_unit="pixels", erode=-400, feather=300).feather == 300
    with pytest.raises(BadSettings, match="400"):
        Recipe(edge_unit="pixels", erode=401)


@pytest.mark.parametrize("name", [n for n, each in SETTINGS.items() if " to " in each.values])
def test_both_ends_of_every_range_can_be_set_and_nothing_beyond(name):
    low, high = (float(end) for end in SETTINGS[name].values.split(" to "))
    unit = {"edge_unit": "pixels"} if name.startswith(("erode", "blur", "feather")) else {}
    whole = SETTINGS[name].kind == "whole number"
    for end, beyond in ((low, low - 1), (high, high * 1.01 + 1)):
        Recipe(**{name: int(end) if whole else end}, **unit)
        with pytest.raises(BadSettings, match=name):
            Recipe(**{name: beyond}, **unit)


def test_every_setting_says_what_it_does_and_what_it_takes():
    assert list(SETTINGS) == [field.name for field in fields(Recipe)]
    for setting in SETTINGS.values():
        assert setting.text.endswith("."), setting.name
        assert setting.values or setting.kind == "text", setting.name


def test_every_text_names_all_choices_of_its_setting():
    for name in (
        "mode",
        "matte",
        "edge_unit",
        "occlusion",
        "poisson_domain",
        "transfer_statistics",
    ):
        setting = SETTINGS[name]
        wanted = MATTE_TERMS if name == "matte" else setting.values.split(", ")
        assert [word for word in wanted if word not in setting.text] == []


def test_sections_begin_at_settings_and_in_their_order():
    names = list(SETTINGS)
    firsts = [names.index(first) for first in SECTIONS.values()]
    assert firsts[0] == 0
    assert firsts == sorted(firsts)


def test_a_matte_is_a_product_of_terms():
    assert matte_terms("learned * hull*external") == ("learned", "hull", "external")


def test_checking_values_takes_the_types_of_any_dataclass():
    check_values(Recipe(), "recipe")
    assert from_dict(Recipe, {"sharpen_size": 5}).sharpen_size == 5
