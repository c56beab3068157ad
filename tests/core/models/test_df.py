import torch

from faceplate.models import ARCHITECTURES
from faceplate.models.df import DF, DFConfig

TINY = DFConfig(32, "ud", 8, 4, 4, 4)


def test_the_order_of_options_does_not_matter() -> None:
    faces = torch.rand(1, 3, 32, 32)
    first, second = DF(TINY), DF(DFConfig(32, "du", 8, 4, 4, 4))
    torch.testing.assert_close(first(faces), second(faces))


def test_a_swap_decodes_the_performers_code_with_the_likeness_decoder() -> None:
    net = DF(TINY)
    faces = torch.rand(1, 3, 32, 32)
    image, matte, performer = net(faces)
    code = net.encode(faces)
    torch.testing.assert_close((image, matte), net.decoder_likeness(code))
    torch.testing.assert_close(performer, net.decoder_performer(code)[1])
    assert not torch.allclose(image, net.decoder_performer(code)[0])


def test_the_codes_of_a_training_pass_are_those_of_the_bottleneck() -> None:
    net = DF(TINY)
    sides = [torch.rand(2, 3, 32, 32), torch.rand(1, 3, 32, 32)]
    for side, code in zip(sides, net.train_pass(sides).codes, strict=True):
        torch.testing.assert_close(code, net.encode(side))


def test_people_can_be_turned_round() -> None:
    net = DF(TINY)
    faces = torch.rand(1, 3, 32, 32)
    image, _, likeness = net(faces, people=(1, 0))
    torch.testing.assert_close(image, net.rebuild(faces, 1).image)
    torch.testing.assert_close(likeness, net.rebuild(faces, 0).matte)


def test_df_is_registered() -> None:
    assert ARCHITECTURES.load("df") is DF
