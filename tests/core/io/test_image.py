import logging
import resource
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from tests.support.paths import MINI

from faceplate.errors import BadImage, Damaged, DiskFull, InvalidInput, NotFound
from faceplate.io.frame import FloatArray, Frame, Typed, Window
from faceplate.io.image import read_frame, write_frame

PLATE = MINI / "B" / "B.1001.exr"
COMPRESSIONS = {
    "none": OpenEXR.NO_COMPRESSION,
    "rle": OpenEXR.RLE_COMPRESSION,
    "zips": OpenEXR.ZIPS_COMPRESSION,
    "zip": OpenEXR.ZIP_COMPRESSION,
    "piz": OpenEXR.PIZ_COMPRESSION,
    "pxr24": OpenEXR.PXR24_COMPRESSION,
    "b44": OpenEXR.B44_COMPRESSION,
    "b44a": OpenEXR.B44A_COMPRESSION,
    "dwaa:45": OpenEXR.DWAA_COMPRESSION,
    "dwab:200": OpenEXR.DWAB_COMPRESSION,
}


def halves(height: int, width: int, channels: int) -> FloatArray:
    """Return values from -0.05 to 64 that half floats hold exactly."""
    values = np.random.default_rng(3).uniform(-0.05, 64, (height, width, channels))
    return values.astype(np.float16).astype(np.float32)


def frame_of(
    channels: tuple[str, ...] = ("R", "G", "B"),
    window: Window = Window(0, 0, 24, 16),  # noqa: B008 - frozen
    display: Window | None = None,
) -> Frame:
    pixels = halves(window.height, window.width, len(channels))
    return Frame(1001, pixels, channels, window, display or window)


def second_reader(path: Path) -> OpenEXR.Part:
    file = OpenEXR.File(str(path), separate_channels=True)
    assert len(file.parts) == 1
    return file.parts[0]


def box(corners: tuple[np.ndarray, np.ndarray]) -> Window:
    """Return OpenEXR's inclusive box as ours."""
    (x0, y0), (x1, y1) = corners
    return Window(int(x0), int(y0), int(x1) + 1, int(y1) + 1)


def test_a_rendered_plate_survives_a_round_trip(tmp_path: Path) -> None:
    plate = read_frame(PLATE, 1001)
    assert (plate.number, plate.channels) == (1001, ("R", "G", "B"))
    assert plate.data_window == plate.display_window == Window(0, 0, 384, 216)
    write_frame(plate, tmp_path / "b.exr")
    again = read_frame(tmp_path / "b.exr", 1001)
    assert (again.pixels == plate.pixels).all()
    assert again.attributes == plate.attributes
    assert plate.attribute("smpte:TimeCode") == (16777216, 0)  # 01:00:00:00, as in the data's notes
    assert plate.attribute("framesPerSecond") == (24, 1)


def test_the_second_reader_sees_the_attributes_unchanged(tmp_path: Path) -> None:
    write_frame(read_frame(PLATE), tmp_path / "b.exr", compression="dwab:90")
    before, after = second_reader(PLATE).header, second_reader(tmp_path / "b.exr").header
    for name in before.keys() - {"screenWindowCenter", "channels", "dataWindow", "displayWindow"}:
        assert str(after[name]) == str(before[name]), name


@pytest.mark.parametrize(
    ("data", "display"),
    [
        (Window(-32, -16, 8, 8), Window(0, 0, 24, 16)),  # starts before the origin
        (Window(-4, -4, 30, 20), Window(0, 0, 24, 16)),  # larger: overscan
        (Window(5, 3, 9, 10), Window(0, 0, 24, 16)),  # smaller: a crop
        (Window(100, 100, 104, 102), Window(0, 0, 24, 16)),  # beside it
        (Window(-8, -8, 0, 0), Window(-10, -10, 14, 6)),  # both shifted
        (Window(0, 0, 1, 1), Window(0, 0, 1, 1)),
    ],
)
def test_windows_survive_as_the_second_reader_sees_them(
    tmp_path: Path, data: Window, display: Window
) -> None:
    frame = frame_of(window=data, display=display)
    write_frame(frame, tmp_path / "b.exr")
    part = second_reader(tmp_path / "b.exr")
    assert box(part.header["dataWindow"]) == data
    assert box(part.header["displayWindow"]) == display
    again = read_frame(tmp_path / "b.exr")
    assert (again.data_window, again.display_window) == (data, display)
    assert (again.pixels == frame.pixels).all()


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_every_compression_is_what_the_second_reader_finds(
    tmp_path: Path, compression: str
) -> None:
    write_frame(frame_of(), tmp_path / "b.exr", compression=compression)
    assert second_reader(tmp_path / "b.exr").header["compression"] == COMPRESSIONS[compression]


