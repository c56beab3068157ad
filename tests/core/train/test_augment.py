import dataclasses

import cv2
import numpy as np
import pytest

from faceplate.train.augment import AugmentOptions, Sample, augment
from faceplate.train.faces import TrainingFace

SIZE = 64
STILL = AugmentOptions(SIZE, warp=0.0, transform=0.0)


def disc(side: int = 96) -> TrainingFace:
    """Return a face whose picture is its own matte, so that registration shows."""
    matte = np.zeros((side, side), np.uint8)
    cv2.circle(matte, (side * 5 // 12, side // 2), side // 5, 255, -1, cv2.LINE_AA)
    matte = cv2.GaussianBlur(matte, (0, 0), 2)
    image = np.repeat((matte.astype(np.uint16) * 257)[..., None], 3, axis=2)
    return TrainingFace(image, np.stack([matte, matte // 2], axis=-1))


def samples(options: AugmentOptions, count: int = 8) -> list[Sample]:
    return [augment(disc(), options, np.random.default_rng(seed)) for seed in range(count)]


def test_a_sample_follows_from_its_seed() -> None:
    options = AugmentOptions(SIZE, flip=True, hsv_power=0.2, light_stops=1.0)
    first, same, other = (augment(disc(), options, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(first.image, same.image)
    assert np.array_equal(first.mattes, same.mattes)
    assert not np.array_equal(first.image, other.image)


def test_shapes_types_and_range() -> None:
    options = AugmentOptions(SIZE, flip=True, hsv_power=0.3, light_stops=4.0)
    for sample in samples(options):
        assert sample.image.shape == sample.target.shape == (SIZE, SIZE, 3)
        assert sample.mattes.shape == (SIZE, SIZE, 2)
        for array in (sample.image, sample.target, sample.mattes):
            assert array.dtype == np.float32
            assert array.min() >= 0
            assert array.max() <= 1


def test_the_matte_stays_on_the_picture() -> None:
    for sample in samples(dataclasses.replace(STILL, transform=0.15, flip=True)):
        # The picture is sampled by a cubic, the matte linearly: equal but for that.
        assert np.abs(sample.target[..., 0] - sample.mattes[..., 0]).max() < 0.06


def test_the_affine_stays_within_its_range() -> None:
    plain = disc(SIZE)
    area = (plain.mattes[..., 0] / 255).sum()
    for seed in range(40):
        sample = augment(plain, AugmentOptions(SIZE, warp=0), np.random.default_rng(seed))
        scale = np.sqrt(sample.mattes[..., 0].sum() / area)
        assert 1 / 1.15 - 0.02 < scale < 1.15 + 0.02
        moments = cv2.moments(sample.mattes[..., 0])
        x = moments["m10"] / moments["m00"] - (SIZE - 1) / 2
        y = moments["m01"] / moments["m00"] - (SIZE - 1) / 2
        # The disc's own offset of 5.7 px turns by 10 degrees and grows; 5 % of the side is added.
        assert abs(x + 5.5) < 0.05 * SIZE + 2
        assert abs(y) < 0.05 * SIZE + 2


def test_four_in_ten_are_mirrored_where_mirroring_is_wanted() -> None:
    def share(flip: bool) -> float:
        options = dataclasses.replace(STILL, flip=flip)
        mirrored = 0
        for seed in range(200):
            matte = augment(disc(), options, np.random.default_rng(seed)).mattes[..., 0]
            mirrored += matte[:, SIZE // 2 :].sum() > matte[:, : SIZE // 2].sum()
        return mirrored / 200

    assert share(flip=True) == pytest.approx(0.4, abs=0.08)
    assert share(flip=False) == 0


def test_the_warp_moves_the_input_and_not_the_target() -> None:
    still, warped = samples(STILL), samples(dataclasses.replace(STILL, warp=1.0))
    for a, b in zip(still, warped, strict=True):
        assert np.array_equal(a.target, b.target)
        assert np.array_equal(a.image, a.target)
    assert np.mean([np.abs(b.image - b.target).mean() for b in warped]) > 0.005


def test_the_warp_leaves_the_border_and_moves_the_inside_by_a_quarter_cell_at_most() -> None:
    side = SIZE
    ramp = np.broadcast_to(np.arange(side, dtype=np.float64) / side * 65535, (side, side))
    image = np.repeat(ramp.astype(np.uint16)[..., None], 3, axis=2)
    face = TrainingFace(image, np.zeros((side, side, 2), np.uint8))
    largest = 0.0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        sample = augment(face, dataclasses.replace(STILL, warp=1.0, transform=0.0), rng)
        # On a ramp a value is a place: where the input differs from the target, it was moved.
        moved = (sample.image - sample.target)[..., 0] * side
        largest = max(largest, float(np.abs(moved[8:-8, 8:-8]).max()))
    assert 2 < largest <= 0.24 * side / 2 + 0.5


def test_a_change_of_light_is_the_same_for_input_and_target() -> None:
    for sample in samples(dataclasses.replace(STILL, light_stops=1.0)):
        assert np.array_equal(sample.image, sample.target)


def test_a_change_of_light_is_smooth_and_stays_within_its_stops() -> None:
    grey = TrainingFace(
        np.full((SIZE, SIZE, 3), 32768, np.uint16), np.zeros((SIZE, SIZE, 2), np.uint8)
    )
    options = dataclasses.replace(STILL, light_stops=1.0)
    for seed in range(20):
        lit = augment(grey, options, np.random.default_rng(seed)).target
        stops = (lit - 32768 / 65535) * 17.52  # one stop of ACEScct is 1 / 17.52
        assert np.abs(stops).max() < 1 + 0.3 + (0.7 + 0.2) * 1.4
        assert np.abs(np.diff(stops, axis=1)).max() < 0.2


def test_in_display_values_a_change_of_light_leaves_black_black() -> None:
    black = TrainingFace(np.zeros((32, 32, 3), np.uint16), np.zeros((32, 32, 2), np.uint8))
    options = AugmentOptions(32, warp=0, light_stops=2.0, encoding="srgb")
    assert augment(black, options, np.random.default_rng(0)).target.max() == 0


def test_the_colour_shift_is_the_inputs_alone() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(20000, 40000, (SIZE, SIZE, 3)).astype(np.uint16)
    face = TrainingFace(image, np.zeros((SIZE, SIZE, 2), np.uint8))
    shifted = augment(face, dataclasses.replace(STILL, hsv_power=0.2), np.random.default_rng(1))
    plain = augment(face, STILL, np.random.default_rng(1))
    assert np.array_equal(shifted.target, plain.target)
    assert np.abs(shifted.image - plain.image).mean() > 0.01


def test_the_light_of_another_face_takes_the_place_of_its_own() -> None:
    matte = np.full((SIZE, SIZE, 2), 255, np.uint8)
    detail = np.random.default_rng(0).integers(-2000, 2000, (SIZE, SIZE, 1))
    dark = TrainingFace((20000 + detail).repeat(3, 2).astype(np.uint16), matte)
    other = np.broadcast_to(np.array([40000, 30000, 20000], np.uint16), (SIZE * 2, SIZE * 2, 3))
    light_of = TrainingFace(other.copy(), np.full((SIZE * 2, SIZE * 2, 2), 255, np.uint8))

    still = dataclasses.replace(STILL, rotation_deg=0.0, shift=0.0)
    plain = augment(dark, still, np.random.default_rng(0))
    lit = augment(dark, still, np.random.default_rng(0), light_of)

    means = lit.target.reshape(-1, 3).mean(axis=0) * 65535
    assert np.abs(means - [40000, 30000, 20000]).max() < 100
    kept = (lit.target - lit.target.mean(axis=(0, 1)))[..., 0]
    own = (plain.target - plain.target.mean(axis=(0, 1)))[..., 0]
    assert np.corrcoef(kept.ravel(), own.ravel())[0, 1] > 0.95
    assert np.array_equal(lit.mattes, plain.mattes)


def tinted(color: tuple[float, float, float], spread: float, seed: int) -> TrainingFace:
    """Return a face of one colour with some spread, whose surroundings are quite another."""
    rng = np.random.default_rng(seed)
    matte = np.zeros((SIZE, SIZE), np.uint8)
    cv2.circle(matte, (SIZE // 2, SIZE // 2), SIZE // 3, 255, -1)
    skin = np.asarray(color) + rng.normal(0, spread, (SIZE, SIZE, 3))
    picture = np.where(matte[..., None] > 0, skin, rng.random((SIZE, SIZE, 3)))
    whole = np.rint(np.clip(picture, 0, 1) * 65535).astype(np.uint16)
    return TrainingFace(whole, np.stack([matte, matte * 0], axis=-1))


@pytest.mark.parametrize("mode", ["rct", "lct", "mkl", "idt", "sot"])
def test_a_face_takes_the_colours_of_another_under_both_mattes(mode: str) -> None:
    still = dataclasses.replace(STILL, rotation_deg=0, shift=0, ct_mode=mode)
    own, other = tinted((0.5, 0.35, 0.3), 0.02, 1), tinted((0.3, 0.4, 0.5), 0.05, 2)
    sample = augment(own, still, np.random.default_rng(0), color_of=other)
    inside = own.mattes[..., 0] > 0
    got, wanted = sample.target[inside], other.image[other.mattes[..., 0] > 0] / 65535
    assert np.abs(got.mean(axis=0) - wanted.mean(axis=0)).max() < 0.01
    assert np.abs(got.std(axis=0) / wanted.std(axis=0) - 1).max() < 0.15
    assert np.array_equal(sample.image, sample.target)


def test_the_colours_of_a_face_without_a_matte_are_left_alone() -> None:
    still = dataclasses.replace(STILL, rotation_deg=0, shift=0, ct_mode="rct")
    empty = TrainingFace(disc(SIZE).image, np.zeros((SIZE, SIZE, 2), np.uint8))
    taken = augment(disc(SIZE), still, np.random.default_rng(0), color_of=empty)
    plain = augment(disc(SIZE), still, np.random.default_rng(0))
    assert np.array_equal(taken.target, plain.target)
