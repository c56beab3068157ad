from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import pytest
from tests.support.swaps import mini_frame

from faceplate.merge.grain import add_grain, luminance, measure_grain


@cache
def face(actor="B", number=1001, zoom=3):
    """A face of mini, scene-linear, at the size that it has in a plate of 1080 lines."""
    crop = np.ascontiguousarray(mini_frame(actor, number).rgb()[40:190, 110:270])
    return cv2.resize(crop, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)


def deviation_at(level):
    """A camera's noise: some of it always, more with more light."""
    return 0.004 + 0.03 * np.sqrt(np.maximum(level, 0) + 0.01)


def noisy(clean, size=0.0, together=0.0, seed=0):
    random = np.random.default_rng(seed)
    noise = random.standard_normal(clean.shape)
    common = random.standard_normal((*clean.shape[:2], 1))
    noise = np.sqrt(1 - together) * noise + np.sqrt(together) * common
    if size:
        noise = cv2.GaussianBlur(noise, (0, 0), size)
        noise /= noise.std()
    return (clean + noise * deviation_at(luminance(clean))[..., None]).astype(np.float32)


def by_luminance(noise, level, count=5):
    """The deviation of a noise in bins of luminance with equally many pixels."""
    edges = np.quantile(level, np.linspace(0, 1, count + 1))
    bins = np.clip(np.searchsorted(edges, level, side="right") - 1, 0, count - 1)
    return np.array([noise[bins == n].std() for n in range(count)])


def full(image):
    return np.ones(image.shape[:2], np.float32)


def box_of(image, x=0, y=0):
    return (x, y, x + image.shape[1], y + image.shape[0])


def grained(clean, plate, matte=None, box=None, frame=1001, **more):
    matte = full(clean) if matte is None else matte
    return add_grain(
        clean, measure_grain(plate, full(plate)), measure_grain(clean, matte), matte,
        box or box_of(clean), frame, **more,
    )  # fmt: skip


@pytest.mark.parametrize("size", [0.0, 0.7, 1.4])
def test_the_plate_s_noise_is_measured_at_each_luminance(size):
    grain = measure_grain(noisy(face(), size), full(face()))
    ratio = grain.deviation(grain.levels).mean(axis=1) / deviation_at(grain.levels)
    assert len(ratio) == 9
    assert ratio[2:] == pytest.approx(1, abs=0.1)
    assert ratio[1:].mean() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("size", [0.0, 0.7, 1.0])
def test_the_face_gets_the_noise_of_the_plate_within_ten_per_cent_at_each_luminance(size):
    """The plate is B with noise, the face that goes in is S without."""
    plate, clean = noisy(face("B"), size), face("S")
    added = grained(clean, plate) - clean
    level = luminance(clean)
    found = by_luminance(added.mean(axis=2), level)
    truth = noisy(clean, size, seed=5) - clean
    assert found / by_luminance(truth.mean(axis=2), level) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("size", [0.0, 1.0])
def test_the_grain_is_as_large_as_the_plate_s(size):
    plate, clean = noisy(face(), size), face("S")

    def neighbours(noise):
        return float(np.corrcoef(noise[:, 1:, 1].ravel(), noise[:, :-1, 1].ravel())[0, 1])

    assert neighbours(grained(clean, plate) - clean) == pytest.approx(
        neighbours(plate - face()), abs=0.06
    )


@pytest.mark.parametrize("together", [0.0, 0.8])
def test_channels_go_together_as_the_plate_s_do(together):
    plate, clean = noisy(face(), 0.5, together), face("S")
    added = (grained(clean, plate) - clean).reshape(-1, 3)
    assert np.corrcoef(added.T)[0, 1] == pytest.approx(together, abs=0.07)


def test_under_a_soft_matte_plate_and_face_together_have_the_plate_s_noise():
    """Half plate and half face would have 0.7 of the noise of either."""
    clean = np.full((200, 600, 3), 0.3, np.float32)
    plate = noisy(clean)
    matte = np.tile(np.linspace(0, 1, 600, dtype=np.float32), (200, 1))
    out = plate + matte[..., None] * (grained(clean, plate, matte) - plate)
    edges = np.linspace(0, 600, 7).astype(int)
    found = [out[:, a:b].std() for a, b in pairwise(edges)]
    assert np.array(found) / plate.std() == pytest.approx(1, abs=0.07)
    assert np.array_equal(out[:, 0], plate[:, 0])


def test_what_noise_the_face_has_is_not_added_twice():
    plate = noisy(face())
    again = grained(noisy(face("S"), seed=3), plate) - noisy(face("S"), seed=3)
    once = grained(face("S"), plate) - face("S")
    assert again.std() < 0.35 * once.std()


def test_a_clean_plate_adds_next_to_nothing():
    added = grained(face("S"), face("B")) - face("S")
    assert added.std() < 0.15 * deviation_at(luminance(face("S"))).mean()


def test_the_amount_scales_it_and_twice_the_exposure_is_twice_the_grain():
    plate, clean = noisy(face()), face("S")
    whole = grained(clean, plate) - clean
    assert np.allclose(grained(clean, plate, amount=50) - clean, whole / 2, atol=1e-5)
    twice = grained(clean * 2, plate * 2) - clean * 2
    assert np.allclose(twice, 2 * whole, atol=2e-4)


def test_grain_depends_on_frame_seed_and_place_and_not_on_the_box():
    plate, clean = noisy(face()), np.full_like(face(), 0.3)
    grain, matte = measure_grain(plate, full(plate)), full(clean)

    def added(part, **more):
        x0, y0, x1, y1 = part
        flat = clean[: y1 - y0, : x1 - x0]
        return add_grain(flat, grain, None, matte[: y1 - y0, : x1 - x0], part, **more) - flat

    whole, part = added(box_of(clean, 10, 20), frame=1), added((60, 50, 200, 190), frame=1)
    assert np.allclose(part, whole[30:170, 50:190], atol=1e-6)
    assert not np.allclose(added(box_of(clean), frame=2), added(box_of(clean), frame=1))
    assert not np.allclose(added(box_of(clean), frame=1, seed=4), added(box_of(clean), frame=1))


@pytest.mark.parametrize("image", [np.zeros((8, 8, 3)), np.full((64, 64, 3), 0.3)])
def test_a_picture_without_noise_or_with_too_few_pixels_has_none(image):
    image = image.astype(np.float32)
    assert not measure_grain(image, full(image)).variances.any()
    assert np.array_equal(grained(image, image), image)
    assert not measure_grain(image, np.zeros_like(full(image))).variances.any()
