import numpy as np
import pytest

from faceplate.errors import BadShape
from faceplate.geometry.points import as_points, invert, transform

MATRIX = np.array([[0.8, -0.3, 12.0], [0.2, 1.1, -7.0]])


def test_invert_undoes_transform():
    points = np.array([[1.0, 2.0], [-3.0, 400.0]])
    np.testing.assert_allclose(transform(transform(points, MATRIX), invert(MATRIX)), points)


@pytest.mark.parametrize(
    "matrix", [np.zeros((2, 3)), np.full((2, 3), np.nan), np.eye(3), [[1, 2, 0], [2, 4, 0]]]
)
def test_a_matrix_without_an_inverse_is_refused(matrix):
    with pytest.raises(BadShape, match="2x3"):
        invert(matrix)


def test_the_message_says_what_was_got_and_what_is_wanted():
    with pytest.raises(BadShape, match=r"landmarks68: expected 68x2 points, got \(5, 2\)"):
        as_points(np.zeros((5, 2)), 68, "landmarks68")
