from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from tests.support.shots import known_landmarks

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.errors import BadShape, NotFound, WeightsMissing
from faceplate.geometry.warp import warp_crop
from faceplate.io.frame import Frame, Window
from faceplate.io.sequence import Sequence
from faceplate.io.tracked import Pose, TrackedFace
from faceplate.studies.extractionmasks import (
    NOTHING,
    MaskError,
    MatteMaker,
    load_makers,
    mask_figures,
    true_matte,
)

Matte = npt.NDArray[np.float32]


class Answer:
    """A segmenter that answers with what it was given."""

    card = ""

    def __init__(self, matte: Matte, face_type: str = "") -> None:
        self.matte, self.face_type = matte, face_type

    def __call__(self, view: npt.NDArray[np.float32]) -> Matte:
        assert view.shape == (256, 256, 3)
        return self.matte


def face(by: float = 0.0) -> TrackedFace:
    points = np.add(known_landmarks("B", 1001), [by, 0])
    return TrackedFace(1, 1001, (0, 0, 1, 1), points, points, Pose(0, 0, 0), 1, 1, "tracked")


def plate(number: int = 1001) -> Frame:
    window = Window(0, 0, 384, 216)
    return Frame(number, np.full((216, 384, 3), 0.2, np.float32), ("R", "G", "B"), window, window)


@pytest.fixture(scope="module")
def encodings() -> Encodings:
    return Encodings(load_config(), "ACEScg")


def left_half() -> Matte:
    matte = np.zeros((256, 256), np.float32)
    matte[:, :128] = 1
    return matte


def test_a_matte_that_is_the_truth_agrees_and_a_half_agrees_by_half(encodings: Encodings) -> None:
    truth = np.ones((216, 384), np.float32)
    whole, half = Answer(np.ones((256, 256), np.float32)), Answer(left_half())
    assert MatteMaker("all", whole).agreement(plate(), face(), truth, encodings) == 1
    found = MatteMaker("half", half).agreement(plate(), face(), truth, encodings)
    assert found == pytest.approx(0.5, abs=0.06)  # the crop reaches beyond the top of the picture


def test_the_truth_is_carried_into_the_crop(encodings: Encodings) -> None:
    truth = np.zeros((216, 384), np.float32)
    truth[:, :192] = 1
    matrix = MatteMaker("any").crop_of(face(), 1.0)
    inside = warp_crop(truth, matrix, 256, interpolation="linear", border="zero")
    right = MatteMaker("right", Answer(inside)).agreement(plate(), face(), truth, encodings)
    wrong = MatteMaker("wrong", Answer(1 - inside)).agreement(plate(), face(), truth, encodings)
    assert (right, wrong) == (1, 0)


def test_what_is_outside_the_picture_does_not_count(encodings: Encodings) -> None:
    truth = np.ones((216, 384), np.float32)
    out = face(by=-float(known_landmarks("B", 1001)[:, 0].mean()))  # half of it is outside
    inside = warp_crop(truth, MatteMaker("any").crop_of(out, 1.0), 256, border="zero")
    assert 0.3 < inside.mean() < 0.7
    everywhere = MatteMaker("all", Answer(np.ones((256, 256), np.float32)))
    assert everywhere.agreement(plate(), out, truth, encodings) == 1


def test_a_segmenter_is_shown_the_framing_that_it_was_trained_on() -> None:
    empty = np.zeros((256, 256), np.float32)
    wide, narrow = (
        MatteMaker("one", Answer(empty, kind)).crop_of(face(), 1.0)[0, 0]
        for kind in ("head", "half_face")
    )
    assert narrow > 1.5 * wide


def test_means_are_by_segmenter_and_occluder() -> None:
    errors = [
        MaskError("a", 1, "hand", 0.5), MaskError("a", 2, NOTHING, 0.9),
        MaskError("a", 3, NOTHING, 0.7), MaskError("b", 1, "hand", 0.2),
    ]  # fmt: skip
    figures = mask_figures(errors)
    assert next(iter(figures)) == ("a", NOTHING)
    assert figures["a", NOTHING] == (pytest.approx(0.8), 2)
    assert figures["b", "hand"] == (0.2, 1)


def test_a_segmenter_whose_weights_are_missing_is_noted(caplog: pytest.LogCaptureFixture) -> None:
    def weights(card: str) -> Path:
        raise WeightsMissing(card, "a store")

    missing: dict[str, str] = {}
    makers = load_makers(("hull", "xseg"), weights, 1, missing)
    assert [maker.name for maker in makers] == ["hull"]
    assert "faceplate models fetch" in missing["mattes of xseg"]


def test_true_mattes_that_are_absent_or_of_another_size_are_told(tmp_path: Path) -> None:
    files = Sequence.parse(tmp_path / "m.%04d.png")
    with pytest.raises(NotFound, match="frame 1001"):
        true_matte(files, plate())
    cv2.imwrite(str(files.path(1001)), np.zeros((10, 10), np.uint8))
    with pytest.raises(BadShape, match="as the plate"):
        true_matte(files, plate())
