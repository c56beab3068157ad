import numpy as np
import pytest
from tests.support.shots import known_landmarks

from faceplate.errors import BadSettings
from faceplate.extract.smooth import Smoothing, check_smoothing, runs_of


def smooth_points(points: np.ndarray, window: int = 9, method: str = "adaptive") -> np.ndarray:
    return Smoothing(window, method).smooth(points)


def head_points(frames: int, step_px: float = 0.0, grow: float = 1.0) -> np.ndarray:
    face = known_landmarks("A", 1004)
    middle = face.mean(axis=0)
    return np.array([(face - middle) * grow**i + middle + [step_px * i, 0] for i in range(frames)])


def jitter_of(points: np.ndarray) -> float:
    return float(np.linalg.norm(points[:-2] - 2 * points[1:-1] + points[2:], axis=-1).mean())


def test_a_face_that_rests_or_moves_evenly_stays_where_it_is() -> None:
    for points in (head_points(15), head_points(15, 7.0), head_points(15, 3.0, 1.02)):
        assert np.abs(smooth_points(points) - points).max() < 0.25


def test_a_head_that_speeds_up_is_not_lagged() -> None:
    steps = np.cumsum(np.linspace(0, 6, 21))  # constant acceleration
    points = head_points(21) + np.stack([steps, 0 * steps], -1)[:, None]
    assert np.abs(smooth_points(points) - points).max() < 1e-6


def test_noise_is_halved_at_least() -> None:
    random = np.random.default_rng(3)
    true = head_points(60, 2.0)
    noisy = true + random.normal(0, 0.5, true.shape)
    smooth = smooth_points(noisy)
    assert jitter_of(smooth) < 0.4 * jitter_of(noisy)
    # lids and lips keep more of it, as they keep more of what they do
    left = np.abs(smooth - true).mean(axis=(0, 2)) / np.abs(noisy - true).mean(axis=(0, 2))
    assert left[:36].mean() < 0.6
    assert left[36:].mean() < 0.8


def test_a_blink_keeps_its_depth() -> None:
    points = head_points(15)
    open_px = np.linalg.norm(points[0, 37] - points[0, 41])
    for frame in (7, 8):  # two frames shut
        points[frame, [37, 38, 43, 44]] = points[frame, [41, 40, 47, 46]]
    smooth = smooth_points(points)
    assert np.linalg.norm(smooth[7, 37] - smooth[7, 41]) < 0.35 * open_px


def test_a_jump_of_the_head_is_motion_and_is_left_alone() -> None:
    points = head_points(14)
    points[7:] += [90, 0]
    moved = np.abs(smooth_points(points) - points)
    assert moved.max() < 1.0  # a plain filter would move it by 30


def test_window_1_is_off() -> None:
    points = head_points(5, 2.0)
    assert (smooth_points(points, 1) == points).all()


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5])
def test_runs_shorter_than_the_window_are_fine(frames: int) -> None:
    points = head_points(frames, 2.0)
    assert smooth_points(points, 9).shape == points.shape
    assert np.abs(smooth_points(points, 9) - points).max() < 0.25


@pytest.mark.parametrize("window", [0, 2, -3])
def test_an_even_window_is_refused(window: int) -> None:
    with pytest.raises(BadSettings, match="odd number"):
        check_smoothing(window, "adaptive")


def test_a_method_that_nobody_knows_is_refused() -> None:
    with pytest.raises(BadSettings, match="adaptive, savgol, gaussian, none"):
        check_smoothing(9, "median")


def blinking(frames: int = 41, period: int = 10) -> np.ndarray:
    """A head at rest that shuts its eyes for two frames now and then."""
    points = head_points(frames)
    for frame in range(5, frames - 1, period):
        for at in (frame, frame + 1):
            points[at, [37, 38, 43, 44]] = points[at, [41, 40, 47, 46]]
    return points


def test_blinks_and_speech_keep_more_than_with_a_filter_alone() -> None:
    points = blinking()
    lids = points[:, 37, 1] - points[:, 41, 1]
    depths = {}
    for method in ("adaptive", "savgol", "gaussian"):
        smooth = smooth_points(points, 9, method)
        depths[method] = np.ptp(smooth[:, 37, 1] - smooth[:, 41, 1]) / np.ptp(lids)
    assert depths["adaptive"] > 0.95
    assert depths["adaptive"] > depths["savgol"] > depths["gaussian"]


@pytest.mark.parametrize("method", ["adaptive", "savgol", "gaussian"])
def test_no_method_lags(method: str) -> None:
    swing = 8 * np.sin(np.arange(80) / 6)
    points = head_points(80) + np.stack([swing, 0 * swing], -1)[:, None]
    smooth = smooth_points(points, 9, method)[:, 30, 0]
    true = np.diff(points[:, 30, 0])[4:-4]
    found = [np.corrcoef(np.diff(smooth)[4 + lag : 75 + lag], true)[0, 1] for lag in range(-3, 4)]
    assert int(np.argmax(found)) - 3 == 0


def test_no_run_reaches_over_a_cut() -> None:
    assert runs_of([1, 2, 3, 4], [0, 0, 1, 1]) == [slice(0, 2), slice(2, 4)]


def test_runs_end_at_gaps() -> None:
    assert runs_of([]) == []
    assert runs_of([4]) == [slice(0, 1)]
    assert runs_of([1, 2, 5, 6, 9]) == [slice(0, 2), slice(2, 4), slice(4, 5)]