def test_a_compression_that_was_silently_replaced_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="compression asked for htj2k, got zip; nothing was kept"):
        write_frame(frame_of(), tmp_path / "b.exr", compression="htj2k")
    assert list(tmp_path.iterdir()) == []


def test_channels_go_by_name_through_the_sorting_of_the_writer(tmp_path: Path) -> None:
    names = ("R", "G", "B", "A", "fp.R", "fp.A", "fp_mask.A", "crypto00.R", "Z", "fp_st.G")
    frame = frame_of(names)
    types = {"fp_st.G": "float", "Z": "float", "crypto00.R": "float"}
    write_frame(frame, tmp_path / "b.exr", per_channel_types=types)
    part, again = second_reader(tmp_path / "b.exr"), read_frame(tmp_path / "b.exr")
    assert set(part.channels) == set(again.channels) == set(names)
    for name in names:
        kind = np.dtype(np.float32 if name in types else np.float16)
        assert part.channels[name].pixels.dtype == kind, name
        assert (part.channels[name].pixels == frame.channel(name)).all(), name
        assert (again.channel(name) == frame.channel(name)).all(), name


def test_channels_that_were_float_stay_float_bit_for_bit(tmp_path: Path) -> None:
    frame = frame_of(("R", "G", "B", "crypto00.R"))
    ids = np.random.default_rng(1).integers(0, 2**31, (16, 24), np.uint32).view(np.float32)
    ids = np.where(np.isfinite(ids), ids, 0)
    write_frame(
        frame.with_channels({"crypto00.R": ids}),
        tmp_path / "a.exr",
        per_channel_types={"crypto00.R": "float"},
    )
    write_frame(read_frame(tmp_path / "a.exr"), tmp_path / "b.exr")
    again = read_frame(tmp_path / "b.exr")
    assert again.channel_types == {"R": "half", "G": "half", "B": "half", "crypto00.R": "float"}
    assert (again.channel("crypto00.R").view(np.uint32) == ids.view(np.uint32)).all()


def test_wanted_channels_alone_are_read_in_the_order_asked(tmp_path: Path) -> None:
    frame = frame_of(("R", "G", "B", "fp_mask.A"))
    write_frame(frame, tmp_path / "b.exr")
    some = read_frame(tmp_path / "b.exr", channels=["fp_mask.A", "G"])
    assert some.channels == ("fp_mask.A", "G")
    assert (some.pixels[..., 1] == frame.channel("G")).all()
    with pytest.raises(BadImage, match=r"no channel fp_occ.A; it has R, G, B, fp_mask.A"):
        read_frame(tmp_path / "b.exr", channels=["R", "fp_occ.A"])


def test_the_header_alone_is_read_for_no_channels() -> None:
    header = read_frame(PLATE, 1001, channels=[])
    assert header.channels == ()
    assert header.pixels.shape == (216, 384, 0)
    assert header.channel_types == {"R": "half", "G": "half", "B": "half"}
    assert header.attribute("framesPerSecond") == (24, 1)


def test_attributes_of_every_type_survive(tmp_path: Path) -> None:
    attributes = {
        "faceplate:model": "sha256:12",
        "owner-note": "ümlaut",
        "take": 7,
        "iris": 2.8125,
        "worldToCamera": Typed("matrix", tuple(float(value) for value in range(16))),
        "smpte:KeyCode": Typed("keycode", (1, 2, 3, 4, 5, 6, 7)),
        "framesPerSecond": Typed("rational", (24000, 1001)),
        "views": Typed("string[2]", ("left", "right")),
        "chromaticities": Typed("float[8]", (0.5,) * 8),
    }
    write_frame(frame_of().with_attributes(attributes), tmp_path / "b.exr")
    again = read_frame(tmp_path / "b.exr")
    assert {name: again.attributes[name] for name in attributes} == attributes
    with pytest.raises(InvalidInput, match="attribute 'bad': expected a text"):
        write_frame(frame_of().with_attributes({"bad": [1]}), tmp_path / "c.exr")


