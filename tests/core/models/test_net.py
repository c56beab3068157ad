"""What holds for every architecture in each of its variants."""

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from faceplate.errors import BadSettings, UnknownComponent
from faceplate.models import ARCHITECTURES
from faceplate.models.net import NetConfig, SwapNet

LETTERS = ["".join(c) for n in range(5) for c in itertools.combinations("udtc", n)]
SMALL: dict[str, Any] = {"ae_dims": 8, "e_dims": 4, "d_dims": 4, "d_mask_dims": 4}


@dataclass(frozen=True)
class Case:
    name: str
    values: dict[str, Any]

    def build(self, seed: int = 0) -> SwapNet:
        kind = ARCHITECTURES.load(self.name)
        return kind(kind.Config(**self.values), seed)

    def __str__(self) -> str:
        return f"{self.name}-{self.values['options'] or 'plain'}"


CASES = [
    *(
        Case(name, {"resolution": 32, "options": letters, **SMALL})
        for name in ("df", "liae", "comb")
        for letters in LETTERS
    ),
    Case("quick96", {"options": "ud", **SMALL}),
    *(
        Case("amp", {"resolution": 32, "options": letters, "inter_dims": 32, **SMALL})
        for letters in ("udt", "udtc")
    ),
]
BUILT: dict[str, SwapNet] = {}


def shared(case: Case) -> SwapNet:
    """Return a network that is made once and only read."""
    if str(case) not in BUILT:
        BUILT[str(case)] = case.build()
    return BUILT[str(case)]


every_case = pytest.mark.parametrize("case", CASES, ids=str)


def faces(net: SwapNet, count: int, seed: int = 0) -> Tensor:
    side = net.config.resolution
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def sides(net: SwapNet) -> list[Tensor]:
    return [faces(net, 1, seed) for seed in range(net.people)]


@every_case
def test_a_swap_has_the_size_of_the_face_and_lies_in_0_to_1(case: Case) -> None:
    net = shared(case)
    side = net.config.resolution
    image, matte, performer = net(faces(net, 2))
    assert image.shape == (2, 3, side, side)
    assert matte.shape == performer.shape == (2, 1, side, side)
    for out in (image, matte, performer):
        assert out.dtype == torch.float32
        assert 0 <= out.min() < out.max() <= 1


@every_case
def test_a_training_pass_gives_every_side_its_face_and_every_weight_a_gradient(case: Case) -> None:
    net = case.build()
    made = net.train_pass(sides(net), torch.Generator().manual_seed(0))
    side = net.config.resolution
    assert len(made.decoded) == net.people
    for decoded in made.decoded:
        assert decoded.image.shape == (1, 3, side, side)
        assert decoded.matte.shape == (1, 1, side, side)
    torch.autograd.backward([(d.image.mean() + d.matte.mean()) for d in made.decoded])
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


@every_case
def test_a_swap_is_that_of_a_training_pass_and_its_second_matte_the_performers(case: Case) -> None:
    net = shared(case)
    given = sides(net)
    made = net.train_pass(given, torch.Generator().manual_seed(0))
    image, matte, performer = net(given[1])
    torch.testing.assert_close(performer, net.rebuild(given[1], 1).matte, atol=1e-5, rtol=0)
    torch.testing.assert_close(made.swap().image, image, atol=1e-5, rtol=0)
    torch.testing.assert_close(made.swap(through_code=False).matte, matte, atol=1e-5, rtol=0)


@every_case
def test_gradients_of_a_swap_end_at_the_code_where_that_is_asked(case: Case) -> None:
    net = case.build()
    made = net.train_pass(sides(net), torch.Generator().manual_seed(0))
    torch.autograd.backward(made.swap(through_code=False).image.sum())
    moved = {name.split(".")[0] for name, p in net.named_parameters() if p.grad is not None}
    assert all(name.startswith("decoder") for name in moved)
    assert moved


@pytest.mark.parametrize("name", ["df", "liae", "comb"])
def test_every_person_is_rebuilt_as_in_training(name: str) -> None:
    net = Case(name, {"resolution": 32, "options": "ud", **SMALL}).build()
    given = sides(net)
    for person, decoded in enumerate(net.train_pass(given).decoded):
        rebuilt = net.rebuild(given[person], person)
        torch.testing.assert_close(rebuilt.image, decoded.image, atol=1e-5, rtol=0)
        torch.testing.assert_close(rebuilt.matte, decoded.matte, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES.names()))
