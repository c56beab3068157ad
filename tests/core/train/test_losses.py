import numpy as np
import pytest
import torch
from torch import Tensor

from faceplate.models.net import Decoded
from faceplate.train.losses import (
    FaceLoss,
    Target,
    blur_out,
    dssim,
    gaussian_blur,
    soft_mask,
    structure,
    total_variation,
)


def ramps() -> tuple[Tensor, Tensor]:
    y, x = np.mgrid[0:24, 0:24] / 23.0
    first = np.stack([x, y, x * y])[None]
    second = np.stack([x**2, y, 1 - x * y])[None]
    return torch.tensor(first), torch.tensor(second)


def test_dssim_agrees_with_scikit_image() -> None:
    # for each channel: structural_similarity(a, b, gaussian_weights=True, sigma=1.5, win_size=11,
    #     use_sample_covariance=False, data_range=1, full=True)[1][5:-5, 5:-5].mean()
    # (1 - mean of the channels) / 2
    assert dssim(*ramps(), 11).item() == pytest.approx(0.27743654886973734, abs=1e-12)


def test_dssim_of_equal_images_is_zero() -> None:
    image = torch.rand(2, 3, 16, 16)
    assert dssim(image, image, 8).item() == pytest.approx(0, abs=1e-6)


def test_dssim_has_the_gradient_of_its_value() -> None:
    a, b = (image[:, :1, :10, :10].clone().requires_grad_() for image in ramps())
    assert torch.autograd.gradcheck(lambda x, y: dssim(x, y, 8), (a, b))


def test_blur_agrees_with_a_zero_padded_gaussian_of_13_taps() -> None:
    matte = torch.zeros(1, 1, 96, 96)
    matte[..., 20:70, 30:80] = 1
    blurred = gaussian_blur(matte, 3.0)[0, 0]
    # k = exp(-arange(-6, 7)² / 18), normalised;
    # scipy.ndimage.convolve1d(convolve1d(matte, k, 0, mode="constant"), k, 1, mode="constant")
    assert blurred[45, 30].item() == pytest.approx(0.5685114082421128, abs=1e-6)
    assert blurred[45, 29].item() == pytest.approx(0.43148859175788723, abs=1e-6)
    assert blurred[20, 30].item() == pytest.approx(0.3232052213014302, abs=1e-6)


def test_the_saehd_mask_is_one_up_to_the_masks_edge_and_the_quick96_mask_is_half_there() -> None:
    mask = torch.zeros(1, 1, 96, 96)
    mask[..., :48] = 1
    saehd, quick = (soft_mask(mask, form)[0, 0, 48] for form in ("saehd", "quick96"))
    assert saehd[47].item() == 1
    assert 0.8 < saehd[48].item() < 1
    assert 0.5 < quick[47].item() < 0.6
    assert saehd[60].item() == quick[60].item() == 0


def pair(resolution: int) -> tuple[Decoded, Target]:
    generator = torch.Generator().manual_seed(0)
    colour = (1, 3, resolution, resolution)
    image, target = (torch.rand(colour, generator=generator) for _ in range(2))
    mask = torch.ones(1, 1, resolution, resolution)
    return Decoded(image, mask * 0.5), Target(target, mask, mask * 0.25)


def test_below_256_the_loss_is_10_dssim_plus_10_mse_plus_10_mse_of_the_matte() -> None:
    decoded, target = pair(96)
    weight = soft_mask(target.mask, "saehd")
    seen, wanted = decoded.image * weight, target.image * weight
    mse = (seen - wanted).square().mean()
    expected = 10 * dssim(seen, wanted, 8) + 10 * mse + 10 * 0.25
    torch.testing.assert_close(FaceLoss()(decoded, target), expected)


def test_from_256_structure_is_compared_at_two_scales() -> None:
    decoded, target = pair(256)
    weight = soft_mask(target.mask, "saehd")
    seen, wanted = decoded.image * weight, target.image * weight
    both = 5 * dssim(seen, wanted, 22) + 5 * dssim(seen, wanted, 11)
    expected = both + 10 * (seen - wanted).square().mean() + 10 * 0.25
    torch.testing.assert_close(FaceLoss()(decoded, target), expected)


def test_both_scales_agree_with_scikit_image() -> None:
    y, x = np.mgrid[0:256, 0:256] / 255.0
    waves = [0.5 + 0.5 * np.sin(f * x * 40 + y * 23 * f) for f in (1, 2, 1.1)]
    first = torch.tensor(np.stack([waves[0], waves[1], x * y])[None])
    second = torch.tensor(np.stack([waves[2], waves[1] * 0.7, 1 - x * y])[None])
    # As above; for the window of 21 pixels its Gaussian is cut at 6.7 sigma in place of 3.5.
    assert dssim(first, second, 11).item() == pytest.approx(0.3141983909855175, abs=1e-12)
    assert dssim(first, second, 21).item() == pytest.approx(0.31525861662732535, abs=1e-12)
    expected = (dssim(first, second, 22) + dssim(first, second, 11)) / 2
    assert structure(first, second).item() == pytest.approx(expected.item(), abs=1e-12)


