import pytest
import torch
from torch import nn

from faceplate.errors import Damaged
from faceplate.io.torchfile import FastNet, fast_dtype, load_state, reading


def small_net() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 4, 3)
    return nn.Sequential(*layers)


class Several(nn.Module):
    """Answers twice, as detectors do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 1)

    def forward(self, image):
        return [self.conv(image), image]


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_answers_are_those_of_plain_float32_within_the_rounding(dtype, bound):
    image = torch.rand(2, 3, 24, 40)
    with torch.no_grad():
        wanted = small_net().eval()(image)
    (answer,) = FastNet(small_net(), dtype)(image)
    assert answer.dtype == torch.float32
    assert (answer - wanted).abs().max() < bound * wanted.abs().max()


def test_all_answers_come_back_and_need_no_gradient():
    image = torch.rand(1, 3, 8, 8)
    first, second = FastNet(Several(), torch.float32)(image)
    assert first.shape == (1, 2, 8, 8)
    assert not first.requires_grad
    torch.testing.assert_close(second, image)


def test_a_network_that_was_training_answers_as_one_that_is_not():
    net = small_net().train()
    image = torch.rand(1, 3, 8, 8)
    fast = FastNet(net, torch.float32)
    torch.testing.assert_close(fast(image)[0], fast(image)[0])
    assert not net.training


def test_half_the_bits_are_taken_only_where_the_machine_is_fast_in_them():
    amx = torch.cpu.get_capabilities().get("amx_bf16", False)
    assert fast_dtype() == (torch.bfloat16 if amx else torch.float32)


def test_a_state_dict_comes_back_and_another_network_s_is_damaged(tmp_path):
    path = tmp_path / "net.pth"
    torch.save(small_net().state_dict(), path)
    net = small_net()
    nn.init.zeros_(net[0].weight)
    load_state(net, path, "small")
    torch.testing.assert_close(net[0].weight, small_net()[0].weight)
    with pytest.raises(Damaged, match=r"net\.pth holds no weights of Several"):
        load_state(Several(), path, "Several")


def test_what_is_no_fault_of_the_file_is_let_through(tmp_path):
    with pytest.raises(KeyboardInterrupt), reading(tmp_path, "small"):
        raise KeyboardInterrupt
