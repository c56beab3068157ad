import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.poisson import BoolArray, FloatArray, boundary_field, problem

from faceplate.errors import BadSettings, BadShape
from faceplate.merge.gridsetup import ring_of
from faceplate.merge.poisson import Domain, poisson_blend
from faceplate.merge.stops import knee_of, to_stops

DOMAINS: tuple[Domain, ...] = ("linear", "log", "robust")


def error_of(
    swap: FloatArray, plate: FloatArray, region: BoolArray, iterations: int = 6
) -> tuple[float, FloatArray]:
    """Return the largest error over the largest value of the field, and the blend."""
    blend = poisson_blend(
        swap, plate, region.astype(np.float32), domain="linear", iterations=iterations
    )
    exact = boundary_field(plate.astype(np.float64) - swap, region)
    added = blend.astype(np.float64) - swap
    return float(np.abs(added - exact)[region].max() / np.abs(exact).max()), blend


@pytest.mark.parametrize(
    "size",
    [256, 512, *(pytest.param(size, marks=pytest.mark.slow) for size in (1024, 2048))],
)
def test_six_iterations_come_within_1e_4_of_a_sparse_direct_solve(size: int) -> None:
    error, _ = error_of(*problem(size))
    assert error <= 1e-4


def shapes() -> dict[str, BoolArray]:
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:97, :83]
    blank = np.zeros((97, 83), np.bool_)
    disc = np.hypot(y - 48, x - 41) < 35
    parts = (np.hypot(y - 20, x - 20) < 12) | (np.hypot(y - 70, x - 55) < 20)
    one, line, corner, band, all_but_one = (blank.copy() for _ in range(5))
    one[40, 31] = True
    line[50, 3:80] = True
    corner[60:, 50:] = True
    band[30:61] = True
    all_but_one[:] = True
    all_but_one[11, 70] = False
    return {
        "disc": disc,
        "rings": np.abs(np.hypot(y - 48, x - 41) % 12 - 6) < 3,
        "parts": parts,
        "one pixel": one,
        "a line": line,
        "noise": disc & (rng.random(disc.shape) < 0.8),
        "a chess board": disc & ((x + y) % 2 == 0),
        "a corner of the frame": corner,
        "from edge to edge": band,
        "all of the frame but one pixel": all_but_one,
        "top and bottom": disc | (np.abs(x - 41) < 20),
    }


@pytest.mark.parametrize("name", shapes())
def test_any_shape_of_matte_is_solved_exactly(name: str) -> None:
    region = shapes()[name]
    rng = np.random.default_rng(1)
    plate = rng.lognormal(0, 1, (*region.shape, 3)).astype(np.float32)
    swap = rng.lognormal(-1, 0.5, plate.shape).astype(np.float32)
    error, blend = error_of(swap, plate, region)
    assert error <= 1e-4
    np.testing.assert_array_equal(blend[~region], swap[~region])


@pytest.mark.parametrize("domain", ["log", "robust"])
def test_stops_are_added_as_exactly_as_light(domain: Domain) -> None:
    swap, plate, region = problem(128)
    blend = poisson_blend(swap, plate, region.astype(np.float32), domain=domain)
    at = tuple(ring_of(np.pad(region.astype(np.uint8), 1)).T)
    knee = knee_of(plate[at])
    stops = to_stops(plate, knee) - to_stops(swap, knee)
    if domain == "robust":
        middle = np.median(stops[at], axis=0)
        spread = 1.4826 * np.median(np.abs(stops[at] - middle), axis=0)
        stops = np.clip(stops, middle - 3 * spread, middle + 3 * spread)
    exact = boundary_field(stops.astype(np.float64), region)
    added = (to_stops(blend, knee) - to_stops(swap, knee)).astype(np.float64)
    assert np.abs(added - exact)[region].max() <= 1e-4 * np.abs(exact).max()


@pytest.mark.parametrize("seed", range(3))
def test_mattes_of_blots_and_threads_that_reach_the_frame_are_solved_exactly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:150, :131]
    region = np.zeros(y.shape, np.bool_)
    for _ in range(6):
        cy, cx, radius = rng.integers(-10, 160), rng.integers(-10, 140), rng.integers(4, 30)
        region |= np.hypot(y - cy, x - cx) < radius
    for _ in range(6):  # threads of one pixel, and holes of one
        region[rng.integers(150), rng.integers(60) :] = True
        region[rng.integers(90) :, rng.integers(131)] = True
    region[rng.integers(150, size=40), rng.integers(131, size=40)] = False
    plate = rng.lognormal(0, 1, (*region.shape, 3)).astype(np.float32)
    swap = rng.lognormal(-1, 0.5, plate.shape).astype(np.float32)
    error, _ = error_of(swap, plate, region)
    assert error <= 1e-4


