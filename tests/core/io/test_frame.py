import numpy as np
import pytest

from faceplate.errors import BadImage, BadShape, InvalidInput
from faceplate.io.frame import Frame, Typed, Window, sanitize


def frame_of(*channels: str) -> Frame:
    window = Window(-2, 3, 3, 6)
    pixels = np.arange(3 * 5 * len(channels), dtype=np.float32).reshape(3, 5, len(channels))
    return Frame(7, pixels, channels, window, window)


def test_a_window_is_half_open() -> None:
    window = Window(-32, -16, 100, 50)
    assert (window.width, window.height) == (132, 66)


@pytest.mark.parametrize("corners", [(0, 0, 0, 5), (0, 0, 5, 0), (3, 0, 2, 5)])
def test_an_empty_window_is_refused(corners: tuple[int, int, int, int]) -> None:
    with pytest.raises(InvalidInput, match="x0 < x1"):
        Window(*corners)


def test_rgb_goes_by_name_and_not_by_order() -> None:
    frame = frame_of("B", "A", "G", "R")
    rgb = frame.rgb()
    assert rgb.flags.c_contiguous
    for index, name in enumerate("RGB"):
        assert (rgb[..., index] == frame.channel(name)).all()
    alpha = frame.alpha()
    assert alpha is not None
    assert (alpha == frame.channel("A")).all()


def test_what_rgb_and_alpha_return_can_be_written_to() -> None:
    frame = frame_of("R", "G", "B", "A")
    before = frame.pixels.copy()
    frame.rgb()[:] = -1
    alpha = frame.alpha()
    assert alpha is not None
    alpha[:] = -1
    assert (frame.pixels == before).all()


def test_a_one_channel_plate_is_repeated() -> None:
    frame = frame_of("Y")
    rgb = frame.rgb()
    assert rgb.shape == (3, 5, 3)
    assert (rgb == frame.pixels).all()
    assert frame.alpha() is None


def test_a_frame_without_colours_lists_what_it_has() -> None:
    with pytest.raises(BadImage, match=r"no channel 'R'; it has depth.Z, fp_mask.A"):
        frame_of("depth.Z", "fp_mask.A").rgb()


def test_repeated_channel_names_are_refused() -> None:
    with pytest.raises(InvalidInput, match="repeated: R"):
        frame_of("R", "G", "R")


@pytest.mark.parametrize(
    "pixels", [np.zeros((3, 5, 2), np.float32), np.zeros((3, 5, 3)), np.zeros((5, 3, 3), "f4")]
)
def test_pixels_must_fit_window_channels_and_type(pixels: np.ndarray) -> None:
    window = Window(0, 0, 5, 3)
    with pytest.raises(BadShape, match="pixels of a frame"):
        Frame(1, pixels, ("R", "G", "B"), window, window)


def test_with_channels_replaces_and_adds_and_keeps_the_rest() -> None:
    frame = frame_of("R", "G", "B", "depth.Z")
    red, matte = np.full((3, 5), 9, np.float32), np.full((3, 5), 0.5, np.float32)
    more = frame.with_channels({"fp_mask.A": matte, "R": red})
    assert more.channels == ("R", "G", "B", "depth.Z", "fp_mask.A")
    assert (more.channel("R") == 9).all()
    assert (more.channel("fp_mask.A") == 0.5).all()
    for name in ("G", "B", "depth.Z"):
        assert (more.channel(name) == frame.channel(name)).all()
    assert frame.channels == ("R", "G", "B", "depth.Z")
    with pytest.raises(BadShape, match="channel 'x'"):
        frame.with_channels({"x": matte[:2]})


def test_only_channels_selects_by_name() -> None:
    frame = frame_of("R", "G", "B", "depth.Z").only_channels(["depth.Z", "R"])
    assert frame.channels == ("depth.Z", "R")
    assert frame.pixels.shape == (3, 5, 2)
    with pytest.raises(BadImage, match="no channel 'A'"):
        frame.only_channels(["A"])


def test_attributes_come_plain() -> None:
    frame = frame_of("R").with_attributes({"a": "x", "rate": Typed("rational", (24, 1))})
    assert frame.attribute("a") == "x"
    assert frame.attribute("rate") == (24, 1)
    assert frame.attribute("none") is None
    assert frame.attribute("none", 3) == 3


def test_sanitize_makes_pixels_finite_and_tells_which_were_not() -> None:
    rgb = np.ones((2, 3, 3), np.float32)
    rgb[0, 0, 1], rgb[0, 2, 0], rgb[1, 1, 2] = np.nan, np.inf, -np.inf
    clean, bad = sanitize(rgb)
    assert np.isfinite(clean).all()
    assert bad.tolist() == [[True, False, True], [False, True, False]]
    assert (clean[0, 0].tolist(), clean[0, 2].tolist()) == ([1, 0, 1], [65504, 1, 1])
    assert np.isnan(rgb[0, 0, 1])  # the plate itself is not touched


def test_sanitize_returns_good_pixels_as_they_are() -> None:
    rgb = np.full((2, 2, 3), 64, np.float32)
    clean, bad = sanitize(rgb)
    assert clean is rgb
    assert not bad.any()
