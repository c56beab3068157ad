from dataclasses import replace

import numpy as np
import pytest
from tests.support.colors import cloud, disc
from tests.support.swaps import face_of, frontal_landmarks

from faceplate.color.statistics import measure_color
from faceplate.color.transfer import TransferOptions, transfer
from faceplate.errors import BadSettings, NotReady
from faceplate.merge.colors import match_colors, measured_colors, transfer_options
from faceplate.merge.recipe import Recipe

MODEL = "ab" * 32


def face(**colors):
    return replace(face_of(frontal_landmarks((100, 100), 80)), swap_colors=colors)


def test_lengths_of_the_recipe_become_pixels_of_the_crop():
    recipe = Recipe(relight_radius=20, relight_levels=3, relight_edge=50, transfer_amount=25)
    assert transfer_options(recipe, 0.5) == TransferOptions((10.0, 5.0, 2.5), 0.5, 0.25)


def test_what_was_measured_comes_back_from_the_face_of_a_track():
    statistics = measure_color(cloud(1), cloud(2), disc())
    assert measured_colors(face(**{MODEL: statistics.numbers()}), MODEL) == statistics
    assert measured_colors(face(**{MODEL: statistics.numbers()}), "cd" * 32) is None
    assert measured_colors(face(), MODEL) is None


def test_numbers_spoilt_by_hand_are_told():
    numbers = measure_color(cloud(1), cloud(2), disc()).numbers()
    with pytest.raises(BadSettings, match="measure the shot"):
        measured_colors(face(**{MODEL: {**numbers, "swap_mean": (0.1,)}}), MODEL)


@pytest.mark.parametrize(("where", "used"), [("auto", True), ("track", True), ("frame", False)])
def test_the_recipe_says_whose_statistics_are_used(where, used):
    swap, plate = cloud(1), cloud(2)
    shot = measure_color(swap, plate + 0.2, disc())
    recipe = Recipe(transfer="mkl", transfer_statistics=where)
    moved = match_colors(swap, plate, disc(), recipe, 0.5, shot)
    expected = transfer("mkl", swap, plate, disc(), TransferOptions(), shot if used else None)
    assert np.array_equal(moved, expected)


def test_statistics_of_a_track_that_has_none_are_an_error_only_where_they_are_needed():
    for name in ("rct", "sot"):
        with pytest.raises(NotReady, match="faceplate measure"):
            match_colors(
                cloud(1), cloud(2), disc(),
                Recipe(transfer=name, transfer_statistics="track"), 0.5,
            )  # fmt: skip
    recipe = Recipe(transfer="relight", transfer_statistics="track")
    match_colors(cloud(1), cloud(2), disc(), recipe, 0.5)
