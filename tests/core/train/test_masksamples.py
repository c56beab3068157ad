import numpy as np
import pytest

from faceplate.train.maskbank import MaskBank, MaskFace
from faceplate.train.maskoccluders import cover, texture
from faceplate.train.masksamples import MaskOptions, mask_sample

SIDE = 96


def disc():
    y, x = np.mgrid[:SIDE, :SIDE]
    return (np.hypot(x - 47.5, y - 47.5) < 30).astype(np.float32)


def bank():
    """Two faces: a bright disc on noise, a darker one on another noise."""
    faces = []
    for number, tone in enumerate((0.9, 0.6)):
        noise = np.random.default_rng(number).random((SIDE, SIDE, 3), np.float32) * 0.3
        view = np.where(disc()[..., None] > 0, np.float32(tone), noise)
        pixels = [np.rint(image * 255).astype(np.uint8) for image in (view, disc())]
        faces.append(MaskFace(*pixels, f"face {number}"))
    return MaskBank(tuple(faces), "full_face", ("a disc",))


def sample(seed=0, **changes):
    options = MaskOptions(64, **{"background": 0.0, "occluders": 0.0, "spoil": 0.0, **changes})
    return mask_sample(bank(), 0, options, np.random.default_rng(seed))


def test_picture_and_matte_move_together():
    for seed in range(8):
        made = sample(seed)
        bright = made.view.mean(axis=-1) > 0.5
        assert (bright != (made.mask > 0.5)).mean() < 0.01


def test_samples_differ_by_their_seed_alone():
    first, again, other = sample(1), sample(1), sample(2)
    assert np.array_equal(first.view, again.view)
    assert np.array_equal(first.mask, again.mask)
    assert not np.array_equal(first.mask, other.mask)


def test_another_background_leaves_the_face_alone():
    plain = sample(3, warp=0.0, transform=0.0, rotation_deg=0.0, shift=0.0, flip=False)
    other = sample(
        3, warp=0.0, transform=0.0, rotation_deg=0.0, shift=0.0, flip=False, background=1.0
    )
    inside = plain.mask == 1
    assert np.abs(plain.view - other.view)[inside].max() < 0.02
    assert np.abs(plain.view - other.view)[plain.mask == 0].mean() > 0.02
    assert np.array_equal(plain.mask, other.mask)


def test_what_covers_a_face_is_taken_out_of_its_matte_and_is_seen():
    view, mask = bank().faces[0].floats()
    covered = 0
    for seed in range(12):
        seen, left = cover(view, mask, view, np.random.default_rng(seed))
        assert (left <= mask + 1e-6).all()
        gone = (mask > 0.5) & (left < 0.05)
        covered += bool(gone.any())
        if gone.sum() > 50:
            assert np.abs(seen - view)[gone].mean() > 0.02
        assert np.isfinite(seen).all()
    assert covered >= 8


def test_a_spoilt_sample_keeps_its_matte_and_stays_in_range():
    plain, spoilt = sample(5), sample(5, spoil=1.0)
    assert np.array_equal(plain.mask, spoilt.mask)
    assert not np.array_equal(plain.view, spoilt.view)
    assert spoilt.view.min() >= 0
    assert spoilt.view.max() <= 1


@pytest.mark.parametrize("seed", range(4))
def test_made_up_textures_fill_their_square(seed):
    made = texture(48, np.random.default_rng(seed))
    assert made.shape == (48, 48, 3)
    assert made.min() >= 0
    assert made.max() <= 1
    assert made.std() > 0.01


def test_a_bank_is_split_evenly():
    faces = bank().faces * 10
    learnt, held = MaskBank(faces, "", ()).split(0.2)
    assert (len(learnt.faces), len(held.faces)) == (16, 4)
    assert MaskBank(faces, "", ()).split(0.0)[1].faces == ()
