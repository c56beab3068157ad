import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.paths import MINI

from faceplate.context import Context
from faceplate.errors import BadSettings, Cancelled, ConsentRefused, Damaged
from faceplate.models import ARCHITECTURES
from faceplate.models.folder import ModelFolder
from faceplate.progress import Progress, Report
from faceplate.studies.ablation import ablation
from faceplate.studies.ablationjob import TRIALS, AblationJob, AblationRow
from faceplate.studies.ablationtable import markdown
from faceplate.studies.pair import RenderedPair
from faceplate.train.checkpoint import read_state

SMALL = {"steps": 1, "batch": 1, "ae_dims": 8, "e_dims": 4, "d_dims": 4, "d_mask_dims": 4}


@pytest.fixture(scope="module")
def home(weights: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of its own with the weights of the machine."""
    home = tmp_path_factory.mktemp("home")
    (home / "weights").symlink_to(weights("retinaface-mobilenet0.25").parent)
    return home


@pytest.fixture(scope="module")
def context(home: Path) -> Context:
    return Context(home, device="cpu", threads=1)


@pytest.fixture(scope="module")
def faces(context: Context, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tracks and facesets of the bundled shot, as the study leaves them."""
    folder = tmp_path_factory.mktemp("study") / "faces"
    RenderedPair(MINI).prepare(folder, context, ("p1A", "p1B"), 128, "demo-p1A")
    return folder


def test_the_trials_are_the_four_structures_three_times() -> None:
    assert list(TRIALS) == [
        f"{structure}{added}"
        for structure in ("df", "dfhd", "liae", "liaehd")
        for added in ("", "-gan", "-gan-tf")
    ]
    hd = TRIALS["liaehd-gan-tf"]
    assert (hd.architecture, hd.options, hd.gan, hd.true_face) == ("liae", "dt", True, True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"only": ("dfhd-tf",)}, "no trial is called 'dfhd-tf'; try dfhd"),
        ({"steps": 0}, "steps 0: expected 1 or more"),
        ({"resolution": 48}, r"resolution 48: expected a multiple of 32 in 64\.\.640"),
        ({"gan_power": 0.0}, "gan_power 0.0: expected above 0 to 5"),
        ({"true_face_power": 2.0}, "true_face_power 2.0: expected above 0 to 1"),
        ({"measured": 2}, "measured 2: expected 3 or more"),
        ({"max_yaw": 200.0}, "max_yaw 200.0: expected 0 to 180"),
    ],
)
def test_settings_that_cannot_be_run_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        AblationJob("pair", "out", **changes)


def test_the_table_names_what_it_shows() -> None:
    empty = {field.name: None for field in dataclasses.fields(AblationRow)}
    row = AblationRow(**{**empty, "trial": "df-gan", "ssim": 0.91234, "parameters": 3_199_944})
    text = markdown(AblationJob("pair", "out", steps=7), [row], "1001-1003")
    assert "64 px, 7 steps of 4 faces a side, seed 0" in text
    lines = text.splitlines()
    assert lines[2].startswith("| model | SSIM ↑ | identity distance ↓ | landmarks ↓ % | pose ↓ °")
    assert lines[-1].startswith("| df-gan | 0.912 | – |")
    assert "| 3.20 | – |" in lines[-1]


@pytest.mark.slow
def test_without_a_consent_to_train_nothing_is_trained(
    tmp_path: Path, context: Context, faces: Path
) -> None:
    work = tmp_path / "refused"
    shutil.copytree(faces, work / "faces")
    record = json.loads((MINI / "consent.json").read_text())
    consent = tmp_path / "consent.json"
    consent.write_text(json.dumps({**record, "training_allowed": False, "uses": ["swap"]}))
    job = AblationJob(str(MINI), str(work), str(consent), only=("df",), measured=3, **SMALL)
    with pytest.raises(ConsentRefused):
        ablation(job, context)
    assert not (tmp_path / "refused/trials/df/model").exists()


def diverge(*_: object) -> None:
    raise Damaged("the training diverged at step 7")


@pytest.mark.slow
def test_when_every_training_diverges_there_is_no_table(
    tmp_path: Path, context: Context, faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(faces, tmp_path / "abl/faces")
    monkeypatch.setattr("faceplate.studies.ablation.train", diverge)
    job = AblationJob(
        str(MINI), str(tmp_path / "abl"), str(MINI / "consent.json"), only=("df",), measured=3
    )
    with pytest.raises(Damaged, match="no trial was finished: the training diverged"):
        ablation(job, context)


@pytest.mark.slow
def test_one_command_trains_measures_and_goes_on_where_it_stopped(
    tmp_path: Path, context: Context, faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = AblationJob(
        str(MINI), str(tmp_path / "abl"), str(MINI / "consent.json"),
        only=("df", "liaehd-gan-tf"), measured=3, **SMALL,
    )  # fmt: skip
    shutil.copytree(faces, tmp_path / "abl/faces")

    def stop_after_the_first(report: Report) -> None:
        if report.title == "ablation" and report.done == 1:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        ablation(job, dataclasses.replace(context, progress=Progress(stop_after_the_first)))
    first = (tmp_path / "abl/trials/df/row.json").stat().st_mtime_ns
    table = (tmp_path / "abl/ablation.md").read_text()
    assert "| df |" in table
    assert "liaehd" not in table

    with monkeypatch.context() as patched:  # a training that diverges does not end the study
        patched.setattr("faceplate.studies.ablation.train", diverge)
        result = ablation(job, context)
    assert [row.trial for row in result.rows] == ["plate", "df", "truth"]
    assert "diverged" in result.not_measured["liaehd-gan-tf"]

    result = ablation(job, context)
    assert result.trained == 1
    assert (tmp_path / "abl/trials/df/row.json").stat().st_mtime_ns == first
    assert [row.trial for row in result.rows] == ["plate", "df", "liaehd-gan-tf", "truth"]
    plate, df, liaehd, truth = result.rows
    assert plate.ssim is not None
    assert plate.ssim < 1 == truth.ssim
    assert (df.outside, liaehd.outside) == (0, 0)
    assert df.ssim != plate.ssim
    for row in (plate, df, liaehd):
        assert row.pose is not None
        assert row.landmarks is not None
        assert row.flicker is not None
        assert 0 < row.pose < 20
    if "identity" not in result.not_measured:
        assert df.identity is not None
        assert df.identity_distance is not None
        assert plate.identity_distance is not None
        assert plate.identity_distance > 0.2
        # another mean of the same distances: of the ratios there, the ratio of means here
        ratio = 1 - df.identity_distance / plate.identity_distance
        assert ratio == pytest.approx(df.identity, abs=0.05)

    model = ModelFolder(tmp_path / "abl/trials/liaehd-gan-tf/model")
    settings = read_state(model.latest()).settings
    assert (settings.gan_power, settings.true_face_power) == (0.1, 0.01)
    net = ARCHITECTURES.load("liae")(model.config.net)
    assert liaehd.parameters == sum(param.numel() for param in net.parameters())
    assert model.config.net.options == "dt"

    values = json.loads(Path(result.json).read_text())
    assert [row["trial"] for row in values["rows"]] == ["plate", "df", "liaehd-gan-tf", "truth"]
    assert "| liaehd-gan-tf |" in Path(result.table).read_text()
    sheet = cv2.imread(result.sheet)
    assert sheet.shape[0] > 2 * 240
    assert np.std(sheet) > 10

    with pytest.raises(BadSettings, match="holds an ablation with steps 1, asked for 2"):
        ablation(dataclasses.replace(job, steps=2), context)
