import numpy as np
import pytest
from tests.support.detectors import red_cell, retinaface_file, yunet_file
from tests.support.mini import true_points, truth, view

from faceplate.detect import DETECTORS, load_detector
from faceplate.detect.retinaface import RetinaFace, RetinaFaceR50, anchor_boxes
from faceplate.errors import BadShape, Damaged, WeightsMissing
from faceplate.models.store import WeightStore

FIVE = [slice(36, 42), slice(42, 48), slice(30, 31), slice(48, 49), slice(54, 55)]


@pytest.fixture
def detector(weights):
    return load_detector("retinaface", weights, threads=1)


@pytest.mark.parametrize(("shot", "faces"), [("A", 24), ("B", 11)])
def test_every_rendered_face_is_found_once_with_a_score_above_09(detector, shot, faces):
    found = {number: detector(view(shot, number)) for number in truth(shot)}
    full = [number for number in found if not truth(shot)[number]["empty"]]
    assert len(full) == faces
    assert [len(found[number]) for number in full] == [1] * faces
    assert min(found[number][0].score for number in full) > 0.9


def test_an_empty_frame_has_no_face(detector):
    assert detector(view("B", "1011")) == []


@pytest.mark.parametrize(("shot", "number"), [("A", "1001"), ("A", "1018"), ("B", "1012")])
def test_box_and_points_lie_where_the_render_has_them(detector, shot, number):
    face = detector(view(shot, number))[0]
    points = true_points(shot, number)
    wanted = np.stack([points[part].mean(axis=0) for part in FIVE])
    height = np.ptp(points[:, 1])
    assert np.hypot(*(face.points5 - wanted).T).max() < 0.05 * height
    x0, y0, x1, y1 = face.box
    inner = points[17:]
    assert x0 < inner[:, 0].min() < inner[:, 0].max() < x1
    assert y0 < inner[:, 1].min() < inner[:, 1].max() < y1


def test_a_larger_image_gives_the_same_box_scaled_about_pixel_edges(detector):
    small = view("A", "1001")
    large = np.repeat(np.repeat(small, 4, axis=0), 4, axis=1)  # 1536 wide: shrunk to 640 inside
    a, b = detector(small)[0], detector(large)[0]
    np.testing.assert_allclose((np.array(b.box) + 0.5) / 4 - 0.5, a.box, atol=5)  # of 130
    np.testing.assert_allclose((b.points5 + 0.5) / 4 - 0.5, a.points5, atol=5)
    assert np.abs((b.points5 + 0.5) / 4 - 0.5 - a.points5).mean() < 2


def test_two_faces_are_two_detections_best_first(detector):
    both = np.concatenate([view("A", "1001"), view("B", "1001")], axis=1)
    found = detector(both)
    assert len(found) == 2
    assert found[0].score >= found[1].score
    assert {face.box[0] > 384 for face in found} == {False, True}


@pytest.mark.parametrize("beyond", [0.1, 0.3, 0.5])
@pytest.mark.parametrize(("shot", "number"), [("A", "1001"), ("A", "1007"), ("B", "1012")])
def test_a_face_cut_by_the_edge_of_the_frame_is_found_once(detector, shot, number, beyond):
    image = view(shot, number)
    x0, y0, x1, y1 = (round(value) for value in detector(image)[0].box)
    across, down = round(beyond * (x1 - x0)), round(beyond * (y1 - y0))
    parts = {
        "left": (image[:, x0 + across :], (x0 + across, 0)),
        "right": (image[:, : x1 - across], (0, 0)),
        "top": (image[y0 + down :], (0, y0 + down)),
        "bottom": (image[: y1 - down], (0, 0)),
    }
    for side, (part, origin) in parts.items():
        found = detector(np.ascontiguousarray(part))
        assert len(found) == 1, side
        box = np.add(found[0].box, [*origin, *origin])
        # the box reaches beyond the frame, or ends at its edge: in either case it is on the face
        width = min(box[2], x1) - max(box[0], x0)
        height = min(box[3], y1) - max(box[1], y0)
        assert width * height > (0.9 - beyond) * (x1 - x0) * (y1 - y0), side