def test_a_matte_without_any_plate_around_it_gives_the_swap_back() -> None:
    swap, plate, _ = problem(64)
    for matte in (np.ones((64, 64), np.float32), np.zeros((64, 64), np.float32)):
        np.testing.assert_array_equal(poisson_blend(swap, plate, matte), swap)


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_face_cut_from_the_plate_itself_is_returned_as_it_is(domain: Domain) -> None:
    _, plate, region = problem(128)
    blend = poisson_blend(plate, plate, region.astype(np.float32), domain=domain)
    np.testing.assert_allclose(blend, plate, rtol=2e-6)


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_face_is_moved_in_level_and_never_in_place(domain: Domain) -> None:
    rng = np.random.default_rng(2)
    plate = np.full((90, 90, 3), 0.4, np.float32)
    features = rng.lognormal(0, 0.3, (90, 90, 3)).astype(np.float32)
    y, x = np.mgrid[:90, :90]
    region = (np.hypot(y - 47, x - 40) < 30) & (x > 20)  # its box is centred nowhere special
    swap = np.where((np.hypot(y - 47, x - 40) < 26)[..., None] & (x > 24)[..., None], features, 1)
    swap = swap.astype(np.float32)
    blend = poisson_blend(swap, plate, region.astype(np.float32), domain=domain)
    # the boundary is off by a constant: so is the face, in this domain, and its features stay put
    expected = swap - 0.6 if domain == "linear" else swap * 0.4
    np.testing.assert_allclose(blend[region], expected[region], rtol=0.02, atol=1e-3)


def shifted_share(domain: Domain) -> float:
    """Return the share of the face that a highlight beside it moves by more than a stop."""
    swap, bright, region = problem(256)
    _, plain, _ = problem(256, highlight=0)
    matte = region.astype(np.float32)
    with_it, without = (
        poisson_blend(swap, plate, matte, domain=domain)[region].mean(axis=-1)
        for plate in (bright, plain)
    )
    return float((np.abs(np.log2(with_it / without)) > 1).mean())


def test_a_highlight_of_30_at_the_mattes_edge_moves_a_tenth_of_what_linear_light_moves() -> None:
    linear = shifted_share("linear")
    assert linear > 0.05
    assert shifted_share("log") <= linear / 2
    assert shifted_share("robust") <= linear / 10


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_plate_two_stops_up_gives_a_result_two_stops_up(domain: Domain) -> None:
    swap, plate, region = problem(128)
    matte = region.astype(np.float32)
    blend = poisson_blend(swap, plate, matte, domain=domain)
    up = poisson_blend(swap * 4, plate * 4, matte, domain=domain)
    np.testing.assert_allclose(up, blend * 4, rtol=1e-6)


@settings(max_examples=12, deadline=None)
@given(st.tuples(*(st.integers(0, 40) for _ in range(4))), st.sampled_from(DOMAINS))
def test_the_result_does_not_depend_on_the_window(
    more: tuple[int, int, int, int], domain: Domain
) -> None:
    swap, plate, region = problem(96)
    top, bottom, left, right = more
    around = ((top, bottom), (left, right))
    expected = poisson_blend(swap, plate, region.astype(np.float32), domain=domain)
    wider = poisson_blend(
        np.pad(swap, (*around, (0, 0)), constant_values=7),
        np.pad(plate, (*around, (0, 0)), constant_values=3),
        np.pad(region.astype(np.float32), around),
        domain=domain,
    )
    there = wider[top : top + 96, left : left + 96]
    np.testing.assert_array_equal(there[region], expected[region])


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_pixels_of_the_swap_stay_where_they_are(domain: Domain, bad: float) -> None:
    swap, plate, region = problem(96)
    spoilt = swap.copy()
    spoilt[48, 40] = bad
    assert region[48, 40]
    matte = region.astype(np.float32)
    blend, expected = (poisson_blend(s, plate, matte, domain=domain) for s in (spoilt, swap))
    elsewhere = np.ones(region.shape, np.bool_)
    elsewhere[48, 40] = False
    np.testing.assert_array_equal(blend[elsewhere], expected[elsewhere])


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_bad_pixels_of_the_plate_at_the_edge_are_gone_around(domain: Domain, bad: float) -> None:
    swap, plate, region = problem(96, highlight=0)
    spoilt = plate.copy()
    spoilt[:30, 50:60] = bad  # across the edge of the matte
    spoilt[region] = bad  # what the matte covers is never read
    matte = region.astype(np.float32)
    blend, expected = (poisson_blend(swap, p, matte, domain=domain) for p in (spoilt, plate))
    assert np.isfinite(blend).all()
    below = np.zeros(region.shape, np.bool_)
    below[60:] = True
    np.testing.assert_allclose(blend[below], expected[below], rtol=0.02)


def test_negative_and_hdr_values_come_through(caplog: pytest.LogCaptureFixture) -> None:
    swap, plate, region = problem(96)
    swap[40:50, 40:50] = -0.05
    swap[60:65, 40:50] = 3000
    blend = poisson_blend(swap, plate, region.astype(np.float32), domain="log")
    assert blend[45, 45].max() < 0
    assert blend[62, 45].min() > 500
    assert not caplog.records


def test_too_few_iterations_are_made_up_for(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        error, _ = error_of(*problem(96), iterations=1)
    assert error <= 1e-4
    assert not caplog.records


def test_what_cannot_be_is_refused() -> None:
    swap, plate, region = problem(32)
    matte = region.astype(np.float32)
    with pytest.raises(BadShape, match="matte"):
        poisson_blend(swap, plate, matte[1:])
    with pytest.raises(BadShape, match="swap and plate"):
        poisson_blend(swap, plate[1:], matte)
    with pytest.raises(BadSettings, match="linear, log, robust"):
        poisson_blend(swap, plate, matte, domain="cbrt")  # type: ignore[arg-type]  # on purpose
    with pytest.raises(BadSettings, match="at least 1"):
        poisson_blend(swap, plate, matte, iterations=0)
