import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.support.facesets import INFO, SIZE, a_face, make_version_1
from tests.support.paths import REPO

from faceplate.errors import BadSettings, BadShape, Damaged, DiskFull, InvalidInput, NotFound
from faceplate.io.faceset import Faceset


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "amy.faceset"


@pytest.fixture
def faceset(path: Path) -> Iterator[Faceset]:
    with Faceset.create(path, INFO) as opened:
        yield opened


def test_a_face_comes_back_with_16_bit_colours_and_exact_numbers(faceset: Faceset) -> None:
    face = a_face(7)
    got = faceset.read(faceset.add(face))
    assert np.abs(got.image - face.image).max() <= 0.5001 / 65535
    assert np.abs(got.mask - face.mask).max() <= 0.5001 / 255
    for name in ("landmarks", "plate_landmarks", "plate_to_crop"):
        assert (getattr(got, name) == getattr(face, name)).all()
    for name in ("face_type", "source", "frame", "person", "pose", "confidence", "sharpness"):
        assert getattr(got, name) == getattr(face, name)
    assert (got.keep, got.made_from, got.size, len(got.sha256)) == (True, "hash7", SIZE, 64)


def test_red_stays_red(faceset: Faceset) -> None:
    image = np.zeros((SIZE, SIZE, 3), np.float32)
    image[..., 0] = 1
    got = faceset.read(faceset.add(a_face(image=image)))
    assert got.image[0, 0].tolist() == [1, 0, 0]


def test_values_outside_0_to_1_and_nan_are_clipped(faceset: Faceset) -> None:
    image = np.full((SIZE, SIZE, 3), 2, np.float32)
    image[0, 0], image[0, 1] = -1, np.nan
    got = faceset.read(faceset.add(a_face(image=image))).image
    assert (got[0, 0].max(), got[0, 1].max(), got[0, 2].min()) == (0, 0, 1)


def test_adding_a_face_again_replaces_it_and_keeps_its_id_and_flag(faceset: Faceset) -> None:
    first = faceset.add(a_face(1))
    other = faceset.add(a_face(2))
    faceset.set_keep([first], False)
    assert faceset.add(a_face(1, confidence=0.25)) == first != other
    got = faceset.read(first)
    assert (len(faceset), got.confidence, got.keep) == (2, 0.25, False)


def test_the_same_frame_of_another_plate_or_person_is_another_face(faceset: Faceset) -> None:
    for changes in ({}, {"source": "b.%04d.exr"}, {"person": 2}):
        faceset.add(a_face(1, **changes))
    assert len(faceset) == 3


def test_culled_faces_are_left_out_and_can_be_taken_back(faceset: Faceset) -> None:
    ids = [faceset.add(a_face(frame)) for frame in (3, 1, 2)]
    assert faceset.ids() == [ids[1], ids[2], ids[0]]  # by frame
    faceset.set_keep(ids[:1], False)
    assert (len(faceset.ids()), len(faceset.ids(kept=False)), len(faceset)) == (2, 3, 3)
    faceset.set_keep(ids[:1], True)
    assert len(faceset.ids()) == 3


def test_poses_are_in_the_order_of_the_ids(faceset: Faceset) -> None:
    for frame in (3, 1):
        faceset.add(a_face(frame))
    assert faceset.poses().ids.tolist() == faceset.ids()
    assert faceset.poses().yaw.tolist() == [1.0, 3.0]


def test_removed_faces_are_gone(faceset: Faceset) -> None:
    for frame in (1, 2):
        faceset.add(a_face(frame))
    faceset.remove("a.%04d.exr", [(1, 1), (9, 1)])
    assert faceset.made_from("a.%04d.exr") == {(2, 1): "hash2"}


def test_content_hash_tells_pictures_and_culling_and_not_the_order_of_adding(
    tmp_path: Path,
) -> None:
    hashes = {}
    for name, frames in {"a": (1, 2), "b": (2, 1), "c": (1, 3)}.items():
        with Faceset.create(tmp_path / name, INFO) as faceset:
            ids = [faceset.add(a_face(frame)) for frame in frames]
            hashes[name] = faceset.content_hash()
            faceset.set_keep(ids[:1], False)
            assert faceset.content_hash() != hashes[name]
    assert hashes["a"] == hashes["b"] != hashes["c"]


def test_info_comes_back(path: Path, faceset: Faceset) -> None:
    with Faceset.open(path, readonly=True) as opened:
        assert opened.info == INFO


def test_a_closed_faceset_is_one_file(path: Path) -> None:
    for readonly in (False, True):
        if not path.exists():
            Faceset.create(path, INFO).close()
        with Faceset.open(path, readonly=readonly) as faceset:
            faceset.ids()
        assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_create_refuses_a_path_that_exists(path: Path, faceset: Faceset) -> None:
    with pytest.raises(InvalidInput, match="is there already"):
        Faceset.create(path, INFO)


def test_create_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        Faceset.create(tmp_path / "none" / "a.faceset", INFO)


def test_opening_nothing_is_not_found(path: Path) -> None:
    with pytest.raises(NotFound, match="faceplate extract"):
        Faceset.open(path)
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"not a database at all, but text of some length" * 9])
def test_a_file_that_is_no_faceset_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(Damaged, match=r"amy\.faceset"):
        Faceset.open(path, readonly=True)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE faces (id)")
    connection.close()
    with pytest.raises(Damaged, match="not a faceset"):
        Faceset.open(path)


def test_a_newer_version_is_refused_with_what_to_do(path: Path, faceset: Faceset) -> None:
    faceset.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 9")
    connection.commit()
    connection.close()
    with pytest.raises(BadSettings, match=r"version 9.*update Faceplate"):
        Faceset.open(path)


