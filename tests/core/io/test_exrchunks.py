from dataclasses import replace

import numpy as np
import OpenEXR
import pytest

from faceplate.io.exrchunks import BYTEWISE, wide_rows, write_chunked
from faceplate.io.frame import Frame, Window
from faceplate.io.image import write_frame

NAMES = ("R", "G", "B", "A", "fp.R", "fp_mask.A", "fp_st.R", "fp_st.G")
KINDS = {"fp_st.R": "float", "fp_st.G": "float"}
TYPES = [KINDS.get(name, "half") for name in NAMES]
WINDOW = Window(-3, -9, 30, 128)  # an odd width, and rows that fill no whole chunk


def mixed_frame():
    random = np.random.default_rng(3)
    pixels = random.normal(size=(WINDOW.height, WINDOW.width, len(NAMES))).astype(np.float32)
    pixels[:70, :, 4:] = 0  # rows without a face
    pixels[100, :4, 0] = (np.nan, np.inf, -np.inf, -0.0)
    pixels[:, :, 3] = -0.0
    attributes = {"faceplate:frame": "1", "a long name of an attribute, beyond 31": 3}
    return Frame(1, pixels, NAMES, WINDOW, Window(0, 0, 24, 99), 1.5, attributes)


@pytest.mark.parametrize("compression", [*sorted(BYTEWISE), "zip:1"])
def test_the_file_has_the_bytes_that_openimageio_gives_it(tmp_path, compression):
    frame = mixed_frame()
    write_frame(frame, tmp_path / "a.exr", compression=compression, per_channel_types=KINDS)
    out = tmp_path / "b.exr"
    write_chunked(frame, lambda a, b: frame.pixels[a + 9 : b + 9], TYPES, compression, out, out)
    assert out.read_bytes() == (tmp_path / "a.exr").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_of_halves_alone_has_the_same_bytes_too(tmp_path):
    whole = mixed_frame()
    frame = replace(whole.only_channels(NAMES[:6]), attributes={})
    write_frame(frame, tmp_path / "a.exr")
    out = tmp_path / "b.exr"
    write_chunked(frame, lambda a, b: frame.pixels[a + 9 : b + 9], ["half"] * 6, "zip", out, out)
    assert out.read_bytes() == (tmp_path / "a.exr").read_bytes()


def test_another_reader_finds_every_channel_in_its_type(tmp_path):
    frame, out = mixed_frame(), tmp_path / "b.exr"
    write_chunked(frame, lambda a, b: frame.pixels[a + 9 : b + 9], TYPES, "zip", out, out)
    with OpenEXR.File(str(out), separate_channels=True) as file:
        channels = file.channels()
        assert set(channels) == set(NAMES)
        for index, (name, kind) in enumerate(zip(NAMES, TYPES, strict=True)):
            there = channels[name].pixels
            assert there.dtype == (np.float32 if kind == "float" else np.float16)
            np.testing.assert_array_equal(there, frame.pixels[..., index].astype(there.dtype))


def test_a_row_holds_its_channels_by_name_and_a_float_in_two_halves():
    pixels = np.array([[[1.0, 2.5], [3.0, -0.0]]], np.float32)  # one row of two pixels
    wide = wide_rows(pixels, ("b", "a"), ("half", "float"))
    expected = np.array([2.5, -0.0], np.float32).tobytes() + np.array([1, 3], np.float16).tobytes()
    assert wide.tobytes() == expected


def test_negative_zeros_stay_where_a_channel_has_nothing_else():
    wide = wide_rows(np.full((1, 2, 1), -0.0, np.float32), ("A",), ("half",))
    assert (wide == 0x8000).all()


def test_a_header_is_that_of_the_whole_window(tmp_path):
    frame = replace(mixed_frame(), pixels=np.broadcast_to(np.float32(0), (137, 33, 8)))
    out = tmp_path / "b.exr"
    write_chunked(frame, lambda a, b: np.zeros((b - a, 33, 8), np.float32), TYPES, "zip", out, out)
    low, high = OpenEXR.File(str(out), separate_channels=True).header()["dataWindow"]
    assert (*low, *high) == (-3, -9, 29, 127)


def test_every_value_becomes_the_half_that_numpy_makes_of_it():
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    halves = halves[np.isfinite(halves)]
    bits = halves.view(np.uint32)  # at a half, around it, and around the middle to the next one
    values = np.concatenate([bits + step for step in (0, 1, 0xFFF, 0x1000, 0x1001, 0x1FFF)])
    row = values.astype(np.uint32).view(np.float32)[None]
    with np.errstate(over="ignore"):  # the largest halves' neighbours are infinite
        expected = row.astype(np.float16).view(np.uint16)
    # with a float channel beside it: else OpenImageIO converts
    wide = wide_rows(np.dstack([row, row]), ("A", "B"), ("half", "float"))
    assert np.array_equal(wide[:, : row.size], expected)
