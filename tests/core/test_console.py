import io
import json
import logging
from pathlib import Path

import pytest

from faceplate import console
from faceplate.console import TqdmHandler, progress_line, progress_sink, result_text
from faceplate.progress import Report


def test_a_result_is_aligned_and_readable() -> None:
    values = {
        "out": "a.%04d.exr",
        "frames_done": 12,
        "share": 0.123456,
        "kept": True,
        "note": "",
        "config": {"face_type": "head", "net": {"dims": 256}},
        "names": ["a", "b"],
        "nothing": [],
        "empty": {},
    }

    assert result_text(values).splitlines() == [
        "out                a.%04d.exr",
        "frames done        12",
        "share              0.1235",
        "kept               yes",
        "note               -",
        "config face type   head",
        "config net dims    256",
        "names              a, b",
        "nothing            -",
        "empty              -",
    ]


def test_records_become_a_table_with_every_column() -> None:
    text = result_text({"saves": [{"step": 100}, {"step": 200, "state": "damaged"}]})

    assert text.splitlines() == ["saves", "step   state", "100    -", "200    damaged"]


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (Report("analyse", 3, None), "analyse 3"),
        (Report("analyse", 1, 3, frame=1001), "analyse 1/3 33%, frame 1001"),
        (Report("train", 5, 10, 3725.0), "train 5/10 50%, 62:05 left"),
        (
            Report("train", 5, 10, preview=Path("p.png"), figures={"loss": 0.123456, "its": 3.0}),
            "train 5/10 50%, loss 0.1235, its 3, preview p.png",
        ),
    ],
)
def test_a_report_is_one_line(report: Report, line: str) -> None:
    assert progress_line(report) == line


def test_plain_progress_says_the_first_and_the_last_and_little_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([10.0, 11.0, 14.0, 16.0, 16.5, 16.6])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    stream = io.StringIO()
    with progress_sink("plain", stream) as sink:
        assert sink is not None
        for done in range(1, 6):
            sink(Report("train", done, 5))
        sink(Report("export", 1, 9))

    titles = [line.split(" ", 2)[:2] for line in stream.getvalue().splitlines()]
    assert titles == [["train", "1/5"], ["train", "4/5"], ["train", "5/5"], ["export", "1/9"]]


def test_json_progress_is_one_object_a_line() -> None:
    stream = io.StringIO()
    with progress_sink("json", stream) as sink:
        assert sink is not None
        sink(Report("train", 1, 2, preview=Path("p.png"), figures={"loss": 0.5}))

    line = json.loads(stream.getvalue())
    assert (line["title"], line["done"], line["preview"]) == ("train", 1, "p.png")
    assert line["figures"] == {"loss": 0.5}


def test_bars_show_each_part_with_its_figures_and_speed() -> None:
    stream = io.StringIO()
    with progress_sink("bar", stream) as sink:
        assert sink is not None
        for done in (501, 502, 600):
            sink(Report("train", done, 600, figures={"loss": 0.25}))
        sink(Report("swap", 1, 1, frame=1001))

    text = stream.getvalue()
    assert "train: 100%" in text
    assert "600/600" in text
    assert "loss 0.25" in text
    assert "it/s" in text
    assert "swap: 100%" in text
    assert "frame 1001" in text


def test_a_pause_shows_in_bars_and_lines_at_once() -> None:
    for style in ("bar", "plain"):
        stream = io.StringIO()
        with progress_sink(style, stream) as sink:
            assert sink is not None
            sink(Report("train", 1, 9, figures={"memory_mb": 812.4, "data_wait_pct": 1.26}))
            sink(Report("train", 1, 9, paused=True))
        assert "paused" in stream.getvalue()
        assert "paused" not in stream.getvalue().splitlines()[0] or style == "bar"


def test_figures_show_their_units() -> None:
    figures = {"memory_mb": 812.4, "data_wait_pct": 1.26, "it_per_s": 3.14159, "loss": 0.1}
    line = progress_line(Report("train", 1, None, figures=figures))
    assert line == "train 1, memory 812 MB, data wait 1.3 %, 3.142 it/s, loss 0.1"


def test_no_progress_has_no_sink() -> None:
    stream = io.StringIO()
    with progress_sink("none", stream) as sink:
        assert sink is None
    assert stream.getvalue() == ""


def test_log_lines_do_not_break_a_bar() -> None:
    stream = io.StringIO()
    handler = TqdmHandler(stream)
    with progress_sink("bar", stream) as sink:
        assert sink is not None
        sink(Report("train", 1, 2))
        handler.emit(logging.LogRecord("faceplate", 30, "", 0, "half of %s", ("it",), None))

    assert "half of it\n" in stream.getvalue()
