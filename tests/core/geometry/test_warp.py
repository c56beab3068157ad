import numpy as np
import pytest

from faceplate.errors import BadShape
from faceplate.geometry.points import invert, transform
from faceplate.geometry.warp import roi_of, st_map, warp_back, warp_crop


def plate_to_crop(step, angle=0.3, centre=(150.3, 110.2), size=64):
    """`step` plate pixels per crop pixel."""
    linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / step
    return np.column_stack([linear, (size - 1) / 2 - linear @ centre])


def ramp(height=240, width=320):
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([x, y, x + y], axis=-1)


@pytest.mark.parametrize("step", [0.3, 0.8, 1.0, 1.7, 2.5])
@pytest.mark.parametrize("draft", [False, True])
def test_a_crop_of_a_ramp_holds_the_place_of_its_pixels(step, draft):
    matrix = plate_to_crop(step)
    crop = warp_crop(ramp(), matrix, 64, draft=draft)
    y, x = np.mgrid[:64, :64]
    wanted = transform(np.stack([x.ravel(), y.ravel()], axis=1), invert(matrix))
    np.testing.assert_allclose(crop[..., :2].reshape(-1, 2), wanted, atol=0.05)
    np.testing.assert_allclose((crop[..., :2].reshape(-1, 2) - wanted).mean(axis=0), 0, atol=2e-3)


@pytest.mark.parametrize("step", [4.2, 6.1, 9.3])
@pytest.mark.parametrize("draft", [False, True])
def test_averaging_blocks_first_does_not_move_the_picture(step, draft):
    matrix = plate_to_crop(step, centre=(601.3, 447.2))
    crop = warp_crop(ramp(900, 1200), matrix, 64, draft=draft)
    y, x = np.mgrid[:64, :64]
    wanted = transform(np.stack([x.ravel(), y.ravel()], axis=1), invert(matrix))
    np.testing.assert_allclose(crop[..., :2].reshape(-1, 2), wanted, atol=0.02 * step)


@pytest.mark.parametrize("step", [1.5, 3.0, 8.0])
def test_a_fine_pattern_becomes_its_mean_and_not_moire(step):
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 2, (800, 800)).astype(np.float32)
    crop = warp_crop(noise, plate_to_crop(step, centre=(400, 400), angle=0.05), 64)
    # the mean of step² independent pixels deviates by 0.5 / step; one sample alone by 0.5
    assert crop.std() < 0.5 / step * 1.25
    assert abs(crop.mean() - 0.5) < 0.02


def test_an_identity_crop_is_the_plate_bit_for_bit():
    plate = np.random.default_rng(0).normal(0, 30, (64, 64, 3)).astype(np.float32)
    back = warp_back(plate, [[1, 0, 0], [0, 1, 0]], (0, 0, 64, 64))
    np.testing.assert_array_equal(back, plate)


def test_origin_is_the_data_windows_corner():
    whole = ramp()
    part = whole[50:200, 60:280]
    matrix = plate_to_crop(1.0, size=32)
    np.testing.assert_allclose(
        warp_crop(part, matrix, 32, origin=(60, 50)), warp_crop(whole, matrix, 32), atol=1e-3
    )


def test_there_and_back_again_returns_a_smooth_plate():
    y, x = np.mgrid[:240, :320]
    plate = (np.sin(x / 17) + np.cos(y / 13)).astype(np.float32)
    matrix = plate_to_crop(0.9, size=128)
    crop = warp_crop(plate, matrix, 128)
    roi = roi_of(matrix, 128, (0, 0, 320, 240))
    back = warp_back(crop, matrix, roi, border="replicate")
    x0, y0, x1, y1 = roi
    inside = warp_back(np.ones((128, 128), np.float32), matrix, roi) > 0.999
    assert np.abs(back - plate[y0:y1, x0:x1])[inside].max() < 0.01


def test_only_the_roi_is_computed_and_it_is_the_same_as_the_whole():
    crop = np.random.default_rng(2).random((64, 64, 3), dtype=np.float32)
    matrix = plate_to_crop(1.2)
    whole = warp_back(crop, matrix, (0, 0, 320, 240))
    part = warp_back(crop, matrix, (120, 90, 180, 130))
    assert part.shape == (40, 60, 3)
    np.testing.assert_allclose(part, whole[90:130, 120:180], atol=2e-2)


