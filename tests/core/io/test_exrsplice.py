import logging
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from OpenImageIO import ImageBuf, ImageBufAlgo, ImageSpec
from tests.support.paths import MINI

from faceplate.errors import NotFound
from faceplate.io.exrlayout import layout_of
from faceplate.io.exrsplice import splice_frame
from faceplate.io.frame import FloatArray, Frame, Typed, Window
from faceplate.io.image import read_frame, write_frame

WINDOW = Window(-3, -5, 45, 85)  # 90 rows: no whole number of chunks of any size
ROWS = (20, 41)
LOSSLESS = ("none", "rle", "zips", "zip", "piz")
LOSSY = ("pxr24", "b44", "b44a", "dwaa:45", "dwab:200")


def plate_file(folder: Path, compression: str = "zip", **types: str) -> tuple[Frame, Path]:
    """Write a plate with grain and read it back as the file has it."""
    rng = np.random.default_rng(7)
    names = ("A", "B", "G", "R", "depth.Z")
    pixels = rng.lognormal(-1, 1, (WINDOW.height, WINDOW.width, len(names))).astype(np.float32)
    frame = Frame(
        1001,
        pixels,
        names,
        WINDOW,
        Window(0, 0, 48, 80),
        pixel_aspect=2.0,
        attributes={"owner": "us", "smpte:TimeCode": Typed("timecode", (17, 3))},
    )
    path = folder / "plate.exr"
    write_frame(
        frame, path, compression=compression, per_channel_types=types or {"depth.Z": "float"}
    )
    return read_frame(path, 1001), path


def changed(plate: Frame, rows: tuple[int, int] = ROWS) -> Frame:
    """Return the plate with a face: some columns of some rows of R, G and B."""
    pixels = plate.pixels.copy()
    place = (slice(rows[0] - WINDOW.y0, rows[1] - WINDOW.y0), slice(10, 30), slice(1, 4))
    pixels[place] = pixels[place] * np.float32(0.5) + np.float32(0.25)
    frame = replace(plate, pixels=pixels.astype(np.float16).astype(np.float32))
    frame.pixels[..., 4] = plate.pixels[..., 4]
    return frame.with_attributes({"faceplate:identity": "alex", "faceplate:" + "long" * 10: "x"})


def second_reader(path: Path) -> tuple[dict[str, FloatArray], dict[str, object]]:
    part = OpenEXR.File(str(path), separate_channels=True).parts[0]
    return {n: np.asarray(c.pixels, np.float32) for n, c in part.channels.items()}, part.header


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("compression", LOSSLESS + LOSSY)
def test_a_spliced_file_is_the_frame_and_its_other_chunks_are_the_sources_bytes(
    compression: str, stored: bool, tmp_path: Path
) -> None:
    plate, source = plate_file(tmp_path, compression)
    frame, out = changed(plate), tmp_path / "out.exr"
    result = splice_frame(frame, source, out, ROWS, stored=stored)
    assert (result.written, result.reason) == (True, "")

    channels, header = second_reader(out)
    assert set(channels) == set(frame.channels)
    for name, pixels in channels.items():  # bit for bit, lossy compressions too
        np.testing.assert_array_equal(pixels, frame.channel(name), err_msg=name)
    np.testing.assert_array_equal(read_frame(out).pixels, frame.pixels)
    assert header["faceplate:identity"] == "alex"
    assert header["compression"] == second_reader(source)[1]["compression"]

    before, after = source.read_bytes(), out.read_bytes()
    old, new = layout_of(memoryview(before)), layout_of(memoryview(after))
    same = 0
    for index, ((a, b), (c, d)) in enumerate(zip(old.chunks, new.chunks, strict=True)):
        first, last = old.rows_of(index)
        if last <= ROWS[0] or first >= ROWS[1]:
            assert before[a:b] == after[c:d]
            same += 1
    assert same == len(old.chunks) - result.encoded == result.chunks - result.encoded
    assert list(tmp_path.glob(".*")) == []


def test_a_full_write_of_a_lossy_plate_would_alter_it_everywhere(tmp_path: Path) -> None:
    plate, _ = plate_file(tmp_path, "dwaa:45")
    frame, out = changed(plate), tmp_path / "out.exr"
    write_frame(frame, out, compression="dwaa:45")
    above = slice(0, ROWS[0] - WINDOW.y0 - 20)
    assert (read_frame(out).channel("R")[above] != plate.channel("R")[above]).mean() > 0.1


@pytest.mark.parametrize("compression", ["zip", "dwaa:45"])
def test_a_frame_without_a_face_is_copied_chunk_by_chunk(compression: str, tmp_path: Path) -> None:
    plate, source = plate_file(tmp_path, compression)
    out = tmp_path / "out.exr"
    result = splice_frame(plate.with_attributes({"note": "x"}), source, out, (10, 10))
    assert (result.written, result.encoded) == (True, 0)
    there = read_frame(out)
    np.testing.assert_array_equal(there.pixels, plate.pixels)
    assert there.attribute("note") == "x"


@pytest.mark.parametrize("rows", [(-5, 85), (-5, -4), (84, 85), (11, 12)])
def test_any_rows_may_change(rows: tuple[int, int], tmp_path: Path) -> None:
    plate, source = plate_file(tmp_path)
    frame, out = changed(plate, rows), tmp_path / "out.exr"
    assert splice_frame(frame, source, out, rows).written
    np.testing.assert_array_equal(read_frame(out).pixels, frame.pixels)


