import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.support.facesets import SIZE

from faceplate.context import Context
from faceplate.errors import BadSettings, Cancelled, UnknownComponent, WeightsMissing
from faceplate.facesets import recrop as module
from faceplate.facesets import written
from faceplate.facesets.recrop import EnhanceJob, RecropJob, ResizeJob, enhance, recrop, resize
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.points import transform
from faceplate.io.facelabels import Polygon
from faceplate.io.faceset import Faceset
from faceplate.progress import Progress

SQUARE = np.array([[8.0, 8], [20, 8], [20, 22]])


def test_a_narrower_crop_lies_where_the_plate_would_have_been_cut(
    path: Path, context: Context, faceset: Faceset, tmp_path: Path
) -> None:
    faceset.set_labels(3, [Polygon("exclude", SQUARE)])
    faceset.set_keep([5], False)
    out = tmp_path / "half.faceset"
    job = RecropJob(str(path), str(out), FaceType.HALF_FACE, size=40)
    result = recrop(job, context)
    assert (result.made, result.faces, result.size, result.face_type) == (12, 11, 40, "half_face")
    with Faceset.open(out) as made:
        face, before = made.read(3), faceset.read(3)
        expected = plate_to_crop(before.plate_landmarks, FaceType.HALF_FACE, 40)
        np.testing.assert_allclose(face.plate_to_crop, expected, atol=1e-6)
        np.testing.assert_allclose(
            transform(face.plate_landmarks, face.plate_to_crop), face.landmarks, atol=1e-3
        )
        (polygon,) = made.labels(3)
        in_plate = transform(SQUARE, np.linalg.inv(_whole(before.plate_to_crop))[:2])
        np.testing.assert_allclose(polygon.points, transform(in_plate, expected), atol=1e-6)


def _whole(matrix: np.ndarray) -> np.ndarray:
    return np.vstack([matrix, [0, 0, 1]])


def test_a_wider_crop_is_refused_with_where_it_comes_from(
    path: Path, context: Context, tmp_path: Path
) -> None:
    job = RecropJob(str(path), str(tmp_path / "wide"), FaceType.WHOLE_FACE)
    with pytest.raises(BadSettings, match=r"Extract it again with --face-type whole_face"):
        recrop(job, context)
    assert not (tmp_path / "wide").exists()


@pytest.mark.parametrize("size", [16, 64])
def test_resized_points_stay_on_the_picture(
    path: Path, context: Context, faceset: Faceset, tmp_path: Path, size: int
) -> None:
    resize(ResizeJob(str(path), str(tmp_path / "out"), size), context)
    with Faceset.open(tmp_path / "out") as made:
        face, before = made.read(2), faceset.read(2)
    assert face.image.shape == (size, size, 3)
    share = (before.landmarks + 0.5) / SIZE
    np.testing.assert_allclose((face.landmarks + 0.5) / size, share, atol=1e-5)
    assert abs(face.image.mean() - before.image.mean()) < 0.01
    assert abs(face.mask.mean() - before.mask.mean()) < 0.03


def test_a_stopped_run_goes_on_and_ends_as_one_that_was_not(
    path: Path, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(written, "_PORTION", 4)
    whole = resize(ResizeJob(str(path), str(tmp_path / "whole"), 24), context)
    done: list[int] = []
    stopping = Progress(lambda report: done.append(report.done), lambda: done[-1:] == [8])
    job = ResizeJob(str(path), str(tmp_path / "out"), 24)
    with pytest.raises(Cancelled):
        resize(job, Context(tmp_path, stopping))
    again = resize(job, context)
    assert (again.made, again.unchanged, again.content_hash) == (4, 8, whole.content_hash)


def test_a_changed_face_alone_is_made_again(
    path: Path, context: Context, faceset: Faceset, tmp_path: Path
) -> None:
    job = ResizeJob(str(path), str(tmp_path / "out"), 24)
    resize(job, context)
    faceset.add(faceset.read(4).__class__(**{**vars(faceset.read(4)), "image": _grey()}))
    assert (resize(job, context).made, resize(job, context).made) == (1, 0)


def _grey() -> np.ndarray:
    return np.full((SIZE, SIZE, 3), 0.25, np.float32)


def test_a_damaged_face_is_left_out_and_told(path: Path, context: Context, tmp_path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE faces SET image = ? WHERE id = 7", [b"no png"])
    connection.commit()
    connection.close()
    result = resize(ResizeJob(str(path), str(tmp_path / "out"), 24), context)
    assert (result.made, result.damaged) == (11, 1)
    assert "face 7" in result.problems[0]


@pytest.mark.parametrize("size", [15, 2049])
def test_sizes_outside_their_range_are_refused(
    path: Path, context: Context, tmp_path: Path, size: int
) -> None:
    with pytest.raises(BadSettings, match=r"expected 16\.\.2048"):
        resize(ResizeJob(str(path), str(tmp_path / "out"), size), context)


def test_a_faceset_is_never_made_into_itself(path: Path, context: Context) -> None:
    with pytest.raises(BadSettings, match="never changed"):
        resize(ResizeJob(str(path), str(path), 24), context)


class Doubling:
    """An upscaler that knows what is there: it doubles and inverts."""

    card = "doubling"

    def __call__(self, face: np.ndarray) -> np.ndarray:
        return 1 - face.repeat(2, axis=0).repeat(2, axis=1)


def test_an_upscaler_makes_faces_of_the_same_place(
    path: Path, context: Context, faceset: Faceset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: Callable[..., object] = lambda *_, **__: Doubling()  # noqa: E731
    monkeypatch.setattr(module, "load_upscaler", loaded)
    result = enhance(EnhanceJob(str(path), str(tmp_path / "fine"), upscaler="own"), context)
    assert (result.size, result.made) == (SIZE, 12)
    with Faceset.open(tmp_path / "fine") as made:
        face, before = made.read(1), faceset.read(1)
    np.testing.assert_allclose(face.image, 1 - before.image, atol=1e-4)
    assert (face.landmarks == before.landmarks).all()


def test_an_upscaler_without_weights_says_how_they_get_here(
    path: Path, context: Context, tmp_path: Path
) -> None:
    job = EnhanceJob(str(path), str(tmp_path / "fine"))
    with pytest.raises(WeightsMissing, match="models fetch realesrgan-x4"):
        enhance(job, context)
    with pytest.raises(UnknownComponent, match="realesrgan"):
        enhance(EnhanceJob(str(path), str(tmp_path / "fine"), upscaler="magic"), context)
    with pytest.raises(BadSettings, match=r"power 101"):
        enhance(EnhanceJob(str(path), str(tmp_path / "fine"), power=101), context)
    assert not (tmp_path / "fine").exists()
