import pytest
import torch
from torch import Tensor

from faceplate.models.net import Decoded
from faceplate.train.losses import dssim
from faceplate.train.style import background_style, face_style, style_distance


def picture(seed: int, side: int = 32) -> Tensor:
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(seed))


def half(rows: slice) -> Tensor:
    matte = torch.zeros(2, 1, 32, 32)
    matte[..., rows, :] = 1
    return matte


def test_style_is_the_distance_of_means_and_deviations_of_each_channel() -> None:
    ramp = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    a, b = ramp * 0.5, ramp * 0.5 + 0.2
    # Blurred by a kernel of one pixel's width nearly: the means differ by 0.2, the deviations not.
    assert style_distance(a, b, 0.1).item() == pytest.approx(0.04, rel=0.05)
    assert style_distance(a, a, 4).item() == 0


def test_pixels_in_another_place_are_of_the_same_style() -> None:
    a = picture(1)
    assert style_distance(a, a.flip(-1), 2).item() == pytest.approx(0, abs=1e-9)
    assert (a - a.flip(-1)).abs().mean() > 0.2


def test_style_has_the_gradient_of_its_value() -> None:
    a, b = (picture(seed, 12).double().requires_grad_() for seed in (1, 2))
    assert torch.autograd.gradcheck(lambda x, y: style_distance(x, y, 2), (a, b), fast_mode=True)


def test_face_style_moves_the_decoder_alone() -> None:
    code = torch.rand(2, 3, 1, 1, requires_grad=True)
    weight = torch.ones(1, requires_grad=True)
    matte = torch.full((2, 1, 32, 32), 0.5, requires_grad=True)
    performer = Decoded(picture(2).requires_grad_(), half(slice(0, 32)))

    def swap(*, through_code: bool = True) -> Decoded:
        used = code if through_code else code.detach()
        return Decoded(weight * used * picture(1), matte)

    loss = face_style(swap, performer)
    loss.backward()
    assert weight.grad is not None
    assert weight.grad.abs() > 0
    assert code.grad is None
    assert matte.grad is None
    assert performer.image.grad is None
    shown, wanted = (code * picture(1) * 0.5).detach(), performer.image.detach()
    assert loss.item() == pytest.approx(100 * style_distance(shown, wanted, 4).item(), rel=1e-5)


def test_the_style_mask_is_the_predicted_one_and_not_the_likenesss() -> None:
    # The peers overwrite it with the likeness's own mask, of another picture: there what the
    # performer's face covers would be compared, and part of the surroundings not.
    target, swapped = picture(1), picture(1)
    matte = half(slice(0, 16))
    inside, outside = swapped.clone(), swapped.clone()
    inside[..., 2:10, :] = 0
    outside[..., 24:, :] = 0
    performer = Decoded(picture(3), matte)
    same = background_style(Decoded(swapped, matte), performer, target)
    assert same.item() == pytest.approx(0, abs=1e-6)
    assert background_style(Decoded(inside, matte), performer, target).item() < 1e-6
    assert background_style(Decoded(outside, matte), performer, target).item() > 0.01


def test_background_style_is_a_tenth_of_structure_and_colour() -> None:
    swapped, target, empty = picture(1), picture(2), torch.zeros(2, 1, 32, 32)
    loss = background_style(Decoded(swapped, empty), Decoded(target, empty), target)
    expected = (dssim(swapped, target, 2) + (swapped - target).square().mean()) / 10
    torch.testing.assert_close(loss, expected)


def test_background_style_has_the_gradient_of_its_value() -> None:
    image, target = picture(1, 16).double().requires_grad_(), picture(2, 16).double()
    matte = half(slice(0, 8))[..., :16, :16].double()
    assert torch.autograd.gradcheck(
        lambda x: background_style(Decoded(x, matte), Decoded(target, matte), target),
        image,
        fast_mode=True,
    )
