import dataclasses

import pytest
import torch
from tests.support.training import TINY
from torch._subclasses.fake_tensor import FakeTensorMode

from faceplate.models.df import DF
from faceplate.train.footprint import Allocations, Footprint, footprint
from faceplate.train.losses import gaussian_blur
from faceplate.train.presets import TrainSettings

CPU = torch.device("cpu")
SETTINGS = TrainSettings(batch=4, optimizer="rmsprop")


def of(**changes: object) -> Footprint:
    settings = dataclasses.replace(SETTINGS, **changes)  # type: ignore[arg-type]
    return footprint(DF, TINY, settings, CPU, torch.float32)


@pytest.fixture(scope="module")
def plain() -> Footprint:
    return of()


def test_what_comes_and_goes_is_counted() -> None:
    with FakeTensorMode(), Allocations() as count:
        kept = [torch.zeros(256)]
        for _ in range(3):
            kept.append((kept[-1] + 1) * 2)
            kept = kept[-1:]
        view = kept[0][:10]
    assert (count.live, count.peak) == (1024, 3072)
    assert view.shape == (10,)


def test_weights_gradients_and_moments_are_four_bytes_each(plain: Footprint) -> None:
    count = sum(p.numel() for p in DF(TINY).parameters())
    assert plain.parameters == count
    assert plain.weights == pytest.approx(4 * count, rel=0.01)
    assert plain.gradients == plain.optimizer == 4 * count
    assert of(optimizer="adam").optimizer == 8 * count
    assert plain.total == (plain.weights + plain.optimizer + plain.gradients + plain.activations)


def test_a_mean_of_the_weights_is_as_large_as_they_are(plain: Footprint) -> None:
    assert of(ema_decay=0.99).weights == pytest.approx(2 * plain.weights, rel=0.01)


def test_activations_grow_with_the_batch_and_not_with_its_parts(plain: Footprint) -> None:
    twice = of(batch=8)
    assert twice.activations == pytest.approx(2 * plain.activations, rel=0.1)
    parts = of(batch=8, gradient_accumulation=2)
    assert parts.activations == pytest.approx(plain.activations, rel=0.01)


def test_checkpointing_and_discriminators_count(plain: Footprint) -> None:
    assert of(checkpointing=True).activations < 0.8 * plain.activations
    assert of(gan_power=0.1, gan_dims=4).activations > plain.activations
    assert of(true_face_power=0.1).weights > plain.weights + 4 * 8 * 256 * 16


def test_nothing_fake_is_left_behind(plain: Footprint) -> None:
    blurred = gaussian_blur(torch.ones(1, 1, TINY.resolution, TINY.resolution), 1.0)
    assert type(blurred) is torch.Tensor
    assert blurred.max().item() == pytest.approx(1)
