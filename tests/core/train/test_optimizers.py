import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from faceplate.errors import BadSettings
from faceplate.train.job import OptimizerName
from faceplate.train.mover import Mover
from faceplate.train.optimizers import (
    LearningRateDropout,
    learning_rate,
    make_optimizer,
    optimizer_tensors,
    restore_optimizer,
)
from faceplate.train.presets import TrainSettings

GRADS = [np.array([0.5, -2.0]), np.array([0.1, 4.0]), np.array([-3.0, 0.0])]


def moved(settings: TrainSettings) -> np.ndarray:
    weight = nn.Parameter(torch.tensor([1.0, 1.0]))
    optimizer = make_optimizer([weight], settings)
    for grad in GRADS:
        weight.grad = torch.tensor(grad, dtype=torch.float32)
        optimizer.step()
    return weight.detach().numpy()


def test_rmsprop_follows_its_formula() -> None:
    w, a = np.ones(2), np.zeros(2)
    for g in GRADS:
        a = 0.9 * a + 0.1 * g**2
        w = w - 0.01 * g / (np.sqrt(a) + 1e-6)
    got = moved(TrainSettings(optimizer="rmsprop", learning_rate=0.01))
    np.testing.assert_allclose(got, w, rtol=1e-6)


def test_adabelief_follows_its_formula_without_bias_correction() -> None:
    w, m, v = np.ones(2), np.zeros(2), np.zeros(2)
    for g in GRADS:
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * (g - m) ** 2
        w = w - 0.01 * m / (np.sqrt(v) + 1e-6)
    got = moved(TrainSettings(optimizer="adabelief", learning_rate=0.01))
    np.testing.assert_allclose(got, w, rtol=1e-5)


@pytest.mark.parametrize(("first", "second"), [(0.5, 0.999), (0.9, 0.99)])
def test_adam_follows_its_formula_with_the_settings_moments(first: float, second: float) -> None:
    w, m, v = np.ones(2), np.zeros(2), np.zeros(2)
    for t, g in enumerate(GRADS, 1):
        m = first * m + (1 - first) * g
        v = second * v + (1 - second) * g**2
        w = w - 0.01 * (m / (1 - first**t)) / (np.sqrt(v / (1 - second**t)) + 1e-8)
    settings = TrainSettings(
        optimizer="adam", learning_rate=0.01, first_moment=first, second_moment=second
    )
    np.testing.assert_allclose(moved(settings), w, rtol=1e-6)


def test_adam_is_the_papers_unless_told_otherwise() -> None:
    settings = TrainSettings(optimizer="adam")
    (group,) = make_optimizer([nn.Parameter(torch.zeros(1))], settings).param_groups
    assert (group["lr"], *group["betas"]) == (5e-5, 0.5, 0.999)


def dropped(step: int, seed: int = 1) -> torch.Tensor:
    weight = nn.Parameter(torch.zeros(400, 400))  # more than one piece
    settings = TrainSettings(optimizer="rmsprop", learning_rate=0.01)
    dropout = LearningRateDropout([weight], 0.3, seed)
    dropout.at(step)
    weight.grad = torch.ones_like(weight)
    make_optimizer([weight], settings, dropout).step()
    return weight.detach() != 0


def test_with_dropout_three_weights_in_ten_move() -> None:
    assert dropped(0).float().mean().item() == pytest.approx(0.3, abs=0.02)


def test_another_step_moves_other_weights_and_the_same_step_the_same() -> None:
    assert torch.equal(dropped(3), dropped(3))
    # Two independent choices of three in ten share nine in a hundred.
    assert (dropped(3) & dropped(4)).float().mean().item() == pytest.approx(0.09, abs=0.02)