def test_a_broken_picture_names_the_face(path: Path, faceset: Faceset) -> None:
    id = faceset.add(a_face())
    faceset.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE faces SET image = ?", [b"no png"])
    connection.commit()
    connection.close()
    with Faceset.open(path) as opened, pytest.raises(Damaged, match=f"face {id}"):
        opened.read(id)


def test_a_face_that_is_not_there_is_not_found(faceset: Faceset) -> None:
    with pytest.raises(NotFound, match="no face 99"):
        faceset.read(99)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"image": np.zeros((SIZE, SIZE, 4), np.float32)}, BadShape),
        ({"image": np.zeros((64, 64, 3), np.float32)}, BadShape),
        ({"mask": np.zeros((64, 64), np.float32)}, BadShape),
        ({"landmarks": np.zeros((5, 2), np.float32)}, BadShape),
        ({"plate_to_crop": np.full((2, 3), np.nan)}, BadShape),
        ({"face_type": "head"}, BadSettings),
    ],
)
def test_a_face_that_does_not_fit_is_refused(
    faceset: Faceset, changes: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        faceset.add(a_face(**changes))
    assert len(faceset) == 0


def test_a_full_disk_is_told_and_keeps_what_was_added(path: Path, faceset: Faceset) -> None:
    faceset.add(a_face(1))
    connection = faceset.database.connection()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")  # as if the disk ended here
    with pytest.raises(DiskFull, match="kept"):
        _ = [faceset.add(a_face(frame)) for frame in range(2, 50)]
    there = len(faceset)
    faceset.close()
    with Faceset.open(path) as opened:
        assert len(opened.ids()) == there >= 1


def test_threads_read_while_one_writes(path: Path, faceset: Faceset) -> None:
    faceset.add(a_face(1))
    expected = faceset.read(1).image
    wrong: list[object] = []

    def read() -> None:
        try:
            wrong.extend(1 for _ in range(20) if (faceset.read(1).image != expected).any())
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must see it
            wrong.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for frame in range(2, 12):
        faceset.add(a_face(frame))
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(faceset) == 11


def test_a_loader_process_gets_a_connection_of_its_own(faceset: Faceset) -> None:
    faceset.add(a_face(1))
    with pickle.loads(pickle.dumps(faceset)) as other:
        assert other.path == faceset.path
        assert len(other) == 1


WRITER = """
import sys, numpy as np
from pathlib import Path
sys.path.insert(0, {folder!r})
from tests.support.facesets import a_face
from faceplate.io.faceset import Faceset
faceset = Faceset.open(Path({path!r}))
for frame in range(1, 100000):
    faceset.add(a_face(frame))
    print(frame, flush=True)
"""


@pytest.mark.parametrize("after", [1, 23])
def test_a_writer_killed_while_adding_loses_nothing_that_it_had_added(
    path: Path, faceset: Faceset, after: int
) -> None:
    faceset.close()
    folder = str(REPO)
    program = WRITER.format(path=str(path), folder=folder)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        done = 0
        while done < after:
            done = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
    with Faceset.open(path) as opened:
        ids = opened.ids()
        assert len(ids) >= after
        assert all(opened.read(id).image.shape == (SIZE, SIZE, 3) for id in ids)
        opened.add(a_face(100_001))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no folder that only root may write")
def test_reading_needs_no_right_to_write() -> None:
    # Root may write anywhere, so the test becomes nobody for a moment; pytest's own temporary
    # folders are closed to others, hence a folder of its own.
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        path = folder / "amy.faceset"
        with Faceset.create(path, INFO) as faceset:
            faceset.add(a_face(1))
        os.chmod(path, 0o444)
        os.chmod(folder, 0o555)
        was = os.geteuid()
        try:
            if was == 0:
                os.seteuid(65534)
            with Faceset.open(path, readonly=True) as opened:
                assert len(opened.ids()) == 1
                assert opened.read(1).frame == 1
        finally:
            os.seteuid(was)
            os.chmod(folder, 0o755)


def test_a_file_of_version_1_reads_as_before_without_what_came_later(
    path: Path, faceset: Faceset
) -> None:
    id = faceset.add(a_face(1))
    faceset.close()
    make_version_1(path)
    with Faceset.open(path, readonly=True) as opened:
        assert opened.read(id).frame == 1
        assert (opened.labels(id), opened.labelled(), opened.log()) == ((), [], [])


def test_a_file_of_version_1_gets_the_new_tables_when_it_is_written(
    path: Path, faceset: Faceset
) -> None:
    id = faceset.add(a_face(1))
    was = faceset.content_hash()
    faceset.close()
    make_version_1(path)
    with Faceset.open(path) as opened:
        assert opened.content_hash() == was
        opened.set_keep([id], False)
        assert [entry.what for entry in opened.log()] == ["cull faces"]
    with Faceset.open(path) as again:
        assert len(again.log()) == 1


UPGRADER = """
import sys
from pathlib import Path
from faceplate.io.faceset import Faceset
print("ready", flush=True)
sys.stdin.readline()
with Faceset.open(Path({path!r})) as faceset:
    print(len(faceset.log()), flush=True)
"""


def test_two_processes_that_bring_a_file_up_to_date_at_once_both_succeed(
    path: Path, faceset: Faceset
) -> None:
    faceset.add(a_face(1))
    faceset.close()
    make_version_1(path)
    program = [sys.executable, "-c", UPGRADER.format(path=str(path))]
    both = [
        subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in both:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    assert [one.communicate()[0] for one in both] == ["0\n", "0\n"]
