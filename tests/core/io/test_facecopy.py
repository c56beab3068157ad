from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.facesets import INFO, SIZE, a_face, make_version_1

from faceplate.errors import BadSettings, InvalidInput
from faceplate.io.facecopy import Copied, check_alike, copy_faces, insert_face, read_row
from faceplate.io.facefeatures import FeatureRow, fingerprints, write_embeddings, write_features
from faceplate.io.facefeatures import read_embeddings as embeddings
from faceplate.io.facelabels import Polygon
from faceplate.io.faceset import Faceset

SQUARE = Polygon("include", np.array([[1.0, 1], [9, 1], [9, 9]]))


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Faceset]:
    with Faceset.create(tmp_path / "amy.faceset", INFO) as opened:
        opened.add_many(a_face(frame) for frame in (1, 2, 3))
        opened.set_keep([2], False)
        opened.set_labels(3, [SQUARE])
        row = FeatureRow(3, opened.hashes()[3], (1.0,) * 10, b"12345678", b"ab" * 192, b"cd" * 193)
        write_features(opened, 1, [row])
        write_embeddings(opened, "sface", [(3, opened.hashes()[3], np.arange(4.0))])
        yield opened


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Faceset]:
    with Faceset.create(tmp_path / "both.faceset", INFO) as opened:
        yield opened


def test_faces_come_with_flags_labels_and_figures(source: Faceset, target: Faceset) -> None:
    target.add(a_face(99))
    assert copy_faces(source, target, [1, 2, 3]) == Copied(3, 0, 0)
    assert [place[1] for place in target.places(kept=True)] == [1, 3, 99]
    (labelled,) = target.labelled()
    assert (target.labels(labelled)[0].points == SQUARE.points).all()
    assert fingerprints(target, [labelled]).tobytes() == b"12345678"
    assert embeddings(target, "sface")[labelled].tolist() == [0, 1, 2, 3]
    assert set(source.hashes().values()) < set(target.hashes().values())


def test_a_second_copy_changes_nothing(source: Faceset, target: Faceset) -> None:
    copy_faces(source, target, [1, 2, 3])
    was = target.content_hash()
    assert copy_faces(source, target, [1, 2, 3, 77]) == Copied(0, 3, 0)
    assert target.content_hash() == was


def test_another_face_in_the_place_is_refused_and_nothing_of_the_copy_is_kept(
    source: Faceset, target: Faceset
) -> None:
    target.add(replace(a_face(5), frame=2))
    with pytest.raises(InvalidInput, match=r"another face of a\.%04d\.exr, frame 2, person 1"):
        copy_faces(source, target, [1, 2])
    assert len(target) == 1
    assert copy_faces(source, target, [1, 2], refuse=False) == Copied(1, 0, 1)
    renamed = copy_faces(source, target, [2], rename=lambda name: f"amy/{name}")
    assert renamed == Copied(1, 0, 0)


def test_a_file_of_version_1_is_copied_as_well(source: Faceset, target: Faceset) -> None:
    source.close()
    make_version_1(source.path)
    with Faceset.open(source.path, readonly=True) as old:
        assert copy_faces(old, target, [1, 3]).added == 2
        row = read_row(old, 1)
    assert row is not None
    assert "polygons" not in row


def test_facesets_of_another_size_are_refused_with_what_changes_it(
    source: Faceset, tmp_path: Path
) -> None:
    with Faceset.create(tmp_path / "c", replace(INFO, size=64)) as other:
        with pytest.raises(BadSettings, match=r"has size 32 and .* has 64.*resize"):
            copy_faces(source, other, [1])
        with pytest.raises(BadSettings, match=r"name 'Amy'.*--name"):
            check_alike(source, Faceset.create(tmp_path / "d", replace(INFO, name="B")), ["name"])


def test_a_row_is_put_back_under_its_own_number(source: Faceset, target: Faceset) -> None:
    row = read_row(source, 3)
    assert row is not None
    row["id"] = 3
    assert insert_face(target, row) == "added"
    assert insert_face(target, row) == "unchanged"
    assert target.labelled() == [3]
    with pytest.raises(BadSettings, match=f"crops of {SIZE} pixels"):
        insert_face(target, {**row, "size": 64})
