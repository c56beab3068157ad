import numpy as np
import pytest

from faceplate.errors import BadShape
from faceplate.geometry.polygons import draw_polygons, outlines


def square(x0, y0, x1, y1):
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)


def test_a_pixel_holds_the_share_of_it_that_is_covered():
    matte = draw_polygons([square(-0.5, -0.5, 1.0, 7.5)], [], 8)
    assert matte[3].tolist() == [1, 0.5, 0, 0, 0, 0, 0, 0]


def test_the_area_of_a_polygon_is_that_of_its_matte():
    angles = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1) * 20 + 31.3
    assert draw_polygons([circle], [], 64).sum() == pytest.approx(np.pi * 400, rel=0.003)


def test_excludes_are_drawn_after_includes_whatever_their_order():
    matte = draw_polygons([square(0, 0, 15, 15)], [square(4, 4, 8, 8)], 16)
    assert matte[6, 6] == 0
    assert matte[12, 12] == 1


def test_without_includes_what_was_there_is_cut():
    base = np.full((16, 16), 0.75, np.float32)
    matte = draw_polygons([], [square(4, 4, 8, 8)], 16, base)
    assert matte[6, 6] == 0
    assert matte[12, 12] == 0.75


def test_a_polygon_may_reach_far_out_of_the_crop():
    matte = draw_polygons([square(-1e6, -1e6, 1e6, 7.5)], [], 16)
    assert (matte[:8] == 1).all()
    assert (matte[8:] == 0).all()


def test_a_base_of_another_size_is_refused():
    with pytest.raises(BadShape, match="16x16"):
        draw_polygons([], [], 16, np.ones((8, 8), np.float32))


def ring_with_island():
    y, x = np.mgrid[:64, :64]
    distance = np.hypot(x - 31.5, y - 31.5)
    return ((distance < 28) & (distance > 16) | (distance < 6)).astype(np.float32)


@pytest.mark.parametrize(
    "matte",
    [
        draw_polygons([square(5.3, 9.2, 40.3, 50.2)], [], 64),
        draw_polygons([square(5.3, 9.2, 40.3, 50.2)], [square(15.3, 15.2, 20.3, 30.2)], 64),
        ring_with_island(),
    ],
    ids=["square", "holes", "an island in a hole"],
)
def test_outlines_draw_the_matte_that_they_were_taken_from(matte):
    includes, excludes = outlines(matte)
    again = draw_polygons(includes, excludes, 64)
    differing = (again >= 0.5) != (matte >= 0.5)
    assert differing.sum() <= 0.01 * (matte >= 0.5).sum()


def test_an_empty_matte_has_no_outline():
    assert outlines(np.zeros((16, 16), np.float32)) == ([], [])


def test_specks_are_no_polygons():
    matte = np.zeros((32, 32), np.float32)
    matte[4, 4] = 1
    matte[10:20, 10:20] = 1
    includes, excludes = outlines(matte)
    assert (len(includes), len(excludes)) == (1, 0)
