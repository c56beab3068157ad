import pytest
import torch
from torch import nn

from faceplate.models import layers


def test_up_puts_channel_4c_plus_2y_plus_x_at_row_y_and_column_x() -> None:
    up = layers.Up(1, 2, layers.leaky)
    nn.init.zeros_(up.conv.weight)
    with torch.no_grad():
        assert up.conv.bias is not None
        up.conv.bias.copy_(torch.arange(8.0))
    out = up(torch.zeros(1, 1, 1, 1))
    assert out[0, 0].tolist() == [[0, 1], [2, 3]]
    assert out[0, 1].tolist() == [[4, 5], [6, 7]]


def test_pixel_norm_gives_every_code_a_mean_square_of_one() -> None:
    code = layers.pixel_norm(torch.tensor([[3.0, 4.0], [0.3, 0.4]]))
    # 3 / sqrt((9 + 16) / 2) = 0.848528..., whatever the scale
    assert code[0].tolist() == pytest.approx([0.8485281, 1.1313708], abs=1e-5)
    assert code[1].tolist() == pytest.approx([0.8485281, 1.1313708], abs=1e-5)


def test_pixel_norm_of_a_zero_code_is_zero() -> None:
    assert layers.pixel_norm(torch.zeros(1, 4)).tolist() == [[0, 0, 0, 0]]


def test_residual_blocks_leak_twice_as_much() -> None:
    x = torch.tensor([-1.0, 2.0])
    assert layers.activation_of("ud")(x).tolist() == pytest.approx([-0.1, 2.0])
    assert layers.activation_of("ud", residual=True)(x).tolist() == pytest.approx([-0.2, 2.0])


@pytest.mark.parametrize("residual", [False, True])
def test_option_c_takes_x_cos_x_everywhere(residual: bool) -> None:
    out = layers.activation_of("uc", residual)(torch.tensor([1.0, -2.0]))
    assert out.tolist() == pytest.approx([0.5403023, 0.8322937])  # math.cos(1), -2 * math.cos(2)


def test_a_residual_block_without_weights_is_its_activation() -> None:
    res = layers.Res(2, layers.leaky_res)
    for parameter in res.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(1, 2, 3, 3)
    torch.testing.assert_close(res(x), layers.leaky_res(x))
