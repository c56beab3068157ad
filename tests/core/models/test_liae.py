import pytest
import torch

from faceplate.models.liae import LIAE, LIAEConfig
from faceplate.models.net import InterTraining

NET = LIAE(LIAEConfig(32, "ud", 8, 4, 4, 4), seed=1)
LIKENESS, PERFORMER = torch.rand(2, 2, 3, 32, 32, generator=torch.Generator().manual_seed(2))


def codes(faces: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    features = NET.encoder(faces)
    return NET.inter_ab(features), NET.inter_b(features)


def test_the_likeness_is_decoded_from_ab_twice_and_the_performer_from_b_and_ab() -> None:
    ab, _ = codes(LIKENESS)
    performer_ab, performer_b = codes(PERFORMER)
    wanted = (
        NET.decoder(torch.cat([ab, ab], 1)),
        NET.decoder(torch.cat([performer_b, performer_ab], 1)),
    )
    decoded = NET.train_pass([LIKENESS, PERFORMER]).decoded
    torch.testing.assert_close(tuple(decoded[0]), wanted[0])
    torch.testing.assert_close(tuple(decoded[1]), wanted[1])


def test_a_swap_takes_ab_of_the_performer_twice() -> None:
    ab, b = codes(PERFORMER)
    image, matte, performer = NET(PERFORMER)
    torch.testing.assert_close((image, matte), NET.decoder(torch.cat([ab, ab], 1)))
    torch.testing.assert_close(performer, NET.decoder(torch.cat([b, ab], 1))[1])


def test_the_codes_of_a_training_pass_are_ab_of_both_people() -> None:
    made = NET.train_pass([LIKENESS, PERFORMER])
    torch.testing.assert_close(made.codes, [codes(LIKENESS)[0], codes(PERFORMER)[0]])


def test_the_likeness_leaves_inter_b_alone() -> None:
    net = LIAE(NET.config, seed=3)
    torch.autograd.backward(net.train_pass([LIKENESS, PERFORMER]).decoded[0].image.sum())
    assert all(p.grad is None or not p.grad.any() for p in net.inter_b.parameters())
    assert all(p.grad is not None and p.grad.any() for p in net.inter_ab.parameters())


@pytest.mark.parametrize(
    ("training", "random_warp", "frozen"),
    [
        ("auto", True, False),
        ("auto", False, True),
        ("original", True, False),
        ("original", False, True),
        ("all", False, False),
    ],
)
def test_inter_ab_stays_as_it_is_without_the_warp_unless_all_is_trained(
    training: InterTraining, random_warp: bool, frozen: bool
) -> None:
    assert NET.frozen(training, random_warp) == ([NET.inter_ab] if frozen else [])
