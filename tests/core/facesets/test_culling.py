from pathlib import Path

import pytest

from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound, Refused
from faceplate.facesets.culling import (
    CullJob,
    KeepJob,
    LogJob,
    PurgeJob,
    UndoJob,
    cull,
    keep,
    log,
    purge,
    undo,
)
from faceplate.io.faceset import Faceset


def test_an_order_keeps_its_first(path: Path, context: Context, faceset: Faceset) -> None:
    result = cull(CullJob(str(path), sort="yaw", keep=4), context)
    assert (result.culled, result.kept) == (8, 4)
    assert faceset.ids() == [1, 2, 3, 4]


def test_an_order_loses_what_lies_outside_its_limits(
    path: Path, context: Context, faceset: Faceset
) -> None:
    cull(CullJob(str(path), sort="yaw", below=-20, above=10), context)
    assert faceset.ids() == [3, 4, 5, 6, 7, 8, 9]


def test_the_best_are_kept_over_all_head_turns(
    path: Path, context: Context, faceset: Faceset
) -> None:
    cull(CullJob(str(path), sort="best", keep=12), context)
    assert len(faceset.ids()) == 12
    assert faceset.log() == []  # nothing was changed


def test_faces_are_culled_and_taken_back_by_number(
    path: Path, context: Context, faceset: Faceset
) -> None:
    cull(CullJob(str(path), ids=(3, 5)), context)
    assert keep(KeepJob(str(path), ids=(5,)), context).kept == 11
    assert keep(KeepJob(str(path), all=True), context).kept == 12
    assert [entry.what for entry in log(LogJob(str(path)), context).entries] == [
        "cull by hand",
        "keep by hand",
        "keep all",
    ]


def test_a_dry_run_changes_nothing(path: Path, context: Context, faceset: Faceset) -> None:
    result = cull(CullJob(str(path), sort="yaw", keep=4, dry_run=True), context)
    assert (result.culled, result.kept, len(faceset.ids())) == (8, 4, 12)


def test_undo_takes_back_several_steps_and_says_which(path: Path, context: Context) -> None:
    cull(CullJob(str(path), sort="yaw", keep=10), context)
    cull(CullJob(str(path), sort="yaw", keep=5), context)
    result = undo(UndoJob(str(path), steps=9), context)
    assert [entry.what for entry in result.undone] == [
        "cull by yaw: keep 5",
        "cull by yaw: keep 10",
    ]
    assert result.kept == 12
    with pytest.raises(NotFound, match="nothing is left"):
        undo(UndoJob(str(path)), context)


def test_purging_asks_first(path: Path, context: Context, faceset: Faceset) -> None:
    cull(CullJob(str(path), ids=(3, 5)), context)
    with pytest.raises(Refused, match=r"2 culled faces .* deleted for good.*--yes"):
        purge(PurgeJob(str(path)), context)
    assert len(faceset) == 12
    faceset.close()
    result = purge(PurgeJob(str(path), yes=True), context)
    assert (result.purged, len(faceset)) == (2, 10)
    assert result.bytes_freed > 0
    assert purge(PurgeJob(str(path)), context).purged == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"sort": "yaw"},
        {"keep": 4},
        {"ids": (1,), "sort": "yaw", "keep": 3},
        {"ids": (1,), "keep": 3},
        {"sort": "yaw", "keep": 3, "above": 1.0},
        {"sort": "yaw", "keep": -1},
        {"sort": "best", "above": 1.0},
    ],
)
def test_a_cull_that_does_not_say_what_is_refused(
    path: Path, context: Context, faceset: Faceset, wrong: dict[str, object]
) -> None:
    with pytest.raises(BadSettings):
        cull(CullJob(str(path), **wrong), context)
    assert len(faceset.ids()) == 12


def test_numbers_that_are_not_there_are_told(path: Path, context: Context) -> None:
    with pytest.raises(NotFound, match="no face 98, 99"):
        cull(CullJob(str(path), ids=(1, 98, 99)), context)
    with pytest.raises(BadSettings, match="--ids, or give --all"):
        keep(KeepJob(str(path)), context)
