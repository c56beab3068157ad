import math

from faceplate.config import from_dict, to_dict
from faceplate.train.checkpoint import History, TrainState
from faceplate.train.presets import TrainSettings
from faceplate.train.record import FacesetRecord, RunRecord


def test_losses_are_kept_as_means_over_windows() -> None:
    history = History(window=2)
    for step in range(1, 6):
        history.add(step, float(step), 10.0 * step)
    assert history.points == [[2.0, 1.5, 15.0], [4.0, 3.5, 35.0]]
    assert history.recent() == (5.0, 50.0)


def test_a_long_history_stays_short_and_keeps_its_mean() -> None:
    history = History(window=1)
    for step in range(1, 10_001):
        history.add(step, 1.0 if step % 2 else 3.0, 0.0)
    assert len(history.points) <= 2000
    assert history.window == 8
    assert {point[1] for point in history.points} == {2.0}
    assert history.points[-1][0] == 10_000


def test_before_the_first_step_the_loss_is_not_known() -> None:
    assert all(math.isnan(value) for value in History().recent())


def test_a_state_survives_json() -> None:
    run = RunRecord(0, "2026-01-01", "0.1", 3, ["c-1"], [FacesetRecord("amy", 5, "ab" * 32)])
    history = History(10, [[1, 2, 3]], [[4, 5]])
    state = TrainState(7, 100, TrainSettings(), "demo", 3, 12.5, history, [run])
    assert from_dict(TrainState, to_dict(state)) == state
