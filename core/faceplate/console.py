"""How work looks in a terminal: results as readable text, progress as bars or lines.

Nothing here prints: text is returned, and progress goes to the stream that is given.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from shutil import get_terminal_size
from typing import Any, Literal, TextIO

from faceplate.progress import Report

__all__ = [
    "ProgressStyle",
    "TqdmHandler",
    "figure_text",
    "openjd_line",
    "progress_line",
    "progress_sink",
    "result_text",
    "tractor_line",
]

ProgressStyle = Literal["bar", "plain", "json", "openjd", "tractor", "none"]
Sink = Callable[[Report], None]

_SECONDS_BETWEEN_LINES = 5.0


def result_text(values: Mapping[str, Any]) -> str:
    """Return a result as aligned lines; lists of records become tables below them.

    Example:
        >>> print(result_text({"frames": 2, "faces": [{"frame": 1, "score": 0.51234}]}))
        frames   2
        <BLANKLINE>
        faces
        frame   score
        1       0.5123
    """
    plain = {name: value for name, value in values.items() if not _is_table(value)}
    tables = {name: value for name, value in values.items() if _is_table(value)}
    width = max((len(name) for name in _flat(plain)), default=0)
    lines = [f"{name:<{width}}   {text}" for name, text in _flat(plain).items()]
    for name, rows in tables.items():
        lines += ["", _words(name), *_table(rows)]
    return "\n".join(lines).strip("\n")


def progress_line(report: Report) -> str:
    """Return one report as one line.

    Example:
        >>> progress_line(Report("train", 20, 100, 65.0, figures={"loss": 0.25}))
        'train 20/100 20%, 1:05 left, loss 0.25'
    """
    text = f"{report.title} {report.done}"
    if report.total:
        text += f"/{report.total} {100 * report.done // report.total}%"
    parts = [text]
    if report.frame is not None:
        parts.append(f"frame {report.frame}")
    if report.seconds_left is not None:
        minutes, seconds = divmod(round(report.seconds_left), 60)
        parts.append(f"{minutes}:{seconds:02d} left")
    parts += [figure_text(name, value) for name, value in report.figures.items()]
    if report.paused:
        parts.append("paused")
    if report.preview is not None:
        parts.append(f"preview {report.preview}")
    return ", ".join(parts)


def openjd_line(report: Report) -> str:
    """Return one report as the lines that Open Job Description's sessions understand.

    Example:
        >>> print(openjd_line(Report("swap", 5, 20, frame=1005)))
        openjd_progress: 25.0
        openjd_status: swap 5/20 25%, frame 1005
    """
    status = f"openjd_status: {progress_line(report)}"
    if not report.total:
        return status
    return f"openjd_progress: {100 * report.done / report.total:.1f}\n{status}"


def tractor_line(report: Report) -> str:
    """Return one report as Tractor reads it (``TR_PROGRESS``), and Deadline (``Progress: 25%``).

    Example:
        >>> print(tractor_line(Report("swap", 5, 20, frame=1005)))
        TR_PROGRESS 025%
        Progress: 25%
        swap 5/20 25%, frame 1005
    """
    if not report.total:
        return progress_line(report)
    percent = 100 * report.done // report.total
    return f"TR_PROGRESS {percent:03d}%\nProgress: {percent}%\n{progress_line(report)}"


def figure_text(name: str, value: float) -> str:
    """Return a figure with its unit, which the end of its name says.

    Example:
        >>> figure_text("loss", 0.25), figure_text("memory_mb", 812.4), figure_text("wait_pct", 1)
        ('loss 0.25', 'memory 812 MB', 'wait 1.0 %')
    """
    words = name.replace("_", " ")
    if name.endswith("_mb"):
        return f"{words[:-3]} {value:.0f} MB"
    if name.endswith("_pct"):
        return f"{words[:-4]} {value:.1f} %"
    if name == "it_per_s":
        return f"{_number(value)} it/s"
    return f"{words} {_number(value)}"


@contextmanager
def progress_sink(style: ProgressStyle, stream: TextIO) -> Iterator[Sink | None]:
    """Give a sink for reports that shows them on `stream`, and tidy up behind it.

    Args:
        style: ``bar`` draws, ``plain`` writes a line every few seconds and at the end of each part,
            ``json`` writes every report as one JSON line, ``openjd`` and ``tractor`` what these
            schedulers look for, ``none`` shows nothing.
        stream: Where to, usually standard error.
    """
    if style == "none":
        yield None
    elif style == "json":
        yield lambda report: _write(stream, json.dumps(asdict(report), default=str))
    elif style in ("plain", "openjd", "tractor"):
        yield _Lines(stream, _LINES[style])
    else:
        bars = _Bars(stream)
        try:
            yield bars
        finally:
            bars.close()


_LINES: Mapping[str, Callable[[Report], str]] = {
    "plain": progress_line,
    "openjd": openjd_line,
    "tractor": tractor_line,
}


class TqdmHandler(logging.Handler):
    """Writes log lines above a bar instead of through it."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        from tqdm import tqdm  # only where something is logged: `faceplate --help` stays fast

        tqdm.write(self.format(record), file=self._stream)


class _Lines:
    def __init__(self, stream: TextIO, text: Callable[[Report], str]) -> None:
        self._stream = stream
        self._text = text
        self._next: dict[str, float] = {}

    def __call__(self, report: Report) -> None:
        now = time.monotonic()
        due = now >= self._next.get(report.title, 0.0)
        if due or report.done == report.total or report.paused:
            self._next[report.title] = now + _SECONDS_BETWEEN_LINES
            _write(self._stream, self._text(report))


class _Bars:
    """One bar per part of the work, finished ones stay above."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._title: str | None = None
        self._bar: Any = None

    def __call__(self, report: Report) -> None:
        if report.title != self._title:
            self._open(report)
        # the bar shows its own speed
        shown = {name: value for name, value in report.figures.items() if name != "it_per_s"}
        parts = [figure_text(name, value) for name, value in shown.items()]
        if report.frame is not None:
            parts = [f"frame {report.frame}", *parts]
        self._bar.set_postfix_str(", ".join([*parts, *["paused"] * report.paused]), refresh=False)
        self._bar.update(report.done - self._bar.n)
        if report.paused:
            self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def _open(self, report: Report) -> None:
        from tqdm import tqdm  # only where a bar is drawn: `faceplate --help` stays fast

        self.close()
        self._title = report.title
        # what a resumed run finished earlier must not count as speed
        self._bar = tqdm(
            desc=report.title,
            total=report.total,
            initial=max(0, report.done - 1),
            file=self._stream,
            ncols=get_terminal_size().columns,  # 80 in a terminal that says it has none
        )


def _write(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()


def _is_table(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) > 0
        and all(isinstance(row, Mapping) for row in value)
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_words(name) for name in names]]
    cells += [[_text(row.get(name)) for name in names] for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    return [
        "   ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    lines: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            lines.update(_flat(value, f"{prefix}{_words(name)} "))
        else:
            lines[prefix + _words(name)] = _text(value)
    return lines


def _words(name: str) -> str:
    return name.replace("_", " ")


def _text(value: Any) -> str:
    if value is None or value in ("", {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list | tuple):
        return ", ".join(_text(entry) for entry in value) or "-"
    return str(value)


def _number(value: float) -> str:
    return f"{value:.4g}"
