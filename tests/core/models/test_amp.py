import pytest
import torch

from faceplate.models.amp import AMP, AMPConfig
from faceplate.models.net import InterTraining

CONFIG = AMPConfig(32, "udt", 8, 4, 4, 4, inter_dims=40, morph_factor=0.3)
NET = AMP(CONFIG, seed=1)
FACES = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(2))


def bottlenecks(faces: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    code = NET.dense(NET.encoder(faces))
    return NET.inter_likeness(code), NET.inter_performer(code)


def swapped(morph: float | torch.Tensor | None) -> torch.Tensor:
    image: torch.Tensor = NET(FACES, morph)[0]
    return image


def test_morph_zero_is_the_performer_and_one_the_likeness_alone() -> None:
    likeness, performer = bottlenecks(FACES)
    torch.testing.assert_close(swapped(0.0), NET.decoder(performer)[0])
    torch.testing.assert_close(swapped(1.0), NET.decoder(likeness)[0])
    torch.testing.assert_close(swapped(None), swapped(1.0))


def test_a_morph_value_takes_the_first_channels_from_the_likeness() -> None:
    likeness, performer = bottlenecks(FACES)
    mixed = torch.cat([likeness[:, :28], performer[:, 28:]], 1)  # int(40 * 0.7) = 28
    torch.testing.assert_close(swapped(0.7), NET.decoder(mixed)[0])


def test_every_face_of_a_batch_can_have_its_own_morph_value() -> None:
    both = swapped(torch.tensor([0.25, 1.0]))
    torch.testing.assert_close(both[:1], swapped(0.25)[:1], atol=1e-5, rtol=0)
    torch.testing.assert_close(both[1:], swapped(1.0)[1:], atol=1e-5, rtol=0)


def test_training_mixes_as_many_channels_as_the_factor_says_afresh_for_every_sample() -> None:
    chosen = NET._random_channels(64, torch.Generator().manual_seed(0)).flatten(1)
    assert chosen.sum(1).tolist() == [12] * 64  # int(40 * 0.3)
    assert len({tuple(row) for row in chosen.tolist()}) == 64
    # every channel is chosen now and then: 64 draws of 30 %
    assert 5 <= chosen.sum(0).min() < chosen.sum(0).max() <= 35


def test_the_random_mix_follows_from_the_generator() -> None:
    def decoded(seed: int) -> torch.Tensor:
        return NET.train_pass([FACES, FACES], torch.Generator().manual_seed(seed)).decoded[0].image

    assert torch.equal(decoded(1), decoded(1))
    assert not torch.equal(decoded(1), decoded(2))


def test_a_rebuild_spreads_the_likeness_evenly() -> None:
    places = NET._even_channels().flatten().nonzero().flatten()
    assert len(places) == 12
    assert set(places.diff().tolist()) == {3, 4}


@pytest.mark.parametrize(("training", "frozen"), [("auto", 0), ("all", 0), ("original", 2)])
def test_the_bottlenecks_are_trained_unless_the_original_is_asked_for(
    training: InterTraining, frozen: int
) -> None:
    assert NET.frozen(training, random_warp=True) == NET.inters()[:frozen]


def test_true_face_has_no_codes_to_pull_together() -> None:
    assert NET.train_pass([FACES, FACES], torch.Generator().manual_seed(0)).codes == []


def test_processes_that_share_a_batch_choose_the_channels_that_one_chooses() -> None:
    def generator() -> torch.Generator:
        return torch.Generator().manual_seed(3)

    whole = NET._random_channels(6, generator())
    for start, count in ((0, 1), (1, 3), (4, 2)):
        moved_on = generator()
        torch.rand(start * NET.drawn, generator=moved_on)
        assert torch.equal(NET._random_channels(count, moved_on), whole[start : start + count])