def test_eyes_and_mouth_add_300_times_their_absolute_error() -> None:
    decoded, target = pair(32)
    extra = FaceLoss(eyes_mouth_priority=True)(decoded, target) - FaceLoss()(decoded, target)
    error = (target.image - decoded.image).abs().mean()
    torch.testing.assert_close(extra, 300 * 0.25 * error, rtol=1e-4, atol=1e-4)


def outside_changed() -> tuple[Decoded, Decoded, Target]:
    decoded, target = pair(96)
    mask = torch.zeros(1, 1, 96, 96)
    mask[..., 30:60, 30:60] = 1
    changed = decoded.image.clone()
    changed[..., :10, :10] = 0
    return decoded, decoded._replace(image=changed), target._replace(mask=mask)


def test_what_lies_outside_the_mask_costs_nothing() -> None:
    decoded, changed, target = outside_changed()
    torch.testing.assert_close(FaceLoss()(decoded, target), FaceLoss()(changed, target))


def test_without_masked_training_the_whole_picture_counts() -> None:
    decoded, changed, target = outside_changed()
    loss = FaceLoss(masked_training=False)
    assert loss(changed, target) > loss(decoded, target) + 1e-3


def test_total_variation_is_of_rows_and_columns_and_not_of_channels() -> None:
    # The peers' tensors differ along channels and rows on a GPU: there a picture of stripes along
    # its columns would cost nothing, and one of three flat colours much.
    flat = torch.tensor([0.0, 0.5, 1.0]).reshape(1, 3, 1, 1).expand(2, 3, 8, 8)
    assert total_variation(flat).item() == 0
    stripes = torch.zeros(2, 3, 8, 8)
    stripes[..., 4:] = 0.5
    assert total_variation(stripes).item() == pytest.approx(3 * 8 * 0.25)
    assert total_variation(stripes.mT).item() == pytest.approx(3 * 8 * 0.25)


def test_surroundings_are_blurred_by_themselves_and_the_face_stays() -> None:
    image = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(1)) * 0.1
    mask = torch.zeros(1, 1, 256, 256)
    mask[..., 80:180, 90:160] = 1
    image = image + mask * 0.8  # a bright face must not bleed out
    blurred = blur_out(image, mask)
    inside = mask.expand_as(image) == 1
    assert torch.equal(blurred[inside], image[inside])
    assert blurred[~inside].max() < 0.1
    assert blurred[~inside].std() < 0.5 * image[~inside].std()
    assert blurred[~inside].mean() == pytest.approx(image[~inside].mean().item(), rel=0.01)


def test_a_target_that_is_all_face_stays_as_it_is() -> None:
    image = torch.rand(1, 3, 32, 32)
    assert torch.equal(blur_out(image, torch.ones(1, 1, 32, 32)), image)


@pytest.mark.parametrize(
    "loss", [FaceLoss(), FaceLoss("quick96", False, True), FaceLoss(eyes_mouth_priority=True)]
)
def test_the_loss_of_a_face_has_the_gradient_of_its_value(loss: FaceLoss) -> None:
    decoded, target = (type(p)(*(x.double() for x in p)) for p in pair(16))
    mattes = [m.requires_grad_() for m in (decoded.image, decoded.matte)]
    assert torch.autograd.gradcheck(
        lambda image, matte: loss(Decoded(image, matte), target), mattes, fast_mode=True
    )


@pytest.mark.parametrize("form", [total_variation, lambda x: blur_out(x, x[:, :1]).square().sum()])
def test_variation_and_blurring_out_have_the_gradient_of_their_value(form: object) -> None:
    image = torch.rand(1, 3, 12, 12, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(form, image, fast_mode=True)


def test_structure_is_compared_at_as_many_scales_as_are_asked_for() -> None:
    a, b = (torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(n)) for n in (1, 2))
    fine, coarse = dssim(a, b, 8), dssim(a, b, 4)  # windows of 96 / 11.6 and 96 / 23.2
    assert torch.equal(structure(a, b), fine)
    assert torch.equal(structure(a, b, 1), fine)
    assert torch.equal(structure(a, b, 2), (fine + coarse) / 2)
    a, b = (torch.nn.functional.interpolate(image, size=(256, 256)) for image in (a, b))
    assert torch.equal(structure(a, b), structure(a, b, 2))
    assert not torch.equal(structure(a, b), structure(a, b, 1))
