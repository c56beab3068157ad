import json
from dataclasses import replace
from pathlib import Path

import pytest

from faceplate.errors import BadSettings, Damaged, NotFound
from faceplate.review.record import (
    HookState,
    Note,
    PublishedFile,
    PublishedFrames,
    PublishRecord,
    differences,
    read_record,
    write_record,
)

FRAMES = PublishedFrames(
    "/s/s.%04d.exr", "1-2", 2, (16, 8), 24.0, "lin_ap1_scene", ("fp", "fp_mask"), 99
)
MOVIE = PublishedFile("/s/s.mov", "0" * 64, 7)
RECORD = PublishRecord(
    "s_v003", "s", 3, "rev", FRAMES, MOVIE, None, None, "absent", "",
    (Note("all of it"), Note("chin", 2)), {"likeness": "p1A"}, "", "", "", "2026-01-01", "F",
)  # fmt: skip


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = RECORD.with_hook(HookState("kitsu", False, "now", 0.5, "down", {"comment": "C1"}))
    write_record(record, tmp_path / "a.publish.json")
    assert read_record(tmp_path / "a.publish.json") == record
    assert [path.name for path in tmp_path.iterdir()] == ["a.publish.json"]


def test_a_hook_has_one_state() -> None:
    record = RECORD.with_hook(HookState("command", False, "now", 0.5, "no"))
    record = record.with_hook(HookState("command", True, "later", 0.5, "yes"))
    assert [state.detail for state in record.hooks] == ["yes"]
    assert record.hook("command") == record.hooks[0]
    assert record.hook("kitsu") is None


def test_a_version_that_is_looked_at_again_is_the_same() -> None:
    timeline = PublishedFile("/s/show.otio", "1" * 64, 8)
    notes = (*RECORD.notes, Note("a note of the review", 1))
    again = replace(RECORD, published="later", timeline=timeline, notes=notes, generator="G")
    assert differences(RECORD, again) == []


def test_another_version_says_in_what() -> None:
    other = replace(RECORD, status="apr", movie=replace(MOVIE, sha256="2" * 64), notes=())
    assert differences(RECORD, other) == ["status", "movie", "notes"]


def test_a_broken_record_is_not_taken_for_one(tmp_path: Path) -> None:
    path = tmp_path / "a.publish.json"
    with pytest.raises(NotFound):
        read_record(path)
    path.write_text("{")
    with pytest.raises(BadSettings, match="not JSON"):
        read_record(path)
    write_record(RECORD, path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2}))
    with pytest.raises(Damaged, match="format 2"):
        read_record(path)
