import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.paths import MINI, REPO
from tests.support.swaps import encodings, face_of, ideal_predictor, mini_frame, mini_landmarks

from faceplate.context import Context
from faceplate.errors import BadSettings, BadShape, ExtraMissing, MissingFrames, NotFound
from faceplate.evaluate.truth import TruthJob, truth
from faceplate.io.image import read_frame, write_frame
from faceplate.merge.frame import swap_frame
from faceplate.merge.recipe import Recipe

with_dlib = pytest.mark.skipif(
    find_spec("dlib") is None, reason="the extra `identity` is not installed"
)


def job(tmp_path, result, **changes):
    settings = {
        "plate": str(MINI / "B" / "B.%04d.exr"),
        "truth": str(MINI / "S" / "S.%04d.exr"),
        "masks": str(MINI / "B_masks" / "visible"),
        "truth_json": str(MINI / "truth_B.json"),
        "out": str(tmp_path / "panel"),
    }
    return TruthJob(result=str(result), **{**settings, **changes})


@pytest.fixture
def without_identity(monkeypatch):
    """Leave dlib out, whose network takes a third of a second per frame."""

    def refuse():
        raise ExtraMissing("dlib", "identity")

    monkeypatch.setattr("faceplate.evaluate.truth.load_descriptor", refuse)


@pytest.fixture
def without_plot(monkeypatch):
    """Leave the plot out, which takes a second; one test looks at it."""
    monkeypatch.setattr("faceplate.evaluate.truth.plot_png", lambda rows: b"no plot")


@pytest.fixture
def context(tmp_path, without_plot):
    return Context(home=tmp_path / "home")


def figures(result):
    return {row.figure: row for row in result.panel}


def ideal_swap(folder, number, size=96, face_type="full_face", recipe=None):
    """Write the layers that a perfect network would give."""
    plate = mini_frame("B", number)
    predictor = ideal_predictor(number, size, face_type)
    faces = [face_of(mini_landmarks(number), number)]
    layers = swap_frame(plate, faces, predictor, recipe or Recipe(), encodings())
    write_frame(layers.to_frame(), folder / f"swap.{number}.exr")


@with_dlib
@pytest.mark.parametrize(("actor", "expected"), [("S", 1.0), ("B", 0.0)])
def test_identity_transfer_of_the_truth_is_one_and_of_the_plate_nought(
    tmp_path, context, actor, expected
):
    result = truth(job(tmp_path, MINI / actor / f"{actor}.%04d.exr", frames="1001"), context)
    row = figures(result)["identity"]
    assert row.result == pytest.approx(expected, abs=1e-3)
    assert (row.plate, row.truth) == (0, 1)


@pytest.mark.usefixtures("without_identity")
def test_the_truth_itself_has_no_error_and_the_plate_has(tmp_path, context):
    result = truth(job(tmp_path, MINI / "S" / "S.%04d.exr", frames="1001-1003"), context)
    rows = figures(result)
    for name in ("light", "tone", "seam", "flicker"):
        assert rows[name].result == pytest.approx(0, abs=1e-6)
        assert rows[name].plate > 1e-3
    for name in ("detail", "ssim"):
        assert rows[name].result == pytest.approx(1, abs=1e-5)
        assert rows[name].plate < 0.95


@pytest.mark.usefixtures("without_identity")
def test_the_plate_itself_scores_what_stands_beside_it(tmp_path, context):
    result = truth(job(tmp_path, MINI / "B" / "B.%04d.exr", frames="1001-1003"), context)
    rows = {name: row for name, row in figures(result).items() if row.result is not None}
    assert set(rows) == {"light", "detail", "tone", "ssim", "seam", "flicker"}
    assert all(row.result == row.plate for row in rows.values())


@with_dlib
def test_a_perfect_network_would_transfer_half_of_the_identity_at_96_pixels(tmp_path, context):
    """The ceiling that merging sets: measured 0.57 over the shot; the rest lies outside the hull,
    in the tone of the skin, and in the 96 pixels."""
    for number in (1001, 1010):
        ideal_swap(tmp_path, number)
    rows = figures(truth(job(tmp_path, tmp_path / "swap.%04d.exr", frames="1001,1010"), context))
    assert rows["identity"].result > 0.5
    assert rows["detail"].result > 0.85
    assert rows["light"].result < rows["light"].plate
    assert rows["seam"].result < rows["seam"].plate
    assert rows["outside"].result == 0


@pytest.mark.usefixtures("without_identity")
def test_frames_turned_too_far_or_without_a_face_are_left_out_of_the_means(tmp_path, context):
    # 1007 is turned by 64 degrees, 1011 shows no face
    result = truth(job(tmp_path, MINI / "S" / "S.%04d.exr", frames="1006-1008,1011"), context)
    assert [record["frame"] for record in result.per_frame] == [1006, 1008]
    assert (result.frames, result.frames_left_out) == (2, 2)
    wider = job(tmp_path, MINI / "S" / "S.%04d.exr", frames="1006-1007", max_yaw=70)
    assert truth(wider, context).frames == 2


