import pytest
import torch

from faceplate.errors import BadSettings
from faceplate.models import ARCHITECTURES
from faceplate.models.df import DF, DFConfig


# Counts of the graphs that the paper's own code builds.
@pytest.mark.parametrize(
    ("config", "count"),
    [
        (DFConfig(96, "ud", 128, 64, 64, 16), 38_294_330),
        (DFConfig(128, "ud", 256, 64, 64, 22), 54_470_998),
        (DFConfig(128, "", 256, 64, 64, 22), 57_538_432),
    ],
    ids=["quick96", "df-ud@128", "df@128"],
)
def test_parameters_are_as_many_as_in_the_papers_code(config: DFConfig, count: int) -> None:
    with torch.device("meta"):
        net = DF(config)
    assert sum(parameter.numel() for parameter in net.parameters()) == count


@pytest.mark.parametrize("options", ["", "u", "d", "ud", "t", "udt", "c", "udtc"])
def test_every_variant_gives_back_the_size_it_was_given(options: str) -> None:
    net = DF(DFConfig(64, options, 8, 4, 4, 4))
    image, matte, performer = net(torch.rand(2, 3, 64, 64))
    assert image.shape == (2, 3, 64, 64)
    assert matte.shape == performer.shape == (2, 1, 64, 64)
    for out in (image, matte, performer):
        assert out.dtype == torch.float32
        assert 0 <= out.min() < out.max() <= 1


def test_the_order_of_options_does_not_matter() -> None:
    faces = torch.rand(1, 3, 32, 32)
    first, second = DF(DFConfig(32, "ud", 8, 4, 4, 4)), DF(DFConfig(32, "du", 8, 4, 4, 4))
    torch.testing.assert_close(first(faces), second(faces))


def test_a_swap_decodes_the_performers_code_with_the_likeness_decoder() -> None:
    net = DF(DFConfig(32, "ud", 8, 4, 4, 4))
    faces = torch.rand(1, 3, 32, 32)
    image, matte, performer = net(faces)
    code = net.encode(faces)
    torch.testing.assert_close((image, matte), net.likeness(code))
    torch.testing.assert_close(performer, net.performer(code)[1])
    assert not torch.allclose(image, net.performer(code)[0])


def test_the_seed_decides_the_weights_and_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    config = DFConfig(32, "ud", 8, 4, 4, 4)
    first, same, other = (DF(config, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    name = "encoder.layers.0.conv.weight"
    assert torch.equal(first[name], same[name])
    assert not torch.equal(first[name], other[name])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"resolution": 100}, "multiple of 32"),
        ({"resolution": 112}, "multiple of 32"),
        ({"resolution": 104, "options": "u"}, "multiple of 16"),
        ({"resolution": 656, "options": ""}, "32..640"),
        ({"options": "ux"}, "letters of 'udtc'"),
        ({"options": "uu"}, "each once"),
        ({"ae_dims": 0}, "ae_dims 0"),
        ({"d_mask_dims": 300}, "d_mask_dims 300"),
    ],
)
def test_shapes_that_cannot_be_built_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        DFConfig(**values)  # type: ignore[arg-type]  # wrong on purpose


def test_df_is_registered() -> None:
    assert ARCHITECTURES.load("df") is DF
