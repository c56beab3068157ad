import numpy as np
import pytest
from tests.support.detectors import red_cell, scrfd_file

from faceplate.detect.looking import Looking
from faceplate.detect.rotated import Rotated
from faceplate.detect.tiled import Tiled
from faceplate.errors import BadSettings, UnknownComponent

FIVE = [-1.0, -1.0, 1.0, -1.0, 0.0, 0.0, -1.0, 1.0, 1.0, 1.0]


@pytest.fixture(scope="module")
def red(tmp_path_factory):
    path = tmp_path_factory.mktemp("red") / "scrfd.onnx"
    return scrfd_file(path, {(8, 0): ([1, 1, 1, 1], FIVE)})


@pytest.mark.parametrize(
    ("looking", "frame", "min_face", "kind", "side"),
    [
        (Looking(rotations="never"), (1920, 1080), 21, "SCRFD", 640),
        (Looking(rotations="never"), (3840, 2160), 43, "Tiled", 1920),
        (Looking(800, rotations="never"), (4096, 2160), 43, "Tiled", 2400),
        (Looking(rotations="never", tiles="never"), (3840, 2160), 43, "SCRFD", 640),
        (Looking(0, rotations="never"), (3840, 2160), 43, "SCRFD", 0),
        (Looking(rotations="never", tiles="fine"), (1920, 1080), 80, "Tiled", 960),
        (Looking(rotations="never", tiles="fine"), (1920, 1080), 20, "Tiled", 0),
        (Looking(rotations="never", tiles="fine"), (1280, 720), 200, "SCRFD", 640),
        (Looking(), (1920, 1080), 21, "Rotated", 640),
        (Looking(rotations="always"), (3840, 2160), 43, "Rotated", 1920),
    ],
)
def test_frames_are_shrunk_and_tiled_by_their_size(red, looking, frame, min_face, kind, side):
    detector, wanted = looking.load("scrfd", lambda card: red, frame, min_face)
    assert type(detector).__name__ == kind
    assert wanted == side
    assert detector.card == "scrfd-10g"


def test_fine_tiles_enlarge_what_would_be_too_small(red):
    looking = Looking(128, rotations="never", tiles="fine")
    detector, side = looking.load("scrfd", lambda card: red, (320, 180), 10.0)
    assert isinstance(detector, Tiled)
    assert side == 0
    # six pixels of the frame: two cells of the network only because they are enlarged four times
    found = detector(red_cell(180, 320, 6, column=30, row=20))
    assert found
    for one in found:
        x0, y0, x1, y1 = one.box
        assert x1 - x0 == pytest.approx(4, abs=0.2)
        assert 179 < (x0 + x1) / 2 < 187
        assert 119 < (y0 + y1) / 2 < 127


def test_turned_tiles_are_looked_at_too(red):
    detector, _ = Looking().load("scrfd", lambda card: red, (3840, 2160), 43.0)
    assert isinstance(detector, Rotated)
    assert detector(np.zeros((108, 192, 3), np.float32)) == []


@pytest.mark.parametrize("size", [-1, 1, 63])
def test_a_detect_size_out_of_range_is_refused(red, size):
    with pytest.raises(BadSettings, match="detect_size"):
        Looking(size).load("scrfd", lambda card: red, (640, 360), 10.0)


def test_an_unknown_detector_is_told_with_the_choices(red):
    with pytest.raises(UnknownComponent, match="retinaface-r50"):
        Looking().load("faces", lambda card: red, (640, 360), 10.0)
