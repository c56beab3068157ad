import numpy as np
import pytest
from tests.support.swaps import encodings, mini_frame

from faceplate.merge.defocus import defocus, match_defocus
from faceplate.merge.finish import Place, finish_face, needs_motion
from faceplate.merge.motion import motion_blur
from faceplate.merge.recipe import Recipe

BOX = (90, 20, 300, 200)
VELOCITY = np.array([[0, 0, 9.0], [0, 0, 0]])
MATTE = np.zeros((180, 210), np.float32)
MATTE[40:160, 50:150] = 1


def crop(actor):
    return np.ascontiguousarray(mini_frame(actor, 1001).rgb()[20:200, 90:300])


def finished(face=None, plate=None, box=BOX, **settings):
    return finish_face(
        crop("S") if face is None else face,
        crop("B") if plate is None else plate,
        MATTE,
        Place(box, 1001, 70.0, VELOCITY),
        Recipe(**settings),
        encodings(),
    )


def noisy_plate():
    noise = np.random.default_rng(0).standard_normal(crop("B").shape)
    return (crop("B") + 0.02 * noise).astype(np.float32)


def test_a_recipe_that_asks_for_nothing_changes_nothing():
    face = crop("S")
    assert finished(face) is face
    assert not needs_motion(Recipe())
    assert needs_motion(Recipe(motion_blur=1))


def test_motion_and_lens_work_in_scene_linear_light():
    face = crop("S")
    blurred = motion_blur(face, VELOCITY, 50, BOX[:2])
    assert np.array_equal(finished(motion_blur=50), blurred)
    assert np.array_equal(finished(motion_blur=50, defocus_size=4), defocus(blurred, 4))


def test_defocus_is_matched_by_its_share():
    plate = defocus(crop("B"), 8)
    matched = match_defocus(crop("S"), plate, MATTE)
    assert matched > 5
    assert np.array_equal(finished(plate=plate, defocus=50), defocus(crop("S"), matched / 2))
    both = finished(plate=plate, defocus=100, defocus_size=6)
    assert np.array_equal(both, defocus(crop("S"), float(np.hypot(matched, 6))))


def test_grain_comes_last_and_is_not_blurred():
    plate = noisy_plate()
    sharp = finished(plate=plate, grain=100, motion_blur=100) - finished(motion_blur=100)
    inside = sharp[60:140, 70:130]
    assert inside.std() == pytest.approx(0.02, rel=0.2)
    assert abs((inside[:, 1:] * inside[:, :-1]).mean()) < 0.2 * inside.var()


def test_grain_of_another_seed_is_another():
    plate = noisy_plate()
    first, other = (finished(plate=plate, grain=100, grain_seed=seed) for seed in (0, 1))
    assert not np.allclose(first, other)
    assert np.array_equal(first, finished(plate=plate, grain=100))


@pytest.mark.parametrize(
    "settings",
    [{"detail": 80.0}, {"denoise": 100.0}, {"bicubic_degrade": 60.0}, {"color_degrade": 100.0}],
)
def test_what_works_in_the_working_encoding_keeps_highlights(settings):
    bright = crop("S") * 20
    found = finished(bright, crop("B") * 20, **settings)
    assert found.dtype == np.float32
    assert not np.array_equal(found, bright)
    assert found[MATTE > 0].mean() == pytest.approx(bright[MATTE > 0].mean(), rel=0.05)
    assert found.max() > 4


def test_everything_together_is_finite_and_as_large_as_it_was():
    plate = noisy_plate()
    found = finished(
        plate=plate, detail=50, denoise=20, bicubic_degrade=20, color_degrade=10, motion_blur=50,
        defocus=100, defocus_size=1, grain=100,
    )  # fmt: skip
    assert found.shape == crop("S").shape
    assert np.isfinite(found).all()
