from pathlib import Path

import numpy as np
import pytest
from tests.support.facesets import drawn_face

from faceplate.context import Context
from faceplate.errors import BadSettings
from faceplate.facesets.duplicates import DuplicatesJob, cull_duplicates
from faceplate.io.faceset import Faceset


def test_of_faces_that_are_alike_one_is_left(
    path: Path, context: Context, faceset: Faceset
) -> None:
    # the faces of this faceset differ in their light alone
    result = cull_duplicates(DuplicatesJob(str(path), bits=16), context)
    assert (result.culled, result.kept) == (11, 1)
    assert faceset.log()[-1].what == "cull near duplicates: bits 16, apart 0.015"


def test_another_expression_is_no_duplicate(path: Path, context: Context, faceset: Faceset) -> None:
    face = drawn_face(50)
    spoken = face.landmarks.copy()
    spoken[60:68, 1] += np.linspace(0, 4, 8)
    id = faceset.add(drawn_face(50, landmarks=spoken))
    cull_duplicates(DuplicatesJob(str(path), bits=32), context)
    assert id in faceset.ids()
    assert len(faceset.ids()) == 2


def test_points_that_are_no_face_are_left_alone(
    path: Path, context: Context, faceset: Faceset
) -> None:
    id = faceset.add(drawn_face(50, landmarks=np.zeros((68, 2), np.float32)))
    cull_duplicates(DuplicatesJob(str(path), bits=32), context)
    assert id in faceset.ids()


@pytest.mark.parametrize("wrong", [{"bits": 33}, {"apart": -0.1}])
def test_limits_outside_their_range_are_refused(
    path: Path, context: Context, wrong: dict[str, float]
) -> None:
    with pytest.raises(BadSettings):
        cull_duplicates(DuplicatesJob(str(path), **wrong), context)