def test_odd_sizes_are_padded_and_not_cut(detector):
    image = view("A", "1001")[3:209, 11:350]
    face = detector(image)[0]
    whole = detector(view("A", "1001"))[0]
    np.testing.assert_allclose(np.add(face.box, [11, 3, 11, 3]), whole.box, atol=5)


def test_nan_and_infinite_pixels_are_survived(detector):
    broken = view("A", "1001").copy()
    broken[:4, :4] = np.nan
    broken[-4:, :] = np.inf
    assert len(detector(broken)) == 1


def test_a_black_frame_and_a_single_pixel_have_no_face(detector):
    assert detector(np.zeros((216, 384, 3), np.float32)) == []
    assert detector(np.zeros((1, 1, 3), np.float32)) == []


def test_anchors_are_two_per_cell_of_strides_8_16_32():
    boxes = anchor_boxes(64, 96)
    assert len(boxes) == 2 * (8 * 12 + 4 * 6 + 2 * 3)
    assert boxes[:2].tolist() == [[4, 4, 16], [4, 4, 32]]
    assert boxes[2].tolist() == [12, 4, 16]  # along a row first
    assert boxes[-1].tolist() == [80, 48, 512]


@pytest.mark.parametrize("shape", [(20, 20), (20, 20, 4), (0, 20, 3)])
def test_other_images_are_refused(detector, shape):
    with pytest.raises(BadShape):
        detector(np.zeros(shape, np.float32))


def test_a_file_that_is_no_network_is_damaged(tmp_path):
    path = tmp_path / "weights.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(Damaged, match=r"weights\.onnx"):
        RetinaFace(path)


def test_the_large_one_is_decoded_from_its_anchors(tmp_path):
    # offsets in tenths of the anchor's side, sizes as logarithms in fifths
    five = [-1, -1, 1, -1, 0, 0, -1, 1, 1, 1]
    path = retinaface_file(tmp_path / "r50.onnx", {(16, 1): ([1, -1, 0, 5 * np.log(2)], five)})
    faces = RetinaFaceR50(path)(red_cell(256, 320, 16, column=3, row=4))
    assert len(faces) == 1
    # the anchor is 128 wide about edge (56, 72)
    wanted = np.array([4.8, -68.8, 132.8, 187.2]) - 0.5
    np.testing.assert_allclose(faces[0].box, wanted, atol=1e-3)
    points = np.array([[43.2, 59.2], [68.8, 59.2], [56, 72], [43.2, 84.8], [68.8, 84.8]])
    np.testing.assert_allclose(faces[0].points5, points - 0.5, atol=1e-3)


def test_hundreds_of_faces_are_all_found_once(tmp_path):
    small = ([0, 0, 0, 0], [0.0] * 10)  # 16 x 16
    path = retinaface_file(tmp_path / "crowd.onnx", {(8, 0): small})
    image = np.zeros((320, 640, 3), np.float32)
    image[:, :, 0] = np.kron(np.tile([[1, 0, 0], [0, 0, 0], [0, 0, 0]], (14, 27)), np.ones((8, 8)))[
        :320, :640
    ]
    assert len(RetinaFaceR50(path)(image)) == 14 * 27


def test_a_network_with_other_answers_is_damaged(tmp_path):
    with pytest.raises(Damaged, match="RetinaFace"):
        RetinaFaceR50(yunet_file(tmp_path / "yunet.onnx", {}))


def test_without_the_large_one_s_weights_the_command_that_brings_them_is_named(tmp_path):
    with pytest.raises(WeightsMissing, match="faceplate models fetch retinaface-r50"):
        load_detector("retinaface-r50", WeightStore(tmp_path).path)


def test_the_registry_names_the_cards_of_its_detectors():
    assert DETECTORS.load("retinaface").card == "retinaface-mobilenet0.25"
    assert "retinaface" in DETECTORS.names()