def test_the_pixel_aspect_survives(tmp_path: Path) -> None:
    frame = frame_of()
    window = frame.data_window
    write_frame(Frame(1, frame.pixels, frame.channels, window, window, 2.0), tmp_path / "b.exr")
    assert read_frame(tmp_path / "b.exr").pixel_aspect == 2.0
    assert second_reader(tmp_path / "b.exr").header["pixelAspectRatio"] == 2.0


def test_the_date_of_the_source_is_kept_and_none_is_made_up(tmp_path: Path) -> None:
    plate = read_frame(PLATE)
    assert plate.attribute("DateTime").startswith("2026:11:22")
    write_frame(plate, tmp_path / "dated.exr")
    assert second_reader(tmp_path / "dated.exr").header["capDate"] == plate.attribute("DateTime")
    write_frame(frame_of(), tmp_path / "a.exr")
    write_frame(frame_of(), tmp_path / "b.exr")
    assert "capDate" not in second_reader(tmp_path / "a.exr").header
    assert (tmp_path / "a.exr").read_bytes() == (tmp_path / "b.exr").read_bytes()


def test_nan_and_infinity_survive(tmp_path: Path) -> None:
    frame = frame_of()
    frame.pixels[3, 4] = (np.nan, np.inf, -np.inf)
    write_frame(frame, tmp_path / "b.exr")
    again = read_frame(tmp_path / "b.exr")
    np.testing.assert_array_equal(again.pixels, frame.pixels)
    frame.pixels[:] = np.nan
    write_frame(frame, tmp_path / "b.exr")
    assert np.isnan(read_frame(tmp_path / "b.exr").pixels).all()


def test_values_beyond_half_are_held_at_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frame = frame_of()
    frame.pixels[0, 0] = (1e6, -1e6, 65504)
    with caplog.at_level(logging.WARNING):
        write_frame(frame, tmp_path / "b.exr")
    assert read_frame(tmp_path / "b.exr").pixels[0, 0].tolist() == [65504, -65504, 65504]
    assert frame.pixels[0, 0, 0] == 1e6
    assert "channel R: values beyond half are held" in caplog.text
    write_frame(frame, tmp_path / "f.exr", pixel_type="float")
    assert read_frame(tmp_path / "f.exr").pixels[0, 0, 0] == 1e6


def test_a_one_channel_plate_stays_one(tmp_path: Path) -> None:
    frame = frame_of(("Y",))
    write_frame(frame, tmp_path / "y.exr")
    again = read_frame(tmp_path / "y.exr")
    assert again.channels == ("Y",)
    assert (again.rgb() == frame.pixels).all()


@pytest.mark.parametrize("suffix", ["png", "tif", "dpx"])
@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_integers_survive_without_a_change_of_colour(
    tmp_path: Path, suffix: str, kind: str
) -> None:
    top = np.iinfo(kind).max
    numbers = np.random.default_rng(2).integers(0, top + 1, (9, 7, 3))
    window = Window(0, 0, 7, 9)
    pixels = (numbers / top).astype(np.float32)
    frame = Frame(1, pixels, ("R", "G", "B"), window, window)
    write_frame(frame, tmp_path / f"b.{suffix}", pixel_type=kind)
    again = read_frame(tmp_path / f"b.{suffix}")
    assert set(again.channel_types.values()) == {kind}
    assert (np.rint(again.pixels.astype(np.float64) * top) == numbers).all()


