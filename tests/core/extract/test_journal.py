"""Answers that outlive a pass, and passes that were stopped anywhere."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.paths import MINI, REPO
from tests.support.shots import plate_of, write_plate

from faceplate.context import Context
from faceplate.errors import BadSettings, Cancelled, NotReady
from faceplate.extract.analyse import AnalyseJob, AnalyseResult, analyse
from faceplate.extract.appearance import Signature
from faceplate.extract.journal import Journal, journal_path
from faceplate.extract.packing import pack, unpack
from faceplate.extract.sighting import Sighting
from faceplate.io.plate import Plate, open_plate
from faceplate.progress import Progress, Report

B = str(MINI / "B" / "B.%04d.exr")


@pytest.fixture
def plate(tmp_path: Path) -> Plate:
    for frame in (1001, 1002, 1003):
        (tmp_path / f"p.{frame}.exr").write_bytes(bytes([frame % 256]) * 100)
    return open_plate(tmp_path / "p.%04d.exr")


def a_sighting() -> Sighting:
    points = np.random.default_rng(0).normal(0, 1e3, (68, 2)) / 3
    cells = np.random.default_rng(1).normal(0, 1, (8, 8, 3)).astype(np.float32)
    box = (1 / 3, 2.0, 1e-17, 5e300)
    return Sighting(points, box, 0.1, 0.7, "tracked", Signature(cells, 1 / 7))


def test_what_is_packed_comes_back_to_the_last_bit() -> None:
    one = a_sighting()
    other = unpack(pack([one, None, (1, "a")]), (Sighting, Signature))
    assert other[1:] == [None, (1, "a")]
    assert (other[0].box, other[0].presence, other[0].iris) == (one.box, one.presence, None)
    assert other[0].points.tobytes() == one.points.tobytes()
    assert other[0].signature.cells.tobytes() == one.signature.cells.tobytes()
    assert other[0].signature.cells.dtype == np.float32
    with pytest.raises(BadSettings, match="Signature"):
        unpack(pack(one), (Signature,))


def asked(journal: Journal, frame: int = 1001, answer: object = 5, question: str = "q") -> bool:
    """Ask; return whether somebody had to look."""
    looks: list[int] = []
    journal.ask(frame, question, lambda: looks.append(1) or answer)
    journal.commit()
    return bool(looks)


def test_an_answer_is_asked_for_once_over_two_passes(plate: Plate, tmp_path: Path) -> None:
    path = tmp_path / ".t.journal"
    with Journal(path, "k", plate) as journal:
        assert asked(journal)
    with Journal(path, "k", plate) as journal:
        assert not asked(journal)
        assert asked(journal, question="another")
        assert asked(journal, 1002)
        assert journal.recalled == 1
        journal.remove()
    assert not path.exists()


def test_other_settings_begin_anew(plate: Plate, tmp_path: Path) -> None:
    path = tmp_path / ".t.journal"
    with Journal(path, "k", plate) as journal:
        asked(journal)
    with Journal(path, "other", plate) as journal:
        assert asked(journal)
    with Journal(path, "other", plate) as journal:
        assert not asked(journal)


def test_a_frame_that_changed_is_looked_at_again_and_only_that(
    plate: Plate, tmp_path: Path
) -> None:
    path = tmp_path / ".t.journal"
    with Journal(path, "k", plate) as journal:
        for question in "ab":
            asked(journal, 1001, question=question)
        asked(journal, 1002)
        asked(journal, 1003)
    (tmp_path / "p.1001.exr").write_bytes(b"other")
    os.utime(tmp_path / "p.1002.exr", (1, 1))  # copied, with the same bytes
    with Journal(path, "k", plate) as journal:
        assert asked(journal, 1001, question="a")
        assert not asked(journal, 1002)
        assert not asked(journal, 1003)
    with Journal(path, "k", plate) as journal:
        assert not asked(journal, 1001, question="a")
        assert asked(journal, 1001, question="b")  # of the file that was there before


def test_a_line_that_was_cut_short_is_dropped_and_the_next_ones_are_whole(
    plate: Plate, tmp_path: Path
) -> None:
    path = tmp_path / ".t.journal"
    with Journal(path, "k", plate) as journal:
        asked(journal, 1001)
        asked(journal, 1002)
    path.write_bytes(path.read_bytes()[:-7])
    with Journal(path, "k", plate) as journal:
        assert not asked(journal, 1001)
        assert asked(journal, 1002)
    with Journal(path, "k", plate) as journal:
        assert not asked(journal, 1002)


@pytest.mark.parametrize("junk", [b"", b"\0" * 50, b"{}\n", b"[1]\n", b"no json\n"])
def test_a_file_that_is_no_journal_is_begun_anew(junk: bytes, plate: Plate, tmp_path: Path) -> None:
    (tmp_path / ".t.journal").write_bytes(junk)
    with Journal(tmp_path / ".t.journal", "k", plate) as journal:
        assert asked(journal)


def test_two_analyses_of_one_track_at_once_are_refused(plate: Plate, tmp_path: Path) -> None:
    path = tmp_path / ".t.journal"
    with Journal(path, "k", plate), pytest.raises(NotReady, match="at work on this track"):
        Journal(path, "k", plate)


def test_frames_that_stand_in_for_missing_ones_are_always_looked_at(tmp_path: Path) -> None:
    (tmp_path / "p.1001.exr").write_bytes(b"x")
    (tmp_path / "p.1003.exr").write_bytes(b"x")
    plate = open_plate(tmp_path / "p.%04d.exr", missing="hold")
    for _ in range(2):
        with Journal(tmp_path / ".t.journal", "k", plate) as journal:
            assert asked(journal, 1002)


def run(out: Path, context: Context, plate: str = B) -> AnalyseResult:
    return analyse(AnalyseJob(plate, str(out), color_space="ACEScg", sheet=False), context)


def test_an_analysis_that_was_stopped_goes_on_and_gives_the_same_bytes(
    context: Context, track_path_b: Path, tmp_path: Path
) -> None:
    out = tmp_path / "t.json"
    reports: list[Report] = []
    stopped = replace(context, progress=Progress(reports.append, lambda: len(reports) >= 7))
    with pytest.raises(Cancelled):
        run(out, stopped)
    whole = journal_path(out).read_bytes()
    for share in (1.0, 0.55, 0.2):  # a kill leaves the first bytes of the file
        journal_path(out).write_bytes(whole[: int(share * len(whole))])
        result = run(out, context)
        # the settings of the fixture's track differ in nothing that is recorded
        assert out.read_bytes() == track_path_b.read_bytes()
        assert result.recalled > (15 if share == 1 else 0)
        assert [path.name for path in tmp_path.iterdir()] == ["t.json"]


def test_after_a_broken_frame_was_mended_the_analysis_goes_on(
    context: Context, tmp_path: Path
) -> None:
    pictures = [plate_of(384, [("A", 1004, 150 + 4 * i)]) for i in range(6)]
    plate = write_plate(tmp_path, pictures)
    broken = tmp_path / "p.1005.exr"
    right = broken.read_bytes()
    broken.write_bytes(right[:3000])
    out = tmp_path / "out" / "t.json"
    with pytest.raises(Exception, match=r"p\.1005\.exr"):
        run(out, context, plate)
    broken.write_bytes(right)
    assert run(out, context, plate).recalled > 5
    again = tmp_path / "out" / "again.json"
    assert run(again, context, plate).recalled == 0
    assert again.read_bytes() == out.read_bytes()


_KILLED = """
import os, signal, sys
from pathlib import Path
from faceplate.context import Context
from faceplate.extract.analyse import AnalyseJob, analyse
home, plate, out = sys.argv[1:]
job = AnalyseJob(plate, out, color_space="ACEScg", sheet=False)
print("begun", flush=True)
analyse(job, Context(Path(home), threads=1))
"""


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_with_the_same_bytes(
    context: Context, tmp_path: Path
) -> None:
    plate = str(MINI / "A" / "A.%04d.exr")
    began = time.perf_counter()
    run(tmp_path / "whole.json", context, plate)
    took = time.perf_counter() - began
    out, random_ = tmp_path / "t.json", random.Random(5)
    words = [sys.executable, "-c", _KILLED, str(context.home), plate, str(out)]
    kills = 0
    while not out.exists():
        process = subprocess.Popen(words, cwd=REPO, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(timeout=random_.uniform(0.2, 0.6) * took * 1.7**kills)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        process.stdout.close()
    assert kills >= 1
    assert out.read_bytes() == (tmp_path / "whole.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.json", "whole.json"]
