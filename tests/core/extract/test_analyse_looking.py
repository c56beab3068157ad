"""Turned and tiny faces through the whole verb: the landmarks lie on the truth."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.paths import MINI
from tests.support.shots import known, known_landmarks, write_plate

from faceplate.context import Context
from faceplate.errors import BadSettings
from faceplate.extract.analyse import AnalyseJob, analyse
from faceplate.io.image import read_frame
from faceplate.io.trackfile import Track

FRAMES = (1001, 1002, 1004)
WIDTH, HEIGHT = 384, 216


def pictures() -> list[np.ndarray]:
    return [read_frame(MINI / "A" / f"A.{number}.exr").rgb() for number in FRAMES]


def analysed(plate: str, tmp_path: Path, context: Context, **settings) -> Track:
    settings = {"color_space": "ACEScg", "sheet": False, "smooth_window": 1} | settings
    analyse(AnalyseJob(plate, str(tmp_path / "t.json"), **settings), context)
    return Track.load(tmp_path / "t.json")


def errors(track: Track, truth: list[np.ndarray]) -> list[float]:
    """Mean distance of the 51 inner points, % of the height of the face."""
    return [
        float(100 * np.hypot(*(face.landmarks - points).T)[17:].mean() / size)
        for face, points, size in zip(
            track.people[0].faces,
            truth,
            [np.diff(known("A")[number]["bbox_face"][1::2])[0] for number in FRAMES],
            strict=True,
        )
    ]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_landmarks_of_a_turned_plate_lie_on_the_turned_truth(
    context: Context, tmp_path: Path, turns: int
) -> None:
    turned = [np.ascontiguousarray(np.rot90(picture, turns)) for picture in pictures()]
    track = analysed(write_plate(tmp_path, turned), tmp_path, context)
    truth = []
    for number in FRAMES:
        x, y = known_landmarks("A", number).T
        places = {1: (y, WIDTH - 1 - x), 2: (WIDTH - 1 - x, HEIGHT - 1 - y), 3: (HEIGHT - 1 - y, x)}
        truth.append(np.stack(places[turns], axis=1))
    assert len(track.people) == 1
    assert max(errors(track, truth)) < 2.6


def test_without_turned_looks_a_face_on_its_head_has_no_landmarks_on_the_truth(
    context: Context, tmp_path: Path
) -> None:
    turned = [np.ascontiguousarray(np.rot90(picture, 2)) for picture in pictures()]
    track = analysed(write_plate(tmp_path, turned), tmp_path, context, rotations="never")
    truth = [np.array([WIDTH - 1, HEIGHT - 1]) - known_landmarks("A", number) for number in FRAMES]
    assert not track.people or min(errors(track, truth)) > 10


def test_a_tiny_face_is_found_in_fine_tiles_only(context: Context, tmp_path: Path) -> None:
    tiny = []
    for picture in pictures():
        frame = np.full((270, 480, 3), 0.12, np.float32)
        frame[150:204, 300:396] = cv2.resize(picture, (96, 54), interpolation=cv2.INTER_AREA)
        tiny.append(frame)
    plate = write_plate(tmp_path, tiny)
    few = {"min_face": 0.06, "detect_size": 320, "rotations": "never"}
    assert analysed(plate, tmp_path, context, **few).people == ()
    track = analysed(plate, tmp_path, context, **few, tiles="fine")
    assert len(track.people) == 1
    truth = [(known_landmarks("A", n) + 0.5) / 4 - 0.5 + [300, 150] for n in FRAMES]
    assert max(errors(track, truth)) * 4 < 5


def test_a_detect_size_that_means_nothing_is_refused(context: Context, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="detect_size"):
        analysed(write_plate(tmp_path, pictures()[:1]), tmp_path, context, detect_size=10)
