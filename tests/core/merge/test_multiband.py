import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.poisson import FloatArray, problem

from faceplate.errors import BadSettings, BadShape
from faceplate.merge.multiband import multiband_blend
from faceplate.merge.poisson import poisson_blend


def face(size: int = 160) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a dark, contrasty swap, a bright plate lit from one side, and a disc."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:size, :size]
    texture = rng.lognormal(0, 0.2, (size, size, 1)).astype(np.float32)
    swap = np.repeat(0.1 * texture, 3, axis=2)
    light = (0.3 + 0.9 * x / size)[..., None] * np.array([1.0, 0.8, 0.7])
    matte = (np.hypot(y - size / 2, x - size / 2) < 0.4 * size).astype(np.float32)
    return swap, light.astype(np.float32), matte


def features(image: FloatArray, inside: FloatArray) -> float:
    """Return the contrast of fine features: the spread of the high band of ln(light)."""
    log = np.log(image[..., 1])
    return float((log - cv2.GaussianBlur(log, (0, 0), 3))[inside > 0].std())


def test_the_plate_laid_over_itself_is_the_plate() -> None:
    _, plate, region = problem(96)
    blend = multiband_blend(plate, plate, region.astype(np.float32))
    np.testing.assert_allclose(blend, plate, rtol=2e-6)


def test_the_contrast_of_the_swap_is_kept_where_poisson_in_linear_light_loses_it() -> None:
    swap, plate, matte = face()
    inside = cv2.erode(matte, np.ones((33, 33), np.uint8))
    own = features(swap, inside)
    kept = features(multiband_blend(swap, plate, matte), inside)
    lost = features(poisson_blend(swap, plate, matte, domain="linear"), inside)
    assert kept == pytest.approx(own, rel=0.02)
    assert lost < 0.4 * own


def test_the_light_on_the_face_is_the_plates() -> None:
    swap, plate, matte = face()
    blend = multiband_blend(swap, plate, matte, levels=4)
    inside = cv2.erode(matte, np.ones((33, 33), np.uint8)) > 0
    blend[matte == 0] = plate[matte == 0]
    smooth = cv2.GaussianBlur(np.log(blend), (0, 0), 12)[inside]
    np.testing.assert_allclose(smooth, np.log(plate)[inside], atol=0.1)
    assert np.abs(np.log(swap[inside]).mean() - np.log(plate[inside]).mean()) > 1


def test_more_levels_leave_coarser_features_to_the_swap() -> None:
    _, plate, matte = face()
    y = np.arange(160)[:, None, None]
    swap = (plate * np.exp(0.3 * np.sin(y * 2 * np.pi / 40))).astype(np.float32)
    left = []
    for levels in (1, 3, 5):
        blend = multiband_blend(swap, plate, matte, levels=levels)
        left.append(float(np.log(blend / plate)[70:90, 60:100].std()))
    assert left[0] < 0.2 * left[2]
    assert left[0] < left[1] < left[2]
    assert left[2] == pytest.approx(np.log(swap / plate)[70:90, 60:100].std(), rel=0.3)


def test_the_edge_of_the_matte_meets_the_plate() -> None:
    swap, plate, matte = face()
    blend = multiband_blend(swap, plate, matte)
    edge = (matte > 0) & (cv2.erode(matte, np.ones((3, 3), np.uint8)) == 0)
    jump = np.abs(np.log(blend[edge] / plate[edge])).mean()
    assert jump < 0.25 * np.abs(np.log(swap[edge] / plate[edge])).mean()


@settings(max_examples=10, deadline=None)
@given(st.tuples(*(st.integers(0, 30) for _ in range(4))))
def test_the_result_does_not_depend_on_the_window(more: tuple[int, int, int, int]) -> None:
    swap, plate, region = problem(64)
    top, bottom, left, right = more
    around = ((top, bottom), (left, right))
    wider = multiband_blend(
        np.pad(swap, (*around, (0, 0)), constant_values=9),
        np.pad(plate, (*around, (0, 0)), constant_values=5),
        np.pad(region.astype(np.float32), around),
    )[top : top + 64, left : left + 64]
    expected = multiband_blend(swap, plate, region.astype(np.float32))
    np.testing.assert_array_equal(wider[region], expected[region])


def test_a_plate_two_stops_up_gives_a_result_two_stops_up() -> None:
    swap, plate, region = problem(96)
    matte = region.astype(np.float32)
    blend, up = multiband_blend(swap, plate, matte), multiband_blend(swap * 4, plate * 4, matte)
    np.testing.assert_allclose(up, blend * 4, rtol=1e-5)


def test_bad_pixels_stay_where_they_are() -> None:
    swap, plate, region = problem(96)
    matte = region.astype(np.float32)
    expected = multiband_blend(swap, plate, matte)
    swap[40, 41] = np.nan
    plate[50, 51] = np.inf
    plate[0, 0] = np.nan
    blend = multiband_blend(swap, plate, matte)
    assert (~np.isfinite(blend)).any(axis=-1).sum() == 1
    assert np.isnan(blend[40, 41]).all()
    near = np.zeros(region.shape, np.bool_)
    near[33:60, 33:60] = True
    np.testing.assert_allclose(blend[~near], expected[~near], rtol=0.05)


def test_highlights_and_values_below_black_come_through() -> None:
    swap, plate, region = problem(96)
    swap[40:44, 40:44] = 500
    swap[60:62, 40:42] = -0.02
    blend = multiband_blend(swap, plate, region.astype(np.float32))
    assert blend[41, 41].min() > 20
    assert np.isfinite(blend).all()


def test_an_empty_matte_gives_the_swap_and_a_tiny_one_does_not_fail() -> None:
    swap, plate, _ = problem(32)
    matte = np.zeros((32, 32), np.float32)
    np.testing.assert_array_equal(multiband_blend(swap, plate, matte), swap)
    matte[5, 7] = 1
    assert np.isfinite(multiband_blend(swap, plate, matte, levels=10)).all()


def test_what_cannot_be_is_refused() -> None:
    swap, plate, region = problem(32)
    with pytest.raises(BadShape):
        multiband_blend(swap, plate, region[1:].astype(np.float32))
    with pytest.raises(BadSettings, match="-1"):
        multiband_blend(swap, plate, region.astype(np.float32), levels=-1)
