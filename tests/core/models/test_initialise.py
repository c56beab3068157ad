import pytest
import torch
from torch import nn

from faceplate.errors import BadSettings
from faceplate.models.df import DF, DFConfig
from faceplate.models.initialise import (
    convolution_aware,
    glorot,
    initialise,
    orthogonal_kernels,
)


def test_glorot_draws_within_its_bound_and_zeroes_the_bias() -> None:
    conv = nn.Conv2d(4, 8, 3)
    glorot(conv)
    bound = (6 / ((4 + 8) * 9)) ** 0.5
    assert 0.8 * bound < conv.weight.abs().max().item() <= bound
    assert conv.bias is not None
    assert conv.bias.abs().max().item() == 0


@pytest.mark.parametrize("side", [3, 5])
def test_the_kernels_of_an_output_are_orthogonal_in_fourier_space(side: int) -> None:
    size = side * side
    spectra = torch.fft.fft2(orthogonal_kernels(4, size + 3, side, side), norm="ortho").flatten(2)
    for group in (spectra[:, :size], spectra[:, size:]):
        products = group @ group.mH
        wanted = torch.eye(group.shape[1], dtype=products.dtype).expand_as(products)
        torch.testing.assert_close(products, wanted, atol=1e-5, rtol=0)


def test_the_kernels_are_orthogonal_in_the_standard_space_too() -> None:
    kernels = orthogonal_kernels(2, 9, 3, 3).flatten(2)
    wanted = torch.eye(9).expand(2, 9, 9)
    torch.testing.assert_close(kernels @ kernels.mT, wanted, atol=1e-5, rtol=0)


def test_they_are_as_often_odd_as_even() -> None:
    kernels = orthogonal_kernels(64, 9, 3, 3)
    even = (kernels + kernels.flip(-1, -2)) / 2
    # of the nine dimensions of a 3 x 3 kernel five are even
    assert even.square().sum().item() / kernels.square().sum().item() == pytest.approx(5 / 9)


def test_convolution_aware_has_the_variance_of_he_and_no_bias() -> None:
    conv = nn.Conv2d(32, 64, 5)
    convolution_aware(conv)
    assert conv.weight.var().item() == pytest.approx(2 / (32 * 25), rel=1e-4)
    assert conv.bias is not None
    assert not conv.bias.any()


@pytest.mark.parametrize("layer", [nn.Linear(16, 8), nn.Conv2d(16, 8, 1)])
def test_layers_without_a_fourier_space_are_glorots(layer: nn.Linear | nn.Conv2d) -> None:
    convolution_aware(layer)
    assert 0.4 < layer.weight.abs().max().item() <= (6 / (16 + 8)) ** 0.5


def test_a_network_is_initialised_as_it_is_asked_and_from_its_seed() -> None:
    config = DFConfig(32, "ud", 8, 4, 4, 4)
    names = ("convolution_aware", "convolution_aware", "glorot")
    key = "encoder.layers.1.conv.weight"
    kernel, again, plain = (DF(config, 1, name).state_dict()[key] for name in names)
    assert torch.equal(kernel, again)
    assert not torch.equal(kernel, plain)
    rows = kernel[0].flatten(1)  # (4, 25)
    products = rows @ rows.T
    torch.testing.assert_close(products, products.diagonal().mean() * torch.eye(4))


def test_an_unknown_initialisation_is_refused() -> None:
    with pytest.raises(BadSettings, match="convolution_aware, glorot"):
        initialise(nn.Conv2d(1, 1, 1), "he")
