import pytest
import torch

from faceplate.errors import BadSettings
from faceplate.segment import MASK_NETWORKS
from faceplate.segment.masknet import MaskNetConfig
from faceplate.segment.xsegnet import FRN, BlurPool


@pytest.mark.parametrize("name", MASK_NETWORKS.names())
def test_every_network_gives_one_logit_for_each_pixel(name):
    net = MASK_NETWORKS.load(name)(MaskNetConfig(128, 4)).eval()
    assert net(torch.rand(2, 3, 128, 128)).shape == (2, 1, 128, 128)


@pytest.mark.parametrize("name", MASK_NETWORKS.names())
def test_every_weight_of_a_network_is_trained(name):
    net = MASK_NETWORKS.load(name)(MaskNetConfig(64, 4)).train()
    net(torch.rand(2, 3, 64, 64)).square().sum().backward()
    idle = [name for name, param in net.named_parameters() if param.grad is None]
    assert not idle


def test_the_encoder_of_ternausnet_is_that_of_vgg11():
    net = MASK_NETWORKS.load("ternausnet")(MaskNetConfig(64, 64))
    shapes = [
        tuple(module.weight.shape[:2])
        for module in net.levels.modules()
        if isinstance(module, torch.nn.Conv2d)
    ]
    assert shapes == [
        (64, 3), (128, 64), (256, 128), (256, 256), (512, 256), (512, 512), (512, 512), (512, 512),
    ]  # fmt: skip


def test_a_blurred_pool_keeps_a_flat_picture():
    for taps in (2, 3, 4):
        assert torch.allclose(BlurPool(taps)(torch.full((1, 3, 8, 8), 0.7)), torch.tensor(0.7))


def test_filter_responses_are_normalised_to_a_mean_square_of_one():
    image = 5 * torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    layer = FRN(3)
    with torch.no_grad():
        layer.threshold.fill_(-100)
    assert torch.allclose(layer(image).square().mean((2, 3)), torch.ones(2, 3), atol=1e-4)


@pytest.mark.parametrize("values", [{"resolution": 100}, {"resolution": 32}, {"width": 2}])
def test_shapes_that_make_no_network_are_refused(values):
    with pytest.raises(BadSettings, match=next(iter(values))):
        MaskNetConfig(**values)


@pytest.mark.parametrize("name", MASK_NETWORKS.names())
def test_a_black_picture_gives_finite_logits(name):
    net = MASK_NETWORKS.load(name)(MaskNetConfig(64, 8)).eval()
    assert torch.isfinite(net(torch.zeros(1, 3, 64, 64))).all()