def test_nothing_of_a_crop_lies_outside_its_roi():
    matrix = plate_to_crop(1.7, angle=0.7)
    x0, y0, x1, y1 = roi_of(matrix, 64, (0, 0, 320, 240))
    whole = warp_back(np.ones((64, 64), np.float32), matrix, (0, 0, 320, 240))
    assert whole.sum() > 0
    whole[y0:y1, x0:x1] = 0
    assert whole.max() == 0


def test_a_roi_outside_the_data_window_is_empty_and_so_is_its_picture():
    matrix = plate_to_crop(1.0, centre=(-900, 40))
    roi = roi_of(matrix, 64, (0, 0, 320, 240))
    assert roi == (0, 0, 0, 0)
    assert warp_back(np.ones((64, 64, 3), np.float32), matrix, roi).shape == (0, 0, 3)


def test_a_roi_keeps_inside_a_data_window_with_negative_corners():
    roi = roi_of(plate_to_crop(1.0, centre=(-20, -10)), 64, (-30, -25, 320, 240))
    assert roi[:2] == (-30, -25)
    assert roi[2] < 60


def test_margin_is_in_plate_pixels_and_reach_in_crop_pixels():
    matrix = np.array([[0.5, 0, -20.0], [0, 0.5, -20]])  # a crop pixel is 2 plate pixels wide
    within = (0, 0, 320, 240)
    x0, y0, x1, y1 = roi_of(matrix, 32, within, reach=0)
    assert (x0, y0, x1, y1) == (39, 39, 104, 104)
    assert roi_of(matrix, 32, within, 4, reach=0) == (x0 - 4, y0 - 4, x1 + 4, y1 + 4)
    assert roi_of(matrix, 32, within, reach=2) == (x0 - 4, y0 - 4, x1 + 4, y1 + 4)


def test_st_map_reads_as_nukes_stmap_does():
    # the crop lies on the plate pixel for pixel, its top left pixel on plate pixel (10, 20)
    matrix = np.array([[1.0, 0, -10], [0, 1, -20]])
    st = st_map(matrix, (10, 20, 14, 24), 4)
    assert st.dtype == np.float32
    np.testing.assert_allclose(st[0, :, 0], [0.125, 0.375, 0.625, 0.875])  # u to the right
    np.testing.assert_allclose(st[:, 0, 1], [0.875, 0.625, 0.375, 0.125])  # v upwards


def test_sampling_a_crop_by_its_st_map_is_warping_it_back():
    crop = ramp(32, 32)
    matrix = plate_to_crop(0.5, size=32)
    roi = (145, 105, 155, 115)
    st = st_map(matrix, roi, 32)
    sampled_x, sampled_y = st[..., 0] * 32 - 0.5, (1 - st[..., 1]) * 32 - 0.5
    back = warp_back(crop, matrix, roi)
    np.testing.assert_allclose(back[..., 0], sampled_x, atol=0.05)
    np.testing.assert_allclose(back[..., 1], sampled_y, atol=0.05)


def test_a_face_that_grows_does_not_change_its_look_at_any_size():
    y, x = np.mgrid[:700, :700]
    plate = (0.5 + 0.5 * np.sin(x / 2.5) * np.sin(y / 2.5)).astype(np.float32)
    steps = np.arange(0.4, 6.0, 0.05)
    contrast = []
    for step in steps:
        matrix = plate_to_crop(step, angle=0.1, centre=(350, 350), size=48)
        contrast.append(float(warp_crop(plate, matrix, 48).std()))
    assert np.abs(np.diff(contrast)).max() < 0.03  # no step where the number of samples changes


@pytest.mark.parametrize("shape", [(4,), (4, 4, 5), (4, 4, 3, 1)])
def test_other_images_are_refused(shape):
    with pytest.raises(BadShape):
        warp_crop(np.zeros(shape, np.float32), plate_to_crop(1.0), 8)


def test_a_matrix_without_an_inverse_is_refused():
    with pytest.raises(BadShape):
        warp_back(np.zeros((8, 8), np.float32), np.zeros((2, 3)), (0, 0, 4, 4))