@pytest.mark.usefixtures("without_identity")
def test_flicker_needs_three_measured_frames_in_a_row(tmp_path, context):
    result = truth(job(tmp_path, MINI / "B" / "B.%04d.exr", frames="1001-1002"), context)
    assert "three" in result.not_measured["flicker"]
    assert figures(result)["flicker"].result is None


@pytest.mark.usefixtures("without_identity")
def test_a_change_outside_the_matte_is_found_also_in_a_frame_without_a_face(tmp_path, context):
    for number in (1010, 1011):
        plate = mini_frame("B", number)
        matte = np.zeros(plate.pixels.shape[:2], np.float32)
        pixels = plate.pixels.copy()
        pixels[5, 5] += 0.5 if number == 1011 else 0
        spoilt = replace(plate, pixels=pixels).with_channels({"fp_mask.A": matte})
        write_frame(spoilt, tmp_path / f"swap.{number}.exr")
    result = truth(job(tmp_path, tmp_path / "swap.%04d.exr"), context)
    assert figures(result)["outside"].result == pytest.approx(0.5, rel=1e-2)


@pytest.mark.usefixtures("without_identity")
def test_what_cannot_be_measured_is_named_with_the_reason(tmp_path, context):
    result = truth(job(tmp_path, MINI / "S" / "S.%04d.exr", frames="1001"), context)
    assert result.not_measured["identity"].startswith("dlib is not installed")
    assert "models fetch facemesh-468" in result.not_measured["geometry"]
    assert "fp_mask" in result.not_measured["outside"]
    assert figures(result)["geometry"].result is None


@pytest.mark.usefixtures("without_identity")
def test_geometry_of_the_truth_is_zero_and_the_plate_s_is_not(tmp_path, without_plot):
    home = REPO / ".faceplate"
    if not (home / "weights" / "face_landmark.tflite").is_file():
        pytest.skip("needs the weights of facemesh-468: `make demo` or `make test` fetches them")
    result = truth(job(tmp_path, MINI / "S" / "S.%04d.exr", frames="1001-1002"), Context(home=home))
    row = figures(result)["geometry"]
    assert row.result == pytest.approx(0, abs=1e-6)
    assert 1 < row.plate < 10


@pytest.mark.usefixtures("without_identity")
def test_the_panel_is_written_as_json_plot_and_sheet(tmp_path):
    context = Context(home=tmp_path / "home")
    result = truth(job(tmp_path, MINI / "S" / "S.%04d.exr", frames="1001-1002"), context)
    values = json.loads(Path(result.json).read_text())
    assert values["panel"][0]["figure"] == "identity"
    assert values["definitions"]["detail"].startswith("correlation")
    assert len(values["per_frame"]) == 2
    plot, sheet = cv2.imread(result.plot), cv2.imread(result.sheet)
    assert plot.std() > 5
    # plate | swap | truth | matte: the middle two are the same picture here, the first is not
    height, width = sheet.shape[:2]
    cells = [sheet[26 : 26 + 200, x : x + 240].astype(int) for x in range(0, width, 244)]
    assert len(cells) == 4
    assert np.array_equal(cells[1], cells[2])
    assert np.abs(cells[0] - cells[1]).max() > 50
    assert set(np.unique(cells[3][..., 0])) >= {0, 255}
    assert height > 2 * 240


@pytest.mark.usefixtures("without_identity")
@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"max_yaw": 181}, BadSettings, "max_yaw"),
        ({"max_yaw": 0.0, "frames": "1002"}, NotFound, "max-yaw"),
        ({"truth_json": "absent.json"}, NotFound, "absent.json"),
        ({"truth_json": str(MINI / "LICENSE.ICT-FaceKit")}, BadSettings, "JSON"),
        ({"masks": str(MINI / "absent.%04d.png"), "frames": "1001"}, NotFound, "absent"),
        ({"truth": str(MINI / "A_masks" / "face" / "face.%04d.png")}, BadShape, "one size"),
        ({"frames": "1001-1099"}, MissingFrames, "1013"),
    ],
)
def test_a_request_that_cannot_be_right_is_refused(tmp_path, context, change, error, says):
    if error is BadShape:
        small = read_frame(MINI / "S" / "S.1001.exr")
        cut = replace(
            small,
            pixels=np.ascontiguousarray(small.pixels[:100]),
            data_window=replace(small.data_window, y1=100),
        )
        write_frame(cut, tmp_path / "S.1001.exr")
        change = {"truth": str(tmp_path / "S.%04d.exr"), "frames": "1001"}
    with pytest.raises(error, match=says):
        truth(job(tmp_path, MINI / "B" / "B.%04d.exr", **change), context)