def test_the_learning_rate_rises_stays_falls_and_stays_low() -> None:
    settings = TrainSettings(learning_rate=1e-3, warm_up_steps=10, decay_from=0.5, decay_to=0.1)
    rates = [learning_rate(settings, step, 100) for step in range(150)]
    assert rates[:10] == sorted(rates[:10])
    assert rates[0] == pytest.approx(1e-4)
    assert set(rates[9:51]) == {1e-3}
    assert rates[75] == pytest.approx(5.5e-4)  # halfway between 1e-3 and 1e-4
    assert rates[100:] == pytest.approx([1e-4] * 50)


def test_without_a_schedule_the_learning_rate_is_constant() -> None:
    settings = dataclasses.replace(TrainSettings(), learning_rate=5e-5)
    assert {learning_rate(settings, step, 100) for step in (0, 50, 99, 500)} == {5e-5}


@pytest.mark.parametrize("name", ["adam", "adabelief", "rmsprop"])
def test_a_restored_optimiser_goes_on_as_if_it_had_never_stopped(name: str) -> None:
    torch.manual_seed(0)
    settings = TrainSettings(optimizer=name, learning_rate=0.01)  # type: ignore[arg-type]
    weight = nn.Parameter(torch.randn(4, 3, 3, 3).to(memory_format=torch.channels_last))
    optimizer = make_optimizer([weight], settings)
    grads = torch.randn(4, 4, 3, 3, 3)
    for grad in grads[:2]:
        weight.grad = grad
        optimizer.step()
    copy = nn.Parameter(weight.detach().clone())
    second = make_optimizer([copy], settings)
    restore_optimizer(second, {copy: "w"}, optimizer_tensors(optimizer, {weight: "w"}))
    for grad in grads[2:]:
        weight.grad, copy.grad = grad, grad
        optimizer.step()
        second.step()
    assert torch.equal(weight, copy)


def test_weights_and_gradients_may_lie_differently_in_memory() -> None:
    settings = TrainSettings(optimizer="adabelief", learning_rate=0.01)
    grad = torch.randn(4, 8, 3, 3)
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        weight = nn.Parameter(torch.ones(4, 8, 3, 3).to(memory_format=layout))
        optimizer = make_optimizer([weight], settings)
        for _ in range(2):
            weight.grad = grad.clone()
            optimizer.step()
        results.append(weight.detach())
    torch.testing.assert_close(results[0], results[1])
    assert results[0].std() > 0


def test_beside_dropout_the_learning_rate_swings_along_a_cosine() -> None:
    settings = TrainSettings(learning_rate=1e-3, lr_dropout=0.3, lr_cos=500)
    rates = [learning_rate(settings, step, 10_000) for step in (0, 125, 250, 375, 500, 1250)]
    assert rates == pytest.approx([1e-3, 5e-4, 0, 5e-4, 1e-3, 0], abs=1e-12)


@pytest.mark.parametrize(
    "changes", [{"first_moment": 1.0}, {"second_moment": -0.1}, {"lr_cos": -1}, {"ema_decay": 1.0}]
)
def test_values_that_cannot_train_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(BadSettings, match=next(iter(changes))):
        TrainSettings(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("before", ["adam", "adabelief", "rmsprop"])
@pytest.mark.parametrize("after", ["adam", "adabelief", "rmsprop"])
def test_a_training_goes_on_with_another_optimiser_which_begins_afresh(
    before: OptimizerName, after: OptimizerName, caplog: pytest.LogCaptureFixture
) -> None:
    net = nn.Linear(3, 2)

    def mover(kind: OptimizerName) -> Mover:
        return Mover(net, TrainSettings(optimizer=kind, learning_rate=1e-3), 10, 0)

    def moved(by: Mover) -> None:
        net(torch.ones(1, 3)).sum().backward()
        by.move(0)

    first, second = mover(before), mover(after)
    moved(first)
    second.restore(first.tensors())
    moved(second)
    fresh = mover(after)
    moved(fresh)
    assert set(second.tensors()) == set(fresh.tensors())
    assert ("is of another optimiser" in caplog.text) == (before != after)
