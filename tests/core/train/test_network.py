from typing import Any

import pytest

from faceplate.errors import BadSettings, UnknownComponent
from faceplate.models import ARCHITECTURES
from faceplate.models.amp import AMPConfig
from faceplate.models.comb import CombConfig
from faceplate.models.df import DFConfig
from faceplate.models.folder import SwapModelConfig
from faceplate.models.liae import LIAEConfig
from faceplate.models.net import NetConfig
from faceplate.train.job import TrainJob
from faceplate.train.network import new_net, preset_name, resumed_net
from faceplate.train.presets import PRESETS


def job(**values: Any) -> TrainJob:
    return TrainJob("amy.faceset", "bob.faceset", "model", **values)


@pytest.mark.parametrize("name", PRESETS)
def test_the_net_of_a_preset_is_of_its_architecture(name: str) -> None:
    preset = PRESETS[name]  # type: ignore[index]  # a name of the table
    assert type(preset.net) is ARCHITECTURES.load(preset.architecture).Config


@pytest.mark.parametrize(
    ("values", "architecture", "net"),
    [
        ({}, "df", DFConfig(128, "ud")),
        ({"architecture": "liae"}, "liae", LIAEConfig(128, "ud")),
        ({"preset": "dfhd"}, "df", DFConfig(256, "udt")),
        ({"preset": "liaehd", "options": "dt"}, "liae", LIAEConfig(256, "dt")),
        ({"architecture": "amp", "morph_factor": 0.3}, "amp", AMPConfig(morph_factor=0.3)),
        ({"architecture": "comb", "others": ["c", "d"]}, "comb", CombConfig(people=4)),
        ({"preset": "demo", "architecture": "liae"}, "liae", LIAEConfig(96, "ud", 32, 32, 16, 8)),
        (
            {"preset": "demo", "architecture": "amp"},
            "amp",
            AMPConfig(96, "udt", 32, 32, 16, 8),
        ),
    ],
)
def test_a_new_net_follows_from_preset_and_architecture(
    values: dict[str, Any], architecture: str, net: NetConfig
) -> None:
    assert new_net(job(**values)) == (architecture, net)


def test_settings_that_belong_to_another_architecture_change_nothing_else() -> None:
    assert new_net(job(inter_dims=64)) == ("df", DFConfig(128, "ud"))


def test_every_architecture_has_a_usual_preset() -> None:
    for name in ARCHITECTURES.names():
        assert PRESETS[preset_name(job(architecture=name))].architecture == name


def test_an_unknown_architecture_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownComponent, match="quick96"):
        new_net(job(architecture="quick69"))


def test_further_people_need_a_comb() -> None:
    with pytest.raises(BadSettings, match="train a comb model"):
        new_net(job(architecture="liae", others=["c"]))


MODEL = SwapModelConfig("amy", "bob", "full_face", "acescct", "df", DFConfig(128, "ud"))


def test_a_model_is_trained_on_as_it_is() -> None:
    assert resumed_net(job(), MODEL) == MODEL.net
    assert resumed_net(job(architecture="df", resolution=128, options="ud"), MODEL) == MODEL.net


def test_twice_the_resolution_makes_a_model_grow() -> None:
    assert resumed_net(job(resolution=256), MODEL) == DFConfig(256, "ud", grown=1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"architecture": "liae"}, "architecture df, asked for liae"),
        ({"options": "udt"}, "name another folder"),
        ({"resolution": 512}, "ask for 256"),
        ({"resolution": 64}, "ask for 256"),
    ],
)
def test_a_model_of_another_shape_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        resumed_net(job(**values), MODEL)
