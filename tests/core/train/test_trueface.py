from pathlib import Path

import pytest
import torch
from tests.core.train.test_step import batch, stepper
from tests.support.training import tiny_job
from torch import Tensor

from faceplate.context import Context
from faceplate.errors import BadSettings
from faceplate.models.df import DF
from faceplate.models.liae import LIAE
from faceplate.models.net import SwapNet
from faceplate.train.opponent import is_real
from faceplate.train.presets import TrainSettings
from faceplate.train.rivals import check_rivals
from faceplate.train.trainer import train
from faceplate.train.trueface import CodeDiscriminator, TrueFace


def opponent(**changes: float) -> TrueFace:
    settings = TrainSettings(learning_rate=2e-4, true_face_power=0.1, **changes)  # type: ignore[arg-type]
    return TrueFace(torch.zeros(1, 6, 8, 8), settings, 100, torch.device("cpu"), seed=3)


def codes(shift: float = 0.0) -> Tensor:
    generator = torch.Generator().manual_seed(int(shift * 10))
    return torch.randn(4, 6, 8, 8, generator=generator) + shift


@pytest.mark.parametrize(
    ("side", "kernels", "out"), [(4, [4], 2), (8, [4, 3], 2), (16, [4, 3, 3], 2)]
)
def test_the_discriminator_has_one_more_convolution_for_every_eight_pixels(
    side: int, kernels: list[int], out: int
) -> None:
    net = CodeDiscriminator(5, side)
    assert [conv.kernel_size[0] for conv in net.convs] == kernels
    assert [conv.out_channels for conv in net.convs] == [256, 512, 1024][: len(kernels)]
    assert net(torch.zeros(2, 5, side, side)).shape == (2, 1, out, out)


def test_widths_stop_at_eight_times_the_first() -> None:
    assert [conv.out_channels for conv in CodeDiscriminator(1, 32).convs][-2:] == [2048, 2048]


def test_codes_that_pass_for_real_cost_nothing_and_those_seen_through_much() -> None:
    assert is_real((torch.full((2, 1, 2, 2), 30.0),), 1.0).item() == pytest.approx(0, abs=1e-6)
    assert is_real((torch.full((2, 1, 2, 2), -30.0),), 1.0).item() == pytest.approx(30)
    assert is_real((torch.zeros(2, 1, 2, 2),), 0.0).item() == pytest.approx(0.693147, abs=1e-5)


def test_only_the_model_is_moved_by_fooling_and_only_the_discriminator_by_telling_apart() -> None:
    face = opponent()
    fake = codes().requires_grad_()
    face.fooled(fake).backward()
    assert fake.grad is not None
    assert fake.grad.abs().sum() > 0
    assert all(p.grad is None for p in face.net.parameters())
    fake.grad = None
    face.told_apart(codes(0.5), fake).backward()
    assert fake.grad is None
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in face.net.parameters())


def test_the_loss_of_fooling_has_the_gradient_of_its_value() -> None:
    face = opponent()
    face.net.double()
    fake = codes().double()[:1].requires_grad_()
    assert torch.autograd.gradcheck(face.fooled, fake, fast_mode=True)


def test_the_discriminator_learns_to_tell_codes_apart() -> None:
    face = opponent()
    first = None
    for step in range(6):
        loss = face.told_apart(codes(0.4), codes())
        first = first or loss.item()
        loss.backward()
        face.mover.move(step)
    assert face.told_apart(codes(0.4), codes()).item() < 0.8 * first


def test_fooling_a_taught_discriminator_draws_codes_towards_the_real() -> None:
    face = opponent()
    away = torch.full((1, 6, 1, 1), 1.0, requires_grad=True)
    for step in range(8):
        face.told_apart(codes(), codes() + away).backward()
        face.mover.move(step)
    (gradient,) = torch.autograd.grad(face.fooled(codes() + away), away)
    assert (gradient * away).sum().item() > 0


def test_its_losses_are_told_by_name_and_only_where_it_is_on() -> None:
    assert stepper()(batch()).parts == {}
    parts = stepper(true_face_power=0.01)(batch()).parts
    assert set(parts) == {"true_face", "true_face_own"}
    assert parts["true_face_own"] == pytest.approx(0.69, abs=0.2)


def test_a_training_with_true_face_goes_on_bit_for_bit_after_a_save() -> None:
    whole = stepper(true_face_power=0.5)
    for number in range(2):
        whole(batch(number, seed=number))
    weights = {name: value.clone() for name, value in whole.weights().items()}
    training = {name: value.clone() for name, value in whole.training_tensors().items()}
    resumed = stepper(true_face_power=0.5)
    resumed.restore(weights, training, "save")
    for number in range(2, 4):
        assert whole(batch(number, seed=number)) == resumed(batch(number, seed=number))
    for name, value in whole.training_tensors().items():
        assert torch.equal(value, resumed.training_tensors()[name]), name


def test_a_training_without_true_face_so_far_starts_it_afresh() -> None:
    plain, joined = stepper(), stepper(true_face_power=0.1)
    plain(batch())
    joined.restore(plain.weights(), plain.training_tensors(), "save")
    assert joined(batch(1)).is_finite


def test_a_discriminator_of_another_shape_is_refused_with_what_to_do() -> None:
    tensors = opponent().tensors()
    other = TrueFace(torch.zeros(1, 7, 8, 8), TrainSettings(), 100, torch.device("cpu"), 0)
    with pytest.raises(BadSettings, match=r"true_face has another shape.* true_face_power 0"):
        other.restore(tensors)


def test_a_power_beyond_one_is_refused() -> None:
    with pytest.raises(BadSettings, match="true_face_power"):
        TrainSettings(true_face_power=1.5)


@pytest.mark.parametrize("options", ["dt", "udt"])
@pytest.mark.parametrize("kind", [DF, LIAE])
def test_a_code_of_one_pixel_is_refused_with_what_to_change(
    kind: type[SwapNet], options: str
) -> None:
    wanted = TrainSettings(true_face_power=0.1)
    with pytest.raises(BadSettings, match=r"code of 32 pixels is 1 x 1.*resolution of 64 or more"):
        check_rivals(kind, kind.Config(32, options), wanted)
    check_rivals(kind, kind.Config(64, options), wanted)
    check_rivals(kind, kind.Config(32, "ut"), wanted)
    check_rivals(kind, kind.Config(32, options), TrainSettings())


def test_a_training_that_cannot_begin_leaves_nothing_behind(tmp_path: Path) -> None:
    context = Context(home=tmp_path / "home", device="cpu", consent_policy="warn")
    for changes in ({"true_face_power": 0.1, "options": "dt"}, {"offload_optimizer": True}):
        with pytest.raises(BadSettings, match=next(iter(changes))):
            train(tiny_job(tmp_path, **changes), context)
        assert not (tmp_path / "model").exists()
