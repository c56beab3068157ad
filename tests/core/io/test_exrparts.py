import hashlib

import numpy as np
import OpenEXR
import pytest

from faceplate.errors import BadSettings, InvalidInput, NotFound
from faceplate.io.exrchunks import STRIP
from faceplate.io.exrparts import ImagePart, empty_frame, write_parts
from faceplate.io.frame import Frame, Window
from faceplate.io.image import read_frame, write_frame

WINDOW = Window(-5, -7, 60, 190)
DISPLAY = Window(0, 0, 64, 200)


def frame(names, seed=0, window=WINDOW):
    random = np.random.default_rng(seed)
    pixels = random.normal(size=(window.height, window.width, len(names))).astype(np.float32)
    return Frame(1, pixels, tuple(names), window, DISPLAY, 1.5, {"faceplate:frame": "1"})


def part(of, name=""):
    y0 = of.data_window.y0
    return ImagePart(empty_frame(of, of.channels), lambda a, b: of.pixels[a - y0 : b - y0], name)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("compression", ["zip", "none", "piz"])
def test_strips_give_the_same_bytes_as_a_whole_frame(tmp_path, compression):
    whole = frame(("R", "G", "B", "A", "fp_st.R"))
    kinds = {"fp_st.R": "float"}
    write_frame(whole, tmp_path / "whole.exr", compression=compression, per_channel_types=kinds)
    write_parts(
        [part(whole)], tmp_path / "strips.exr", compression=compression, per_channel_types=kinds
    )
    assert digest(tmp_path / "whole.exr") == digest(tmp_path / "strips.exr")
    assert WINDOW.height > 2 * STRIP


def test_several_parts_are_read_by_another_reader_each_with_its_window_and_header(tmp_path):
    small = Window(3, 4, 20, 30)
    first, second = frame(("R", "G", "B")), frame(("fp_mask.A",), 1, small)
    write_parts([part(first, "rgba"), part(second, "fp_mask")], tmp_path / "parts.exr")
    with OpenEXR.File(str(tmp_path / "parts.exr"), separate_channels=True) as file:
        assert [each.name() for each in file.parts] == ["rgba", "fp_mask"]
        assert [each.header["faceplate:frame"] for each in file.parts] == ["1", "1"]
        low, high = file.parts[1].header["dataWindow"]
        assert (*low, *high) == (3, 4, 19, 29)
        there = file.parts[1].channels["fp_mask.A"].pixels
    assert np.array_equal(there, second.pixels[..., 0].astype(np.float16))


def test_our_own_reader_joins_the_parts_by_channel_name(tmp_path):
    first, second = frame(("R", "G", "B")), frame(("fp_mask.A",), 1, Window(3, 4, 20, 30))
    write_parts(
        [part(first, "rgba"), part(second, "fp_mask")], tmp_path / "p.exr", pixel_type="float"
    )
    there = read_frame(tmp_path / "p.exr")
    assert there.channels == ("R", "G", "B", "fp_mask.A")
    mask = there.channel("fp_mask.A")
    assert np.array_equal(mask[11:37, 8:25], second.pixels[..., 0])
    assert np.count_nonzero(mask) == np.count_nonzero(second.pixels)


def test_values_beyond_half_are_held_and_float_channels_are_not(tmp_path):
    big = frame(("R", "fp_st.R"))
    big.pixels[100] = 1e6
    write_parts([part(big)], tmp_path / "b.exr", per_channel_types={"fp_st.R": "float"})
    there = read_frame(tmp_path / "b.exr")
    assert there.channel("R").max() == 65504
    assert there.channel("fp_st.R").max() == 1e6


def test_an_empty_frame_takes_no_memory():
    wide = empty_frame(frame(("R",)), ["R", "G"])
    assert wide.pixels.strides == (0, 0, 0)
    assert not wide.pixels.any()


@pytest.mark.parametrize(
    ("parts", "name", "error"),
    [
        ([], "a.exr", InvalidInput),
        ([part(frame(("R",)), "x"), part(frame(("G",)), "x")], "a.exr", InvalidInput),
        ([part(frame(("R",)))], "a.png", InvalidInput),
        ([part(frame(("R",)))], "absent/a.exr", NotFound),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(tmp_path, parts, name, error):
    with pytest.raises(error):
        write_parts(parts, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_an_error_while_rows_are_made_leaves_the_old_file(tmp_path):
    (tmp_path / "a.exr").write_bytes(b"old")

    def rows(y0, y1):
        raise BadSettings("stop")

    with pytest.raises(BadSettings):
        write_parts([ImagePart(frame(("R",)), rows)], tmp_path / "a.exr")
    assert (tmp_path / "a.exr").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1
