import json

import pytest

from faceplate.config import to_json
from faceplate.errors import BadSettings, NotFound
from faceplate.merge.recipe import Recipe, load_recipe


def test_a_recipe_comes_back_from_its_file(tmp_path):
    recipe = Recipe(transfer="rct", erode=3.5, feather=20, opacity=0.5, interpolation="lanczos")
    (tmp_path / "recipe.json").write_text(to_json(recipe))
    assert load_recipe(tmp_path / "recipe.json") == recipe


def test_no_path_gives_the_default():
    assert load_recipe(None) == Recipe()


def test_a_file_may_name_a_few_settings_only(tmp_path):
    (tmp_path / "recipe.json").write_text('{"feather": 5}')
    assert load_recipe(tmp_path / "recipe.json") == Recipe(feather=5)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"feather": -1}, "feather"),
        ({"feather": float("nan")}, "feather"),
        ({"erode": 31}, "erode"),
        ({"relight_radius": 0}, "relight_radius"),
        ({"opacity": 1.5}, "opacity"),
        ({"transfer": "magic"}, "transfer"),
        ({"matte": "learnt"}, "matte"),
        ({"interpolation": "nearest"}, "interpolation"),
    ],
)
def test_values_out_of_range_are_refused_by_name(values, named):
    with pytest.raises(BadSettings, match=named):
        Recipe(**values)


def test_the_same_is_refused_in_a_file(tmp_path):
    (tmp_path / "recipe.json").write_text(json.dumps({"erode": 99}))
    with pytest.raises(BadSettings, match="erode"):
        load_recipe(tmp_path / "recipe.json")


def test_an_unknown_key_names_the_near_one(tmp_path):
    (tmp_path / "recipe.json").write_text('{"fether": 5}')
    with pytest.raises(BadSettings, match="feather"):
        load_recipe(tmp_path / "recipe.json")


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFound):
        load_recipe(tmp_path / "absent.json")
