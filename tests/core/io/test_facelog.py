import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.facesets import INFO, a_face

from faceplate.io.faceset import Faceset


@pytest.fixture
def faceset(tmp_path: Path) -> Iterator[Faceset]:
    with Faceset.create(tmp_path / "amy.faceset", INFO) as opened:
        opened.add_many(a_face(frame) for frame in range(1, 7))
        yield opened


def test_every_culling_is_noted_with_the_faces_that_it_changed(faceset: Faceset) -> None:
    assert faceset.set_keep([1, 2, 3], False, "cull by hand") == 3
    assert faceset.set_keep([3, 4], False) == 1
    assert faceset.set_keep([3, 4, 99], False) == 0
    log = faceset.log()
    assert [(entry.what, entry.faces, entry.state) for entry in log] == [
        ("cull by hand", 3, "done"),
        ("cull faces", 1, "done"),
    ]
    assert log[0].at.endswith("+00:00")


def test_undo_takes_back_the_newest_step_first_and_then_the_one_before(faceset: Faceset) -> None:
    faceset.set_keep([1, 2], False)
    faceset.set_keep([2, 3], False)
    faceset.set_keep([1], True)
    kept = []
    while faceset.undo() is not None:
        kept.append(faceset.ids())
    assert kept == [[4, 5, 6], [3, 4, 5, 6], [1, 2, 3, 4, 5, 6]]
    assert {entry.state for entry in faceset.log()} == {"undone"}


def test_what_was_purged_stays_away(faceset: Faceset) -> None:
    faceset.set_keep([1, 2], False)
    faceset.set_labels(2, [])
    assert faceset.purge() == 2
    faceset.undo()
    assert (faceset.ids(kept=False), faceset.purge()) == ([3, 4, 5, 6], 0)
    assert [(entry.what, entry.state) for entry in faceset.log()][-1] == (
        "purge the culled faces",
        "final",
    )


def test_purging_shrinks_the_file(faceset: Faceset) -> None:
    faceset.add_many(a_face(frame) for frame in range(10, 60))
    faceset.set_keep(faceset.ids()[1:], False)
    faceset.close()
    was = faceset.path.stat().st_size
    faceset.purge()
    faceset.close()
    assert faceset.path.stat().st_size < was / 2


CULLER = """
import sys
from pathlib import Path
from faceplate.io.faceset import Faceset
with Faceset.open(Path({path!r})) as faceset:
    print("ready", flush=True)
    sys.stdin.readline()
    for id in {ids}:
        faceset.set_keep([id], False)
"""


def test_two_processes_that_cull_at_once_lose_nothing_of_each_other(faceset: Faceset) -> None:
    faceset.add_many(a_face(frame) for frame in range(10, 54))
    faceset.close()
    both = [
        subprocess.Popen(
            [sys.executable, "-c", CULLER.format(path=str(faceset.path), ids=list(ids))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for ids in (range(1, 41, 2), range(2, 41, 2))
    ]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in both:
        one.communicate("go\n")
    assert [one.returncode for one in both] == [0, 0]
    assert faceset.ids() == list(range(41, 51))
    assert len(faceset.log()) == 40
