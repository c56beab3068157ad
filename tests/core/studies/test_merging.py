import json

import cv2
import pytest
from tests.support.paths import MINI
from tests.support.swaps import consent_file, tiny_model

from faceplate.context import Context
from faceplate.errors import BadSettings, ConsentRefused, ExtraMissing, NotFound
from faceplate.studies import mergestudy
from faceplate.studies.mergejob import MergingJob
from faceplate.studies.merging import merging


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("study") / "model")


@pytest.fixture(autouse=True)
def no_networks(monkeypatch):
    def absent():
        raise ExtraMissing("dlib (identity figures)", "identity")

    monkeypatch.setattr(mergestudy, "load_descriptor", absent)


def job_of(tmp_path, model, **changes):
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"matte": "learned", "feather": 4}')
    values = {
        "recipe": str(recipe),
        "plate": str(MINI / "B" / "B.%04d.exr"),
        "truth": str(MINI / "S" / "S.%04d.exr"),
        "masks": str(MINI / "B_masks" / "visible" / "visible.%04d.png"),
        "truth_json": str(MINI / "truth_B.json"),
        "model": str(model.path),
        "out": str(tmp_path / "out"),
        "consent": str(consent_file(tmp_path / "consent.json")),
        "frames": "1001-1003",
        "modes": ("overlay", "original"),
        "transfers": ("none", "rct"),
        "radii": (),
        "mattes": (),
        "ideal_sizes": (),
        "sheet_frames": 1,
    }
    return MergingJob(**{**values, **changes})


def test_the_table_has_plate_ceiling_and_every_merge(tmp_path, model):
    context = Context(home=tmp_path / "home")
    result = merging(job_of(tmp_path, model), context)
    rows = {(row.prediction, row.mode, row.transfer): row for row in result.rows}
    assert list(rows) == [
        ("-", "plate", "-"), ("model", "overlay", "none"), ("model", "overlay", "rct"),
        ("model", "original", "-"), ("ideal", "overlay", "none"), ("ideal", "overlay", "rct"),
        ("-", "truth", "-"),
    ]  # fmt: skip
    plate, ceiling = rows["-", "plate", "-"], rows["ideal", "overlay", "none"]
    original = rows["model", "original", "-"]
    assert (original.ssim, original.detail, original.light) == (
        plate.ssim, plate.detail, plate.light,
    )  # fmt: skip
    assert ceiling.ssim > plate.ssim + 0.05
    assert ceiling.flicker < 0.6 * plate.flicker
    assert ceiling.light < rows["ideal", "overlay", "rct"].light
    assert all(row.outside == 0 for row in result.rows[:-1])
    assert result.network_runs == 3  # once a frame, whatever the number of merges
    assert set(result.not_measured) == {"identity", "geometry"}
    told = json.loads((tmp_path / "out" / "merge.json").read_text())
    assert [row["mode"] for row in told["rows"]] == [row.mode for row in result.rows]
    table = (tmp_path / "out" / "merge.txt").read_text().splitlines()
    assert len(table) == 1 + len(result.rows)
    sheet = cv2.imread(str(tmp_path / "out" / "merge.png"))
    assert sheet.std() > 10


def test_predictions_are_kept_from_one_study_to_the_next(tmp_path, model):
    context = Context(home=tmp_path / "home")
    job = job_of(tmp_path, model, frames="1001", modes=("overlay",), transfers=("none",))
    assert [merging(job, context).network_runs for _ in range(2)] == [1, 0]


def test_without_consent_nothing_is_merged(tmp_path, model):
    with pytest.raises(ConsentRefused):
        merging(job_of(tmp_path, model, consent=None), Context(home=tmp_path / "home"))


def test_no_frame_left_is_told(tmp_path, model):
    job = job_of(tmp_path, model, max_yaw=0.0)
    with pytest.raises(NotFound, match="yaw"):
        merging(job, Context(home=tmp_path / "home"))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"max_yaw": 200.0}, "max_yaw"),
        ({"modes": ()}, "modes"),
        ({"modes": ("raw-predict",)}, "raw-predict"),
        ({"transfers": ()}, "transfers"),
        ({"radii": (0.5,)}, "radii"),
        ({"sheet_frames": 0}, "sheet_frames"),
        ({"mattes": ("hul",)}, "hull"),
        ({"ideal_sizes": (8,)}, "ideal_sizes"),
    ],
)
def test_settings_that_cannot_be_right_are_told(tmp_path, model, change, named):
    with pytest.raises(BadSettings, match=named):
        job_of(tmp_path, model, **change)
