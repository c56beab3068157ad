import json
from pathlib import Path

import pytest
from tests.support.paths import REPO

from faceplate.commands.recipe import (
    CheckRecipe,
    ExplainSetting,
    ListSettings,
    ShowRecipe,
    check_recipe,
    explain_setting,
    list_settings,
    markdown_tables,
    show_recipe,
)
from faceplate.context import Context
from faceplate.errors import BadSettings, UnknownComponent
from faceplate.merge.presets import PRESETS
from faceplate.merge.recipe import Recipe
from faceplate.merge.settings import settings_of

CONTEXT = Context(home=Path("unused"))


@pytest.fixture
def keyed(tmp_path):
    keys = {"opacity": [{"frame": 1001, "value": 0}, {"frame": 1011, "value": 1}]}
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({"feather": 4, "keys": keys}))
    return str(path)


def test_the_list_has_every_setting_and_every_preset():
    listed = list_settings(ListSettings(), CONTEXT)
    assert [each.setting for each in listed.settings] == list(settings_of(Recipe))
    assert [each.preset for each in listed.presets] == list(PRESETS)
    feather = next(each for each in listed.settings if each.setting == "feather")
    assert (feather.default, feather.values) == ("8", "0 to 400")


def test_one_setting_is_explained():
    explained = explain_setting(ExplainSetting("relight_radius"), CONTEXT)
    assert (explained.unit, explained.values) == ("% of face width", "1 to 100")
    assert "low pass" in explained.text


def test_a_setting_that_there_is_not_names_the_near_ones():
    with pytest.raises(UnknownComponent, match="relight_radius"):
        explain_setting(ExplainSetting("relight-radious"), CONTEXT)


def test_a_recipe_is_shown_at_a_frame(keyed):
    shown = show_recipe(ShowRecipe(keyed, 1006), CONTEXT)
    assert {(each.setting, each.value, each.keyed) for each in shown.settings} == {
        ("feather", "4", False),
        ("opacity", "0.5", True),
    }
    whole = show_recipe(ShowRecipe(keyed, 1006, all=True), CONTEXT)
    assert len(whole.settings) == len(settings_of(Recipe))


def test_the_default_recipe_changes_nothing():
    assert show_recipe(ShowRecipe(), CONTEXT).settings == []


def test_a_right_recipe_is_counted(keyed):
    checked = check_recipe(CheckRecipe(keyed), CONTEXT)
    assert (checked.changed, checked.keyed, checked.first, checked.last) == (1, 1, 1001, 1011)


def test_settings_that_are_wrong_together_between_keys_are_found(tmp_path):
    keys = {
        "edge_unit": [{"frame": 1, "value": "pixels"}, {"frame": 5, "value": "face"}],
        "erode": [{"frame": 1, "value": 300}, {"frame": 9, "value": 10}],
    }
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({"edge_unit": "pixels", "keys": keys}))
    with pytest.raises(BadSettings, match="erode"):
        check_recipe(CheckRecipe(str(path)), CONTEXT)


def test_the_page_has_the_tables_of_the_code():
    assert markdown_tables() in (REPO / "docs" / "recipe.md").read_text(encoding="utf-8")