def test_a_dpx_of_10_bits_is_rounded_to_the_nearest_code(tmp_path: Path) -> None:
    codes = np.arange(1024).reshape(32, 32)
    pixels = np.repeat((codes / 1023)[..., None], 3, axis=-1).astype(np.float32)
    window = Window(0, 0, 32, 32)
    frame = Frame(1, pixels + np.float32(0.4 / 1023), ("R", "G", "B"), window, window)
    write_frame(frame, tmp_path / "b.dpx")
    again = read_frame(tmp_path / "b.dpx")
    assert again.channel_types["R"] == "uint10"
    assert (np.rint(again.rgb()[..., 0] * 1023) == codes).all()


def test_colours_of_a_png_are_not_multiplied_by_its_alpha(tmp_path: Path) -> None:
    window = Window(0, 0, 2, 2)
    pixels = np.full((2, 2, 4), 0.8, np.float32)
    pixels[..., 3] = [[0.0, 0.2], [0.4, 1.0]]
    frame = Frame(1, pixels, ("R", "G", "B", "A"), window, window)
    write_frame(frame, tmp_path / "b.png", pixel_type="uint8")
    again = read_frame(tmp_path / "b.png")
    np.testing.assert_allclose(again.pixels, pixels, atol=1e-6)


def test_a_float_tiff_keeps_its_values(tmp_path: Path) -> None:
    frame = frame_of(("R", "G", "B", "A"))
    write_frame(frame, tmp_path / "b.tif", pixel_type="float")
    assert (read_frame(tmp_path / "b.tif").pixels == frame.pixels).all()


def test_a_jpeg_comes_near_its_source(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32)
    pixels = np.stack(np.broadcast_arrays(ramp, ramp[:, None], ramp[::-1]), axis=-1)
    window = Window(0, 0, 64, 64)
    write_frame(
        Frame(1, np.ascontiguousarray(pixels), ("R", "G", "B"), window, window), tmp_path / "b.jpg"
    )
    again = read_frame(tmp_path / "b.jpg")
    assert np.abs(again.pixels - pixels).max() < 6 / 255
    assert again.attribute("jpeg:subsampling") == "4:4:4"


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.95, 0.9999])
def test_a_truncated_exr_is_told_with_its_path(tmp_path: Path, share: float) -> None:
    whole = PLATE.read_bytes()
    path = tmp_path / "cut.exr"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BadImage, match=r"cut\.exr is cut off .*make it again"):
        read_frame(path)


def test_a_frame_of_zero_bytes_is_told(tmp_path: Path) -> None:
    (tmp_path / "b.exr").touch()
    with pytest.raises(BadImage, match=r"b\.exr is empty \(0 bytes\)"):
        read_frame(tmp_path / "b.exr")


@pytest.mark.parametrize("name", ["b.exr", "b.png", "b.tif", "b.jpg", "b.dpx"])
def test_a_file_that_is_no_image_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"these are not pixels " * 100)
    with pytest.raises(BadImage, match=name):
        read_frame(tmp_path / name)


def test_paths_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        read_frame(tmp_path / "gone.exr")
    with pytest.raises(NotFound, match="is no file"):
        read_frame(tmp_path)
    (tmp_path / "b.psd").write_bytes(b"x")
    with pytest.raises(BadImage, match=r"expected \.exr"):
        read_frame(tmp_path / "b.psd")


def write_parts(path: Path, *parts: tuple[str, dict[str, np.ndarray], tuple[int, int]]) -> None:
    made = []
    for name, channels, (x0, y0) in parts:
        height, width = next(iter(channels.values())).shape
        window = (np.array([x0, y0], np.int32), np.array([x0 + width - 1, y0 + height - 1], "i4"))
        header = {
            "compression": OpenEXR.ZIP_COMPRESSION,
            "type": OpenEXR.scanlineimage,
            "name": name,
            "dataWindow": window,
            "displayWindow": (np.array([0, 0], np.int32), np.array([4, 3], np.int32)),
        }
        made.append(OpenEXR.Part(header, channels))
    OpenEXR.File(made).write(str(path))


