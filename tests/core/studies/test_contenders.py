from faceplate.merge.recipe import Recipe
from faceplate.studies.contenders import contenders

BASE = Recipe(matte="learned", feather=4)


def test_every_mode_meets_every_transfer_once():
    listed = contenders(BASE, ("overlay", "seamless", "original"), ("none", "rct"), ())
    model = [(one.recipe.mode, one.recipe.transfer) for one in listed if one.source == "model"]
    assert model == [
        ("overlay", "none"), ("overlay", "rct"), ("seamless", "none"), ("seamless", "rct"),
        ("original", "none"),
    ]  # fmt: skip
    assert all(one.recipe.matte == "learned" for one in listed)


def test_the_ideal_prediction_is_merged_in_the_first_mode_with_every_transfer():
    listed = contenders(BASE, ("seamless", "overlay"), ("none", "mkl"), ())
    ideal = [one.label for one in listed if one.source == "ideal"]
    assert ideal == ["ideal: seamless none", "ideal: seamless mkl"]


def test_relight_comes_with_its_radii_levels_and_edges_none_of_them_twice():
    base = Recipe(relight_radius=12, relight_edge=0)
    listed = contenders(base, ("overlay",), ("relight",), (6.0, 12.0))
    labels = [one.label for one in listed if one.source == "model"]
    assert labels == [
        "overlay relight 12 e0", "overlay relight 6 e0", "overlay relight 12+6 e0",
        "overlay relight 12+6+3 e0", "overlay relight 12 e50", "overlay relight 12 e100",
    ]  # fmt: skip


def test_a_mode_that_shows_no_transfer_is_named_alone():
    (original, *_) = contenders(BASE, ("original",), ("relight",), ())
    assert original.label == "original"
    assert not original.transferred


def test_mattes_are_compared_with_both_predictions_in_the_first_mode():
    listed = contenders(BASE, ("overlay", "seamless"), ("none",), (), mattes=("hull", "learned"))
    named = [(one.source, one.recipe.mode, one.recipe.matte) for one in listed if one.by_matte]
    assert named == [
        (source, "overlay", matte) for source in ("model", "ideal") for matte in ("hull", "learned")
    ]
    assert {one.recipe.transfer for one in listed if one.by_matte} == {BASE.transfer}


def test_the_ideal_prediction_comes_in_every_size_without_a_transfer():
    listed = contenders(BASE, ("overlay",), ("relight",), (), sizes=(96, 512))
    sized = [(one.label, one.size) for one in listed if one.size]
    assert sized == [("ideal 96: overlay none", 96), ("ideal 512: overlay none", 512)]
