import dataclasses

import pytest
import torch
from tests.core.train.test_step import batch, stepper

from faceplate.train.losses import blur_out
from faceplate.train.objective import Objective
from faceplate.train.presets import TrainSettings
from faceplate.train.step import Stepper


def terms(step: Stepper, **changes: object) -> tuple[list[float], dict[str, float]]:
    settings = dataclasses.replace(TrainSettings(), **changes)
    objective = Objective(settings)
    sides = step.sides(batch())
    passed = step.net.train_pass([side.image for side in sides], step.rng(0))
    found = objective(passed, objective.targets([side.target for side in sides]))
    return [x.item() for x in found.sides], {name: x.item() for name, x in found.parts.items()}


@pytest.mark.parametrize(
    ("changes", "side", "weights"),
    [
        ({"face_style_power": 0.5}, 0, {"face_style": 0.5}),
        ({"bg_style_power": 2.0}, 0, {"bg_style": 2.0}),
        ({"gan_power": 0.1}, 0, {"background_0": 0.02, "variation_0": 1e-6}),
        ({"background_power": 0.1}, 1, {"background_1": 0.1, "variation_1": 1e-6}),
    ],
)
def test_every_part_is_added_to_its_side_by_its_weight(
    changes: dict[str, float], side: int, weights: dict[str, float]
) -> None:
    step = stepper()
    plain, nothing = terms(step)
    sides, parts = terms(step, **changes)
    assert nothing == {}
    assert set(parts) == set(weights)
    extra = sum(parts[name] * weight for name, weight in weights.items())
    assert sides[side] - plain[side] == pytest.approx(extra, rel=1e-3, abs=2e-6)
    assert sides[1 - side] == plain[1 - side]


def test_without_masked_training_the_gan_needs_no_background() -> None:
    assert terms(stepper(), gan_power=0.1, masked_training=False)[1] == {}


def test_blurring_out_changes_the_targets_alone() -> None:
    step = stepper()
    sides = step.sides(batch())
    targets = [side.target for side in sides]
    changed = Objective(TrainSettings(blur_out_mask=True)).targets(targets)
    for before, after in zip(targets, changed, strict=True):
        assert torch.equal(after.image, blur_out(before.image, before.mask))
        assert torch.equal(after.mask, before.mask)
    assert Objective(TrainSettings()).targets(targets) == targets


def test_styles_of_a_whole_step_reach_the_network() -> None:
    step = stepper(face_style_power=1.0, bg_style_power=2.0, eyes_mouth_priority=True)
    before = step.net.decoder_likeness.head[0].weight.detach().clone()
    result = step(batch())
    assert set(result.parts) == {"face_style", "bg_style"}
    assert result.is_finite
    assert not torch.equal(before, step.net.decoder_likeness.head[0].weight)
