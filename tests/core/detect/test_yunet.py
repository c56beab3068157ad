import cv2
import numpy as np
import pytest
from tests.support.detectors import red_cell, scrfd_file, yunet_file

from faceplate.detect import load_detector
from faceplate.detect.yunet import YuNet
from faceplate.errors import BadShape, Damaged, WeightsMissing
from faceplate.models.store import WeightStore

FIVE = [-1.0, -1.0, 1.0, -1.0, 0.0, 0.0, -1.0, 1.0, 1.0, 1.0]


@pytest.fixture(scope="module")
def red(tmp_path_factory):
    """A network of the published form that sees faces of 16 x 40 pixels in red cells of 16."""
    box = [0.5, 0.25, 0.0, np.log(2.5)]
    return yunet_file(tmp_path_factory.mktemp("yunet") / "yunet.onnx", {16: (box, FIVE)})


def test_box_and_points_are_decoded_where_the_cell_says(red):
    faces = YuNet(red)(red_cell(128, 160, 16, column=3, row=4))
    assert len(faces) == 1
    # the cell's corner is at edge (48, 64): centre 8 right and 4 down of it
    np.testing.assert_allclose(faces[0].box, np.array([48, 48, 64, 88]) - 0.5, atol=1e-4)
    wanted = [[32, 48], [64, 48], [48, 64], [32, 80], [64, 80]]
    np.testing.assert_allclose(faces[0].points5, np.array(wanted) - 0.5, atol=1e-4)
    assert faces[0].score == pytest.approx(0.8, abs=1e-3)  # root of 1.0 (face) times 0.64 (object)


def test_an_image_larger_than_the_network_is_shrunk_and_its_boxes_grow(red):
    large = red_cell(640, 1280, 32, column=10, row=5)
    faces = YuNet(red, long_side=2000)(large)  # the file's 640 pixels bind, not these
    assert len(faces) == 1
    np.testing.assert_allclose(faces[0].box, np.array([320, 128, 352, 208]) - 0.5, atol=1e-3)


def test_the_same_faces_as_opencv_sees_with_any_weights(tmp_path):
    # Oracle: cv2.FaceDetectorYN, which counts from edges, with the same random network.
    path = yunet_file(tmp_path / "any.onnx", None)
    rng = np.random.default_rng(1)
    levels = cv2.resize(
        rng.integers(0, 256, (20, 20, 3), np.uint8), (640, 640), interpolation=cv2.INTER_NEAREST
    )
    oracle = cv2.FaceDetectorYN.create(str(path), "", (640, 640), 0.9, 1.0, 50_000)
    _, rows = oracle.detect(np.ascontiguousarray(levels[:, :, ::-1]))
    faces = YuNet(path, score_threshold=0.9, overlap_threshold=1.0)(np.float32(levels) / 255)
    assert len(faces) == len(rows) > 100
    ours = [
        [x0, y0, x1 - x0, y1 - y0, *face.points5.ravel(), face.score]
        for face in faces
        for x0, y0, x1, y1 in [face.box]
    ]
    theirs = np.array(rows) - np.array([0.5, 0.5, 0, 0] + [0.5] * 10 + [0])
    np.testing.assert_allclose(_sorted(ours), _sorted(theirs), rtol=1e-3, atol=2e-3)


def _sorted(rows):
    table = np.asarray(rows, np.float64)
    return table[np.lexsort((table[:, 1].round(1), table[:, 0].round(1)))]


@pytest.mark.parametrize("image", [np.zeros((1, 1, 3)), np.full((40, 40, 3), np.nan)])
def test_a_pixel_and_a_frame_of_nan_have_no_face(red, image):
    assert YuNet(red)(image.astype(np.float32)) == []


def test_another_image_is_refused(red):
    with pytest.raises(BadShape):
        YuNet(red)(np.zeros((20, 20), np.float32))


def test_other_files_are_damaged(tmp_path):
    (tmp_path / "junk.onnx").write_bytes(b"not a network")
    with pytest.raises(Damaged, match="YuNet"):
        YuNet(tmp_path / "junk.onnx")
    with pytest.raises(Damaged, match="YuNet: it answers 446"):
        YuNet(scrfd_file(tmp_path / "other.onnx", {}))


def test_without_weights_the_command_that_brings_them_is_named(tmp_path):
    with pytest.raises(WeightsMissing, match="faceplate models fetch yunet"):
        load_detector("yunet", WeightStore(tmp_path).path)
