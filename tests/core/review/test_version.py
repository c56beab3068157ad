from pathlib import Path

import opentimelineio as otio
import pytest
from tests.support.sealed import seal_all, write_frames
from tests.support.versions import MOVIE, context_of, version_in

from faceplate.errors import BadSequence, BadSettings, Damaged, MissingFrames, NotFound
from faceplate.provenance.keys import new_key
from faceplate.review.movie import MovieJob, movie
from faceplate.review.record import PublishRecord
from faceplate.review.timeline import TimelineJob, timeline
from faceplate.review.version import Naming, find_version, version_of


def found(folder: Path, pattern: str, check: bool = True, **naming) -> PublishRecord:
    frames = naming.pop("frames", None)
    return find_version(pattern, frames, Naming(**naming), check, context_of(folder))[0]


def test_all_there_is_of_a_version_is_found(tmp_path: Path) -> None:
    new_key(tmp_path / "home", "House")
    pattern = version_in(tmp_path)
    record = found(tmp_path, pattern, status="ip", notes=("look at the chin",), task="Comp")
    assert (record.name, record.shot, record.version, record.status) == ("s", "s", 3, "ip")
    assert record.frames.pattern == pattern
    assert (record.frames.frames, record.frames.count, record.frames.size) == (
        "1001-1003", 3, (16, 8),
    )  # fmt: skip
    assert record.frames.bytes == sum(
        path.stat().st_size for path in Path(pattern).parent.glob("*.exr")
    )
    assert record.movie is not None
    assert (Path(record.movie.path).name, record.movie.bytes) == ("s.mov", len(MOVIE))
    assert record.sidecar is not None
    assert (record.signature, record.signer) == ("trusted", "House")
    assert record.provenance["likeness"] == "p1A"
    assert record.provenance["consentId"] == "C-1"
    assert "inputSha256" not in record.provenance
    assert [(note.text, note.frame) for note in record.notes] == [("look at the chin", None)]
    assert (record.timeline, record.task, record.project) == (None, "Comp", "")


def test_a_folder_with_a_movie_and_layers_is_a_version(tmp_path: Path) -> None:
    pattern = version_in(tmp_path, seal=False)
    folder = Path(pattern).parent
    for number in (1001, 1002, 1003):
        (folder / f"s_fp.{number}.exr").write_bytes(Path(pattern % number).read_bytes())
    assert found(tmp_path, str(folder)).frames.pattern == pattern
    (folder / "other.1001.exr").write_bytes(Path(pattern % 1001).read_bytes())
    with pytest.raises(BadSequence, match="other"):
        found(tmp_path, str(folder))


def test_a_movie_that_is_not_the_signed_one_is_not_published(tmp_path: Path) -> None:
    new_key(tmp_path / "home", "House")
    pattern = version_in(tmp_path)
    path = Path(pattern).parent / "s.mov"
    movie(MovieJob(pattern, str(path), color_space="ACEScg"), context_of(tmp_path))
    assert found(tmp_path, pattern).movie is not None
    content = bytearray(path.read_bytes())
    content[-10] ^= 1  # of the pictures
    path.write_bytes(content)
    with pytest.raises(Damaged, match="not what was signed"):
        found(tmp_path, pattern)


def test_notes_pinned_to_frames_come_from_the_timeline(tmp_path: Path) -> None:
    pattern = version_in(tmp_path)
    path = Path(pattern).parent / "s.otio"
    timeline(TimelineJob(pattern, str(path), shot="s"), context_of(tmp_path))
    whole = otio.adapters.read_from_file(str(path))
    (clip,) = whole.find_clips()
    for frame, name in ((1003, "lips"), (1002, "chin")):
        at = otio.opentime.TimeRange(otio.opentime.RationalTime(frame, 24))
        clip.markers.append(otio.schema.Marker(name=name, marked_range=at))
    otio.adapters.write_to_file(whole, str(path))
    record = found(tmp_path, pattern)
    assert [(note.text, note.frame) for note in record.notes] == [("chin", 1002), ("lips", 1003)]
    assert record.timeline is not None


