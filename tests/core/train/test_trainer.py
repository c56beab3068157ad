import dataclasses
import errno
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.support.paths import REPO
from tests.support.training import tiny_faceset, tiny_job

from faceplate.config import to_dict, to_json
from faceplate.context import Context
from faceplate.errors import (
    BadSettings,
    Cancelled,
    ConsentRefused,
    Damaged,
    DiskFull,
    NotFound,
    NotReady,
)
from faceplate.models import save as save_module
from faceplate.models.folder import ModelFolder
from faceplate.models.lock import folder_lock
from faceplate.models.predictor import load_predictor
from faceplate.progress import Progress, Report
from faceplate.provenance.consent import ConsentRecord
from faceplate.train.faces import FaceBank
from faceplate.train.trainer import TrainJob, train

CONSENT = ConsentRecord(
    consent_id="C-7",
    likeness="likeness",
    rights_holder="the likeness",
    production="tests",
    scope="tests of Faceplate",
    valid_from=date(2020, 1, 1),
    valid_until=date(2999, 12, 31),
    signed_by="a test",
    document_sha256="0" * 64,
    uses=("train", "swap"),
    training_allowed=True,
)


def warned(tmp_path: Path, sink: Callable[[Report], None] | None = None) -> Context:
    return Context(home=tmp_path, progress=Progress(sink), device="cpu", consent_policy="warn")


def weights(job: TrainJob) -> dict[str, torch.Tensor]:
    return ModelFolder(job.out).latest().weights()


def test_a_training_leaves_a_model_that_predicts(tmp_path: Path) -> None:
    job = tiny_job(tmp_path)
    result = train(job, warned(tmp_path))
    assert (result.step, result.steps_done, result.precision) == (4, 4, "fp32")
    assert result.sha256 == ModelFolder(job.out).sha256()
    assert Path(result.preview).is_file()
    assert Path(result.plot).is_file()
    assert 0 <= result.data_wait <= 1
    crops = np.random.default_rng(0).random((1, 32, 32, 3), dtype=np.float32)
    assert load_predictor(job.out, "cpu").predict(crops).face.shape == (1, 32, 32, 3)


def test_the_losses_fall(tmp_path: Path) -> None:
    reports: list[Report] = []
    job = tiny_job(tmp_path, steps=30, learning_rate=1e-2, eyes_mouth_priority=False)
    train(job, warned(tmp_path, reports.append))
    first, last = (report.figures["loss_likeness"] for report in (reports[9], reports[-1]))
    assert last < 0.8 * first


def test_progress_tells_step_losses_speed_time_left_and_preview(tmp_path: Path) -> None:
    reports: list[Report] = []
    train(tiny_job(tmp_path, preview_every=2), warned(tmp_path, reports.append))
    assert [report.done for report in reports] == [1, 2, 3, 4]
    assert {report.total for report in reports} == {4}
    assert [report.preview is not None for report in reports] == [False, True, False, True]
    assert reports[2].seconds_left is not None
    assert set(reports[0].figures) == {
        "loss_likeness",
        "loss_performer",
        "it_per_s",
        "data_wait_pct",
        "memory_mb",
    }
    assert 20 < reports[0].figures["memory_mb"] < 20_000
    assert 0 <= reports[3].figures["data_wait_pct"] <= 100


def test_without_consent_nothing_is_trained(tmp_path: Path) -> None:
    job = tiny_job(tmp_path)
    with pytest.raises(ConsentRefused, match="no consent record"):
        train(job, dataclasses.replace(warned(tmp_path), consent_policy="refuse"))
    assert not Path(job.out).exists()
    assert (tmp_path / "consent.log").read_text().count("\n") == 1


def test_a_model_is_not_trained_on_under_another_consent(tmp_path: Path) -> None:
    record = tmp_path / "consent.json"
    record.write_text(to_json(CONSENT))
    job = tiny_job(tmp_path, consent=str(record), steps=1)
    context = dataclasses.replace(warned(tmp_path), consent_policy="refuse")
    train(job, context)

    other = dataclasses.replace(CONSENT, consent_id="C-8")
    record.write_text(to_json(other))
    with pytest.raises(ConsentRefused, match="trained under consent C-7, which consent C-8"):
        train(dataclasses.replace(job, steps=2), context)
    record.write_text(to_json(dataclasses.replace(other, replaces=("C-7",))))
    assert train(dataclasses.replace(job, steps=2), context).step == 2


def test_with_consent_the_model_records_its_id(tmp_path: Path) -> None:
    record = tmp_path / "consent.json"
    record.write_text(to_json(CONSENT))
    job = tiny_job(tmp_path, consent=str(record), steps=1)
    train(job, dataclasses.replace(warned(tmp_path), consent_policy="refuse"))
    config = ModelFolder(job.out).config
    assert (config.consent_id, config.likeness, config.performer) == (
        "C-7",
        "likeness",
        "performer",
    )


