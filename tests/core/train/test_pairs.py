import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.training import landmarks_of

from faceplate.geometry.hull import hull_matte
from faceplate.io.faceset import Face, Faceset, FacesetInfo
from faceplate.io.tracked import Pose
from faceplate.train.faces import FaceBank
from faceplate.train.pairs import Pairs, shape_difference
from faceplate.train.samples import SampleMaker, SampleSettings, Share

SIZE = 96
INNER_LIPS = slice(60, 68)


def acted(mouth: float, wide: float = 0.0) -> np.ndarray:
    """Return landmarks with the mouth open by `mouth` of the side, and all `wide` further apart."""
    points = landmarks_of(SIZE).astype(np.float64)
    points[[65, 66, 67, 55, 56, 57, 58, 59]] += [0, mouth * SIZE]
    return (points - SIZE / 2) * (1 + wide) + SIZE / 2


def picture(points: np.ndarray, skin: float) -> np.ndarray:
    """Return a face with white dots for landmarks, and a black mouth as far as it is open."""
    image = np.full((SIZE, SIZE, 3), skin, np.float32)
    cv2.fillPoly(image, [np.round(points[INNER_LIPS]).astype(np.int32)], (0, 0, 0))
    for x, y in points:
        cv2.circle(image, (round(x * 16), round(y * 16)), 24, (1, 1, 1), -1, cv2.LINE_AA, 4)
    return image


def bank(path: Path, acts: list[tuple[float, float, float]], skin: float) -> FaceBank:
    """Write faces of (mouth, wide, yaw), and open them."""
    with Faceset.create(path, FacesetInfo("x", size=SIZE)) as faceset:
        for frame, (mouth, wide, yaw) in enumerate(acts):
            points = acted(mouth, wide).astype(np.float32)
            face = Face(
                image=picture(points, skin), mask=hull_matte(points, (SIZE, SIZE)),
                landmarks=points, plate_landmarks=points, plate_to_crop=np.eye(2, 3),
                face_type="full_face", source="plate.%04d.exr", frame=frame, person=1,
                pose=Pose(yaw, 0.0, 0.0), confidence=1.0, sharpness=1.0,
            )  # fmt: skip
            faceset.add(face)
    return FaceBank(path, SIZE, 2**24)


MOUTHS = [0.0, 0.03, 0.06, 0.09, 0.12]


@pytest.fixture
def banks(tmp_path: Path) -> tuple[FaceBank, FaceBank]:
    likeness = [(mouth, 0.0, yaw) for mouth in MOUTHS for yaw in (-5.0, 5.0)]
    performer = [(mouth, 0.1, yaw) for mouth in reversed(MOUTHS) for yaw in (-5.0, 5.0)]
    return (
        bank(tmp_path / "a.faceset", likeness, 0.7),
        bank(tmp_path / "b.faceset", performer, 0.4),
    )


def test_proportions_are_told_from_what_the_two_do() -> None:
    turns = (np.zeros(20), np.zeros(20))
    rng = np.random.default_rng(0)
    # the second keeps the mouth more open, on the whole
    first = np.stack([acted(mouth) for mouth in rng.uniform(0, 0.06, 20)]) / SIZE
    second = np.stack([acted(mouth, 0.1) for mouth in rng.uniform(0.05, 0.12, 20)]) / SIZE
    constant, _ = shape_difference((first, second), turns)
    expected = (acted(0.0, 0.1) - acted(0.0)) / SIZE
    assert np.abs(constant - expected).max() < 0.012
    # the mean faces are further apart: the open mouth is in them
    assert np.abs(second.mean(0) - first.mean(0) - expected).max() > 0.04


def test_a_pair_does_the_same(banks: tuple[FaceBank, FaceBank]) -> None:
    pairs = Pairs(*banks)
    for performer in range(10):
        wanted = list(reversed(MOUTHS))[performer // 2]
        found = {
            MOUTHS[pair[0] // 2]
            for seed in range(8)
            if (pair := pairs.pair(performer, np.random.default_rng(seed)))
        }
        assert found
        assert max(abs(mouth - wanted) for mouth in found) <= 0.0301  # of four, two do just this


def test_the_performer_is_bent_to_the_likeness_s_act_in_own_proportions(
    banks: tuple[FaceBank, FaceBank],
) -> None:
    pairs = Pairs(*banks)
    pair = pairs.pair(0, np.random.default_rng(3))
    assert pair is not None
    likeness, bent = pair
    expected = acted(MOUTHS[likeness // 2], 0.1)
    seen = bent.image[..., 0].astype(np.float32) / 65535
    brightest = [
        seen[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].max() for x, y in expected
    ]
    assert min(brightest) > 0.75  # a dot lies at each landmark; the skin is 0.4


def test_no_pair_is_made_of_heads_that_are_turned_apart(tmp_path: Path) -> None:
    near = bank(tmp_path / "a.faceset", [(m, 0.0, -30.0) for m in MOUTHS], 0.7)
    far = bank(tmp_path / "b.faceset", [(m, 0.1, 30.0) for m in MOUTHS], 0.4)
    assert Pairs(near, far).pair(0, np.random.default_rng(0)) is None


def test_paired_samples_show_the_performer_and_want_the_likeness(
    banks: tuple[FaceBank, FaceBank],
) -> None:
    plain = SampleSettings(
        SIZE, batch=4, seed=0, schedule_steps=10, random_warp=False, transform=0.0,
        rotation_deg=0.0, shift=0.0, performer_pairs=1.0,
    )  # fmt: skip
    maker = SampleMaker(banks, plain)
    sample, again = maker.make(3, Share(0, 1)), maker.make(3, Share(0, 1))
    assert np.array_equal(sample.image, again.image)
    assert not np.array_equal(sample.image, sample.target)
    face = sample.mattes[..., 0] > 0.9
    # in one light, that of the performer, so the mean does not tell them apart
    assert abs(sample.image[face].mean() - sample.target[face].mean()) < 0.05
    own = SampleMaker(banks, dataclasses.replace(plain, performer_pairs=0.0))
    assert np.array_equal(own.make(3, Share(0, 1)).image, own.make(3, Share(0, 1)).target)


def test_pairs_begin_where_the_schedule_says(banks: tuple[FaceBank, FaceBank]) -> None:
    late = SampleSettings(
        SIZE, batch=4, seed=0, schedule_steps=10, random_warp=False, transform=0.0,
        rotation_deg=0.0, shift=0.0, performer_pairs=1.0, pairs_from=0.5,
    )  # fmt: skip
    maker = SampleMaker(banks, late)
    before, after = maker.make(4, Share(0, 1)), maker.make(5, Share(0, 1))
    assert np.array_equal(before.image, before.target)
    assert not np.array_equal(after.image, after.target)
    always = SampleMaker(banks, dataclasses.replace(late, pairs_from=0.0))
    assert np.array_equal(after.image, always.make(5, Share(0, 1)).image)


def test_landmarks_follow_a_tighter_framing(banks: tuple[FaceBank, FaceBank]) -> None:
    tight = FaceBank(banks[0].path, SIZE, 2**24, "half_face")
    wide, narrow = banks[0].landmarks(0), tight.landmarks(0)
    assert np.ptp(narrow[17:, 0]) > np.ptp(wide[17:, 0])
