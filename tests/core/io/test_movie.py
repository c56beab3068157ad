import hashlib
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.support.paths import shared_data

from faceplate.errors import BadImage, MissingFrames, NotFound
from faceplate.io.movie import Movie

COUNT = 20
SIZE = (64, 48)


def grey_of(index: int) -> int:
    """Return a luma code that tells a frame from its neighbours after lossy coding."""
    return 20 + 10 * index


def encode(
    path: Path,
    *,
    codec: str = "libx264",
    layout: str = "yuv420p",
    times: list[int] | None = None,
    matrix: int = 1,
    transfer: int = 1,
    **options: str,
) -> Path:
    """Write a movie whose frame i is flat luma `grey_of(i)`."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=Fraction(24))
        stream.width, stream.height = SIZE
        stream.pix_fmt, stream.options = layout, options
        stream.time_base = stream.codec_context.time_base = Fraction(1, 24)
        stream.codec_context.colorspace, stream.codec_context.color_trc = matrix, transfer
        stream.codec_context.color_range = 1
        for index in range(COUNT):
            frame = av.VideoFrame(*SIZE, "yuv420p")
            for plane, code in zip(frame.planes, (grey_of(index), 128, 128), strict=True):
                plane.update(bytes([code]) * plane.buffer_size)
            frame.colorspace, frame.color_range = matrix, 1
            if layout != "yuv420p":
                frame = frame.reformat(format=layout)
            frame.pts = times[index] if times else index
            frame.time_base = Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def index_of(movie: Movie, number: int) -> int:
    """Return which of the encoded frames the decoded one is, by its grey."""
    luma = movie.read(number).rgb().mean() * 219 + 16
    index = round((luma - 20) / 10)
    assert abs(luma - grey_of(index)) < 2.5
    return index


@pytest.fixture(scope="module")
def h264(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """B-frames and a key frame only every 8th: random access has to work for its answer."""
    return encode(
        tmp_path_factory.mktemp("movie") / "b.mp4", g="8", bf="3", keyint_min="8", sc_threshold="0"
    )


def test_frames_are_numbered_from_1(h264: Path) -> None:
    movie = Movie(h264)
    assert movie.frames() == list(range(1, COUNT + 1))
    assert movie.fps == 24
    assert movie.size == SIZE
    assert movie.pattern == str(h264)


def test_frames_in_order_are_the_frames_that_were_written(h264: Path) -> None:
    movie = Movie(h264)
    assert [index_of(movie, number) for number in movie.frames()] == list(range(COUNT))


def test_random_access_gives_exactly_the_frame_asked_for(h264: Path) -> None:
    movie = Movie(h264)
    order = np.random.default_rng(5).permutation(np.repeat(np.arange(1, COUNT + 1), 2)).tolist()
    assert [index_of(movie, number) for number in order] == [number - 1 for number in order]


def test_a_frame_is_the_same_whatever_was_read_before(h264: Path) -> None:
    movie = Movie(h264)
    in_order = {number: movie.read(number).pixels for number in movie.frames()}
    for number in (20, 3, 3, 11, 1):
        assert (Movie(h264).read(number).pixels == in_order[number]).all()
        assert (movie.read(number).pixels == in_order[number]).all()


def test_a_variable_frame_rate_keeps_the_order(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(1).integers(1, 5, COUNT)).tolist()
    movie = Movie(encode(tmp_path / "v.mp4", times=times, bf="2", g="6"))
    assert [index_of(movie, number) for number in (20, 1, 7, 8, 19)] == [19, 0, 6, 7, 18]


@pytest.mark.parametrize(
    ("name", "codec", "layout"),
    [
        ("a.mov", "prores_ks", "yuv422p10le"),
        ("b.mov", "libx264", "yuv444p10le"),
        ("c.mkv", "ffv1", "yuv422p"),
    ],
)
def test_other_codecs_give_the_same_greys(
    tmp_path: Path, name: str, codec: str, layout: str
) -> None:
    movie = Movie(encode(tmp_path / name, codec=codec, layout=layout))
    for number in (1, 12, 20):
        expected = (grey_of(number - 1) - 16) / 219
        rgb = movie.read(number).rgb()
        assert np.abs(rgb - expected).max() < 1.5 / 219, rgb[24, 32]


@pytest.mark.parametrize(
    ("codec", "layout", "source", "top"),
    [
        ("png", "rgb24", "rgb24", 255),
        ("png", "rgba", "rgba", 255),
        ("qtrle", "argb", "rgba", 255),
        ("png", "rgb48be", "rgb48le", 65535),
        ("ffv1", "gbrp10le", "gbrp10le", 1023),
        ("ffv1", "bgr0", "rgb24", 255),
    ],
)
def test_lossless_rgb_movies_come_back_exactly(
    tmp_path: Path, codec: str, layout: str, source: str, top: int
) -> None:
    count = 4 if source == "rgba" else 3
    kind = np.uint8 if top == 255 else np.uint16
    codes = np.random.default_rng(0).integers(0, top + 1, (48, 64, count)).astype(kind)
    path = tmp_path / ("a.mkv" if codec == "ffv1" else "a.mov")
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, layout
        container.mux(stream.encode(av.VideoFrame.from_ndarray(codes, format=source)))
        container.mux(stream.encode())
    frame = Movie(path).read(1)
    assert frame.channels == ("R", "G", "B", "A")[:count]
    np.testing.assert_allclose(frame.pixels, codes / top, atol=1e-6)


def test_a_phone_held_upright_shows_upright(tmp_path: Path) -> None:
    codes = np.zeros((48, 64, 3), np.uint8)
    codes[:, :32] = 255  # the left half is white
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream: Any = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(codes)))
        container.mux(stream.encode())
    # The matrix of ISO/IEC 14496-12 stands 40 bytes after the name of the track header: a quarter
    # turn clockwise, as phones write it.
    content = bytearray((tmp_path / "a.mp4").read_bytes())
    at = content.index(b"tkhd") + 4 + 40
    content[at : at + 36] = struct.pack(
        ">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30
    )
    (tmp_path / "a.mp4").write_bytes(content)
    movie = Movie(tmp_path / "a.mp4")
    frame = movie.read(1)
    assert movie.size == (48, 64)
    assert frame.pixels[:31].min() > 0.9  # the left side is now above
    assert frame.pixels[33:].max() < 0.1


def test_a_frame_carries_window_and_tags(h264: Path) -> None:
    frame = Movie(h264).read(2)
    assert (frame.data_window.width, frame.data_window.height) == SIZE
    assert frame.channels == ("R", "G", "B")
    assert frame.pixels.dtype == np.float32
    assert frame.pixel_aspect == 1.0
    assert frame.attribute("movie:major_brand") is not None


@pytest.mark.parametrize(
    ("transfer", "space"),
    [(1, "srgb_rec709_scene"), (2, "srgb_rec709_scene"), (8, "lin_rec709_scene"), (16, None)],
)
def test_the_colour_space_follows_the_transfer_tag(
    tmp_path: Path, transfer: int, space: str | None
) -> None:
    assert Movie(encode(tmp_path / "t.mp4", transfer=transfer)).color_space == space


def test_the_hash_is_of_the_file_and_the_index(h264: Path) -> None:
    digest = hashlib.sha256(h264.read_bytes()).hexdigest()
    movie = Movie(h264)
    assert movie.sha256(3) == hashlib.sha256(f"{digest}#2".encode()).hexdigest()
    assert movie.sha256(3) != movie.sha256(4)


def test_a_frame_beyond_the_end_is_missing(h264: Path) -> None:
    for number in (0, COUNT + 1, -1):
        with pytest.raises(MissingFrames, match=str(number)):
            Movie(h264).read(number)


def test_a_movie_cut_off_is_told(h264: Path, tmp_path: Path) -> None:
    whole = h264.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])  # its index comes last
    with pytest.raises(BadImage, match=r"cut\.mp4 cannot be read as a movie"):
        Movie(tmp_path / "cut.mp4")


def test_a_movie_cut_off_after_its_index_is_told(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "whole.mp4"), "w", options={"movflags": "faststart"}) as container:
        stream: Any = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        noise = np.random.default_rng(0)
        for _ in range(COUNT):
            picture = noise.integers(0, 255, (48, 64, 3)).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    whole = (tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: int(len(whole) * 0.6)])
    with pytest.raises(BadImage, match=r"is cut off: it promises 20 frames and holds 1?\d;"):
        Movie(tmp_path / "cut.mp4")


def test_files_that_are_no_movies_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        Movie(tmp_path / "gone.mov")
    (tmp_path / "zero.mov").touch()
    with pytest.raises(BadImage, match=r"is empty \(0 bytes\)"):
        Movie(tmp_path / "zero.mov")
    (tmp_path / "text.mov").write_bytes(b"these are not pixels " * 100)
    with pytest.raises(BadImage, match="cannot be read as a movie"):
        Movie(tmp_path / "text.mov")


def test_a_movie_without_a_picture_is_told(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.mov"), "w") as container:
        stream: Any = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    with pytest.raises(BadImage, match="no picture"):
        Movie(tmp_path / "sound.mov")


def test_real_footage_is_as_long_as_its_notes_say() -> None:
    clip = shared_data("footage/hand_occlusion_640x360.mp4")
    movie = Movie(clip)
    assert (len(movie.frames()), movie.size) == (472, (640, 360))
    assert movie.fps == pytest.approx(24000 / 1001)
    late = movie.read(400).pixels
    assert (movie.read(400).pixels == late).all()