def test_consent_that_does_not_allow_training_refuses_it(tmp_path: Path) -> None:
    record = tmp_path / "consent.json"
    record.write_text(to_json(dataclasses.replace(CONSENT, uses=("swap",), training_allowed=False)))
    job = tiny_job(tmp_path, consent=str(record))
    with pytest.raises(ConsentRefused, match="not train"):
        train(job, dataclasses.replace(warned(tmp_path), consent_policy="refuse"))


@pytest.mark.parametrize("preset", ["demo", "quick96", "df-ud"])
def test_a_resumed_training_comes_to_the_same_bits(tmp_path: Path, preset: str) -> None:
    job = tiny_job(tmp_path, preset=preset, architecture="df", schedule_steps=8)
    whole = dataclasses.replace(job, out=str(tmp_path / "whole"), steps=6)
    train(whole, warned(tmp_path))
    train(dataclasses.replace(job, steps=3), warned(tmp_path))
    result = train(dataclasses.replace(job, steps=6, preset=None), warned(tmp_path))
    assert (result.step, result.steps_done) == (6, 3)
    resumed, straight = weights(job), weights(whole)
    assert all(torch.equal(resumed[name], straight[name]) for name in straight)


_KILLED = """
import dataclasses, os, signal, sys
from pathlib import Path
from faceplate.config import from_json
from faceplate.context import Context
from faceplate.progress import Progress
from faceplate.train.trainer import TrainJob, train

def die_at_13(report):
    if report.done == 13:
        os.kill(os.getpid(), signal.SIGKILL)

job = from_json(TrainJob, Path(sys.argv[1]))
home = Path(sys.argv[2])
train(job, Context(home, Progress(die_at_13), device="cpu", consent_policy="warn", threads=1))
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is of POSIX")
@pytest.mark.parametrize("workers", [0, 2])
def test_ten_steps_a_kill_and_ten_steps_are_twenty_steps_bit_for_bit(
    tmp_path: Path, workers: int
) -> None:
    job = tiny_job(tmp_path, steps=20, save_every_steps=10, workers=workers)
    settings = tmp_path / "job.json"
    settings.write_text(to_json(job))
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(settings), str(tmp_path)],
        cwd=REPO,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert ModelFolder(job.out).latest().step == 10
    one_thread = dataclasses.replace(warned(tmp_path), threads=1)
    assert train(job, one_thread).steps_done == 10
    whole = dataclasses.replace(job, out=str(tmp_path / "whole"), workers=0)
    train(whole, one_thread)
    assert to_dict(ModelFolder(whole.out).config.net) == to_dict(ModelFolder(job.out).config.net)
    resumed, straight = weights(job), weights(whole)
    assert all(torch.equal(resumed[name], straight[name]) for name in straight)


def test_stopping_saves_first(tmp_path: Path) -> None:
    job = tiny_job(tmp_path, steps=100)
    done: list[int] = []
    progress = Progress(lambda report: done.append(report.done), lambda: len(done) >= 5)
    with pytest.raises(Cancelled):
        train(job, dataclasses.replace(warned(tmp_path), progress=progress))
    assert ModelFolder(job.out).latest().step == 5


def test_a_training_that_diverges_keeps_its_last_good_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = tiny_job(tmp_path, steps=20, save_every_steps=2)
    train(dataclasses.replace(job, steps=4), warned(tmp_path))
    before = ModelFolder(job.out).sha256()
    whole = FaceBank.get

    def broken(self: FaceBank, index: int) -> object:
        face = whole(self, index)
        return dataclasses.replace(face, image=np.full(face.image.shape, np.nan, np.float32))

    monkeypatch.setattr(FaceBank, "get", broken)
    with pytest.raises(Damaged, match=r"diverged at step 5.*the save of step 4 is kept\. It went"):
        train(job, warned(tmp_path))
    assert ModelFolder(job.out).sha256() == before


def test_a_full_disk_stops_the_training_and_leaves_earlier_saves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = tiny_job(tmp_path, steps=2)
    train(job, warned(tmp_path))

    def no_room(path: Path, content: bytes) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(save_module, "_write", no_room)
    with pytest.raises(DiskFull, match="Earlier saves are intact"):
        train(dataclasses.replace(job, steps=4, save_every_steps=3), warned(tmp_path))
    assert ModelFolder(job.out).latest().step == 2


def test_an_exported_model_is_trained_on_without_its_optimiser(tmp_path: Path) -> None:
    job = tiny_job(tmp_path)
    train(job, warned(tmp_path))
    exported = ModelFolder(job.out).export(tmp_path / "exported")
    on = dataclasses.replace(job, out=str(exported.path), preset=None, steps=6)
    assert train(on, warned(tmp_path)).step == 6
    save = ModelFolder(on.out).latest()
    assert save.weights()["inter.dense1.weight"].dtype == torch.float32
    assert save.optimizer() is not None


def test_minutes_end_a_training_that_names_no_steps(tmp_path: Path) -> None:
    result = train(tiny_job(tmp_path, steps=None, minutes=0.002), warned(tmp_path))
    assert 1 <= result.steps_done < 1000


def test_a_model_that_has_its_steps_already_is_left_as_it_is(tmp_path: Path) -> None:
    job = tiny_job(tmp_path)
    first = train(job, warned(tmp_path))
    again = train(job, warned(tmp_path))
    assert (again.steps_done, again.sha256) == (0, first.sha256)


def test_facesets_of_two_encodings_are_refused(tmp_path: Path) -> None:
    tiny_faceset(tmp_path / "likeness.faceset", "likeness", encoding="srgb")
    with pytest.raises(BadSettings, match="differ in encoding: srgb of the likeness"):
        train(tiny_job(tmp_path), warned(tmp_path))


def test_a_model_sees_a_tighter_framing_than_its_facesets(tmp_path: Path) -> None:
    job = tiny_job(tmp_path, steps=1, face_type="midfull_face")
    train(job, warned(tmp_path))
    assert ModelFolder(job.out).config.face_type == "midfull_face"
    on = dataclasses.replace(job, face_type=None, steps=2)
    assert train(on, warned(tmp_path)).step == 2
    with pytest.raises(BadSettings, match="with face_type midfull_face, asked for half_face"):
        train(dataclasses.replace(job, face_type="half_face"), warned(tmp_path))


def test_facesets_of_two_framings_meet_at_the_tighter_one(tmp_path: Path) -> None:
    tiny_faceset(tmp_path / "likeness.faceset", "likeness", face_type="whole_face")
    job = tiny_job(tmp_path, steps=1)
    with pytest.raises(BadSettings, match="differ in face_type: whole_face of the likeness"):
        train(job, warned(tmp_path))
    train(dataclasses.replace(job, face_type="full_face"), warned(tmp_path))
    assert ModelFolder(job.out).config.face_type == "full_face"


def test_a_missing_faceset_is_not_found(tmp_path: Path) -> None:
    job = dataclasses.replace(tiny_job(tmp_path), performer=str(tmp_path / "nobody.faceset"))
    with pytest.raises(NotFound, match="nobody"):
        train(job, warned(tmp_path))


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"ae_dims": 16}, "a model with net"), ({"performer": "other"}, "a model with performer")],
)
def test_a_model_is_not_trained_on_as_another(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    job = tiny_job(tmp_path, steps=1)
    train(job, warned(tmp_path))
    if "performer" in changes:
        changes = {"performer": str(tiny_faceset(tmp_path / "other.faceset", "other"))}
    with pytest.raises(BadSettings, match=message):
        train(dataclasses.replace(job, **changes), warned(tmp_path))


def test_two_trainings_of_one_model_do_not_run_at_once(tmp_path: Path) -> None:
    job = tiny_job(tmp_path, steps=1)
    train(job, warned(tmp_path))
    with folder_lock(Path(job.out)), pytest.raises(NotReady, match="another process is training"):
        train(dataclasses.replace(job, steps=2), warned(tmp_path))


def test_warnings_about_consent_are_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        train(tiny_job(tmp_path, steps=1), warned(tmp_path))
    assert "without valid consent" in caplog.text


def test_further_people_need_a_network_that_has_room_for_them(tmp_path: Path) -> None:
    other = str(tiny_faceset(tmp_path / "other.faceset", "other"))
    with pytest.raises(BadSettings, match="knows a likeness and a performer only"):
        train(tiny_job(tmp_path, others=[other]), warned(tmp_path))


def test_further_people_are_asked_for_consent_as_well(tmp_path: Path) -> None:
    record = tmp_path / "consent.json"
    record.write_text(to_json(CONSENT))
    other = str(tiny_faceset(tmp_path / "other.faceset", "other"))
    job = tiny_job(tmp_path, architecture="comb", others=[other], consent=str(record))
    with pytest.raises(ConsentRefused):
        train(job, dataclasses.replace(warned(tmp_path), consent_policy="refuse"))
    with pytest.raises(BadSettings, match="give one each"):
        train(
            dataclasses.replace(job, other_consents=[str(record)] * 2),
            warned(tmp_path),
        )
