import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplate.merge.edges import Edge, Grid, shape_edge

SIZE = 200
MIDDLE = (SIZE - 1) / 2
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE].astype(np.float32)


def grid(right=(1.0, 0.0), below=(0.0, 1.0), aspect=1.0):
    to_face = np.array([right, below], np.float64) * [aspect, 1]
    return Grid(np.column_stack([to_face, -to_face @ [MIDDLE, MIDDLE]]), aspect)


def square(margin=50):
    matte = np.zeros((SIZE, SIZE), np.float32)
    matte[margin:-margin, margin:-margin] = 1
    return matte


def disc(radius=60.0, soft=1.0, aspect=1.0):
    away = np.hypot((COLUMNS - MIDDLE) * aspect, ROWS - MIDDLE)
    return np.clip((radius - away) / soft + 0.5, 0, 1).astype(np.float32)


def shaped(matte, aspect=1.0, **edge):
    for side in ("blur", "feather"):
        if isinstance(edge.get(side), int | float):
            edge[side] = (edge[side],) * 4
    return shape_edge(matte, Edge(**edge), grid(aspect=aspect))


def extent(matte, level=0.5):
    """Where the middle row and column cross `level`: left, right, top, bottom."""
    found = []
    for line in (matte[SIZE // 2], matte[:, SIZE // 2]):
        inside = np.flatnonzero(line >= level)
        for here, out in ((inside[0], -1), (inside[-1], 1)):
            step = (line[here] - level) / max(line[here] - line[here + out], 1e-9)
            found.append(float(here + out * step))
    return found


def test_an_edge_of_no_length_changes_nothing():
    soft = disc(60, 12)
    assert np.array_equal(shape_edge(soft, Edge(), grid()), soft)


@pytest.mark.parametrize("length", [1, 2, 3, 7, 20, 33.25])
def test_erosion_moves_the_edge_by_its_length_to_a_fraction_of_a_pixel(length):
    before, after = extent(disc(80, 2)), extent(shaped(disc(80, 2), erode=length))
    moved = [abs(a - b) for a, b in zip(after, before, strict=True)]
    assert moved == pytest.approx([length] * 4, abs=0.35)


@pytest.mark.parametrize("length", [1, 5, 18.5])
def test_erosion_below_zero_grows_by_its_length(length):
    before, after = extent(disc(50, 2)), extent(shaped(disc(50, 2), erode=-length))
    moved = [abs(a - b) for a, b in zip(after, before, strict=True)]
    assert moved == pytest.approx([length] * 4, abs=0.35)


def test_a_disc_drawn_in_is_a_disc():
    area = shaped(disc(80), erode=30).sum()
    assert area == pytest.approx(np.pi * 50**2, rel=0.02)


def test_a_soft_edge_stays_soft_when_it_is_drawn_in():
    soft = disc(70, 20)
    row, moved = soft[SIZE // 2], shaped(soft, erode=10)[SIZE // 2]
    assert moved[10 : SIZE // 2] == pytest.approx(row[: SIZE // 2 - 10], abs=0.02)


def test_an_animated_erosion_glides():
    sums = [shaped(disc(60), erode=length).sum() for length in np.arange(3, 6, 0.25)]
    steps = -np.diff(sums)
    assert steps.min() > 0.2 * steps.mean()
    assert steps.max() < 2 * steps.mean()


@pytest.mark.parametrize("width", [4, 12, 30, 45.5])
def test_a_feather_is_as_wide_as_asked_and_all_inside(width):
    matte, soft = square(), shaped(square(), feather=width)
    assert (soft[matte == 0] == 0).all()
    row = soft[SIZE // 2, : SIZE // 2]
    assert row[50] < 0.1
    assert row[50 + int(np.ceil(width))] > 0.999
    assert row[49 + int(width * 0.9)] < 1
    assert np.interp(0.5, row[49:], np.arange(49, SIZE // 2)) == pytest.approx(
        49.5 + width / 2, abs=0.6
    )
    assert (np.diff(row) >= -1e-6).all()


def test_a_blur_reaches_to_both_sides_and_keeps_the_middle_of_the_edge():
    soft = shaped(square(), blur=24)
    row = soft[SIZE // 2]
    assert row[36] == 0
    assert 0 < row[42] < row[50] < row[58] < 1
    assert row[64] == pytest.approx(1)
    assert (row[49] + row[50]) / 2 == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("side", "index", "sign"), [(0, 2, 1), (1, 3, -1), (2, 0, 1), (3, 1, -1)])
@pytest.mark.parametrize("length", [10, -10, 4.5])
def test_a_side_moves_alone(side, index, sign, length):
    lengths = [0.0] * 4
    lengths[side] = length
    matte = square()
    before, after = extent(matte), extent(shaped(matte, erode_sides=tuple(lengths)))
    expected = list(before)
    expected[index] += sign * length
    assert after == pytest.approx(expected, abs=0.51)


def test_a_side_that_undoes_the_whole_leaves_that_edge():
    before = extent(square())
    after = extent(shaped(square(), erode=8, erode_sides=(-8, 0, 0, 0)))
    assert after[2] == pytest.approx(before[2], abs=0.1)
    assert after[3] == pytest.approx(before[3] - 8, abs=0.1)


def test_the_feather_of_a_side_is_its_own():
    soft = shaped(square(), feather=(40, 10, 20, 20))
    column, row = soft[:, SIZE // 2], soft[SIZE // 2]
    assert column[49 + 9] < 0.2
    assert column[-50 - 12] > 0.99
    assert 49.5 + 18 < np.interp(0.5, column[49:100], np.arange(49, 100)) < 49.5 + 22
    assert np.interp(0.5, row[49:100], np.arange(49, 100)) == pytest.approx(59.5, abs=0.6)


def test_sides_turn_with_the_face():
    """A face lying on its right cheek: its top edge is the right one of the picture."""
    turned = grid(right=(0.0, 1.0), below=(-1.0, 0.0))
    before = extent(square())
    after = extent(shape_edge(square(), Edge(erode_sides=(12, 0, 0, 0)), turned))
    assert after[1] == pytest.approx(before[1] - 12, abs=0.1)
    assert after[0] == before[0]


def test_lengths_are_square_pixels_where_pixels_are_wide():
    before = extent(disc(70, 2, aspect=2))
    after = extent(shaped(disc(70, 2, aspect=2), aspect=2, erode=20))
    moved = [abs(a - b) for a, b in zip(after, before, strict=True)]
    assert moved == pytest.approx([10, 10, 20, 20], abs=0.6)
    soft = shaped(square(), aspect=2, feather=24)
    assert np.interp(0.5, soft[100, 49:100], np.arange(49, 100)) == pytest.approx(55.5, abs=0.6)
    assert np.interp(0.5, soft[49:100, 100], np.arange(49, 100)) == pytest.approx(61.5, abs=0.6)


@settings(max_examples=30, deadline=None)
@given(
    erode=st.floats(-20, 20),
    blur=st.floats(0, 20),
    feather=st.floats(0, 30),
    top=st.floats(-15, 15),
    seed=st.integers(0, 99),
)
def test_any_edge_keeps_a_matte_in_range_and_away_from_what_it_cannot_reach(
    erode, blur, feather, top, seed
):
    matte = np.zeros((SIZE, SIZE), np.float32)
    matte[70:-70, 70:-70] = np.random.default_rng(seed).random((60, 60))
    edge = Edge(erode, (top, 0, 0, 0), (blur,) * 4, (feather, feather, feather / 2, feather))
    result = shape_edge(matte, edge, grid())
    assert result.min() >= 0
    assert result.max() <= 1
    away = np.maximum(np.abs(ROWS - MIDDLE), np.abs(COLUMNS - MIDDLE)) > 30 + edge.reach
    assert (result[away] == 0).all()
    if erode >= 0 and top >= 0 and blur == 0:
        assert (result <= matte + 1e-6).all()


def test_an_empty_matte_stays_empty():
    assert not shaped(np.zeros((SIZE, SIZE), np.float32), erode=-10, feather=5).any()
