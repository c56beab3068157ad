import torch

from faceplate.models.comb import Comb, CombConfig
from faceplate.models.df import DF, DFConfig

NET = Comb(CombConfig(32, "ud", 8, 4, 4, 4, people=4), seed=1)
FACES = torch.rand(4, 1, 3, 32, 32, generator=torch.Generator().manual_seed(2))


def test_each_person_has_a_decoder_of_their_own() -> None:
    assert NET.people == 4
    decoded = NET.train_pass(list(FACES)).decoded
    for person, (faces, made) in enumerate(zip(FACES, decoded, strict=True)):
        wanted = NET.decoders[person](NET.encode(faces))
        torch.testing.assert_close(tuple(made), wanted, atol=1e-5, rtol=0)


def test_anybody_goes_in_the_place_of_anybody() -> None:
    image, matte, performer = NET(FACES[3], people=(2, 3))
    code = NET.encode(FACES[3])
    torch.testing.assert_close((image, matte), NET.decoders[2](code))
    torch.testing.assert_close(performer, NET.decoders[3](code)[1])


def test_a_comb_of_two_is_df() -> None:
    df, comb = DF(DFConfig(32, "ud", 8, 4, 4, 4)), Comb(CombConfig(32, "ud", 8, 4, 4, 4, people=2))
    names = {"decoder_likeness": "decoders.0", "decoder_performer": "decoders.1"}
    weights = {}
    for name, tensor in df.state_dict().items():
        head, _, rest = name.partition(".")
        weights[f"{names.get(head, head)}.{rest}"] = tensor
    comb.load_state_dict(weights)
    torch.testing.assert_close(comb(FACES[0]), df(FACES[0]))
