"""A network that doubles its resolution and keeps what it has learnt."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from faceplate.errors import BadSettings
from faceplate.models import ARCHITECTURES
from faceplate.models.df import DF, DFConfig
from faceplate.models.export import export_network
from faceplate.models.folder import ModelFolder, SwapModelConfig
from faceplate.models.net import SwapNet

SMALL: dict[str, Any] = {"ae_dims": 8, "e_dims": 8, "d_dims": 4, "d_mask_dims": 4}
CASES = [
    *((name, options) for name in ("df", "liae", "comb") for options in ("", "ud", "t", "udtc")),
    ("amp", "udt"),
    ("quick96", "ud"),
]
every_case = pytest.mark.parametrize(("name", "options"), CASES)


def grown(name: str, options: str, times: int = 1) -> tuple[SwapNet, SwapNet]:
    """Return a network and the same after it has grown."""
    kind = ARCHITECTURES.load(name)
    values = {"options": options, **SMALL}
    if name != "quick96":
        values["resolution"] = 32
    if name == "amp":
        values["inter_dims"] = 32
    small = kind.Config(**values)
    large = dataclasses.replace(small, resolution=small.resolution << times, grown=times)
    before, after = kind(small, seed=1), kind(large, seed=2)
    missing, unexpected = after.load_state_dict(before.state_dict(), strict=False)
    assert not unexpected
    assert all(".outer." in name for name in missing)
    after.fade(0.0)
    return before, after


def faces(net: SwapNet, count: int = 1, seed: int = 0) -> Tensor:
    side = net.config.resolution
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def upsampled(picture: Tensor) -> Tensor:
    logits = functional.interpolate(picture.logit(), scale_factor=2, mode="bilinear")
    return logits.sigmoid()


@every_case
def test_right_after_its_growth_a_network_gives_the_upsampled_old_picture(
    name: str, options: str
) -> None:
    before, after = grown(name, options)
    seen = faces(after)
    with torch.no_grad():
        old, new = before(functional.avg_pool2d(seen, 2)), after(seen)
    for small, large in zip(old, new, strict=True):
        assert large.shape[-1] == 2 * small.shape[-1]
        torch.testing.assert_close(large, upsampled(small), atol=1e-5, rtol=0)


@every_case
def test_every_weight_of_a_fading_network_gets_a_gradient(name: str, options: str) -> None:
    _, net = grown(name, options)
    net.fade(0.5)
    sides = [faces(net, 1, seed) for seed in range(net.people)]
    made = net.train_pass(sides, torch.Generator().manual_seed(0))
    torch.autograd.backward([(d.image.mean() + d.matte.mean()) for d in made.decoded])
    for weight, parameter in net.named_parameters():
        assert parameter.grad is not None, weight
        assert parameter.grad.abs().max() > 0, weight


def test_a_network_grows_more_than_once() -> None:
    once, twice = (
        DF(DFConfig(64, "ud", grown=1, **SMALL)),
        DF(DFConfig(128, "ud", grown=2, **SMALL)),
    )
    twice.load_state_dict(once.state_dict(), strict=False)
    twice.fade(0.0)
    seen = faces(twice)
    with torch.no_grad():
        old, new = once(functional.avg_pool2d(seen, 2))[0], twice(seen)[0]
    torch.testing.assert_close(new, upsampled(old), atol=1e-5, rtol=0)


def test_fading_moves_the_outermost_level_alone() -> None:
    net = DF(DFConfig(128, "ud", grown=2, **SMALL))
    net.fade(0.25)
    fades = {name: float(value) for name, value in net.state_dict().items() if "fade" in name}
    assert {value for name, value in fades.items() if ".0." in name} == {1.0}
    assert {value for name, value in fades.items() if ".1." in name} == {0.25}
    assert len(fades) == 6


def test_the_picture_changes_with_the_fading() -> None:
    _, net = grown("df", "ud")
    seen, pictures = faces(net), []
    for share in (0.0, 0.1, 1.0):
        net.fade(share)
        with torch.no_grad():
            pictures.append(net(seen)[0])
    near, far = ((p - pictures[0]).abs().mean() for p in pictures[1:])
    assert 0 < near < far / 3


def test_128_grows_to_1024() -> None:
    sizes = []
    for times in range(4):
        with torch.device("meta"):
            net = DF(DFConfig(128 << times, "ud", grown=times))
            image = net(torch.empty(1, 3, 128 << times, 128 << times))[0]
        assert image.shape[-1] == 128 << times
        sizes.append(sum(p.numel() for p in net.parameters()))
    assert sizes[0] == 54_470_998
    # each level is a quarter of the one inside: nearly all weights are those of the start
    assert sizes[3] < 1.02 * sizes[0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"resolution": 96, "grown": 1}, r"multiple of 64 in 64\.\.1024"),
        ({"resolution": 2048, "grown": 2}, r"in 128\.\.1024"),
        ({"resolution": 704, "grown": 0}, r"in 32\.\.640"),
        ({"resolution": 128, "grown": 6}, r"grown 6: expected 0\.\.5"),
    ],
)
def test_a_growth_that_cannot_be_is_refused(values: dict[str, int], message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        DFConfig(**values)  # type: ignore[arg-type]  # integers for integer fields


def test_a_growing_network_is_exported_as_it_fades(tmp_path: Path) -> None:
    _, net = grown("df", "ud")
    net.fade(0.5)
    config = SwapModelConfig("amy", "bob", "full_face", "acescct", "df", net.config)
    folder = ModelFolder.create(tmp_path / "model", config)
    folder.write_save(1, net.state_dict(), None, {})
    assert export_network(folder, tmp_path / "model.dfm", "dfm") < 1e-5