def test_windows_aspect_time_code_and_attributes_are_those_of_the_plate(tmp_path: Path) -> None:
    plate, source = plate_file(tmp_path)
    out = tmp_path / "out.exr"
    splice_frame(changed(plate), source, out, ROWS)
    there = read_frame(out)
    assert (there.data_window, there.display_window) == (plate.data_window, plate.display_window)
    assert there.pixel_aspect == 2.0
    assert there.attribute("smpte:TimeCode") == (17, 3)
    assert there.attribute("Copyright") == plate.attribute("Copyright")
    assert dict(there.channel_types) == dict(plate.channel_types)


def test_attributes_that_openimageio_drops_stay(tmp_path: Path) -> None:
    source, out = tmp_path / "plate.exr", tmp_path / "out.exr"
    pixels = np.random.default_rng(1).random((20, 30)).astype(np.float16)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage,
              "bytes": OpenEXR.Bytes(b"\x00c2pa", "c2pa")}  # fmt: skip
    OpenEXR.File(header, {"Y": pixels}).write(str(source))
    plate = read_frame(source)
    frame = plate.with_channels({"Y": plate.channel("Y") * np.float32(2)})
    assert splice_frame(frame, source, out, (3, 5)).written
    assert bytes(second_reader(out)[1]["bytes"].data) == b"\x00c2pa"  # type: ignore[attr-defined]


def test_the_plates_of_the_demo_are_spliced(tmp_path: Path) -> None:
    source = MINI / "B" / "B.1001.exr"
    plate = read_frame(source, 1001)
    red = plate.channel("R").copy()
    red[100] = 0.5
    frame = plate.with_channels({"R": red})
    result = splice_frame(frame, source, tmp_path / "out.exr", (100, 101))
    assert (result.written, result.encoded) == (True, 1)
    np.testing.assert_array_equal(read_frame(tmp_path / "out.exr").pixels, frame.pixels)


def write_by_oiio(path: Path, **attributes: object) -> None:
    spec = ImageSpec(48, 40, 3, "half")
    for name, value in attributes.items():
        spec.attribute(name.replace("_", ":"), value)
    image = ImageBuf(spec)
    if path.stem == "tiled":
        image.set_write_tiles(16, 16)
    assert ImageBufAlgo.fill(image, (0.1, 0.2, 0.3))
    assert image.write(str(path))


def other_files(folder: Path) -> dict[str, Path]:
    paths = {name: folder / f"{name}.exr" for name in ("tiled", "bottom up", "parts", "new")}
    write_by_oiio(paths["tiled"])
    write_by_oiio(paths["bottom up"], openexr_lineOrder="decreasingY")
    write_by_oiio(paths["new"], compression="htj2k32")
    pixels = np.zeros((40, 48), np.float16)
    parts = [
        OpenEXR.Part({"type": OpenEXR.scanlineimage}, {c: pixels for c in names}, name)
        for names, name in (("RGB", "a"), ("Z", "b"))
    ]
    OpenEXR.File(parts).write(str(paths["parts"]))
    return paths


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tiled", "tiled"),
        ("bottom up", "top to bottom"),
        ("parts", "several parts"),
        ("new", "compression"),
    ],
)
def test_other_files_take_a_full_write_and_the_reason_is_logged(
    name: str, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source, out = other_files(tmp_path)[name], tmp_path / "out.exr"
    with caplog.at_level(logging.INFO):
        result = splice_frame(read_frame(source), source, out, (3, 9))
    assert not result.written
    assert reason in result.reason
    assert f"written in full: {source}" in caplog.text
    assert not out.exists()


def test_what_does_not_fit_the_source_takes_a_full_write(tmp_path: Path) -> None:
    plate, source = plate_file(tmp_path)
    out = tmp_path / "out.exr"
    more = plate.with_channels({"fp_mask.A": plate.channel("A")})
    assert "channels" in splice_frame(more, source, out, ROWS).reason
    assert "rows" in splice_frame(plate, source, out, (0, 86)).reason
    moved = replace(plate, data_window=Window(0, 0, 48, 90))
    assert "data window" in splice_frame(moved, source, out, ROWS).reason


def damaged(whole: bytes, how: str) -> bytes:
    if how == "empty":
        return b""
    if how == "no EXR":
        return b"GIF89a" + whole[6:]
    if how == "cut header":
        return whole[:200]
    if how == "cut table":
        return whole[: whole.index(b"\0", 8) + 700]
    if how == "cut chunks":
        return whole[:-100]
    place = layout_of(memoryview(whole)).chunks[2, 0]  # a chunk that says another row
    return whole[:place] + struct.pack("<i", 999) + whole[place + 4 :]


@pytest.mark.parametrize(
    "how", ["empty", "no EXR", "cut header", "cut table", "cut chunks", "wrong row"]
)
def test_a_damaged_source_is_not_spliced(how: str, tmp_path: Path) -> None:
    plate, source = plate_file(tmp_path)
    source.write_bytes(damaged(source.read_bytes(), how))
    result = splice_frame(plate, source, tmp_path / "out.exr", ROWS)
    assert not result.written
    assert result.reason
    assert not (tmp_path / "out.exr").exists()


def test_a_missing_source_or_folder_is_an_error(tmp_path: Path) -> None:
    plate, source = plate_file(tmp_path)
    with pytest.raises(NotFound, match=r"none\.exr"):
        splice_frame(plate, tmp_path / "none.exr", tmp_path / "out.exr", ROWS)
    with pytest.raises(NotFound, match="folder"):
        splice_frame(plate, source, tmp_path / "none" / "out.exr", ROWS)
