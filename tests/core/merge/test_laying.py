import numpy as np

from faceplate.merge.laying import lay_over


def layers():
    return (
        np.zeros((6, 8, 3), np.float32),
        np.zeros((6, 8), np.float32),
        np.zeros((6, 8), np.float32),
    )


def pictures(swap, seen=0.25, plate=0.5):
    return tuple(np.full((3, 4, 3), value, np.float32) for value in (swap, seen, plate))


PLACE = slice(2, 5), slice(1, 5)


def test_a_face_is_the_plate_and_its_change_premultiplied():
    face, matte_layer, sure = layers()
    matte = np.zeros((3, 4), np.float32)
    matte[1, 2] = 0.5
    lay_over((face, matte_layer, sure), PLACE, pictures(1.0), matte, np.ones_like(matte), 0.75)
    assert face[3, 3].tolist() == [0.625] * 3  # half of 0.5 + (1 - 0.25)
    assert (matte_layer[3, 3], sure[3, 3]) == (0.5, 0.75)
    for layer in (face, matte_layer, sure):
        layer[3, 3] = 0
        assert not layer.any()


def test_a_second_face_lies_over_the_first():
    face, matte_layer, sure = layers()
    whole, half = np.ones((3, 4), np.float32), np.full((3, 4), 0.5, np.float32)
    lay_over((face, matte_layer, sure), PLACE, pictures(1.0), whole, whole, 1.0)
    lay_over((face, matte_layer, sure), PLACE, pictures(3.0), half, whole, 0.5)
    assert face[2, 1, 0] == np.float32(0.5 * 1.25 + 0.5 * 3.25)
    assert (matte_layer[2, 1], sure[2, 1]) == (1.0, 0.5)


def test_a_change_that_is_not_finite_is_none_and_what_is_not_covered_has_no_plate():
    face, matte_layer, sure = layers()
    whole, covered = np.ones((3, 4), np.float32), np.ones((3, 4), np.float32)
    covered[0, 0] = 0
    swap, seen, plate = pictures(1.0)
    swap[0, 1], seen[0, 2] = np.nan, np.inf
    lay_over((face, matte_layer, sure), PLACE, (swap, seen, plate), whole, covered, 1.0)
    assert face[2, 1:4, 0].tolist() == [0.75, 0.5, 0.5]
