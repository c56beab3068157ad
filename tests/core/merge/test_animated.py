import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.paths import REPO

from faceplate.config import to_json
from faceplate.errors import BadSettings, NotFound
from faceplate.merge.animated import AnimatedRecipe, Key, load_recipe, parse_recipe
from faceplate.merge.presets import PRESET_TEXTS, PRESETS
from faceplate.merge.recipe import Recipe


def of_keys(name, *keys, base=None):
    return AnimatedRecipe(base or Recipe(), {name: tuple(Key(*key) for key in keys)})


def written(folder, values):
    path = folder / "recipe.json"
    path.write_text(json.dumps(values))
    return path


def test_a_recipe_comes_back_from_its_file(tmp_path):
    recipe = Recipe(transfer="rct", erode=3.5, feather=20, opacity=0.5, interpolation="lanczos")
    (tmp_path / "recipe.json").write_text(to_json(recipe))
    assert load_recipe(tmp_path / "recipe.json").at(1001) == recipe


def test_what_is_written_plain_is_read_back_as_it_was(tmp_path):
    recipe = of_keys("erode", (1, 2.0, "smooth"), (9, 4.5), base=Recipe(feather=3, mode="seamless"))
    assert load_recipe(written(tmp_path, recipe.plain())) == recipe
    assert recipe.plain()["feather"] == 3
    assert "opacity" not in recipe.plain()


def test_no_path_gives_the_default():
    assert load_recipe(None).at(1) == Recipe()


def test_the_recipe_of_the_demo_is_valid():
    recipe = load_recipe(REPO / "examples" / "demo_recipe.json")
    assert recipe.at(1001) == Recipe(matte="learned", feather=4)


def test_a_linear_key_goes_straight_to_the_next_and_both_ends_stay():
    fade = of_keys("opacity", (1001, 0.0), (1011, 1.0))
    assert [fade.at(n).opacity for n in (900, 1001, 1002, 1006, 1011, 2000)] == pytest.approx(
        [0, 0, 0.1, 0.5, 1, 1]
    )


def test_a_holding_key_keeps_its_value_until_the_next():
    fade = of_keys("opacity", (1, 0.25, "hold"), (11, 1.0))
    assert [fade.at(n).opacity for n in (1, 10, 11)] == [0.25, 0.25, 1]


def test_a_smooth_key_eases_and_meets_its_keys():
    fade = of_keys("opacity", (1, 0.0, "smooth"), (5, 1.0, "smooth"), (9, 0.0))
    assert [fade.at(n).opacity for n in (1, 5, 9)] == pytest.approx([0, 1, 0])
    near, far = fade.at(4).opacity - fade.at(3).opacity, fade.at(5).opacity - fade.at(4).opacity
    assert near > far > 0


@given(
    values=st.lists(st.floats(0, 1), min_size=2, max_size=6),
    at=st.integers(0, 70),
    blend=st.sampled_from(["hold", "linear", "smooth"]),
)
def test_no_interpolation_overshoots_its_keys(values, at, blend):
    keys = [(10 * n, value, blend) for n, value in enumerate(values)]
    opacity = of_keys("opacity", *keys).at(at).opacity
    assert min(values) - 1e-9 <= opacity <= max(values) + 1e-9


def test_choices_texts_and_switches_hold():
    assert of_keys("mode", (1, "overlay"), (9, "seamless")).at(8).mode == "overlay"
    assert of_keys("matte", (1, "hull"), (9, "full")).at(9).matte == "full"
    assert of_keys("hist_masked", (1, True), (9, False)).at(5).hist_masked is True


def test_whole_numbers_stay_whole():
    size = of_keys("sharpen_size", (1, 3), (5, 9)).at(2).sharpen_size
    assert size == 4
    assert isinstance(size, int)


def test_settings_without_a_key_are_the_base_s():
    recipe = of_keys("opacity", (1, 0.5), base=Recipe(feather=3))
    assert recipe.at(1) == Recipe(feather=3, opacity=0.5)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_valid_recipe_and_says_what_it_is_for(name):
    assert parse_recipe({"preset": name}).at(1) == Recipe(**PRESETS[name])
    assert PRESET_TEXTS[name]


def test_settings_go_over_the_preset(tmp_path):
    recipe = load_recipe(written(tmp_path, {"preset": "colour-match", "feather": 2}))
    assert recipe.at(1) == Recipe(transfer="rct", feather=2)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"fether": 5}, "'fether'; did you mean 'feather'"),
        ({"keys": {"fether": [{"frame": 1, "value": 5}]}}, "did you mean 'feather'"),
        ({"keys": {"feather": [{"frame": 1, "valu": 5}]}}, "did you mean 'value'"),
        ({"keys": {"feather": {"1": 5}}}, 'expected a list such as .*"frame": 1001'),
        ({"keys": []}, "keys: expected an object"),
        ({"keys": {"feather": []}}, "feather has no key"),
        ({"keys": {"feather": [{"frame": 1, "value": -5}]}}, "feather must be from"),
        (
            {"keys": {"feather": [{"frame": 1, "value": "wide"}]}},
            "at frame 1 must be a number",
        ),
        ({"keys": {"sharpen_size": [{"frame": 1, "value": 3.5}]}}, "must be a whole number"),
        ({"keys": {"hist_masked": [{"frame": 1, "value": 1}]}}, "true or false"),
        ({"keys": {"mode": [{"frame": 1, "value": "magic"}]}}, "mode must be one of"),
        (
            {"keys": {"feather": [{"frame": 1, "value": 5}, {"frame": 1, "value": 6}]}},
            "frames 1 and 1",
        ),
        ({"preset": "filmm"}, "did you mean 'film'"),
        ({"erode": 99}, "erode"),
        ([1], "expected an object"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_name(tmp_path, values, says):
    with pytest.raises(BadSettings, match=says) as caught:
        load_recipe(written(tmp_path, values))
    assert "recipe.json" in str(caught.value)


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFound):
        load_recipe(tmp_path / "absent.json")
