import numpy as np
import pytest

from faceplate.errors import BadShape
from faceplate.segment.agreement import mask_iou


def test_it_is_the_shared_part_over_all_of_both():
    found, truth = np.zeros((10, 10)), np.zeros((10, 10))
    found[:, :6], truth[:, 4:] = 1, 1
    assert mask_iou(found, truth) == pytest.approx(0.2)


def test_two_empty_mattes_agree():
    assert mask_iou(np.zeros((4, 4)), np.zeros((4, 4))) == 1


def test_what_lies_outside_does_not_count():
    found, truth, within = np.ones((4, 4)), np.ones((4, 4)), np.zeros((4, 4), bool)
    truth[0], within[1:] = 0, True
    assert mask_iou(found, truth) == pytest.approx(0.75)
    assert mask_iou(found, truth, within=within) == 1


def test_other_shapes_are_refused():
    with pytest.raises(BadShape, match="as the truth"):
        mask_iou(np.zeros((4, 4)), np.zeros((5, 4)))
