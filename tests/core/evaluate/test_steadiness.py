import numpy as np
from tests.support.shots import known_landmarks

from faceplate.evaluate.steadiness import steadiness

FRAMES = 60


def moving(late: float = 0.0, open_share: float = 1.0) -> np.ndarray:
    """A head that swings and blinks."""
    at = np.arange(FRAMES) - late
    points = np.repeat(known_landmarks("A", 1004)[None], FRAMES, axis=0)
    points[..., 0] += (6 * np.sin(at / 7))[:, None]
    shut = open_share * 0.5 * (1 + np.sin(at / 2))
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        points[:, upper] += shut[:, None] * (points[:, lower] - points[:, upper])
    return points


def test_the_truth_is_as_steady_as_the_truth() -> None:
    found = steadiness(moving(), moving(), [slice(0, FRAMES)])
    assert (found.jitter, found.lag, found.error, found.shake) == (found.true_jitter, 0, 0, 0)
    assert abs(found.lids_kept - 1) < 1e-9


def test_noise_is_jitter_and_shake_and_no_lag() -> None:
    noisy = moving() + np.random.default_rng(0).normal(0, 0.4, (FRAMES, 68, 2))
    found = steadiness(noisy, moving(), [slice(0, FRAMES)])
    assert found.jitter > 2 * found.true_jitter
    # three independent samples of weight 1, 2, 1, over about 40 px of eye distance
    assert 1 < found.shake < 4
    assert found.lag == 0


def test_lag_is_found_with_its_sign() -> None:
    for late in (-2, 1, 3):
        assert steadiness(moving(late), moving(), [slice(0, FRAMES)]).lag == late


def test_melted_blinks_are_told_by_their_share() -> None:
    found = steadiness(moving(open_share=0.6), moving(), [slice(0, FRAMES)])
    assert 0.55 < found.lids_kept < 0.65
