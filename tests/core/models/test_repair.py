import shutil
from pathlib import Path

import pytest
import torch

from faceplate.errors import Damaged, NotFound, NotReady
from faceplate.models.backups import back_up
from faceplate.models.folder import ModelFolder, SwapModelConfig
from faceplate.models.lock import folder_lock
from faceplate.models.repair import repair, roll_back

CONFIG = SwapModelConfig("amy", "bob", "full_face", "acescct")


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    model = ModelFolder.create(tmp_path / "model", CONFIG)
    for step in (1, 2, 3):
        model.write_save(step, {"w": torch.full((4,), float(step))}, None, {"step": step}, 9)
    return model


def spoil(folder: ModelFolder, step: int, file: str = "weights.safetensors") -> None:
    path = folder.path / f"saves/{step:09d}" / file
    path.write_bytes(bytes(path.stat().st_size))  # what a power cut leaves


def steps(folder: ModelFolder) -> list[int]:
    return [save.step for save in folder.saves()]


def test_a_whole_model_is_left_as_it_is(folder: ModelFolder) -> None:
    result = repair(folder.path)
    assert (result.newest.step, result.done) == (3, ())
    assert steps(folder) == [1, 2, 3]


@pytest.mark.parametrize(
    "file", ["weights.safetensors", "state.json", "config.json", "manifest.json"]
)
def test_damaged_saves_are_set_aside_and_the_newest_whole_one_found(
    folder: ModelFolder, file: str
) -> None:
    spoil(folder, 3, file)
    (folder.path / "saves/.000000004.abc.part").mkdir()
    result = repair(folder.path)
    assert result.newest.step == 2
    assert steps(folder) == [1, 2]
    assert "removed .000000004.abc.part" in result.done[0]
    assert f"set step 3 aside to 000000003-damaged1: {folder.path}" in result.done[1]
    assert file in result.done[1]
    assert (folder.path / "set_aside/000000003-damaged1/manifest.json").is_file()
    assert torch.equal(folder.latest().weights()["w"], torch.full((4,), 2.0))


def test_without_a_whole_save_the_newest_whole_backup_comes_back(folder: ModelFolder) -> None:
    back_up(folder.path, folder.saves()[0])
    bad = back_up(folder.path, folder.saves()[1])
    (bad.save.path / "state.json").write_text("{")
    for step in (1, 2, 3):
        spoil(folder, step)
    result = repair(folder.path)
    assert result.newest.step == 1
    assert "brought step 1 back from the backup 01-000000001" in result.done
    assert torch.equal(folder.latest().weights()["w"], torch.ones(4))


def test_where_nothing_is_whole_nothing_is_changed(folder: ModelFolder) -> None:
    for step in (1, 2, 3):
        spoil(folder, step)
    with pytest.raises(Damaged, match="none of the 3 saves and 0 backups is whole"):
        repair(folder.path)
    assert steps(folder) == [1, 2, 3]


@pytest.mark.parametrize("content", [None, b"", b"{}", bytes(200)])
def test_a_lost_config_comes_back_from_a_save(folder: ModelFolder, content: bytes | None) -> None:
    (folder.path / "config.json").unlink()
    if content is not None:
        (folder.path / "config.json").write_bytes(content)
    result = repair(folder.path)
    assert "brought config.json back from step 3" in result.done[0]
    assert ModelFolder(folder.path).config == CONFIG


def test_a_model_at_work_is_not_touched(folder: ModelFolder) -> None:
    spoil(folder, 3)
    with folder_lock(folder.path) as held:
        assert held
        with pytest.raises(NotReady, match="another process is training"):
            repair(folder.path)
        with pytest.raises(NotReady, match="another process is training"):
            roll_back(folder, 1)
    assert steps(folder) == [1, 2, 3]


def test_a_folder_without_a_model_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing of a swap model"):
        repair(tmp_path)


def test_rolling_back_sets_later_saves_aside(folder: ModelFolder) -> None:
    result = roll_back(folder, 1)
    assert result.newest.step == folder.latest().step == 1
    assert steps(folder) == [1]
    assert result.done == (
        "set step 2 aside to 000000002-later1",
        "set step 3 aside to 000000003-later1",
    )


def test_rolling_back_twice_keeps_both(folder: ModelFolder) -> None:
    roll_back(folder, 2)
    folder.write_save(3, {"w": torch.zeros(4)}, None, {}, 9)
    roll_back(folder, 2)
    assert sorted(path.name for path in (folder.path / "set_aside").iterdir()) == [
        "000000003-later1",
        "000000003-later2",
    ]


def test_rolling_back_to_a_backup_brings_it_back(folder: ModelFolder) -> None:
    back_up(folder.path, folder.saves()[0])
    shutil.rmtree(folder.saves()[0].path)
    result = roll_back(folder, 1)
    assert steps(folder) == [1]
    assert result.done[0] == "brought step 1 back from the backup 01-000000001"


def test_rolling_back_to_a_step_that_is_nowhere_lists_those_there_are(folder: ModelFolder) -> None:
    with pytest.raises(NotFound, match="no save or backup of step 7; there are: 1, 2, 3"):
        roll_back(folder, 7)


def test_rolling_back_to_a_damaged_save_changes_nothing(folder: ModelFolder) -> None:
    spoil(folder, 1)
    with pytest.raises(Damaged):
        roll_back(folder, 1)
    assert steps(folder) == [1, 2, 3]
