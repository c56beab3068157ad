"""Cuts between real frames: two rendered sets, and footage where it is present."""

import functools

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.paths import MINI, shared_data

from faceplate.errors import BadSettings
from faceplate.extract.cuts import NOTHING, Change, change, glimpse_of, is_cut
from faceplate.extract.reading import check_cuts
from faceplate.extract.shot import open_shot

Pictures = list[NDArray[np.uint8]]


@functools.cache
def rendered(actor: str) -> Pictures:
    """Thumbnails of a rendered shot."""
    shot = open_shot(
        str(MINI / actor / f"{actor}.%04d.exr"),
        frames=None, missing="error", color_space="ACEScg", ocio=None,
    )  # fmt: skip
    return [shot.view(index).glimpse() for index in range(len(shot.plate.frames))]


def cuts_of(pictures: Pictures) -> list[int]:
    """Run over pictures as a pass does; return the indexes of the first frames of shots."""
    seen = [glimpse_of(picture) for picture in pictures]
    found, before = [], NOTHING
    for i in range(1, len(seen)):
        here = change(seen[i - 1], seen[i])
        ahead = i + 1 < len(seen)
        after = change(seen[i], seen[i + 1]) if ahead else NOTHING
        cut = is_cut(here, before, after, change(seen[i - 1], seen[i + 1]) if ahead else None)
        before = NOTHING if cut else here
        found += [i] * cut
    return found


def lit(picture: NDArray[np.uint8], gain: float) -> NDArray[np.uint8]:
    return np.clip(picture * gain, 0, 255).astype(np.uint8)


def nearer(picture: NDArray[np.uint8], zoom: float) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    part = picture[: round(height / zoom), round(0.2 * width) :][:, : round(width / zoom)]
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)


def test_a_thumbnail_has_the_frame_s_proportions_and_colours() -> None:
    picture = rendered("A")[0]
    assert picture.shape == (36, 64, 3)
    assert picture.dtype == np.uint8
    assert 30 < picture.mean() < 200


@pytest.mark.parametrize("actor", ["A", "B"])
def test_one_shot_has_no_cut_though_its_performer_moves_fast(actor: str) -> None:
    assert cuts_of(rendered(actor)) == []  # 2 frames a second: more motion than any camera shows


def test_a_cut_between_two_sets_is_found_where_it_is() -> None:
    assert cuts_of(rendered("A")[:6] + rendered("B")[:6]) == [6]
    assert cuts_of(rendered("B")[:4] + rendered("A")[:5] + rendered("B")[4:8]) == [4, 9]


def test_a_cut_to_a_closer_view_of_the_same_set_is_found() -> None:
    shot = rendered("A")
    assert cuts_of(shot[:6] + [nearer(picture, 2.0) for picture in shot[6:12]]) == [6]


def test_a_cut_before_the_last_frame_is_found() -> None:
    assert cuts_of([*rendered("A")[:6], rendered("B")[0]]) == [6]


def test_a_flash_and_a_lamp_are_no_cuts() -> None:
    calm = rendered("A")[:8]
    assert cuts_of([*calm[:4], lit(calm[4], 2.5), *calm[5:]]) == []
    assert cuts_of([calm[0]] * 4 + [lit(calm[0], 0.6)] * 4) == []


def test_a_pan_is_no_cut() -> None:
    wide = cv2.resize(rendered("A")[0], (200, 36), interpolation=cv2.INTER_LINEAR)
    for step in (2, 5, 9):
        assert cuts_of([wide[:, x : x + 64] for x in range(0, 130, step)]) == []


def test_frames_of_other_sizes_are_wholly_unlike() -> None:
    picture = rendered("A")[0]
    assert change(glimpse_of(picture), glimpse_of(picture[:20])) == Change(1, 1)


@pytest.mark.parametrize(
    ("cuts", "meant"), [("auto", None), ("none", set()), ("1003,1005-1006", {1003, 1005, 1006})]
)
def test_cuts_may_be_named(cuts: str, meant: set[int] | None) -> None:
    assert check_cuts(cuts, list(range(1001, 1010))) == meant


@pytest.mark.parametrize("cuts", ["1001", "1020", "here", ""])
def test_cuts_that_mean_nothing_are_refused(cuts: str) -> None:
    with pytest.raises(BadSettings, match="cuts"):
        check_cuts(cuts, list(range(1001, 1010)))


def footage(name: str, count: int) -> Pictures:
    film = cv2.VideoCapture(str(shared_data("footage") / name))
    pictures = []
    while len(pictures) < count:
        there, frame = film.read()
        if not there:
            break
        small = cv2.resize(frame[..., ::-1], (64, 36), interpolation=cv2.INTER_AREA)
        pictures.append(np.ascontiguousarray(small))
    return pictures


@pytest.mark.slow
def test_cuts_between_footage_are_found_and_no_others() -> None:
    names = ["woman_expressions_512.mp4", "man_glasses_512x480.mp4", "hand_occlusion_640x360.mp4"]
    films = [footage(name, 120) for name in names]
    joined = films[0][:60] + films[1] + films[2] + films[0][60:]
    assert cuts_of(joined) == [60, 180, 300]
