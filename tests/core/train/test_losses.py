import numpy as np
import pytest
import torch
from torch import Tensor

from faceplate.train.losses import FaceLoss, dssim, gaussian_blur, soft_mask


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


def loss_inputs(resolution: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    colour = (1, 3, resolution, resolution)
    image, target = (torch.rand(colour, generator=generator) for _ in range(2))
    mask = torch.ones(1, 1, resolution, resolution)
    return {
        "image": image,
        "matte": mask * 0.5,
        "target": target,
        "mask": mask,
        "eyes_mouth": mask * 0.25,
    }


def test_below_256_the_loss_is_10_dssim_plus_10_mse_plus_10_mse_of_the_matte() -> None:
    values = loss_inputs(96)
    weight = soft_mask(values["mask"], "saehd")
    seen, wanted = values["image"] * weight, values["target"] * weight
    mse = (seen - wanted).square().mean()
    expected = 10 * dssim(seen, wanted, 8) + 10 * mse + 10 * 0.25
    torch.testing.assert_close(FaceLoss()(**values), expected)


def test_from_256_structure_is_compared_at_two_scales() -> None:
    values = loss_inputs(256)
    weight = soft_mask(values["mask"], "saehd")
    seen, wanted = values["image"] * weight, values["target"] * weight
    structure = 5 * dssim(seen, wanted, 22) + 5 * dssim(seen, wanted, 11)
    expected = structure + 10 * (seen - wanted).square().mean() + 10 * 0.25
    torch.testing.assert_close(FaceLoss()(**values), expected)


def test_eyes_and_mouth_add_300_times_their_absolute_error() -> None:
    values = loss_inputs(32)
    extra = FaceLoss(eyes_mouth_priority=True)(**values) - FaceLoss()(**values)
    error = (values["target"] - values["image"]).abs().mean()
    torch.testing.assert_close(extra, 300 * 0.25 * error, rtol=1e-4, atol=1e-4)


def test_what_lies_outside_the_mask_costs_nothing() -> None:
    values = loss_inputs(96)
    values["mask"] = torch.zeros(1, 1, 96, 96)
    values["mask"][..., 30:60, 30:60] = 1
    changed = {**values, "image": values["image"].clone()}
    changed["image"][..., :10, :10] = 0
    torch.testing.assert_close(FaceLoss()(**values), FaceLoss()(**changed))
