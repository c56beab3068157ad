import logging

import pytest
import torch
from tests.support.training import TINY

from faceplate.errors import BadSettings
from faceplate.models.df import DF, DFConfig
from faceplate.models.liae import LIAE, LIAEConfig
from faceplate.train.transfer import fit_weights

OTHER = DF(TINY, seed=1)


def test_all_that_fits_is_taken_over() -> None:
    net = DF(TINY, seed=2)
    fitted = fit_weights(net, OTHER.state_dict(), [], "the other")
    assert (fitted.initialised, fitted.unused) == ([], [])
    assert all(torch.equal(fitted.weights[n], t) for n, t in OTHER.state_dict().items())


def test_what_does_not_fit_is_refused_by_name_and_shape() -> None:
    net = DF(DFConfig(32, "ud", 8, 4, 8, 4), seed=2)
    with pytest.raises(BadSettings) as refusal:
        fit_weights(net, OTHER.state_dict(), [], "the other")
    text = str(refusal.value)
    assert (
        "decoder_likeness.image.0.conv.weight (128 x 8 x 3 x 3, expected 256 x 8 x 3 x 3)" in text
    )
    assert "and 32 more, all in the log" in text
    assert text.endswith("--initialise decoder_likeness decoder_performer")


def test_every_misfit_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    net = DF(DFConfig(32, "ud", 8, 4, 8, 4), seed=2)
    with pytest.raises(BadSettings):
        fit_weights(net, OTHER.state_dict(), [], "the other")
    own = net.state_dict()
    misfits = {name for name, t in OTHER.state_dict().items() if t.shape != own[name].shape}
    assert len(misfits) == 44
    assert all(any(name in line for line in caplog.messages) for name in misfits)


def test_what_is_named_begins_afresh_and_is_told() -> None:
    net = DF(DFConfig(32, "ud", 8, 4, 8, 4), seed=2)
    asked = ["decoder_likeness", "decoder_performer", "inter.dense1.bias"]
    fitted = fit_weights(net, OTHER.state_dict(), asked, "the other")
    own = net.state_dict()
    assert fitted.initialised == sorted(
        name for name in own if name.startswith("decoder") or name == "inter.dense1.bias"
    )
    for name, tensor in fitted.weights.items():
        source = own if name in fitted.initialised else OTHER.state_dict()
        assert torch.equal(tensor, source[name])


def test_inters_stands_for_all_bottlenecks() -> None:
    config = LIAEConfig(32, "ud", 8, 4, 4, 4)
    fitted = fit_weights(LIAE(config, 2), LIAE(config, 1).state_dict(), ["inters"], "the other")
    assert {name.partition(".")[0] for name in fitted.initialised} == {"inter_ab", "inter_b"}


def test_what_has_no_place_is_named(caplog: pytest.LogCaptureFixture) -> None:
    weights = {**OTHER.state_dict(), "style.weight": torch.zeros(3)}
    with caplog.at_level(logging.WARNING):
        fitted = fit_weights(DF(TINY), weights, [], "the other")
    assert fitted.unused == ["style.weight"]
    assert "style.weight of the other has no place in the new network" in caplog.text


@pytest.mark.parametrize(
    ("asked", "hint"), [("decoder_likenes", "did you mean 'decoder_likeness'"), ("x", "its parts")]
)
def test_a_part_that_the_network_does_not_have_is_refused(asked: str, hint: str) -> None:
    with pytest.raises(BadSettings, match=hint):
        fit_weights(DF(TINY), OTHER.state_dict(), [asked], "the other")
