import numpy as np
import pytest

from faceplate.merge.bounds import bounds_of


def test_it_is_what_a_matte_fills_and_a_margin_inside_the_picture():
    matte = np.zeros((20, 30), np.float32)
    matte[4:9, 10:13] = 1e-7
    assert bounds_of(matte, 0) == (slice(4, 9), slice(10, 13))
    assert bounds_of(matte, 6) == (slice(0, 15), slice(4, 19))


@pytest.mark.parametrize(("aspect", "columns"), [(2.0, slice(8, 15)), (0.5, slice(4, 19))])
def test_the_margin_is_of_square_pixels(aspect, columns):
    matte = np.zeros((20, 30), np.float32)
    matte[9, 10:13] = 1
    assert bounds_of(matte, 3, aspect) == (slice(6, 13), columns)


def test_of_an_empty_matte_there_are_none():
    assert bounds_of(np.zeros((5, 5), np.float32), 3) is None
