import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.support.facesets import INFO, SIZE, a_face

from faceplate.errors import BadShape, Damaged, InvalidInput, NotFound
from faceplate.io.facelabels import Polygon
from faceplate.io.faceset import Faceset

SQUARE = np.array([[2.25, 3], [20, 3], [20, 21], [2.25, 21]])
HAND = Polygon("exclude", SQUARE / 2)


@pytest.fixture
def faceset(tmp_path: Path) -> Iterator[Faceset]:
    with Faceset.create(tmp_path / "amy.faceset", INFO) as opened:
        opened.add_many(a_face(frame) for frame in (3, 1, 2))
        yield opened


def test_labels_come_back_exactly_and_in_order(faceset: Faceset) -> None:
    faceset.set_labels(1, [Polygon("include", SQUARE), HAND])
    got = faceset.labels(1)
    assert [polygon.kind for polygon in got] == ["include", "exclude"]
    assert (got[0].points == SQUARE).all()
    assert (got[1].points == SQUARE / 2).all()


def test_labelled_faces_are_listed_by_frame_without_the_culled(faceset: Faceset) -> None:
    for id in (1, 2, 3):
        faceset.set_labels(id, [HAND])
    faceset.set_keep([3], False)
    assert faceset.labelled() == [2, 1]  # frames 1 and 3
    assert faceset.labelled(kept=False) == [2, 3, 1]


def test_no_polygons_remove_the_labels(faceset: Faceset) -> None:
    faceset.set_labels(1, [HAND])
    faceset.set_labels(1, [])
    assert (faceset.labels(1), faceset.labelled()) == ((), [])


def test_a_face_that_is_not_there_has_no_labels_to_get_or_set(faceset: Faceset) -> None:
    with pytest.raises(NotFound, match="no face 9"):
        faceset.labels(9)
    with pytest.raises(NotFound, match="no face 9"):
        faceset.set_labels(9, [HAND])


def test_a_replaced_face_keeps_its_labels_only_where_it_is_cut_alike(faceset: Faceset) -> None:
    for id in (1, 2):
        faceset.set_labels(id, [HAND])
    faceset.add(a_face(3, confidence=0.1))
    faceset.add(a_face(1, plate_to_crop=np.eye(2, 3)))
    assert faceset.labelled() == [1]


def test_a_polygon_outside_the_crop_is_refused_with_where_it_is(faceset: Faceset) -> None:
    with pytest.raises(InvalidInput, match=rf"42.*outside the crop of {SIZE} x {SIZE}"):
        faceset.set_labels(1, [Polygon("include", SQUARE + 40)])
    faceset.set_labels(1, [Polygon("include", SQUARE + 20)])  # reaches in


@pytest.mark.parametrize(
    ("kind", "points", "error"),
    [
        ("both", SQUARE, InvalidInput),
        ("include", SQUARE[:2], BadShape),
        ("include", SQUARE * np.nan, BadShape),
        ("include", np.zeros((4, 3)), BadShape),
    ],
)
def test_what_is_no_polygon_is_refused(kind: str, points: np.ndarray, error: type) -> None:
    with pytest.raises(error):
        Polygon(kind, points)


def test_broken_labels_name_the_face(faceset: Faceset) -> None:
    faceset.set_labels(2, [HAND])
    faceset.close()
    connection = sqlite3.connect(faceset.path)
    connection.execute("UPDATE labels SET polygons = '[{]'")
    connection.commit()
    connection.close()
    with pytest.raises(Damaged, match="face 2: its polygons cannot be read"):
        faceset.labels(2)


def test_labels_are_taken_back_as_one_step(faceset: Faceset) -> None:
    faceset.set_labels(1, [HAND])
    faceset.set_many_labels({1: [Polygon("include", SQUARE)], 2: [HAND]}, "import labels")
    undone = faceset.undo()
    assert undone is not None
    assert (undone.what, undone.faces) == ("import labels", 2)
    assert faceset.labelled() == [1]
    assert faceset.labels(1)[0].kind == "exclude"