def test_the_parts_of_an_exr_become_layers(tmp_path: Path) -> None:
    ones = np.ones((4, 5), np.float16)
    depth, ids = np.full((4, 5), 7, np.float32), np.full((4, 5), 2**24 - 1, np.uint32)
    write_parts(
        tmp_path / "m.exr",
        ("rgba", {"R": ones, "G": ones * 2, "B": ones * 3}, (0, 0)),
        ("depth", {"Z": depth}, (0, 0)),
        ("crypto", {"crypto00.R": depth * 2, "id": ids}, (0, 0)),
    )
    frame = read_frame(tmp_path / "m.exr")
    assert set(frame.channels) == {"R", "G", "B", "depth.Z", "crypto00.R", "crypto.id"}
    assert (frame.channel("depth.Z") == 7).all()
    assert (frame.channel("crypto00.R") == 14).all()
    assert (frame.channel("crypto.id") == 2**24 - 1).all()  # a number, not a share of 2**32
    assert frame.rgb()[0, 0].tolist() == [1, 2, 3]
    write_frame(frame, tmp_path / "one.exr")
    assert second_reader(tmp_path / "one.exr").channels["crypto.id"].pixels.dtype == np.float32


def test_a_part_with_another_window_is_fitted_to_the_first(tmp_path: Path) -> None:
    ones = np.ones((4, 5), np.float16)
    depth = np.arange(20, dtype=np.float32).reshape(4, 5)
    far = np.full((2, 2), 3, np.float32)
    write_parts(
        tmp_path / "m.exr",
        ("rgba", {"R": ones, "G": ones, "B": ones}, (0, 0)),
        ("depth", {"Z": depth}, (2, -1)),
        ("far", {"Z": far}, (50, 50)),
    )
    frame = read_frame(tmp_path / "m.exr")
    expected = np.zeros((4, 5), np.float32)
    expected[0:3, 2:5] = depth[1:4, 0:3]
    assert (frame.channel("depth.Z") == expected).all()
    assert (frame.channel("far.Z") == 0).all()


def test_deep_pixels_are_refused(tmp_path: Path) -> None:
    samples = np.empty((2, 2), object)
    for index in np.ndindex(2, 2):
        samples[index] = np.ones(3, np.float32)
    header = {"compression": OpenEXR.ZIPS_COMPRESSION, "type": OpenEXR.deepscanline}
    OpenEXR.File(header, {"A": samples, "Z": samples}).write(str(tmp_path / "d.exr"))
    with pytest.raises(BadImage, match="holds deep pixels; flatten it first"):
        read_frame(tmp_path / "d.exr")


def test_parts_that_repeat_a_channel_are_refused(tmp_path: Path) -> None:
    ones = np.ones((4, 5), np.float16)
    write_parts(tmp_path / "m.exr", ("a", {"x.R": ones}, (0, 0)), ("b", {"x.R": ones}, (0, 0)))
    with pytest.raises(BadImage, match=r"two parts hold x\.R"):
        read_frame(tmp_path / "m.exr")


def test_no_room_for_an_image_keeps_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "b.exr"
    write_frame(frame_of(), target)
    before = target.read_bytes()
    big = frame_of(window=Window(0, 0, 256, 256))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
        with pytest.raises(DiskFull, match=r"cannot write .*b\.exr"):
            write_frame(big, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["b.exr"]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("b.psd", {}, "cannot write '.psd'"),
        ("b.exr", {"pixel_type": "uint8"}, "EXR channels are half or float"),
        ("b.exr", {"pixel_type": "double"}, "no pixel type is called 'double'"),
        ("b.exr", {"per_channel_types": {"R": "uint16"}}, "EXR channels are half or float"),
        ("b.exr", {"per_channel_types": {"Q": "float"}}, "by the frame's own names"),
    ],
)
def test_what_cannot_be_written_is_refused(
    tmp_path: Path, name: str, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        write_frame(frame_of(), tmp_path / name, **arguments)  # type: ignore[arg-type] # on purpose
    assert list(tmp_path.iterdir()) == []


def test_windows_that_a_format_cannot_hold_are_refused(tmp_path: Path) -> None:
    frame = frame_of(window=Window(2, 2, 8, 8), display=Window(0, 0, 24, 16))
    with pytest.raises(InvalidInput, match="only EXR holds a data window"):
        write_frame(frame, tmp_path / "b.png")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        write_frame(frame_of(), tmp_path / "nowhere" / "b.exr")
