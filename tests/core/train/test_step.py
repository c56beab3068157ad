import dataclasses

import numpy as np
import pytest
import torch
from tests.support.training import TINY

from faceplate.models.df import DF
from faceplate.train.loader import Batch, SideBatch
from faceplate.train.presets import PRESETS, TrainSettings
from faceplate.train.step import Stepper

CPU = torch.device("cpu")


def batch(step: int = 0, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)

    def side() -> SideBatch:
        image = rng.random((2, 32, 32, 3), dtype=np.float32)
        return SideBatch(image, image, np.ones((2, 32, 32, 2), np.float32))

    return Batch(step, (side(), side()))


def stepper(dtype: torch.dtype = torch.float32, **changes: object) -> Stepper:
    wanted = {"optimizer": "adam", "learning_rate": 2e-3, **changes}
    settings = dataclasses.replace(TrainSettings(), **wanted)
    return Stepper(DF(TINY, seed=1), settings, 100, CPU, dtype, seed=0)


def test_the_same_batch_over_and_over_is_learnt() -> None:
    step = stepper(learning_rate=5e-3)
    losses = [sum(step(batch()).sides) for _ in range(25)]
    assert losses[-1] < 0.75 * losses[0]


def test_each_person_moves_their_own_decoder_and_both_the_encoder() -> None:
    step = stepper()
    step.losses(step.sides(batch()), step.rng(0)).sides[0].backward()
    assert step.net.encoder.layers[0].conv.weight.grad is not None
    assert all(p.grad is not None for p in step.net.decoder_likeness.parameters())
    assert all(p.grad is None for p in step.net.decoder_performer.parameters())


def test_losses_that_are_not_finite_move_nothing() -> None:
    step = stepper()
    bad = batch()
    bad.likeness.image[0, 0, 0, 0] = np.nan
    before = {name: value.clone() for name, value in step.net.state_dict().items()}
    assert not np.isfinite(step(bad).likeness)
    assert all(torch.equal(before[name], now) for name, now in step.net.state_dict().items())


def test_clipping_bounds_the_first_step_of_a_huge_gradient() -> None:
    plain, clipped = stepper(optimizer="rmsprop"), stepper(optimizer="rmsprop", clip_gradients=True)
    seen = []
    for step in (plain, clipped):
        norms: list[float] = []
        step.optimizer.register_step_pre_hook(
            lambda opt, args, kwargs, norms=norms: norms.append(
                float(torch.stack([p.grad.norm() for p in opt.param_groups[0]["params"]]).norm())
            )
        )
        step(batch())
        seen.append(norms[0])
    assert seen[0] > 1.001
    assert seen[1] == pytest.approx(1.0, abs=1e-3)


def test_bfloat16_inside_the_network_gives_nearly_the_same_losses() -> None:
    full, brief = stepper(), stepper(torch.bfloat16)
    a, b = sum(full(batch()).sides), sum(brief(batch()).sides)
    assert a != b
    assert b == pytest.approx(a, rel=5e-3)
    assert all(p.dtype == torch.float32 for p in brief.net.parameters())


def test_the_learning_rate_of_the_schedule_is_used() -> None:
    settings = PRESETS["demo"].settings
    step = Stepper(DF(TINY), settings, 1000, CPU, torch.float32, seed=0)
    step(batch(step=999))
    assert step.optimizer.param_groups[0]["lr"] == pytest.approx(
        settings.learning_rate * 0.05, rel=0.01
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_swap_of_a_style_is_decoded_in_the_number_format_of_the_rest(
    dtype: torch.dtype,
) -> None:
    plain = stepper(face_style_power=1.0, bg_style_power=1.0)(batch())
    narrow = stepper(dtype, face_style_power=1.0, bg_style_power=1.0)(batch())
    assert set(plain.parts) == set(narrow.parts) == {"face_style", "bg_style"}
    assert narrow.sides == pytest.approx(plain.sides, rel=0.02)
