import hashlib
import logging
import shutil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.support.paths import MINI

from faceplate.errors import BadImage, BadSequence, BadSettings, MissingFrames, NotFound
from faceplate.io.frame import Frame, Typed, Window
from faceplate.io.image import read_frame, write_frame
from faceplate.io.plate import Plate, color_space_of, open_plate

AP1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)


def still(number: int, **attributes: Any) -> Frame:
    """Return a small frame whose pixels hold its number."""
    window, display = Window(-1, 0, 5, 4), Window(0, 0, 4, 4)
    pixels = np.full((4, 6, 4), number, np.float32)
    return Frame(number, pixels, ("R", "G", "B", "A"), window, display, 1.0, attributes)


@pytest.fixture
def gaps(tmp_path: Path) -> Path:
    """Frames 3, 4 and 7."""
    for number in (3, 4, 7):
        write_frame(still(number), tmp_path / f"b.{number:04d}.exr")
    return tmp_path


def value_of(plate: Plate, number: int) -> float:
    frame = plate.read(number)
    assert frame is not None
    assert frame.number == number
    assert frame.data_window == Window(-1, 0, 5, 4)
    return float(frame.rgb().max())


@pytest.mark.parametrize("path", [MINI / "B", MINI / "B" / "B.####.exr", MINI / "B" / "B.%04d.exr"])
def test_the_rendered_shot_opens_by_folder_and_by_pattern(path: Path) -> None:
    plate = open_plate(path)
    assert plate.frames == list(range(1001, 1013))
    assert (plate.fps, plate.size, plate.color_space) == (24, (384, 216), "lin_ap1_scene")
    assert plate.pattern == str(MINI / "B" / "B.%04d.exr")
    frame = plate.read(1005)
    assert frame is not None
    assert (frame.pixels == read_frame(MINI / "B" / "B.1005.exr").pixels).all()
    digest = hashlib.sha256((MINI / "B" / "B.1005.exr").read_bytes()).hexdigest()
    assert plate.sha256(1005) == digest


def test_wanted_frames_come_as_text_or_as_numbers() -> None:
    assert open_plate(MINI / "B", frames="1001-1011x5,1012").frames == [1001, 1006, 1011, 1012]
    assert open_plate(MINI / "B", frames=[1003, 1001, 1003]).frames == [1001, 1003]
    with pytest.raises(BadSequence, match="no frame is asked for"):
        open_plate(MINI / "B", frames=[])


def test_missing_frames_are_an_error_with_the_whole_list(gaps: Path) -> None:
    with pytest.raises(MissingFrames, match=r"2 frame\(s\) are missing: 5, 6\.") as caught:
        open_plate(gaps)
    assert caught.value.frames == (5, 6)
    with pytest.raises(MissingFrames) as caught:
        open_plate(gaps, frames="1-8")
    assert caught.value.frames == (1, 2, 5, 6, 8)
    assert open_plate(gaps, frames="3-4,7").frames == [3, 4, 7]


def test_held_frames_are_the_nearest_earlier_ones_else_the_first(gaps: Path) -> None:
    plate = open_plate(gaps, frames="1-9", missing="hold")
    assert plate.missing == [1, 2, 5, 6, 8, 9]
    assert [value_of(plate, number) for number in plate.frames] == [3, 3, 3, 4, 4, 4, 7, 7, 7]
    assert plate.sha256(5) == plate.sha256(4) != plate.sha256(7)


def test_a_frame_may_be_held_that_was_not_wanted_itself(gaps: Path) -> None:
    plate = open_plate(gaps, frames="5-6", missing="hold")
    assert [value_of(plate, number) for number in plate.frames] == [4, 4]


def test_black_frames_have_the_shape_of_the_others(gaps: Path) -> None:
    plate = open_plate(gaps, missing="black")
    assert plate.frames == [3, 4, 5, 6, 7]
    assert [value_of(plate, number) for number in plate.frames] == [3, 4, 0, 0, 7]
    black = plate.read(5)
    assert black is not None
    assert black.channels == ("R", "G", "B", "A")
    assert not black.pixels.any()
    assert plate.sha256(5) is None


@pytest.mark.parametrize("missing", ["hold", "black"])
def test_a_stand_in_does_not_carry_the_time_code_of_another_frame(
    tmp_path: Path, missing: Any
) -> None:
    code = Typed("timecode", (0x01000000, 0))
    write_frame(still(1, **{"smpte:TimeCode": code, "take": 3}), tmp_path / "b.0001.exr")
    plate = open_plate(tmp_path / "b.%04d.exr", frames="1-2", missing=missing)
    there, stand_in = plate.read(1), plate.read(2)
    assert there is not None
    assert stand_in is not None
    assert there.attribute("smpte:TimeCode") == (0x01000000, 0)
    assert stand_in.attribute("smpte:TimeCode") is None
    assert stand_in.attribute("take") == 3


def test_a_frame_that_went_away_since_is_told(gaps: Path) -> None:
    plate = open_plate(gaps, missing="skip")
    (gaps / "b.0004.exr").unlink()
    with pytest.raises(NotFound, match=r"b\.0004\.exr does not exist"):
        plate.read(4)


def test_skipped_frames_read_as_none(gaps: Path) -> None:
    plate = open_plate(gaps, missing="skip")
    assert plate.frames == [3, 4, 5, 6, 7]
    assert plate.read(5) is None
    assert plate.sha256(5) is None
    assert value_of(plate, 7) == 7


def test_an_unknown_policy_lists_the_choices(gaps: Path) -> None:
    with pytest.raises(BadSettings, match="error, hold, black, skip, got 'loop'"):
        open_plate(gaps, missing="loop")  # type: ignore[arg-type] # on purpose


