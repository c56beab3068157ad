import json
from pathlib import Path

import pytest
from tests.support.paths import MINI

from faceplate.errors import BadSettings, NotFound
from faceplate.studies.pair import RenderedPair


def pair(folder: Path, yaws: dict[int, float | None], hidden: tuple[int, ...] = ()) -> RenderedPair:
    """Make the folder of a pair whose frames have these yaws; None shows no face."""
    for name in ("A", "B", "S", "A_masks/face", "B_masks/visible"):
        (folder / name).mkdir(parents=True)
    frames = {
        str(n): {
            "yaw": 0.0 if yaw is None else yaw,
            "empty": yaw is None,
            "occluder": "hand" if n in hidden else None,
        }
        for n, yaw in yaws.items()
    }
    (folder / "truth_B.json").write_text(json.dumps({"frames": frames}))
    return RenderedPair(folder)


def test_frames_come_in_threes_spread_over_the_shot(tmp_path: Path) -> None:
    made = pair(tmp_path, dict.fromkeys(range(1, 31), 0.0))
    assert made.spread(3, 40) == [16, 17, 18]
    assert made.spread(9, 40) == [4, 5, 6, 16, 17, 18, 25, 26, 27]
    assert len(made.spread(999, 40)) == 30


def test_frames_with_a_hand_before_the_face_are_not_measured(tmp_path: Path) -> None:
    made = pair(tmp_path, dict.fromkeys(range(1, 10), 0.0), hidden=(4,))
    assert made.spread(99, 40) == [1, 2, 3, 5, 6, 7]


def test_turned_and_empty_frames_are_not_measured(tmp_path: Path) -> None:
    yaws: dict[int, float | None] = dict.fromkeys(range(1, 11), 0.0)
    yaws |= {2: None, 6: -41.0}
    made = pair(tmp_path, yaws)
    assert made.spread(99, 40) == [3, 4, 5, 7, 8, 9]
    assert made.spread(99, 60) == [3, 4, 5, 6, 7, 8]


def test_without_three_frames_in_a_row_nothing_can_be_measured(tmp_path: Path) -> None:
    made = pair(tmp_path, {1: 0.0, 2: 0.0, 3: 50.0})
    with pytest.raises(NotFound, match="no three frames in a row within 40 degrees"):
        made.spread(3, 40)


def test_a_folder_that_lacks_a_part_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="is no rendered pair: A is not there"):
        RenderedPair(tmp_path)
    (tmp_path / "pair").mkdir()
    made = pair(tmp_path / "pair", {})
    (tmp_path / "pair/truth_B.json").write_text("[1]")
    with pytest.raises(BadSettings, match="no description of faces"):
        made.spread(3, 40)


def test_the_bundled_shot_is_a_pair() -> None:
    mini = RenderedPair(MINI)
    assert Path(mini.frames_of("S") % 1001).is_file()
    assert Path(mini.mattes_of("A") % 1001).is_file()
    assert Path(mini.mattes_of("B") % 1001).is_file()
    assert mini.spread(6, 40) == [1001, 1002, 1003]
