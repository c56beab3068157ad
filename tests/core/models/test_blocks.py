import pytest
import torch
from torch import nn

from faceplate.models import blocks


def test_up_puts_channel_4c_plus_2y_plus_x_at_row_y_and_column_x() -> None:
    up = blocks.Up(1, 2, blocks.leaky)
    nn.init.zeros_(up.conv.weight)
    with torch.no_grad():
        up.conv.bias.copy_(torch.arange(8.0))
    out = up(torch.zeros(1, 1, 1, 1))
    assert out[0, 0].tolist() == [[0, 1], [2, 3]]
    assert out[0, 1].tolist() == [[4, 5], [6, 7]]


def test_pixel_norm_gives_every_code_a_mean_square_of_one() -> None:
    code = blocks.pixel_norm(torch.tensor([[3.0, 4.0], [0.3, 0.4]]))
    # 3 / sqrt((9 + 16) / 2) = 0.848528..., whatever the scale
    assert code[0].tolist() == pytest.approx([0.8485281, 1.1313708], abs=1e-5)
    assert code[1].tolist() == pytest.approx([0.8485281, 1.1313708], abs=1e-5)


def test_pixel_norm_of_a_zero_code_is_zero() -> None:
    assert blocks.pixel_norm(torch.zeros(1, 4)).tolist() == [[0, 0, 0, 0]]


def test_residual_blocks_leak_twice_as_much() -> None:
    x = torch.tensor([-1.0, 2.0])
    assert blocks.activation_of("ud")(x).tolist() == pytest.approx([-0.1, 2.0])
    assert blocks.activation_of("ud", residual=True)(x).tolist() == pytest.approx([-0.2, 2.0])


@pytest.mark.parametrize("residual", [False, True])
def test_option_c_takes_x_cos_x_everywhere(residual: bool) -> None:
    out = blocks.activation_of("uc", residual)(torch.tensor([1.0, -2.0]))
    assert out.tolist() == pytest.approx([0.5403023, 0.8322937])  # math.cos(1), -2 * math.cos(2)


def test_a_residual_block_without_weights_is_its_activation() -> None:
    res = blocks.Res(2, blocks.leaky_res)
    for parameter in res.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(1, 2, 3, 3)
    torch.testing.assert_close(res(x), blocks.leaky_res(x))


def test_glorot_draws_within_its_bound_and_zeroes_the_bias() -> None:
    conv = nn.Conv2d(4, 8, 3)
    blocks.glorot(conv)
    bound = (6 / ((4 + 8) * 9)) ** 0.5
    assert 0.8 * bound < conv.weight.abs().max().item() <= bound
    assert conv.bias is not None
    assert conv.bias.abs().max().item() == 0


def test_the_doubled_head_equals_its_four_convolutions() -> None:
    decoder = blocks.Decoder(4, 4, 4, "d")
    code = torch.randn(2, 4, 2, 2)
    features = decoder.image(code)
    wanted = torch.empty(2, 3, 32, 32)
    for place, conv in enumerate(decoder.head):
        wanted[:, :, place // 2 :: 2, place % 2 :: 2] = torch.sigmoid(conv(features))
    torch.testing.assert_close(decoder.to_image(code), wanted, atol=1e-6, rtol=0)


def test_encoder_flattens_channel_first() -> None:
    encoder = blocks.Encoder(32, 4, "")
    image = torch.rand(1, 3, 32, 32)
    code = encoder(image)
    torch.testing.assert_close(code, encoder.layers(image).reshape(1, -1))
    assert code.shape == (1, encoder.size) == (1, 4 * 8 * 2 * 2)
