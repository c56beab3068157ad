from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.facesets import INFO, a_face

from faceplate.context import Context
from faceplate.errors import BadSettings, InvalidInput
from faceplate.facesets.gather import MergeJob, SplitJob, merge, split
from faceplate.io.faceset import Faceset


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "second.faceset"
    with Faceset.create(path, INFO) as faceset:
        faceset.add_many(a_face(frame, source="b.%04d.exr") for frame in (1, 2, 3))
        faceset.set_keep([2], False)
    return path


def test_facesets_are_joined_with_their_flags_and_stay_as_they_are(
    path: Path, other: Path, context: Context, tmp_path: Path
) -> None:
    before = [file.read_bytes() for file in (path, other)]
    job = MergeJob((str(path), str(other)), str(tmp_path / "both.faceset"))
    first = merge(job, context)
    assert (first.added, first.faces) == (15, 14)
    again = merge(job, context)
    assert (again.added, again.unchanged, again.content_hash) == (0, 15, first.content_hash)
    assert [file.read_bytes() for file in (path, other)] == before


def test_faces_in_one_place_are_refused_passed_over_or_renamed(
    path: Path, context: Context, tmp_path: Path
) -> None:
    clash = tmp_path / "clash.faceset"
    with Faceset.create(clash, INFO) as faceset:
        faceset.add(a_face(3))
    files, out = (str(path), str(clash)), str(tmp_path / "both.faceset")
    with pytest.raises(InvalidInput, match="--conflict"):
        merge(MergeJob(files, out), context)
    assert merge(MergeJob(files, out, conflict="first"), context).passed_over == 1
    renamed = merge(MergeJob(files, str(tmp_path / "c"), conflict="rename"), context)
    assert renamed.added == 13
    with Faceset.open(tmp_path / "c", readonly=True) as faceset:
        assert {place[0] for place in faceset.places()} == {"amy/a.%04d.exr", "clash/a.%04d.exr"}


@pytest.mark.parametrize(
    ("changes", "words"), [({"name": "Ben"}, "--name"), ({"consent_id": "c-2"}, "consent_id")]
)
def test_facesets_of_two_people_or_consents_are_not_joined_unasked(
    path: Path, context: Context, tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    Faceset.create(tmp_path / "ben", replace(INFO, **changes)).close()
    job = MergeJob((str(path), str(tmp_path / "ben")), str(tmp_path / "both"))
    with pytest.raises(BadSettings, match=words):
        merge(job, context)
    with pytest.raises(BadSettings, match="is one of the facesets"):
        merge(replace(job, out=str(path)), context)


def test_a_faceset_is_taken_apart_by_plate_person_and_flag(
    path: Path, other: Path, context: Context, tmp_path: Path
) -> None:
    both = str(tmp_path / "both.faceset")
    merge(MergeJob((str(path), str(other)), both), context)
    counts = {
        by: {Path(part.faceset).name: part.faces for part in parts(both, by, tmp_path, context)}
        for by in ("source", "person", "kept")
    }
    assert counts == {
        "source": {"both.a_04d_exr.faceset": 12, "both.b_04d_exr.faceset": 3},
        "person": {"both.person-1.faceset": 15},
        "kept": {"both.kept.faceset": 14, "both.culled.faceset": 1},
    }


def parts(faceset: str, by: str, folder: Path, context: Context):
    return split(SplitJob(faceset, str(folder / "parts"), by), context).parts
