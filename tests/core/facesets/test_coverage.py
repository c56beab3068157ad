from pathlib import Path

import cv2
import pytest
from tests.support.facesets import INFO, drawn_face

from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound
from faceplate.facesets.coverage import CoverageJob, coverage
from faceplate.io.faceset import Faceset
from faceplate.io.tracked import Pose


@pytest.fixture
def performer(tmp_path: Path) -> Path:
    """The faceset of a shot: six faces at yaw 2, and two at yaw 44 with an open mouth."""
    path = tmp_path / "ben.faceset"
    face = drawn_face()
    spoken = face.landmarks.copy()
    spoken[65:68, 1] += 4
    with Faceset.create(path, INFO) as faceset:
        for frame in range(1, 7):
            faceset.add(drawn_face(frame, pose=Pose(2.0, 1.0, 0.0)))
        for frame in (7, 8):
            faceset.add(drawn_face(frame, pose=Pose(44.0, 1.0, 0.0), landmarks=spoken))
    return path


def job(path: Path, performer: Path, **changes: object) -> CoverageJob:
    out = str(path.with_name("coverage.png"))
    return CoverageJob(str(path), str(performer), **{"out": out, "enough": 2, **changes})


def test_missing_cells_are_named_with_frames_that_need_them(
    path: Path, performer: Path, context: Context
) -> None:
    found = coverage(job(path, performer), context)
    assert (found.likeness, found.performer, found.covered) == (12, 8, 75.0)
    (missing,) = found.missing
    assert (missing.expression, missing.yaw, missing.pitch) == ("mouth open", "+40..+50", "+0..+10")
    assert (missing.needed, missing.there, missing.nearest) == (2, 0, None)
    assert missing.frames == "7, 8"
    by_name = {entry.expression: entry for entry in found.expressions}
    assert (by_name["neutral"].covered, by_name["mouth open"].covered) == (100, 0)
    assert by_name["eyes shut"].covered is None


def test_the_nearest_face_is_told_in_degrees(path: Path, performer: Path, context: Context) -> None:
    (first, *_) = coverage(job(path, performer, enough=3), context).missing
    # cell 0..10 has the faces at 0 and 5; its middle is 5 by 5, and pitches are 0, 1 and 2
    assert (first.expression, first.there) == ("neutral", 2)
    assert first.nearest == pytest.approx(4.0, abs=1.1)


def test_somebody_is_covered_by_himself(performer: Path, context: Context) -> None:
    found = coverage(job(performer, performer), context)
    assert (found.covered, found.turns_covered, found.missing) == (100, 100, ())


def test_the_picture_shows_red_where_something_is_missing(
    path: Path, performer: Path, context: Context
) -> None:
    found = coverage(job(path, performer), context)
    picture = cv2.imread(found.out).astype(int)
    red = (abs(picture - [43, 57, 192]).max(axis=-1) < 10).sum()
    whole = coverage(job(performer, performer, out=str(path.with_name("b.png"))), context)
    legend = (abs(cv2.imread(whole.out).astype(int) - [43, 57, 192]).max(axis=-1) < 10).sum()
    assert red > 2 * legend > 0


def test_what_cannot_be_compared_is_told(path: Path, performer: Path, context: Context) -> None:
    with pytest.raises(BadSettings, match=r"cell 1: expected 2\.\.45"):
        coverage(job(path, performer, cell=1), context)
    with Faceset.open(performer) as faceset:
        faceset.set_keep(faceset.ids(), False)
    with pytest.raises(NotFound, match="no kept face"):
        coverage(job(path, performer), context)