def test_the_seed_decides_the_weights_and_leaves_the_global_generator_alone(name: str) -> None:
    case = next(case for case in CASES if case.name == name)
    before = torch.get_rng_state()
    first, same, other = (case.build(seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    key = "encoder.layers.0.conv.weight"
    assert torch.equal(first[key], same[key])
    assert not torch.equal(first[key], other[key])


@pytest.mark.parametrize("name", sorted(ARCHITECTURES.names()))
def test_bottlenecks_are_parts_of_the_network(name: str) -> None:
    net = next(case for case in CASES if case.name == name).build()
    inside = set(net.modules())
    assert net.inters()
    assert set(net.inters()) <= inside


# Figures of the paper's own code at ae 256, e 64, d 64, m 22, to the digits that are known.
COUNTS = [
    ("df", {"resolution": 128, "options": ""}, "57.54"),
    ("df", {"resolution": 256, "options": ""}, "95.34"),
    ("df", {"resolution": 128, "options": "ud"}, "54.47"),
    ("df", {"resolution": 256, "options": "ud"}, "82.79"),
    ("df", {"resolution": 128, "options": "t"}, "90.78"),
    ("df", {"resolution": 256, "options": "udt"}, "97.17"),
    ("liae", {"resolution": 128, "options": ""}, "94.96"),
    ("liae", {"resolution": 128, "options": "ud"}, "82.38"),
    ("liae", {"resolution": 256, "options": "ud"}, "145.34"),
    ("liae", {"resolution": 256, "options": "udt"}, "102.75"),
    ("quick96", {}, "38.294330"),
    ("amp", {"resolution": 224}, "101.35"),
]


@pytest.mark.parametrize(("name", "values", "millions"), COUNTS)
def test_parameters_are_as_many_as_in_the_papers_code(
    name: str, values: dict[str, Any], millions: str
) -> None:
    digits = len(millions.partition(".")[2])
    assert f"{count(name, values) / 1e6:.{digits}f}" == millions


def test_the_parts_of_df_have_the_papers_counts() -> None:
    with torch.device("meta"):
        kind = ARCHITECTURES.load("df")
        net = kind(kind.Config(128, ""))
    parts = {name: round(_count(part) / 1e6, 2) for name, part in net.named_children()}
    decoders = {"decoder_likeness": 19.14, "decoder_performer": 19.14}
    assert parts == {"encoder": 4.31, "inter": 14.96, **decoders}


def test_a_comb_adds_a_decoder_for_each_person() -> None:
    sizes = [count("comb", {"options": "", "people": people}) for people in (2, 3, 4)]
    assert sizes[0] == 57_538_432  # as DF
    assert sizes[2] - sizes[1] == sizes[1] - sizes[0] == 19_136_000


def count(name: str, values: dict[str, Any]) -> int:
    kind = ARCHITECTURES.load(name)
    with torch.device("meta"):
        return _count(kind(kind.Config(**values)))


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("df", {"resolution": 100}, "multiple of 32"),
        ("df", {"resolution": 104, "options": "u"}, "multiple of 16"),
        ("liae", {"resolution": 112}, "multiple of 32"),
        ("liae", {"resolution": 656, "options": ""}, "32..640"),
        ("liae", {"options": "ux"}, "letters of 'udtc'"),
        ("df", {"options": "uu"}, "each once"),
        ("df", {"ae_dims": 0}, "ae_dims 0"),
        ("comb", {"d_mask_dims": 300}, "d_mask_dims 300"),
        ("comb", {"people": 1}, r"people 1: expected 2\.\.16"),
        ("quick96", {"resolution": 128}, "quick96 is 96 pixels"),
        ("quick96", {"options": "udt"}, "quick96 is 96 pixels"),
        ("amp", {"options": "ud"}, "amp has 'udt' always"),
        ("amp", {"morph_factor": 0.6}, r"0\.1\.\.0\.5"),
        ("amp", {"inter_dims": 16}, r"inter_dims 16: expected 32\.\.2048"),
    ],
)
def test_shapes_that_cannot_be_built_are_refused(
    name: str, values: dict[str, Any], message: str
) -> None:
    kind: type[NetConfig] = ARCHITECTURES.load(name).Config
    with pytest.raises(BadSettings, match=message):
        kind(**values)


def test_an_unknown_architecture_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownComponent, match="liae"):
        ARCHITECTURES.load("liea")
