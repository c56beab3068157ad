from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.facesets import INFO, SIZE

from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound
from faceplate.facesets.dflimport import ImportFacesJob, import_faces
from faceplate.facesets.export import ExportFacesJob, export_faces
from faceplate.io.dfljpg import dfl_faces
from faceplate.io.facelabels import Polygon
from faceplate.io.faceset import Faceset

SQUARE = np.array([[8.25, 8], [20, 8], [20, 22]])


def whole(path: Path) -> list[object]:
    """Return all that a faceset says of its faces."""
    with Faceset.open(path, readonly=True) as faceset:
        ids = faceset.ids(kept=False)
        labels = [[(p.kind, p.points.tolist()) for p in faceset.labels(id)] for id in ids]
        return [faceset.info, faceset.places(), faceset.hashes(), labels]


def test_a_folder_comes_back_as_it_was_to_the_byte(
    path: Path, context: Context, faceset: Faceset, tmp_path: Path
) -> None:
    faceset.set_keep([3], False)
    faceset.set_labels(5, [Polygon("include", SQUARE), Polygon("exclude", SQUARE / 3)])
    folder, back = tmp_path / "out", tmp_path / "back.faceset"
    done = export_faces(ExportFacesJob(str(path), str(folder), which="all"), context)
    assert (done.written, len(list(folder.iterdir()))) == (12, 3 * 12 + 1)
    result = import_faces(ImportFacesJob(str(folder), str(back)), context)
    assert (result.added, result.left_out) == (12, 0)
    assert whole(back) == whole(path)
    assert import_faces(ImportFacesJob(str(folder), str(back)), context).unchanged == 12


def test_a_second_export_writes_what_is_missing_or_was_touched(
    path: Path, context: Context, tmp_path: Path
) -> None:
    job = ExportFacesJob(str(path), str(tmp_path / "out"))
    export_faces(job, context)
    (tmp_path / "out" / "000002.png").unlink()
    (tmp_path / "out" / "000003.json").unlink()
    again = export_faces(job, context)
    assert (again.written, again.unchanged) == (2, 10)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_picture_that_was_painted_comes_back_painted(
    path: Path, context: Context, tmp_path: Path, kind: type
) -> None:
    folder, back = tmp_path / "out", tmp_path / "back.faceset"
    export_faces(ExportFacesJob(str(path), str(folder)), context)
    painted = np.zeros((SIZE, SIZE, 3), kind)
    painted[..., 2] = np.iinfo(kind).max  # red, in OpenCV's order
    cv2.imwrite(str(folder / "000004.png"), painted)
    import_faces(ImportFacesJob(str(folder), str(back)), context)
    with Faceset.open(back) as faceset:
        (id,) = [
            id for id, place in zip(faceset.ids(), faceset.places(), strict=True) if place[1] == 4
        ]
        assert faceset.read(id).image[5, 5].tolist() == [1, 0, 0]
    assert import_faces(ImportFacesJob(str(folder), str(back)), context).unchanged == 12


def test_what_is_wrong_with_one_face_is_told_and_the_others_come(
    path: Path, context: Context, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    export_faces(ExportFacesJob(str(path), str(folder)), context)
    (folder / "000001.png").write_bytes(b"no picture")
    (folder / "000002.mask.png").unlink()
    (folder / "000003.json").write_text("{")
    (folder / "000004.json").write_text("{}")
    cv2.imwrite(str(folder / "000005.png"), np.zeros((9, 9, 3), np.uint8))
    result = import_faces(ImportFacesJob(str(folder), str(tmp_path / "back")), context)
    assert (result.added, result.left_out) == (7, 5)
    words = ("no picture of 8 or 16 bits", "is missing", "is not JSON", "does not say", "9")
    for reason, word in zip(result.reasons, words, strict=True):
        assert word in reason


def test_folders_of_something_else_are_left_alone(
    path: Path, context: Context, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadSettings, match="is not empty"):
        export_faces(ExportFacesJob(str(path), str(tmp_path)), context)
    folder = tmp_path / "out"
    export_faces(ExportFacesJob(str(path), str(folder)), context)
    Faceset.create(tmp_path / "ben", replace(INFO, name="Ben")).close()
    with pytest.raises(NotFound, match="no faces to export"):
        export_faces(ExportFacesJob(str(tmp_path / "ben"), str(folder)), context)
    with pytest.raises(BadSettings, match="name 'Amy', not 'Ben'"):
        import_faces(ImportFacesJob(str(folder), str(tmp_path / "x"), name="Ben"), context)
    index = folder / "faceset.json"
    index.write_text(index.read_text().replace('"version": 1', '"version": 9'))
    with pytest.raises(BadSettings, match=r"version 9.*update Faceplate"):
        import_faces(ImportFacesJob(str(folder), str(tmp_path / "x")), context)


@pytest.mark.parametrize("kind", ["dfl", "pak"])
def test_deepfacelabs_files_come_back_by_our_restricted_reader(
    path: Path, context: Context, faceset: Faceset, tmp_path: Path, kind: str
) -> None:
    faceset.set_labels(1, [Polygon("exclude", SQUARE)])
    out = tmp_path / ("aligned" if kind == "dfl" else "faceset.pak")
    done = export_faces(ExportFacesJob(str(path), str(out), format=kind), context)
    assert done.written == 12
    count, faces = dfl_faces(out)
    first = next(faces)
    assert (count, first.source, first.face_type) == (12, "a.0001.exr", "full_face")
    assert (first.polygons[0][1] == SQUARE.astype(np.float32)).all()
    back = tmp_path / "back.faceset"
    job = ImportFacesJob(str(out), str(back), name="Amy", encoding="acescct", consent_id="c-1")
    assert import_faces(job, context).added == 12
    with Faceset.open(back) as made:
        for id in (1, 12):
            face, before = made.read(id), faceset.read(id)
            assert np.abs(face.image - before.image).mean() < 0.01
            assert np.abs(face.mask - before.mask).max() < 0.005
            assert (face.landmarks == before.landmarks).all()
            assert (face.plate_landmarks == before.plate_landmarks).all()
            np.testing.assert_allclose(face.plate_to_crop, before.plate_to_crop)
            assert (face.source, face.frame) == ("a.%04d.exr", before.frame)


def test_an_export_for_deepfacelab_goes_on_where_it_stopped(
    path: Path, context: Context, tmp_path: Path
) -> None:
    job = ExportFacesJob(str(path), str(tmp_path / "aligned"), format="dfl")
    export_faces(job, context)
    (tmp_path / "aligned" / "a.0003_0.jpg").write_bytes(b"cut sh")
    again = export_faces(job, context)
    assert (again.written, again.unchanged) == (1, 11)
    assert export_faces(replace(job, quality=90), context).written == 12


def test_a_quality_outside_its_range_is_refused(
    path: Path, context: Context, tmp_path: Path
) -> None:
    with pytest.raises(BadSettings, match=r"quality 0: expected 1\.\.100"):
        export_faces(ExportFacesJob(str(path), str(tmp_path / "x"), quality=0), context)
