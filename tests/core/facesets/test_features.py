import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.support.facesets import INFO, drawn_face, make_version_1

from faceplate.context import Context
from faceplate.errors import BadSettings, Cancelled
from faceplate.facesets import features as module
from faceplate.facesets.features import FeaturesJob, features
from faceplate.facesets.measure import METHOD
from faceplate.io.facefeatures import (
    MEASURED,
    face_table,
    fingerprints,
    histograms,
    looks,
    unmeasured,
)
from faceplate.io.faceset import Faceset
from faceplate.progress import Progress


def figures(faceset: Faceset) -> list[np.ndarray]:
    table = face_table(faceset, METHOD)
    ids = table.ids.tolist()
    numbers = np.stack([table[name] for name in MEASURED])
    return [numbers, fingerprints(faceset, ids), histograms(faceset, ids), looks(faceset, ids)]


def test_every_face_gets_its_figures_once(path: Path, context: Context, faceset: Faceset) -> None:
    first = features(FeaturesJob(str(path), workers=0), context)
    assert (first.faces, first.measured, first.damaged) == (12, 12, 0)
    assert features(FeaturesJob(str(path)), context).measured == 0
    numbers, prints, histogram, look = figures(faceset)
    assert np.isfinite(numbers).all()
    assert (len(prints), histogram.shape, look.shape) == (12, (12, 192), (12, 193))
    brightness = numbers[MEASURED.index("brightness")]
    assert (np.diff(brightness) < 0).all()


def test_processes_find_what_one_thread_finds(
    path: Path, context: Context, faceset: Faceset, tmp_path: Path
) -> None:
    features(FeaturesJob(str(path), workers=0), context)
    other = tmp_path / "other.faceset"
    with Faceset.create(other, INFO) as twin:
        twin.add_many(faceset.read(id) for id in faceset.ids())
        assert features(FeaturesJob(str(other), workers=2), context).measured == 12
        for one, two in zip(figures(faceset), figures(twin), strict=True):
            assert (one == two).all()


def test_only_a_changed_face_is_measured_again(
    path: Path, context: Context, faceset: Faceset
) -> None:
    features(FeaturesJob(str(path), workers=0), context)
    faceset.add(drawn_face(3))
    assert unmeasured(faceset, METHOD) == [3]
    assert np.isnan(face_table(faceset, METHOD)["blur"][2])
    assert features(FeaturesJob(str(path), workers=0), context).measured == 1


def test_a_damaged_face_is_told_and_the_others_are_measured(
    path: Path, context: Context, faceset: Faceset
) -> None:
    faceset.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE faces SET image = ? WHERE id = 5", [b"no png"])
    connection.commit()
    connection.close()
    result = features(FeaturesJob(str(path), workers=0), context)
    assert (result.measured, result.damaged) == (11, 1)
    assert "face 5" in result.problems[0]


def test_stopping_keeps_what_was_measured(
    path: Path, faceset: Faceset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PORTION", 5)
    reports: list[int] = []
    progress = Progress(lambda report: reports.append(report.done), lambda: reports[-1:] == [10])
    with pytest.raises(Cancelled):
        features(FeaturesJob(str(path), workers=0), Context(tmp_path, progress))
    assert len(unmeasured(faceset, METHOD)) == 2


def test_a_file_of_version_1_can_be_measured(path: Path, context: Context) -> None:
    make_version_1(path)
    assert features(FeaturesJob(str(path), workers=0), context).measured == 12


def test_a_number_of_workers_that_means_nothing_is_refused(path: Path, context: Context) -> None:
    with pytest.raises(BadSettings, match=r"workers 65: expected 0\.\.64"):
        features(FeaturesJob(str(path), workers=65), context)


KILLED = """
import sys
from pathlib import Path
from faceplate.context import Context
from faceplate.facesets import features as module
from faceplate.progress import Progress
module._PORTION = 2
def tell(report):
    print(report.done, flush=True)
    if report.done == 4:
        sys.stdin.readline()
context = Context(Path("."), Progress(tell))
module.features(module.FeaturesJob({path!r}, workers=0), context)
"""


def test_a_run_that_was_killed_goes_on_to_the_same_figures(
    path: Path, context: Context, faceset: Faceset
) -> None:
    program = [sys.executable, "-c", KILLED.format(path=str(path))]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(program, text=True, **pipes) as running:
        assert running.stdout is not None
        while running.stdout.readline() != "4\n":
            pass
        running.send_signal(signal.SIGKILL)
    assert len(unmeasured(faceset, METHOD)) == 8
    assert features(FeaturesJob(str(path), workers=0), context).measured == 8
    killed = figures(faceset)
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM features")
    connection.commit()
    connection.close()
    features(FeaturesJob(str(path), workers=0), context)
    assert all((one == two).all() for one, two in zip(killed, figures(faceset), strict=True))


@pytest.mark.skipif(os.name != "posix", reason="needs kill")
def test_a_worker_that_is_killed_is_replaced(faceset: Faceset) -> None:
    from faceplate.facesets.crew import Crew

    with Crew(faceset, 1) as crew:
        crew._all[0].kill()
        crew._all[0].wait()
        (answers,) = crew.measure([[1, 2, 99]])
    assert [answer["face"] for answer in answers] == [1, 2, 99]
    assert "no face 99" in answers[2]["problem"]
