from pathlib import Path

import numpy as np
import pytest
from tests.support.paths import MINI
from tests.support.swaps import consent_file, tiny_model, truth_track

from faceplate.context import Context
from faceplate.errors import BadSettings, ConsentRefused
from faceplate.io.image import read_frame
from faceplate.merge.animated import parse_recipe
from faceplate.merge.predictions import CachedPredictor
from faceplate.merge.swap import SwapJob, swap
from faceplate.merge.tweak import TweakJob, TweakShot, changed_recipe, tweak

FRAME = 1004


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tweak")
    tiny_model(folder / "model")
    truth_track(folder / "track.json")
    consent_file(folder / "consent.json")
    return folder


@pytest.fixture
def context(tmp_path):
    return Context(tmp_path / "home", device="cpu")


def shot(shelf):
    return {
        "plate": str(MINI / "B" / "B.%04d.exr"),
        "track": str(shelf / "track.json"),
        "model": str(shelf / "model"),
        "consent": str(shelf / "consent.json"),
    }


def job(shelf, tmp_path, **changes):
    paths = {"view": str(tmp_path / "v" / "view.png"), "frame": FRAME}
    return TweakJob(**{**shot(shelf), **paths, **changes})


def test_changed_recipes_never_run_the_network_again(shelf, tmp_path, context, monkeypatch):
    runs = []
    real = CachedPredictor._run
    monkeypatch.setattr(
        CachedPredictor, "_run", lambda self, *given: runs.append(1) or real(self, *given)
    )
    out = str(tmp_path / "out" / "s.%04d.exr")
    swap(SwapJob(**shot(shelf), out=out, frames=str(FRAME)), context)
    assert len(runs) == 1
    for change in ("feather=20", "transfer=mkl", "mode=seamless", "matte=hull", "output_scale=5"):
        result = tweak(job(shelf, tmp_path, set=(change,)), context)
        assert (result.network_runs, result.faces) == (0, 1)
        assert result.milliseconds > 0
    assert len(runs) == 1
    assert tweak(job(shelf, tmp_path, frame=FRAME + 1), context).network_runs == 1
    assert tweak(job(shelf, tmp_path, cache_gib=0), context).network_runs == 1


def test_the_exr_of_a_tweak_is_that_of_a_swap_with_the_changed_recipe(shelf, tmp_path, context):
    (tmp_path / "r.json").write_text('{"feather": 20, "matte": "hull"}')
    swapped = SwapJob(
        **shot(shelf), out=str(tmp_path / "s.%04d.exr"), frames=str(FRAME),
        recipe=str(tmp_path / "r.json"),
    )  # fmt: skip
    swap(swapped, context)
    out = str(tmp_path / "t" / "s.%04d.exr")
    result = tweak(job(shelf, tmp_path, set=("feather=20", "matte=hull"), out=out), context)
    there = Path(result.out or "").read_bytes()
    assert there == (tmp_path / f"s.{FRAME}.exr").read_bytes()


def test_the_view_shows_the_face_or_the_whole_frame(shelf, tmp_path, context):
    result = tweak(job(shelf, tmp_path), context)
    part = read_frame(Path(result.view or ""))
    whole = read_frame(Path(tweak(job(shelf, tmp_path, view_of="frame"), context).view or ""))
    assert whole.pixels.shape == (216, 384, 3)
    assert part.data_window.width < whole.data_window.width
    assert 0.05 < float(part.pixels.mean()) < 0.95


def test_the_same_shot_answers_again_and_again_as_a_fresh_one_would(shelf, tmp_path, context):
    kept = TweakShot(job(shelf, tmp_path), context)
    pictures = []
    for feather in (2, 30, 2):
        kept.answer({"feather": feather}, job(shelf, tmp_path))
        pictures.append((tmp_path / "v" / "view.png").read_bytes())
    assert pictures[0] == pictures[2] != pictures[1]
    tweak(job(shelf, tmp_path, set=("feather=2",)), context)
    assert (tmp_path / "v" / "view.png").read_bytes() == pictures[0]


@pytest.mark.parametrize("mode", ["overlay", "raw-predict"])
def test_converting_only_what_changed_shows_the_same_picture(shelf, tmp_path, context, mode):
    asked = job(shelf, tmp_path, view_of="frame", set=(f"mode={mode}",))
    kept = TweakShot(asked, context)
    for feather in (2, 30):
        kept.answer({"mode": mode, "feather": feather}, asked)
    layers = kept.layers(kept.plate.read(FRAME))
    expected = kept.roles[0].encodings.to_view(layers.rgb)
    shown = read_frame(tmp_path / "v" / "view.png").pixels
    assert np.abs(shown - expected).max() <= 0.51 / 255


def test_a_jpeg_shows_the_same_and_is_smaller(shelf, tmp_path, context):
    seen = [
        read_frame(Path(tweak(job(shelf, tmp_path, view=str(tmp_path / name)), context).view or ""))
        for name in ("v.png", "v.jpg")
    ]
    assert np.abs(seen[0].pixels - seen[1].pixels).mean() < 0.01
    assert (tmp_path / "v.jpg").stat().st_size < (tmp_path / "v.png").stat().st_size / 2


def test_a_changed_setting_goes_over_its_keys():
    recipe = parse_recipe({"opacity": 0.5, "keys": {"feather": [{"frame": 1, "value": 3}]}})
    changed = changed_recipe(recipe, {"feather": 12})
    assert (changed.at(1).feather, changed.at(1).opacity) == (12, 0.5)
    assert changed_recipe(recipe, {"opacity": 1.0}).at(1).feather == 3


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"set": ("feather",)}, "feather=12"),
        ({"set": ("feathr=3",)}, "feather"),
        ({"set": ("feather=500",)}, "feather"),
        ({"view": None}, "--view"),
        ({"view": "a.exr"}, "png"),
        ({"out": "a.png"}, "exr"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(shelf, tmp_path, context, changes, says):
    with pytest.raises(BadSettings, match=says):
        tweak(job(shelf, tmp_path, **changes), context)


def test_turning_the_direction_round_asks_for_the_consent_of_whose_face_goes_in(
    shelf, tmp_path, context
):
    turned = ("direction=performer",)
    with pytest.raises(ConsentRefused, match="not for 'p1B'"):
        tweak(job(shelf, tmp_path, set=turned), context)
    kept = TweakShot(job(shelf, tmp_path), context)
    with pytest.raises(ConsentRefused, match="not for 'p1B'"):
        kept.answer({"direction": "performer"}, job(shelf, tmp_path))
    assert not (tmp_path / "v" / "view.png").exists()

    asked = job(shelf, tmp_path, consent=str(consent_file(tmp_path / "c.json", likeness="p1B")))
    with pytest.raises(ConsentRefused, match="not for 'p1A'"):
        tweak(asked, context)


def test_a_view_of_bad_pixels_is_finite(shelf, tmp_path, context):
    result = tweak(job(shelf, tmp_path, view_of="frame"), context)
    assert np.isfinite(read_frame(Path(result.view or "")).pixels).all()
