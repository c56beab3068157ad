from pathlib import Path

import numpy as np
import pytest
from tests.support.facesets import drawn_face

from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound, WeightsMissing
from faceplate.facesets import outliers as module
from faceplate.facesets.measure import view_of
from faceplate.facesets.outliers import OutliersJob, cull_outliers
from faceplate.io.faceset import Faceset


@pytest.fixture
def stranger(faceset: Faceset) -> int:
    """The number of a face with other skin and brows."""
    face = drawn_face(30)
    green = face.image[..., [1, 0, 2]] * np.float32([0.5, 1.0, 0.6])
    return faceset.add(drawn_face(30, image=np.clip(green, 0, 1)))


def test_the_face_of_somebody_else_goes_and_what_told_is_said(
    path: Path, context: Context, faceset: Faceset, stranger: int
) -> None:
    result = cull_outliers(OutliersJob(str(path)), context)
    assert (result.by, result.culled, result.kept) == ("appearance", 1, 12)
    assert stranger not in faceset.ids()


def test_a_named_face_says_who_is_meant(
    path: Path, context: Context, faceset: Faceset, stranger: int
) -> None:
    cull_outliers(OutliersJob(str(path), like=stranger), context)
    assert faceset.ids() == [stranger]
    with pytest.raises(NotFound, match="no kept face 1"):
        cull_outliers(OutliersJob(str(path), like=1), context)


class LightEmbedder:
    """Tells people apart by whether they are lighter than another face."""

    card, same = "light", 1.0

    def __init__(self, light: float) -> None:
        self.light, self.asked = light, 0

    def __call__(self, view: np.ndarray, landmarks68: np.ndarray) -> np.ndarray:
        self.asked += 1
        return np.full(16, 2.0 * (view.mean() > self.light))


def test_an_embedder_tells_where_there_is_one_and_is_asked_once_a_face(
    path: Path, context: Context, faceset: Faceset, monkeypatch: pytest.MonkeyPatch
) -> None:
    fourth = faceset.read(4)
    embedder = LightEmbedder(float(view_of(fourth, faceset.info.encoding).mean()))
    monkeypatch.setattr(module, "pick_embedder", lambda *_: embedder)
    first = cull_outliers(OutliersJob(str(path), dry_run=True), context)
    again = cull_outliers(OutliersJob(str(path)), context)
    assert (first.by, first.people, first.culled, again.culled) == ("light", 2, 3, 3)
    assert embedder.asked == 12
    assert faceset.ids() == list(range(4, 13))


def test_weights_that_are_not_here_are_told(path: Path, context: Context) -> None:
    with pytest.raises(WeightsMissing, match="models fetch sface"):
        cull_outliers(OutliersJob(str(path), embedder="sface"), context)


def test_a_distance_that_means_nothing_is_refused(path: Path, context: Context) -> None:
    with pytest.raises(BadSettings, match="apart 0"):
        cull_outliers(OutliersJob(str(path), apart=0), context)
