import torch

from faceplate.models import blocks


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
