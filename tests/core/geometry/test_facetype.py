import json

import numpy as np
import pytest
from tests.support.paths import MINI

from faceplate.errors import BadShape, InvalidInput
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.points import invert, transform
from faceplate.geometry.templates import TEMPLATE_51

# crop side / template side and centre: facts/peers.md A2, checked there against the old crops
RATIOS = {
    FaceType.HALF_FACE: (1.0, 0.5),
    FaceType.MIDFULL_FACE: (1.1909, 0.5),
    FaceType.FULL_FACE: (1.5966, 0.5),
    FaceType.WHOLE_FACE: (2.1314, 0.43),
    FaceType.HEAD: (2.9799, 0.0),
}


def frontal(scale=100.0, angle=0.0, shift=(500.0, 300.0)):
    """A face that is the template itself, with a jaw symmetric around its nose."""
    jaw = np.stack([np.linspace(-0.15, 1.13, 17), 1.2 - 0.8 * np.linspace(-1, 1, 17) ** 2], axis=1)
    jaw[:, 0] += TEMPLATE_51[10, 0] - jaw[:, 0].mean()
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.concatenate([jaw, TEMPLATE_51]) @ turn.T * scale + shift


@pytest.mark.parametrize(("face_type", "wanted"), RATIOS.items())
def test_a_crop_shows_its_ratio_around_its_centre(face_type, wanted):
    ratio, centre_y = wanted
    corners = np.array([[-0.5, -0.5], [255.5, 255.5]])
    shown = transform(corners, invert(plate_to_crop(frontal(), face_type, 256)))
    side = (shown[1] - shown[0]) / 100
    np.testing.assert_allclose(side, ratio, atol=5e-4)
    centre = (shown.mean(axis=0) - [500, 300]) / 100
    np.testing.assert_allclose(centre, [0.5, centre_y], atol=1e-6)


@pytest.mark.parametrize("face_type", list(FaceType))
def test_every_type_has_a_crop_that_holds_the_face(face_type):
    inside = transform(frontal(angle=0.3), plate_to_crop(frontal(angle=0.3), face_type, 256))[27:36]
    assert inside.min() > 0
    assert inside.max() < 255


@pytest.mark.parametrize(
    ("upright", "aligned"),
    [
        (FaceType.FULL_FACE_NO_ALIGN, FaceType.FULL_FACE),
        (FaceType.HEAD_NO_ALIGN, FaceType.HEAD),
    ],
)
def test_no_align_keeps_size_and_centre_and_does_not_turn(upright, aligned):
    face = frontal(angle=0.4)
    straight, turned = plate_to_crop(face, upright, 200), plate_to_crop(face, aligned, 200)
    assert straight[0, 1] == straight[1, 0] == 0
    assert straight[0, 0] == pytest.approx(np.sqrt(np.linalg.det(turned[:, :2])))
    middle = [[99.5, 99.5]]
    np.testing.assert_allclose(
        transform(middle, invert(straight)), transform(middle, invert(turned)), atol=1e-6
    )


def test_the_crop_of_a_turned_head_moves_towards_its_back():
    truth = json.loads((MINI / "truth_A.json").read_text())["frames"]
    for number, sign in {"1010": -1, "1015": 1}.items():  # nose to the right, to the left
        points = np.array(truth[number]["landmarks68_px"])
        middle = transform([[127.5, 127.5]], invert(plate_to_crop(points, FaceType.HEAD, 256)))
        plain = transform([[127.5, 127.5]], invert(plate_to_crop(points, FaceType.FULL_FACE, 256)))
        assert (middle - plain)[0, 0] * sign > 3


def test_a_plate_of_wide_pixels_gives_the_same_crop():
    face = frontal(angle=0.2)
    squeezed = face / [2, 1]
    wide = plate_to_crop(squeezed, FaceType.WHOLE_FACE, 256, pixel_aspect=2.0)
    square = plate_to_crop(face, FaceType.WHOLE_FACE, 256)
    np.testing.assert_allclose(transform(squeezed, wide), transform(face, square), atol=1e-6)


def test_scale_above_one_shows_less():
    matrix = plate_to_crop(frontal(), FaceType.FULL_FACE, 256, scale=1.25)
    plain = plate_to_crop(frontal(), FaceType.FULL_FACE, 256)
    assert matrix[0, 0] == pytest.approx(1.25 * plain[0, 0])


@pytest.mark.parametrize("number", ["1001", "1008", "1013", "1018"])
def test_crops_of_rendered_heads_put_eyes_and_mouth_where_the_template_has_them(number):
    frame = json.loads((MINI / "truth_A.json").read_text())["frames"][number]
    points = np.array(frame["landmarks68_px"]) - 0.5
    placed = transform(points, plate_to_crop(points, FaceType.WHOLE_FACE, 256))
    in_template = (placed - 127.5) / 256 * 2.1314 + [0.5, 0.43]
    distance = np.hypot(*(in_template[17:] - TEMPLATE_51).T)
    assert distance.mean() < 0.09  # of the template's side: heads differ from the mean face


@pytest.mark.parametrize(
    "landmarks", [np.zeros((68, 2)), np.zeros((5, 2)), np.full((68, 2), np.inf)]
)
def test_points_without_a_face_are_refused(landmarks):
    with pytest.raises(BadShape):
        plate_to_crop(landmarks, FaceType.WHOLE_FACE, 256)


@pytest.mark.parametrize("bad", [{"size": 0}, {"pixel_aspect": 0.0}, {"scale": -1.0}])
def test_a_size_aspect_or_scale_that_is_not_above_zero_is_refused(bad):
    with pytest.raises(InvalidInput, match="above 0"):
        plate_to_crop(frontal(), FaceType.WHOLE_FACE, **{"size": 256, **bad})
