from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceplate.errors import BadSequence, NotFound
from faceplate.io.sequence import Sequence, format_frames, parse_frames, sequences_in


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()


@pytest.mark.parametrize("pattern", ["b.%04d.exr", "b.####.exr", "b.@@@@.exr"])
def test_all_notations_of_padding_name_the_same_file(pattern: str) -> None:
    sequence = Sequence.parse(Path("shots") / pattern)
    assert sequence.path(7) == Path("shots/b.0007.exr")
    assert sequence.path(12345) == Path("shots/b.12345.exr")
    assert sequence.pattern == str(Path("shots/b.%04d.exr"))


@pytest.mark.parametrize(
    ("pattern", "frame", "name"),
    [
        ("b.%d.exr", 7, "b.7.exr"),
        ("b.#.exr", 7, "b.7.exr"),
        ("b.@@.exr", 7, "b.07.exr"),
        ("b_%06d.dpx", 1001, "b_001001.dpx"),
        ("b.%04d.exr", -5, "b.-005.exr"),  # as printf does, and so as Nuke does
        ("b.%04d.v2.exr", 1, "b.0001.v2.exr"),
    ],
)
def test_padding_counts_characters_as_printf_does(pattern: str, frame: int, name: str) -> None:
    assert Sequence.parse(pattern).path(frame).name == name


def test_existing_finds_the_frames_of_this_sequence_alone(tmp_path: Path) -> None:
    touch(tmp_path, "b.0001.exr", "b.0003.exr", "b.-002.exr", "b.10000.exr")
    touch(tmp_path, "b.00002.exr", "b.0004.png", "c.0005.exr", "b.0006.exr.part", "b.x.exr")
    sequence = Sequence.parse(tmp_path / "b.%04d.exr")
    assert sequence.existing() == [-2, 1, 3, 10000]
    assert sequence.other_paddings() == {5: 1}
    assert all(sequence.path(frame).exists() for frame in sequence.existing())


def test_brackets_and_dots_in_names_mean_themselves(tmp_path: Path) -> None:
    touch(tmp_path, "a+(b)[c].0001.exr", "a+(b)xc].0002.exr")
    assert Sequence.parse(tmp_path / "a+(b)[c].%04d.exr").existing() == [1]


def test_a_single_file_has_the_number_in_its_name_or_1(tmp_path: Path) -> None:
    touch(tmp_path, "b.1003.exr", "still.png")
    assert Sequence.parse(tmp_path / "b.1003.exr").existing() == [1003]
    assert Sequence.parse(tmp_path / "still.png").existing() == [1]
    assert Sequence.parse(tmp_path / "still.png").path(1) == tmp_path / "still.png"
    assert Sequence.parse(tmp_path / "gone.png").existing() == []


@pytest.mark.parametrize(
    ("name", "frame"),
    [("b.-005.exr", -5), ("b_-5.exr", -5), ("shot-0001.exr", 1), ("-3.exr", -3), ("v2.7.exr", 7)],
)
def test_a_dash_is_a_sign_only_where_it_cannot_be_a_separator(
    tmp_path: Path, name: str, frame: int
) -> None:
    touch(tmp_path, name)
    assert Sequence.parse(tmp_path).existing() == [frame]


@pytest.mark.parametrize(
    ("names", "pattern", "frames"),
    [
        (["b.0998.exr", "b.0999.exr", "b.1000.exr"], "b.%04d.exr", [998, 999, 1000]),
        (["b.998.exr", "b.999.exr", "b.1000.exr"], "b.%d.exr", [998, 999, 1000]),
        (["b.1001.exr", "b.1002.exr", "notes.txt", ".b.1003.exr"], "b.%04d.exr", [1001, 1002]),
        (["b.0.exr", "b.1.exr", "b.10.exr"], "b.%d.exr", [0, 1, 10]),
    ],
)
def test_a_folder_means_its_one_sequence(
    tmp_path: Path, names: list[str], pattern: str, frames: list[int]
) -> None:
    touch(tmp_path, *names)
    sequence = Sequence.parse(tmp_path)
    assert Path(sequence.pattern).name == pattern
    assert sequence.existing() == frames


