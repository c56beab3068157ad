import numpy as np

from faceplate.geometry.templates import ALIGN_INDEX, TEMPLATE_51


def test_the_template_is_the_mean_face_of_17_to_67_and_symmetric():
    assert TEMPLATE_51.shape == (51, 2)
    assert TEMPLATE_51[:10, 1].max() < TEMPLATE_51[19:31, 1].min()  # brows above the eyes
    flip = [*range(9, -1, -1), *range(10, 14), *range(18, 13, -1)]
    mirrored = TEMPLATE_51[flip] * [-1, 1] + [2 * TEMPLATE_51[10, 0], 0]
    np.testing.assert_allclose(mirrored, TEMPLATE_51[:19], atol=1e-5)


def test_33_points_align_without_jaw_and_inner_mouth():
    assert len(ALIGN_INDEX) == 33
    assert ALIGN_INDEX[0] == 17
    assert ALIGN_INDEX[-2:] == (48, 54)


def test_nobody_can_change_the_template():
    assert not TEMPLATE_51.flags.writeable
