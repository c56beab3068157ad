from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tests.support.training import TINY, tiny_faceset

from faceplate.errors import BadSettings
from faceplate.models.df import DF
from faceplate.models.folder import ModelFolder, SwapModelConfig
from faceplate.train.checkpoint import TrainState
from faceplate.train.faces import FaceBank
from faceplate.train.presets import TrainSettings
from faceplate.train.sheets import Sheets, draw_history, thin_out


@pytest.fixture
def banks(tmp_path: Path) -> Iterator[tuple[FaceBank, FaceBank]]:
    paths = [tiny_faceset(tmp_path / f"{n}.faceset", n, seed=s) for s, n in enumerate("ab")]
    pair = FaceBank(paths[0], 32, 2**20), FaceBank(paths[1], 32, 2**20)
    yield pair
    for bank in pair:
        bank.close()


def write(folder: Path, step: int, value: int, width: int = 160) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{step:09d}.png"
    cv2.imwrite(str(path), np.full((40, width, 3), value, np.uint8))
    return path


def steps(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("[0-9]*.png"))


def test_kept_sheets_are_spread_over_the_training(tmp_path: Path) -> None:
    folder = tmp_path / "previews"
    for step in range(250, 10_001, 250):
        write(folder, step, 9)
        thin_out(folder, 5)
        assert len(steps(folder)) <= 5
    kept = steps(folder)
    assert (kept[0], kept[-1]) == (250, 10_000)
    assert max(np.diff(kept)) < 0.7 * 10_000


def test_the_history_shows_the_swap_of_each_sheet_side_by_side(tmp_path: Path) -> None:
    folder = tmp_path / "previews"
    for step, value in ((1, 50), (2, 100), (3, 150)):
        write(folder, step, value)
    path = draw_history(folder)
    assert path is not None
    picture = cv2.imread(str(path))
    assert picture.shape == (40, 3 * 32, 3)
    assert [int(picture[30, 16 + 32 * place, 0]) for place in range(3)] == [50, 100, 150]


def test_damaged_sheets_and_those_of_another_size_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "previews"
    write(folder, 1, 10, width=80)
    write(folder, 2, 20).write_bytes(b"no picture")
    write(folder, 3, 30)
    path = draw_history(folder)
    assert path is not None
    assert cv2.imread(str(path)).shape == (40, 32, 3)
    assert draw_history(tmp_path / "nowhere") is None


def test_all_pictures_of_a_step_are_drawn_once(
    banks: tuple[FaceBank, FaceBank], tmp_path: Path
) -> None:
    config = SwapModelConfig("a", "b", "full_face", "acescct", net=TINY)
    sheets = Sheets(banks, ModelFolder.create(tmp_path / "model", config), keep=2)
    state = TrainState(5, 10, TrainSettings(), "demo", 0)
    net, cpu = DF(TINY), torch.device("cpu")
    first = sheets.draw(net, cpu, state)
    stamp = first.stat().st_mtime_ns
    assert sheets.draw(net, cpu, state) == first
    assert first.stat().st_mtime_ns == stamp
    assert sheets.plot.is_file()
    assert sheets.history.is_file()
    for state.step in (6, 7):
        sheets.draw(net, cpu, state)
    assert steps(first.parent) == [5, 7]


def test_less_than_two_sheets_are_refused(banks: tuple[FaceBank, FaceBank], tmp_path: Path) -> None:
    config = SwapModelConfig("a", "b", "full_face", "acescct", net=TINY)
    folder = ModelFolder.create(tmp_path / "model", config)
    with pytest.raises(BadSettings, match="keep_previews 1"):
        Sheets(banks, folder, keep=1)