def test_without_a_sidecar_the_headers_speak(tmp_path: Path) -> None:
    record = found(tmp_path, version_in(tmp_path, seal=False, movie=b""))
    assert (record.sidecar, record.movie, record.signature) == (None, None, "absent")
    assert record.provenance["likeness"] == "p1A"


def test_a_changed_frame_is_not_published(tmp_path: Path) -> None:
    pattern = version_in(tmp_path)
    frame = Path(pattern % 1002)
    content = bytearray(frame.read_bytes())
    content[-1] ^= 1
    frame.write_bytes(content)
    with pytest.raises(Damaged, match=r"s\.1002\.exr.*faceplate verify"):
        found(tmp_path, pattern)
    assert found(tmp_path, pattern, check=False).version == 3
    frame.write_bytes(content + b"!")
    with pytest.raises(Damaged, match=r"s\.1002\.exr"):
        found(tmp_path, pattern, check=False)


def test_a_frame_that_was_never_sealed_is_not_published(tmp_path: Path) -> None:
    pattern = version_in(tmp_path)
    write_frames(Path(pattern).parent, range(1004, 1005))
    with pytest.raises(Damaged, match="frames 1004 are not in the sidecar"):
        found(tmp_path, pattern)
    assert found(tmp_path, pattern, frames="1001-1002").frames.frames == "1001-1002"


def test_layers_that_nobody_sealed_are_not_published(tmp_path: Path) -> None:
    pattern = version_in(tmp_path)
    layers = Path(pattern).with_name("s_fp.1002.exr")
    layers.write_bytes(Path(pattern % 1002).read_bytes())
    with pytest.raises(Damaged, match=r"s_fp\.1002\.exr"):
        found(tmp_path, pattern)


def test_a_missing_frame_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFrames, match="1009"):
        found(tmp_path, version_in(tmp_path), frames="1001-1009")


def test_a_broken_signature_is_not_published(tmp_path: Path) -> None:
    new_key(tmp_path / "home", "House")
    pattern = version_in(tmp_path)
    sidecar = Path(pattern).with_name("s.provenance.json")
    sidecar.write_text(sidecar.read_text().replace("C-1", "C-2"))
    with pytest.raises(Damaged, match="signature"):
        found(tmp_path, pattern)


def test_only_frames_are_a_version(tmp_path: Path) -> None:
    pattern = version_in(tmp_path)
    with pytest.raises(NotFound, match=r"other\.mov"):
        found(tmp_path, pattern, movie=str(tmp_path / "other.mov"))
    with pytest.raises(NotFound):
        found(tmp_path, str(tmp_path / "nothing.%04d.exr"))


@pytest.mark.parametrize(
    ("stem", "folder", "asked", "number", "named"),
    [
        ("sh010_v003", "swap", None, 3, True),
        ("sh010.V12", "swap", 12, 12, True),
        ("sh010", "fp_v007", None, 7, True),
        ("sh010_v2", "fp_v007", None, 2, True),
        ("v001", "swap", None, 1, True),
        ("sh010", "swap", None, 1, False),
        ("sh010", "swap", 5, 5, False),
        ("rev3", "dev2", None, 1, False),
    ],
)
def test_names_say_the_version(
    tmp_path: Path, stem: str, folder: str, asked: int | None, number: int, named: bool
) -> None:
    assert version_of(stem, tmp_path / folder, asked) == (number, named)


def test_a_number_that_contradicts_the_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="s_v003 says version 3"):
        found(tmp_path, version_in(tmp_path), version=4)


def test_a_version_of_files_without_a_number_is_in_its_record_s_name(tmp_path: Path) -> None:
    out = write_frames(tmp_path / "swap", range(1001, 1002))
    seal_all(out, tmp_path / "home")
    record, base = find_version(out.pattern, None, Naming(version=12), True, context_of(tmp_path))
    assert record.name == "s.v012"
    assert base == str(tmp_path / "swap" / "s.v012")
