import numpy as np
import pytest
from tests.support.mini import truth, view

from faceplate.detect import Detection, load_detector
from faceplate.detect.rotated import Rotated
from faceplate.errors import BadShape

FRAMES = [("A", number) for number in ("1001", "1010", "1016")]
FRAMES += [("B", number) for number in ("1007", "1012")]


class Brightest:
    """Sees a face of two by four pixels below and right of the brightest pixel."""

    card = "brightest"

    def __init__(self, scores=(0.9,)) -> None:
        self.scores, self.shapes = list(scores), []

    def __call__(self, image):
        score = self.scores[len(self.shapes) % len(self.scores)]
        self.shapes.append(image.shape[:2])
        y, x = np.argwhere(image[:, :, 0] == image.max())[0].tolist()
        points = np.array([[x, y], [x + 2, y], [x + 1, y + 2], [x, y + 3], [x + 2, y + 3]], float)
        return [Detection((x, y, x + 2, y + 4), score, points)] if score else []


@pytest.fixture
def detector(weights):
    return load_detector("retinaface", weights, threads=1)


@pytest.mark.parametrize("always", [False, True])
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_rendered_faces_are_found_once_with_their_roll_and_points(detector, turns, always):
    looking = Rotated(detector, always=always)
    for shot, number in FRAMES[:: 2 if always else 1]:
        image = np.ascontiguousarray(np.rot90(view(shot, number), turns))
        found = looking(image)
        assert len(found) == 1
        wanted = truth(shot)[number]["roll"] + 90 * turns
        assert abs((found[0].roll - wanted + 180) % 360 - 180) < 15
        (upright,) = detector(view(shot, number))  # of the same pixels as the turn that counts
        assert found[0].score == upright.score
        np.testing.assert_allclose(found[0].points5, turned(upright.points5, turns), atol=1e-6)
        box = turned(np.reshape(upright.box, (2, 2)), turns)
        np.testing.assert_allclose(found[0].box, [*box.min(axis=0), *box.max(axis=0)], atol=1e-6)


def turned(points, turns, width=384, height=216):
    x, y = points[:, 0], points[:, 1]
    places = {1: (y, width - 1 - x), 2: (width - 1 - x, height - 1 - y), 3: (height - 1 - y, x)}
    return np.stack(places[turns], axis=1)


def test_somebody_lying_beside_somebody_standing_is_found_by_looking_always(detector):
    image = np.full((384, 768, 3), 0.4, np.float32)
    image[84:300, :384] = view("A", "1001")
    image[:, 476:692] = np.rot90(view("B", "1001"))
    found = Rotated(detector, always=True)(image)
    assert len(found) == 2
    assert sorted(one.roll is None for one in found) == [False, True]


def test_empty_frames_stay_empty(detector):
    assert Rotated(detector, always=True)(view("B", "1011")) == []


@pytest.mark.parametrize("always", [False, True])
@pytest.mark.parametrize("image", [np.zeros((1, 1, 3)), np.full((40, 60, 3), np.nan)])
def test_a_pixel_and_a_frame_of_nan_have_no_face(detector, image, always):
    assert Rotated(detector, always=always)(image.astype(np.float32)) == []


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_box_found_in_a_turned_image_is_where_it_was_in_the_upright_one(turns):
    image = np.zeros((20, 30, 3), np.float32)
    upright = np.zeros(np.rot90(image, turns).shape, np.float32)
    upright[5, 7] = 1  # where the detector will see it in that turn
    image = np.ascontiguousarray(np.rot90(upright, -turns))
    scores = [0.0] * 4
    scores[turns] = 0.9
    (face,) = Rotated(Brightest(scores))(image)
    corner = np.argwhere(image[:, :, 0] == 1)[0][::-1]
    np.testing.assert_array_equal(face.points5[0], corner)
    assert corner[0] in (face.box[0], face.box[2])
    assert corner[1] in (face.box[1], face.box[3])
    sides = face.box[2] - face.box[0], face.box[3] - face.box[1]
    assert sides == ((2, 4) if turns == 2 else (4, 2))
    assert face.roll == {1: -90, 2: -180, 3: 90}[turns]


def test_a_sure_upright_face_is_looked_at_once_unless_always():
    image = np.zeros((20, 30, 3), np.float32)
    image[5, 7] = 1
    for always, looks in ((False, 1), (True, 4)):
        sure = Brightest([0.995])
        assert Rotated(sure, always=always)(image)[0].roll is None
        assert sure.shapes == [(20, 30), (30, 20), (20, 30), (30, 20)][:looks]


def test_a_doubtful_face_is_looked_at_in_every_turn():
    image = np.zeros((20, 30, 3), np.float32)
    image[5, 7] = 1
    doubtful = Brightest([0.9])
    Rotated(doubtful)(image)
    assert len(doubtful.shapes) == 4


def test_another_image_is_refused():
    with pytest.raises(BadShape):
        Rotated(Brightest())(np.zeros((20, 20), np.float32))
