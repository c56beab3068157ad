import logging
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.poisson import BoolArray, FloatArray, boundary_field, problem

from faceplate.merge import harmonic
from faceplate.merge.gridsetup import ring_of
from faceplate.merge.harmonic import Harmonic, add_harmonic
from faceplate.merge.multigrid import Solver


def known(
    difference: FloatArray, region: BoolArray
) -> tuple[NDArray[np.uint8], NDArray[np.int64], FloatArray]:
    """Return mask, ring and values of a region that does not touch the array's edge."""
    mask = np.pad(region.astype(np.uint8), 1)
    ring = ring_of(mask)
    return mask, ring, difference[ring[:, 0], ring[:, 1]]


def solved(
    difference: FloatArray, region: BoolArray, iterations: int = 6, name: str = ""
) -> tuple[FloatArray, Harmonic]:
    field = np.zeros_like(difference)
    found = add_harmonic(field, *known(difference, region), iterations, name)
    return field, found


def error_of(field: FloatArray, difference: FloatArray, region: BoolArray) -> float:
    exact = boundary_field(difference.astype(np.float64), region)
    return float(np.abs(field - exact)[region].max() / np.abs(exact).max())


def pinholes(size: int, every: int) -> BoolArray:
    """Return a square with single known pixels far apart: coarse grids take them for blots."""
    region = np.zeros((size, size), np.bool_)
    region[1:-1, 1:-1] = True
    region[every // 2 :: every, every // 3 :: every] = False
    return region


@pytest.fixture
def difference() -> FloatArray:
    rng = np.random.default_rng(3)
    return rng.normal(0, 1, (96, 96, 3)).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_each_channel_is_the_same_alone_as_beside_others(channels: int) -> None:
    swap, plate, region = problem(96)
    one = (plate - swap)[..., :1]
    together, _ = solved(np.repeat(one, channels, axis=2), region)
    alone, _ = solved(one, region)
    for c in range(channels):
        np.testing.assert_allclose(together[..., c], alone[..., 0], atol=2e-5 * np.abs(one).max())


def test_the_field_is_added_to_what_is_there_and_nowhere_else() -> None:
    swap, plate, region = problem(96)
    difference = plate - swap
    field, _ = solved(difference, region)
    image = np.full((120, 130, 3), 0.5, np.float32)
    place = (slice(7, 103), slice(11, 107))
    add_harmonic(image, *known(difference, region), 6, "", place)
    np.testing.assert_allclose(image[place], field + np.float32(0.5), rtol=1e-6, atol=1e-6)
    image[place] -= image[place] - 0.5
    assert (image == 0.5).all()


def test_what_was_solved_before_leaves_no_trace() -> None:
    swap, plate, region = problem(96)
    first, _ = solved(plate - swap, region)
    for size in (64, 200):
        swap_other, plate_other, other = problem(size)
        solved((plate_other - swap_other) * 1e30, other)
    again, _ = solved(plate - swap, region)
    np.testing.assert_array_equal(again, first)


def test_threads_change_no_bit() -> None:
    problems = [problem(size) for size in (64, 96, 128, 96, 64, 128)]
    alone = [solved(plate - swap, region)[0] for swap, plate, region in problems]
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda p: solved(p[1] - p[0], p[2])[0], problems)
        for field, expected in zip(found, alone, strict=True):
            np.testing.assert_array_equal(field, expected)


def test_four_iterations_do_for_a_face() -> None:
    swap, plate, region = problem(128)
    _, found = solved(plate - swap, region)
    assert found.iterations <= 5
    assert not found.direct


def test_the_error_told_is_not_below_a_third_of_the_true_one(difference: FloatArray) -> None:
    _, _, region = problem(96)
    values = known(difference, region)
    scale = np.abs(values[2]).max()
    for iterations in (2, 3, 4):
        solver = Solver(values[0], values[1], values[2] / scale)
        solver.iterate(iterations, 0.0)
        field = np.zeros_like(difference)
        solver.add_to(field, float(scale), (0, 0))
        assert error_of(field, difference, region) < 3 * solver.error


def test_iterations_go_on_beyond_those_whose_solutions_are_kept(difference: FloatArray) -> None:
    region = pinholes(96, 17)
    mask, ring, values = known(difference, region)
    scale = np.abs(values).max()
    solver = Solver(mask, ring, values / scale)
    solver.iterate(14, 0.0)
    field = np.zeros_like(difference)
    solver.add_to(field, float(scale), (0, 0))
    assert solver.done == 14
    assert error_of(field, difference, region) < 3e-6
    assert solver.left() < 1e-5


def test_where_the_iterations_asked_for_do_not_do_more_are_done(difference: FloatArray) -> None:
    _, _, region = problem(96)
    field, found = solved(difference, region, iterations=1)
    assert 1 < found.iterations <= 6
    assert error_of(field, difference, region) <= 1e-4


def test_where_no_iterations_do_a_small_region_is_solved_directly(
    difference: FloatArray, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(harmonic, "_MOST", 2)
    region = pinholes(96, 17)
    with caplog.at_level(logging.INFO):
        field, found = solved(difference, region, iterations=2, name="frame 1004")
    assert found.direct
    assert error_of(field, difference, region) <= 1e-6
    assert "frame 1004: solved directly" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_where_nothing_does_the_frame_and_what_is_left_are_told(
    difference: FloatArray, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(harmonic, "_MOST", 2)
    monkeypatch.setattr(harmonic, "_DIRECT", 1000)
    region = pinholes(96, 17)
    field, found = solved(difference, region, iterations=2, name="frame 1004")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    text = record.getMessage()
    assert "frame 1004: after 2 iterations" in text
    assert "residual" in text
    assert found.error > 1e-4
    assert np.isfinite(field).all()
    assert error_of(field, difference, region) > 1e-4
