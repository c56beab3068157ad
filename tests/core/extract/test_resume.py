"""Cutting faces that is stopped anywhere, or killed, ends with the same faceset."""

import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.paths import MINI, REPO

from faceplate.context import Context
from faceplate.errors import Cancelled
from faceplate.extract.faces import ExtractJob, extract
from faceplate.io.faceset import Faceset
from faceplate.progress import Progress, Report

B = str(MINI / "B" / "B.%04d.exr")

_KILLED = """
import sys
from pathlib import Path
from faceplate.context import Context
from faceplate.extract.faces import ExtractJob, extract
plate, track, out = sys.argv[1:]
print("begun", flush=True)
extract(ExtractJob(plate, track, out, "Ben", size=256, sheet=False), Context(Path("unused")))
print("done", flush=True)
"""


def contents(path: Path) -> list[tuple[int, int, bytes]]:
    """Return frame, person and pixels of each face, in the faceset's order."""
    with Faceset.open(path, readonly=True) as faceset:
        faces = [faceset.read(id) for id in faceset.ids()]
    return [(face.frame, face.person, face.image.tobytes()) for face in faces]


def test_stopped_after_any_face_it_goes_on_without_loss_or_doubles(
    track_path_b: Path, tmp_path: Path
) -> None:
    context = Context(tmp_path)
    whole = ExtractJob(B, str(track_path_b), str(tmp_path / "w.faceset"), "Ben", size=64)
    whole = replace(whole, sheet=False)
    uninterrupted = extract(whole, context)
    job = replace(whole, out=str(tmp_path / "p.faceset"))
    for stop_after in (1, 4, 9):
        reports: list[Report] = []
        asked = Progress(reports.append, lambda r=reports, n=stop_after: len(r) >= n)
        with pytest.raises(Cancelled):
            extract(job, replace(context, progress=asked))
    result = extract(job, context)
    assert result.content_hash == uninterrupted.content_hash
    assert (result.faces, result.added) == (11, 2)
    assert contents(Path(job.out)) == contents(Path(whole.out))


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_with_the_same_faceset(
    track_path_b: Path, tmp_path: Path
) -> None:
    job = ExtractJob(B, str(track_path_b), str(tmp_path / "w.faceset"), "Ben", sheet=False)
    wanted = extract(job, Context(tmp_path))
    out, random_ = tmp_path / "p.faceset", random.Random(3)
    words = [sys.executable, "-c", _KILLED, B, str(track_path_b), str(out)]
    said, kills = "", 0
    while "done" not in said:
        process = subprocess.Popen(words, cwd=REPO, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(timeout=random_.uniform(0.3, 0.8) * 4**kills)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += 1
        said = process.stdout.read()
        process.wait()
        process.stdout.close()
    assert kills >= 1
    with Faceset.open(out, readonly=True) as faceset:
        assert faceset.content_hash() == wanted.content_hash
    assert contents(out) == contents(Path(job.out))
