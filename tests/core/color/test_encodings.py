import numpy as np
import pytest
from tests.support.paths import MINI

from faceplate.color.encodings import SHOULDER_START, Encodings, shoulder
from faceplate.color.ocio import OcioConfig, load_config
from faceplate.errors import BadSettings, UnknownColorSpace
from faceplate.io.image import read_frame


@pytest.fixture(scope="module")
def config() -> OcioConfig:
    return load_config()


def greys(*values: float) -> np.ndarray:
    return np.repeat(np.array(values, np.float32)[None, :, None], 3, axis=-1)


def srgb(linear: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    return np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    )


def test_the_view_is_srgb_up_to_the_shoulder(config: OcioConfig) -> None:
    linear = np.linspace(0, SHOULDER_START, 50)
    view = Encodings(config, "lin_rec709_scene").to_view(greys(*linear))
    np.testing.assert_allclose(view[0, :, 0], srgb(linear), atol=1e-4)


@pytest.mark.parametrize("space", ["ACEScg", "lin_rec709_scene", "srgb_rec709_scene", "ARRI LogC4"])
def test_the_view_is_finite_and_within_0_and_1(config: OcioConfig, space: str) -> None:
    rgb = np.random.default_rng(0).uniform(-0.05, 64, (32, 32, 3)).astype(np.float32)
    rgb[0, 0], rgb[1, 1], rgb[2, 2] = np.nan, np.inf, -np.inf
    view = Encodings(config, space).to_view(rgb)
    assert view.dtype == np.float32
    assert np.isfinite(view).all()
    assert view.min() >= 0
    assert view.max() <= 1


def test_the_view_tells_values_above_1_apart(config: OcioConfig) -> None:
    view = Encodings(config, "ACEScg").to_view(greys(0.5, 1, 2, 4, 8, 16))[0, :, 1]
    assert (np.diff(view) > 1.5 / 255).all()  # even in 8 bits


def test_the_shoulder_is_smooth_and_rises_everywhere() -> None:
    x = np.linspace(-0.5, 64, 200_001, dtype=np.float64)
    y = shoulder(x.astype(np.float32))
    rise = np.diff(y[x > 0]) / np.diff(x[x > 0])
    assert (rise >= 0).all()
    near = np.array([SHOULDER_START - 1e-2, SHOULDER_START, SHOULDER_START + 1e-2], np.float32)
    slopes = np.diff(shoulder(near)) / np.diff(near)
    assert slopes == pytest.approx([1, 1], abs=0.05)
    assert shoulder(greys(-3.0)).max() == 0
    assert 0.99 < shoulder(greys(np.inf)).max() <= 1
    assert 0.99 < shoulder(greys(3e38)).max() <= 1


def test_the_view_of_a_rendered_plate_is_neither_dark_nor_washed_out(config: OcioConfig) -> None:
    view = Encodings(config, "lin_ap1_scene").to_view(read_frame(MINI / "B" / "B.1001.exr").rgb())
    assert 0.2 < view.mean() < 0.7
    assert (view > 0.99).mean() < 0.01


@pytest.mark.parametrize("working", ["acescct", "srgb"])
def test_from_working_undoes_to_working(config: OcioConfig, working: str) -> None:
    rgb = np.random.default_rng(0).uniform(-0.05, 64, (64, 64, 3)).astype(np.float32)
    ways = Encodings(config, "lin_ap1_scene", working)
    back = ways.from_working(ways.to_working(rgb))
    assert (np.abs(back - rgb) / np.maximum(np.abs(rgb).max(-1, keepdims=True), 0.1)).max() < 1e-5


def test_working_is_acescct_whatever_the_space_of_the_plate(config: OcioConfig) -> None:
    grey = greys(0.18)
    expected = (np.log2(0.18) + 9.72) / 17.52  # S-2016-001
    for space in ("lin_ap1_scene", "lin_rec709_scene", "lin_ap0_scene"):
        log = Encodings(config, space).to_working(grey)
        np.testing.assert_allclose(log, expected, atol=1e-4)
    video = Encodings(config, "srgb_rec709_scene", "srgb")
    np.testing.assert_allclose(video.to_working(grey), grey, atol=1e-6)


def test_seen_keeps_what_the_working_encoding_holds_and_clips_the_rest(config: OcioConfig) -> None:
    log = Encodings(config, "ACEScg")
    kept = greys(-0.006, 0.0, 0.18, 1.0, 64.0, 222.0)
    np.testing.assert_allclose(log.seen(kept), kept, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(log.seen(greys(-0.05)), -0.0069169, atol=1e-6)
    display = Encodings(config, "lin_rec709_scene", "srgb")
    np.testing.assert_allclose(display.seen(greys(-0.05, 0.5, 64.0)), greys(0, 0.5, 1), atol=1e-5)


def test_names_are_recorded_as_the_config_has_them(config: OcioConfig) -> None:
    ways = Encodings(config, "lin_ap1_scene", "srgb")
    assert (ways.plate_space, ways.working) == ("ACEScg", "srgb")


def test_unknown_names_are_refused(config: OcioConfig) -> None:
    with pytest.raises(UnknownColorSpace, match="Linear Rec"):
        Encodings(config, "Linear Rec.790")
    with pytest.raises(BadSettings, match=r"'logc'; there are: acescct, srgb"):
        Encodings(config, "ACEScg", "logc")
