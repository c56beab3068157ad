import math

import numpy as np
import pytest
import torch
from tests.support.training import TINY

from faceplate.models.df import DF
from faceplate.train.guard import Guard, Spread, Trouble, measure_spread

CPU = torch.device("cpu")


def fed(guard: Guard, losses: list[float], first: int = 1) -> Trouble | None:
    for step, loss in enumerate(losses, first):
        trouble = guard.losses(step, loss / 2, loss / 2)
        if trouble is not None:
            return trouble
    return None


def noisy(level: float, count: int, seed: int = 0) -> list[float]:
    return (level * np.random.default_rng(seed).uniform(0.5, 1.5, count)).tolist()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_losses_that_are_no_numbers_are_seen_at_once(value: float) -> None:
    guard = Guard(0)
    assert fed(guard, [1.0] * 30) is None
    trouble = guard.losses(31, 0.5, value)
    assert trouble is not None
    assert (trouble.kind, trouble.good_step) == ("not finite", 30)


def test_a_loss_that_runs_away_is_seen_and_the_last_calm_step_known() -> None:
    guard = Guard(0)
    assert fed(guard, noisy(1.0, 100)) is None
    trouble = fed(guard, [1.0 * 1.2**n for n in range(60)], 101)
    assert trouble is not None
    assert trouble.kind == "runaway"
    assert 95 <= trouble.good_step <= 100


def test_it_is_no_longer_calm_long_before_the_trouble_is_certain() -> None:
    guard = Guard(0)
    assert guard.is_calm
    assert fed(guard, [1.0] * 50) is None
    assert guard.is_calm
    assert fed(guard, [3.5] * 2, 51) is None
    assert not guard.is_calm
    narrow = Guard(0)
    assert looked(narrow, [(0.8, 1.0), (0.01, 1.0)]) is None
    assert not narrow.is_calm


def test_noise_single_spikes_and_a_slow_fall_are_no_trouble() -> None:
    losses = [loss * 2 * math.exp(-n / 500) for n, loss in enumerate(noisy(1.0, 1000))]
    losses[300] = 500.0
    losses[700] = 90.0
    assert fed(Guard(0), losses) is None


def test_a_resumed_training_is_measured_by_what_it_had_come_to() -> None:
    assert fed(Guard(100), [4.0] * 60, 101) is None
    trouble = fed(Guard(100, lowest=1.0), [4.0] * 60, 101)
    assert trouble is not None
    assert (trouble.kind, trouble.good_step < 110) == ("runaway", True)


def looked(guard: Guard, spreads: list[tuple[float, float | None]]) -> Trouble | None:
    found = None
    for number, (image, code) in enumerate(spreads, 1):
        found = found or guard.spread(10 * number, Spread(image, code))
    return found


def test_faces_that_come_out_alike_again_are_a_collapse() -> None:
    trouble = looked(Guard(0), [(0.05, 1.0), (0.5, 1.0), (0.8, 1.0), (0.1, 1.0), (0.09, 1.0)])
    assert trouble is not None
    assert (trouble.kind, trouble.good_step) == ("collapse", 0)  # no loss was seen to be calm
    assert "faces come out alike" in trouble.text


def test_codes_that_come_together_are_a_collapse_once_the_faces_differ() -> None:
    early = [(0.001, 1.0), (0.002, 0.1), (0.01, 0.02), (0.05, 0.02)]
    assert looked(Guard(0), early) is None
    trouble = looked(Guard(0), [*early, (0.6, 0.5), (0.6, 0.05), (0.6, 0.05)])
    assert trouble is not None
    assert "codes are alike" in trouble.text


def test_a_single_narrow_look_is_no_collapse() -> None:
    assert looked(Guard(0), [(0.8, 1.0), (0.05, 1.0), (0.8, 1.0), (0.05, 1.0)]) is None


def test_a_network_that_no_longer_sees_its_input_is_a_collapse_from_the_start() -> None:
    assert looked(Guard(0), [(0.002, None)] * 3) is None
    trouble = looked(Guard(0), [(0.002, None), (0.0, None), (math.nan, None)])
    assert trouble is not None
    assert trouble.kind == "collapse"


def faces(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, 32, 32, 3), dtype=np.float32)


def test_the_spread_of_a_real_network_tells_a_live_one_from_a_dead_one() -> None:
    net = DF(TINY)
    live = measure_spread(net, [faces(4), faces(4, 1)], CPU)
    assert live.image > 1e-4
    assert live.code is not None
    assert live.code > 0
    with torch.no_grad():
        for parameter in net.encoder.parameters():
            parameter.zero_()
    dead = measure_spread(net, [faces(4), faces(4, 1)], CPU)
    assert dead.image < 1e-6
    assert dead.code == 0


def test_faces_that_are_alike_themselves_say_nothing_of_the_network() -> None:
    same = np.repeat(faces(1), 3, axis=0)
    assert measure_spread(DF(TINY), [same, faces(1)], CPU).image == 1
