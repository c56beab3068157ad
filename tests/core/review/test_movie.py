import shutil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.support.paths import MINI
from tests.support.sealed import write_frames

from faceplate.color.ocio import load_config
from faceplate.context import Context
from faceplate.errors import BadSettings, UnknownColorSpace
from faceplate.io.image import read_frame, write_frame
from faceplate.io.movie import Movie
from faceplate.provenance.header import DIGITAL_SOURCE_TYPE
from faceplate.provenance.keys import new_key, trusted_roots
from faceplate.provenance.signing import read_embedded
from faceplate.review.movie import MovieJob, movie

PLATE = str(MINI / "B" / "B.%04d.exr")


def made(tmp_path: Path, result: str = PLATE, **settings: Any) -> tuple[list[Any], Any]:
    """Make a movie; returns its pictures and the container's metadata."""
    job = MovieJob(result, str(tmp_path / "m.mov"), **settings)
    movie(job, Context(home=tmp_path))
    read = Movie(Path(job.out))
    pictures = [np.clip(read.read(number).rgb(), 0, 1) * 255 for number in read.frames()]
    return pictures, read.read(1).attributes


def test_a_movie_shows_each_frame_as_the_display_of_the_config_does(tmp_path: Path) -> None:
    pictures, metadata = made(tmp_path, frames="1001-1003", burn_in=False, quality=1)
    assert len(pictures) == 3
    frame = read_frame(MINI / "B" / "B.1002.exr", 1002)
    shown = np.clip(load_config().to_display(frame.rgb(), "ACEScg"), 0, 1) * 255
    # 4:2:0 halves the colours' resolution: means over 8 x 8 pixels are compared
    blocks = [p.reshape(27, 8, 48, 8, 3).mean((1, 3)) for p in (pictures[1], shown)]
    off = np.abs(blocks[0] - blocks[1])
    assert off.mean() < 0.5  # of 255
    assert np.percentile(off, 95) < 2
    assert "compositeWithTrainedAlgorithmicMedia" in metadata["movie:comment"]


def test_a_gap_and_a_spoilt_frame_are_dark_pictures_that_are_told(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(MINI / "B", tmp_path / "B"))
    (folder / "B.1002.exr").unlink()
    spoilt = folder / "B.1003.exr"
    spoilt.write_bytes(spoilt.read_bytes()[:3000])
    job = MovieJob(str(folder / "B.%04d.exr"), str(tmp_path / "m.mp4"), frames="1001-1004")
    result = movie(job, Context(home=tmp_path))
    assert (result.frames, result.not_shown) == (4, "1002-1003")
    with av.open(job.out) as container:
        means = [f.to_ndarray(format="rgb24").mean() for f in container.decode(video=0)]
    assert max(means[1:3]) < 6 < min(means[0], means[3])


def test_the_words_are_in_the_strip_and_nowhere_else(tmp_path: Path) -> None:
    plain, _ = made(tmp_path, frames="1001", burn_in=False, quality=1)
    marked, _ = made(tmp_path, frames="1001", quality=1)
    changed = np.abs(plain[0].astype(int) - marked[0]).max(axis=2) > 24
    rows = np.flatnonzero(changed.any(axis=1))
    assert rows.min() > 0.9 * len(changed)
    assert (marked[0][rows.min() :] > 200).any()


def test_the_plate_stands_on_the_left_and_a_long_side_is_kept(tmp_path: Path) -> None:
    pictures, _ = made(tmp_path, frames="1001", plate=PLATE, long_side=200, burn_in=False)
    height, width = pictures[0].shape[:2]
    assert (width, height % 2) == (200, 0)
    halves = np.split(pictures[0].astype(int), 2, axis=1)
    assert np.abs(halves[0] - halves[1]).mean() < 3


def test_a_data_window_lies_where_the_display_window_has_it(tmp_path: Path) -> None:
    frame = read_frame(MINI / "B" / "B.1001.exr", 1001)
    window = frame.data_window
    inner = type(window)(100, 60, 300, 160)
    cut = type(frame)(
        1001, np.ascontiguousarray(frame.pixels[60:160, 100:300]), frame.channels, inner,
        frame.display_window, 1.0, frame.attributes,
    )  # fmt: skip
    write_frame(cut, tmp_path / "c.1001.exr")
    pictures, _ = made(tmp_path, str(tmp_path / "c.%04d.exr"), burn_in=False)
    light = np.argwhere(pictures[0].max(axis=2) > 12)
    assert pictures[0].shape[:2] == (216, 384)
    assert (light.min(axis=0) >= [58, 98]).all()
    assert (light.max(axis=0) <= [161, 301]).all()


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"display": "CRT"}, BadSettings, "no display 'CRT'"),
        ({"view": "Filmic"}, BadSettings, "no view 'Filmic'"),
        ({"color_space": "acesgc"}, UnknownColorSpace, "did you mean"),
        ({"long_side": 10}, BadSettings, "long_side"),
        ({"quality": 60}, BadSettings, "quality"),
        ({"fps": 0}, BadSettings, "fps"),
    ],
)
def test_what_cannot_be_is_told(
    tmp_path: Path, settings: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        made(tmp_path, frames="1001", **settings)
    assert not list(tmp_path.glob("*"))


def test_a_movie_ends_in_mov_or_mp4() -> None:
    with pytest.raises(BadSettings, match=r"\.mov or \.mp4"):
        MovieJob(PLATE, "m.avi")


def test_a_movie_and_its_poster_carry_a_claim_where_there_is_a_key(tmp_path: Path) -> None:
    key = new_key(tmp_path, "House")
    out = write_frames(tmp_path / "out", range(1001, 1004))
    for suffix in ("mov", "mp4"):
        job = MovieJob(
            out.pattern,
            str(tmp_path / f"m.{suffix}"),
            poster=str(tmp_path / "p.png"),
            color_space="ACEScg",
            shot="sh010",
        )
        result = movie(job, Context(home=tmp_path))
        assert result.signed_by == key.signer
        for file in (job.out, job.poster):
            found = read_embedded(Path(str(file)), trusted_roots(tmp_path))
            assert (found.state, found.source_type) == ("trusted", DIGITAL_SOURCE_TYPE)
            assert (found.says["likeness"], found.says["consentId"]) == ("p1A", "C-1")
            assert (found.says["shot"], found.says["frames"]) == ("sh010", "1001-1003")
        assert len(Movie(Path(job.out)).frames()) == 3
    assert not list(tmp_path.glob("*.signed")) + list(tmp_path.glob(".*"))


def test_without_a_key_a_movie_is_made_and_says_that_it_carries_no_claim(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    poster = tmp_path / "p.jpg"
    made(tmp_path, frames="1001-1002", poster=str(poster))

    assert "carries no claim: there is no key" in caplog.text
    assert read_embedded(tmp_path / "m.mov", []).state == "absent"
    assert read_embedded(poster, []).state == "absent"
    with pytest.raises(BadSettings, match=r"\.png or \.jpg"):
        made(tmp_path, poster="p.gif")
