import numpy as np
import pytest
from tests.support.detectors import red_cell, retinaface_file, scrfd_file

from faceplate.detect import load_detector
from faceplate.detect.scrfd import SCRFD
from faceplate.errors import BadShape, Damaged, WeightsMissing
from faceplate.models.store import WeightStore

FIVE = [-1.0, -1.0, 1.0, -1.0, 0.0, 0.0, -1.0, 1.0, 1.0, 1.0]
FACES = {(8, 0): ([1, 1, 1, 1], FIVE), (32, 1): ([1, 2, 3, 4], FIVE)}


@pytest.fixture(scope="module")
def red(tmp_path_factory):
    """A network of the published form that sees faces in red cells of 8 and of 32 pixels."""
    return scrfd_file(tmp_path_factory.mktemp("scrfd") / "scrfd.onnx", FACES)


@pytest.mark.parametrize(
    ("stride", "box", "points"),
    [
        (8, [16, 24, 32, 40], [[16, 24], [32, 24], [24, 32], [16, 40], [32, 40]]),
        (32, [64, 64, 192, 256], [[64, 96], [128, 96], [96, 128], [64, 160], [128, 160]]),
    ],
)
def test_distances_are_decoded_in_strides_from_the_corner_of_the_cell(red, stride, box, points):
    faces = SCRFD(red)(red_cell(256, 320, stride, column=3, row=4))
    assert len(faces) == (1 if stride == 8 else 17)  # a cell of 32 holds sixteen of 8
    face = max(faces, key=lambda one: one.box[2] - one.box[0])
    np.testing.assert_allclose(face.box, np.array(box) - 0.5, atol=1e-4)
    np.testing.assert_allclose(face.points5, np.array(points) - 0.5, atol=1e-4)
    assert 0.99 < face.score <= 1


def test_a_large_image_is_shrunk_for_the_network_and_its_boxes_grow(red):
    faces = SCRFD(red, long_side=160)(red_cell(256, 320, 16, column=3, row=4))
    np.testing.assert_allclose(faces[0].box, np.array([32, 48, 64, 80]) - 0.5, atol=1e-4)


def test_a_file_of_one_size_gets_the_image_in_its_corner(tmp_path):
    path = scrfd_file(tmp_path / "fixed.onnx", FACES, size=(256, 256))
    faces = SCRFD(path)(red_cell(120, 200, 8, column=20, row=10))
    assert len(faces) == 1
    np.testing.assert_allclose(faces[0].box, np.array([152, 72, 168, 88]) - 0.5, atol=1e-4)


def test_blue_is_no_red(red):
    assert SCRFD(red)(red_cell(64, 64, 8, 2, 2)[:, :, ::-1]) == []


@pytest.mark.parametrize("image", [np.zeros((1, 1, 3)), np.full((40, 40, 3), np.nan)])
def test_a_pixel_and_a_frame_of_nan_have_no_face(red, image):
    assert SCRFD(red)(image.astype(np.float32)) == []


def test_hundreds_of_faces_are_all_found_once(red):
    image = np.zeros((320, 640, 3), np.float32)
    lit = np.kron(np.tile([[1, 0], [0, 0]], (20, 40)), np.ones((8, 8)))  # every second cell
    image[:, :, 0] = lit
    assert len(SCRFD(red)(image)) == 800


def test_another_image_is_refused(red):
    with pytest.raises(BadShape):
        SCRFD(red)(np.zeros((20, 20, 4), np.float32))


def test_other_files_are_damaged(tmp_path):
    (tmp_path / "junk.onnx").write_bytes(b"not a network")
    with pytest.raises(Damaged, match="SCRFD"):
        SCRFD(tmp_path / "junk.onnx")
    with pytest.raises(Damaged, match="it answers loc, conf, landmarks"):
        SCRFD(retinaface_file(tmp_path / "other.onnx", {}))


def test_without_weights_the_command_that_brings_them_is_named(tmp_path):
    with pytest.raises(WeightsMissing, match="faceplate models fetch scrfd-10g"):
        load_detector("scrfd", WeightStore(tmp_path).path)