def test_a_frame_outside_what_was_opened_is_missing(gaps: Path) -> None:
    with pytest.raises(MissingFrames, match="100"):
        open_plate(gaps, frames="3").read(100)


def test_a_plate_that_is_not_there_is_told_with_names_near_it(gaps: Path) -> None:
    with pytest.raises(NotFound, match=r"near: b\.%04d\.exr"):
        open_plate(gaps / "c.####.exr")
    with pytest.raises(NotFound, match="does not exist"):
        open_plate(gaps / "no" / "c.####.exr")
    with pytest.raises(NotFound, match="no such file"):
        open_plate(gaps / "b.0005.exr")


def test_another_padding_is_told(gaps: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(BadSequence, match=r"3 with 4 digits \(%04d\)"):
        open_plate(gaps / "b.%05d.exr")
    shutil.copy(gaps / "b.0003.exr", gaps / "b.00005.exr")
    with caplog.at_level(logging.WARNING):
        assert open_plate(gaps / "b.%04d.exr", frames="3").frames == [3]
    assert "another padding" in caplog.text


def test_a_single_image_is_a_plate_of_one_frame(gaps: Path) -> None:
    assert open_plate(gaps / "b.0004.exr").frames == [4]
    assert value_of(open_plate(gaps / "b.0004.exr"), 4) == 4


def test_negative_frames_are_read(tmp_path: Path) -> None:
    for number in (-1, 0, 1):
        name = f"b.{number:04d}.exr"
        write_frame(still(number + 5), tmp_path / name)
    plate = open_plate(tmp_path / "b.####.exr", frames="-1-1")
    assert [value_of(plate, number) for number in plate.frames] == [4, 5, 6]


def test_a_broken_frame_in_the_middle_is_told_when_it_is_read(gaps: Path) -> None:
    (gaps / "b.0004.exr").write_bytes(b"")
    plate = open_plate(gaps, frames="3,4,7")
    assert value_of(plate, 3) == 3
    with pytest.raises(BadImage, match=r"b\.0004\.exr is empty"):
        plate.read(4)


def test_a_movie_is_a_plate(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "b.mov"), "w") as container:
        stream: Any = container.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 8, 6, "rgb24"
        for number in range(3):
            codes = np.full((6, 8, 3), 50 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(codes)))
        container.mux(stream.encode())
    for path in (tmp_path, tmp_path / "b.mov"):
        plate = open_plate(path, frames="1-4", missing="hold")
        assert plate.missing == [4]
        assert (plate.fps, plate.size, plate.color_space) == (25, (8, 6), "srgb_rec709_scene")
        last = plate.read(4)
        assert last is not None
        assert last.number == 4
        np.testing.assert_allclose(last.rgb(), 100 / 255, atol=1e-6)
        assert plate.sha256(4) == plate.sha256(3)
    with pytest.raises(MissingFrames, match="4, 5"):
        open_plate(tmp_path / "b.mov", frames="1-5")


@pytest.mark.parametrize(
    ("attributes", "space"),
    [
        ({}, None),
        ({"colorInteropID": "lin_ap0_scene"}, "lin_ap0_scene"),
        ({"chromaticities": Typed("float[8]", AP1)}, "lin_ap1_scene"),
        ({"chromaticities": Typed("float[8]", REC709)}, "lin_rec709_scene"),
        ({"chromaticities": Typed("float[8]", (0.5,) * 8)}, None),
        (
            {"chromaticities": Typed("float[8]", AP1), "colorInteropID": "lin_rec709_scene"},
            "lin_rec709_scene",
        ),
    ],
)
def test_an_exr_says_its_space_or_it_is_unknown(
    tmp_path: Path, attributes: dict[str, Any], space: str | None
) -> None:
    write_frame(still(1, **attributes), tmp_path / "b.1.exr")
    assert open_plate(tmp_path).color_space == space


@pytest.mark.parametrize(
    ("name", "pixel_type", "space"),
    [
        ("b.png", "uint8", "srgb_rec709_scene"),
        ("b.png", "uint16", "srgb_rec709_scene"),
        ("b.jpg", "uint8", "srgb_rec709_scene"),
        ("b.tif", "uint8", "srgb_rec709_scene"),
        ("b.tif", "float", None),
        ("b.dpx", "uint10", None),
    ],
)
def test_other_files_have_the_space_of_their_type(
    tmp_path: Path, name: str, pixel_type: str, space: str | None
) -> None:
    window = Window(0, 0, 4, 4)
    frame = Frame(1, np.full((4, 4, 3), 0.5, np.float32), ("R", "G", "B"), window, window)
    write_frame(frame, tmp_path / name, pixel_type=pixel_type)
    assert open_plate(tmp_path / name).color_space == space


def test_a_film_scan_in_log_has_no_space_of_a_name() -> None:
    frame = still(1, **{"oiio:ColorSpace": "KodakLog"})
    assert color_space_of(frame, ".dpx") is None


def test_the_frame_rate_is_a_ratio_or_unknown(tmp_path: Path) -> None:
    rate = Typed("rational", (24000, 1001))
    write_frame(still(1, framesPerSecond=rate), tmp_path / "b.1.exr")
    assert open_plate(tmp_path).fps == pytest.approx(24000 / 1001)
    write_frame(still(1), tmp_path / "b.1.exr")
    assert open_plate(tmp_path).fps is None
    write_frame(still(1, framesPerSecond=Typed("rational", (24, 0))), tmp_path / "b.1.exr")
    assert open_plate(tmp_path).fps is None
