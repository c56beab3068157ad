import pytest
import torch
from torch import Tensor, nn

from faceplate.models import smallmap
from faceplate.models.smallmap import is_small_map, small_map_conv


def gradients(conv: nn.Conv2d, x: Tensor, own: bool) -> tuple[Tensor, ...]:
    x = x.clone().requires_grad_()
    conv.zero_grad()
    y = small_map_conv(conv, x) if own else conv(x)
    (y * torch.linspace(-1, 1, y.numel()).reshape(y.shape)).sum().backward()
    assert conv.weight.grad is not None
    assert conv.bias is not None
    assert conv.bias.grad is not None
    assert x.grad is not None
    return y.detach(), x.grad, conv.weight.grad.clone(), conv.bias.grad.clone()


@pytest.mark.parametrize(("size", "stride", "side"), [(3, 1, 6), (5, 2, 12), (5, 2, 9)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_value_and_gradients_are_those_of_the_convolution(
    size: int, stride: int, side: int, layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(5, 7, size, stride, size // 2)
    x = torch.rand(2, 5, side, side).contiguous(memory_format=layout)
    for ours, theirs in zip(gradients(conv, x, True), gradients(conv, x, False), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_its_gradients_are_those_of_its_value() -> None:
    conv = nn.Conv2d(2, 3, 3, padding=1).double()
    x = torch.rand(1, 2, 4, 4, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: small_map_conv(conv, x), x)
    assert torch.autograd.gradcheck(
        lambda w: torch.func.functional_call(_Own(conv), {"conv.weight": w}, (x.detach(),)),
        conv.weight,
    )


class _Own(nn.Module):
    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        return small_map_conv(self.conv, x)


def test_only_large_kernels_over_small_maps_in_training_are_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smallmap, "_LEAST_WEIGHTS", 8 * 8 * 9)
    large, small = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1)
    x = torch.rand(4, 8, 12, 12)
    assert is_small_map(large, x)
    assert not is_small_map(small, x)
    assert not is_small_map(large, torch.rand(8, 8, 12, 12))
    assert is_small_map(nn.Conv2d(8, 8, 5, stride=2, padding=2), torch.rand(8, 8, 12, 12))
    assert not is_small_map(large, x.bfloat16())
    with torch.no_grad():
        assert not is_small_map(large, x)
    with torch.autocast("cpu", torch.bfloat16):
        assert not is_small_map(large, x)