def test_a_folder_with_several_sequences_lists_them(tmp_path: Path) -> None:
    touch(tmp_path, "b.0001.exr", "b.00002.exr", "c.1.png", "clip.mov")
    with pytest.raises(BadSequence, match="holds 4 sequences") as caught:
        Sequence.parse(tmp_path)
    for name in ("b.%04d.exr", "b.%05d.exr", "c.%d.png", "clip.mov"):
        assert name in str(caught.value)
    assert len(sequences_in(tmp_path)) == 4


def test_a_folder_without_images_says_so(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt")
    with pytest.raises(NotFound, match="holds no image or movie"):
        Sequence.parse(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b.<UDIM>.exr", "numbers tiles"),
        ("b.%04d.####.exr", "one frame number, got 2"),
        ("shot_####/b.exr", "belongs in the file name"),
    ],
)
def test_patterns_that_mean_nothing_are_refused(text: str, message: str) -> None:
    with pytest.raises(BadSequence, match=message):
        Sequence.parse(text)


def test_signs_in_names_that_are_there_are_no_tokens(tmp_path: Path) -> None:
    touch(tmp_path / "take#2", "b#1.exr", "c.0001.exr")
    assert Sequence.parse(tmp_path / "take#2" / "b#1.exr").existing() == [1]
    assert Sequence.parse(tmp_path / "take#2" / "c.0001.exr").existing() == [1]
    assert Sequence.parse(tmp_path / "take#2" / "c.####.exr").existing() == [1]
    assert Sequence.parse(tmp_path / "take#2" / "gone.exr").existing() == []


def test_an_empty_sequence_tells_of_another_padding(tmp_path: Path) -> None:
    touch(tmp_path, "b.00001.exr", "b.00002.exr")
    why = Sequence.parse(tmp_path / "b.####.exr").why_empty()
    assert "2 with 5 digits (%05d)" in why


def test_an_empty_sequence_suggests_near_patterns(tmp_path: Path) -> None:
    touch(tmp_path, "plate_v02.1001.exr", "plate_v02.1002.exr")
    why = Sequence.parse(tmp_path / "plate_v01.####.exr").why_empty()
    assert "near: plate_v02.%04d.exr" in why
    touch(tmp_path / "empty")
    assert "no image or movie" in Sequence.parse(tmp_path / "empty" / "x.#.exr").why_empty()
    assert "does not exist" in Sequence.parse(tmp_path / "no" / "x.#.exr").why_empty()


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("1001", [1001]),
        ("1-3", [1, 2, 3]),
        ("1001-1010x4,1110", [1001, 1005, 1009, 1110]),
        ("-5--1", [-5, -4, -3, -2, -1]),
        ("-1-1", [-1, 0, 1]),
        ("3, 1-2 ,2", [1, 2, 3]),
        ("5-5", [5]),
    ],
)
def test_ranges_are_understood(text: str, frames: list[int]) -> None:
    assert parse_frames(text) == frames


@pytest.mark.parametrize("text", ["", "a", "1-", "1..5", "5-1", "1-5x0", "1,,2", "1-5y2", "1.5"])
def test_ranges_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(BadSequence, match="frames"):
        parse_frames(text)


@given(st.sets(st.integers(-200, 200), min_size=1))
def test_format_frames_is_undone_by_parse_frames(frames: set[int]) -> None:
    assert parse_frames(format_frames(frames)) == sorted(frames)


def test_format_frames_is_short() -> None:
    assert format_frames(range(1001, 1101)) == "1001-1100"
    assert format_frames([-5, -3, -1, 7]) == "-5--1x2,7"
    assert format_frames([4, 9]) == "4,9"
    assert format_frames([]) == ""
