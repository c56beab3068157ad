import sqlite3
from pathlib import Path

import cv2
import pytest

from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound
from faceplate.facesets.listing import InfoJob, ListJob, SheetJob, info, list_faces, sheet
from faceplate.io.faceset import Faceset


def test_a_list_has_the_first_faces_with_what_they_are_sorted_by(
    path: Path, context: Context
) -> None:
    found = list_faces(ListJob(str(path), "yaw", reverse=True, limit=3), context)
    assert found.faces == 12
    assert [(line.id, line.frame, line.value) for line in found.listed] == [
        (12, 12, 25),
        (11, 11, 20),
        (10, 10, 15),
    ]


def test_culled_faces_are_listed_where_they_are_asked_for(
    path: Path, context: Context, faceset: Faceset
) -> None:
    faceset.set_keep([4, 5], False)
    counts = {which: list_faces(ListJob(str(path), which=which), context) for which in WHICH}
    assert {which: found.faces for which, found in counts.items()} == WHICH
    assert [line.kept for line in counts["culled"].listed] == [False, False]


WHICH = {"kept": 10, "culled": 2, "all": 12}


def test_an_order_without_values_lists_none(path: Path, context: Context) -> None:
    assert list_faces(ListJob(str(path), "best", limit=2), context).listed[0].value is None


def test_only_the_pages_that_are_asked_for_are_drawn(path: Path, context: Context) -> None:
    out = path.with_name("page.png")
    job = SheetJob(str(path), str(out), "yaw", page=2, pages=2, columns=3, rows=2, cell=40)
    assert sheet(job, context).pages == 2
    result = sheet(SheetJob(**{**vars(job), "page": 1}), context)
    assert [Path(file).name for file in result.sheets] == ["page.png", "page.2.png"]
    assert cv2.imread(str(out)).shape == (2 * (40 + 18 + 4) + 4, 3 * (40 + 4) + 4, 3)


def test_all_pages_are_drawn_for_0(path: Path, context: Context) -> None:
    job = SheetJob(str(path), str(path.with_name("p.png")), pages=0, columns=2, rows=2, cell=16)
    assert len(sheet(job, context).sheets) == 3


def test_a_damaged_face_leaves_a_blank_cell(path: Path, context: Context) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE faces SET image = ? WHERE id = 1", [b"no png"])
    connection.commit()
    connection.close()
    out = path.with_name("page.png")
    sheet(SheetJob(str(path), str(out), columns=12, rows=1, cell=32), context)
    picture = cv2.imread(str(out))
    assert picture[8:30, 8:30].std() < 1 < picture[8:30, 48:70].std()


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"page": 9}, NotFound, "makes 1 pages of 96: no page 9"),
        ({"columns": 0}, BadSettings, r"columns 0: expected 1\.\.64"),
        ({"cell": 9}, BadSettings, r"cell 9: expected 16\.\.1024"),
    ],
)
def test_what_cannot_be_drawn_is_told(
    path: Path, context: Context, changes: dict[str, int], error: type, words: str
) -> None:
    with pytest.raises(error, match=words):
        sheet(SheetJob(str(path), str(path.with_name("p.png")), **changes), context)


def test_a_limit_that_means_nothing_is_refused(path: Path, context: Context) -> None:
    with pytest.raises(BadSettings, match="limit 0"):
        list_faces(ListJob(str(path), limit=0), context)


def test_info_tells_what_is_in_it(path: Path, context: Context, faceset: Faceset) -> None:
    faceset.set_keep([1], False)
    found = info(InfoJob(str(path)), context)
    assert (found.name, found.faces, found.kept, found.culled) == ("Amy", 12, 11, 1)
    assert (found.measured, found.labelled) == (0, 0)
    (source,) = found.sources
    assert (source.source, source.frames, source.kept) == ("a.%04d.exr", "1-12", 11)
