"""Frame sequences on disk: patterns, padding and ranges."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from faceplate.errors import BadSequence, NotFound, near_names

__all__ = ["IMAGE_SUFFIXES", "MOVIE_SUFFIXES", "Sequence", "format_frames", "parse_frames"]

IMAGE_SUFFIXES = frozenset({".exr", ".dpx", ".tif", ".tiff", ".png", ".jpg", ".jpeg"})
MOVIE_SUFFIXES = frozenset({".mov", ".mp4", ".m4v", ".mxf", ".mkv", ".webm", ".avi"})

_TOKEN = re.compile(r"%0?(\d*)d|#+|@+")
_RANGE = re.compile(r"(-?\d+)(?:-(-?\d+)(?:[x:](\d+))?)?")  # a colon before the step: OpenJD
# A dash before the digits is a sign only where it cannot be a separator, as in shot-0001.exr.
_NUMBERED = re.compile(r"(?P<head>(?:.*[._])?)(?P<number>-\d+)(?P<tail>\.[^.]+)$")
_PLAIN = re.compile(r"(?P<head>.*?)(?P<number>\d+)(?P<tail>\.[^.]+)$")


@dataclass(frozen=True)
class Sequence:
    """A numbered set of files in one folder, or one single file.

    Example:
        >>> Sequence.parse("shots/b.####.exr").path(7).as_posix()
        'shots/b.0007.exr'
        >>> Sequence.parse("b.%04d.exr").pattern
        'b.%04d.exr'
    """

    folder: Path
    head: str
    """The name before the number."""
    padding: int | None
    """Least number of characters of the number, its sign included, as in C; None: a single file."""
    tail: str
    """The name after the number, with the extension."""
    single: int = 1
    """The frame number of a single file."""

    @classmethod
    def parse(cls, text: str | Path) -> "Sequence":
        """Understand a pattern, a single file, or a folder that holds one sequence.

        Raises:
            BadSequence: ``<UDIM>``, several number tokens, a token in the folder part, or a folder
                with several sequences (all of them are listed).
            NotFound: A folder without any image or movie.
        """
        path = Path(text)
        if "<udim>" in path.name.lower():
            raise BadSequence(f"{path}: <UDIM> numbers tiles, not frames; give a frame pattern")
        if path.is_dir():
            return cls._of_folder(path)
        if path.is_file():  # a literal # or % in the name of a file that is there is no token
            return cls._of_file(path)
        tokens = list(_TOKEN.finditer(path.name))
        if len(tokens) > 1:
            raise BadSequence(f"{path}: expected one frame number, got {len(tokens)}")
        if tokens:
            token = tokens[0]
            name = path.name
            return cls(path.parent, name[: token.start()], _padding(token), name[token.end() :])
        if _TOKEN.search(str(path.parent)) and not path.parent.is_dir():
            raise BadSequence(f"{path}: the frame number belongs in the file name, not the folder")
        return cls._of_file(path)

    @property
    def pattern(self) -> str:
        """The sequence in one text, with a printf token."""
        if self.padding is None:
            return str(self.folder / self.head)
        token = f"%0{self.padding}d" if self.padding > 1 else "%d"
        return str(self.folder / f"{self.head}{token}{self.tail}")

    def path(self, frame: int) -> Path:
        """Return the file of a frame, whether it is there or not."""
        if self.padding is None:
            return self.folder / self.head
        return self.folder / f"{self.head}{frame:0{self.padding}d}{self.tail}"

    def existing(self) -> list[int]:
        """Return the numbers of the frames that are there, in order."""
        if self.padding is None:
            return [self.single] if self.path(self.single).is_file() else []
        numbers = {int(text) for text in self._digits() if f"{int(text):0{self.padding}d}" == text}
        return sorted(numbers)

    def other_paddings(self) -> dict[int, int]:
        """Return how many frames are there under another padding: characters to frames."""
        found: dict[int, int] = {}
        for text in self._digits():
            if self.padding is not None and f"{int(text):0{self.padding}d}" != text:
                found[len(text)] = found.get(len(text), 0) + 1
        return found

    def why_empty(self) -> str:
        """Return one sentence for somebody whose sequence has no frame."""
        if not self.folder.is_dir():
            return f"{self.pattern}: the folder {self.folder} does not exist"
        paddings = self.other_paddings()
        if paddings:
            found = ", ".join(f"{n} with {p} digits (%0{p}d)" for p, n in sorted(paddings.items()))
            return f"{self.pattern}: no frame has this padding; there are {found}"
        patterns = {Path(item.pattern).name for item in sequences_in(self.folder)}
        near = near_names(Path(self.pattern).name, patterns) or sorted(patterns)[:5]
        hint = f"near: {', '.join(near)}" if near else "the folder holds no image or movie"
        return f"{self.pattern}: no such file in {self.folder}; {hint}"

    def _digits(self) -> list[str]:
        if self.padding is None or not self.folder.is_dir():
            return []
        name = re.compile(re.escape(self.head) + r"(-?\d+)" + re.escape(self.tail))
        matches = (name.fullmatch(item.name) for item in self.folder.iterdir())
        return [match[1] for match in matches if match]

    @classmethod
    def _of_file(cls, path: Path) -> "Sequence":
        match = _number(path.name)
        return cls(path.parent, path.name, None, "", int(match["number"]) if match else 1)

    @classmethod
    def _of_folder(cls, folder: Path) -> "Sequence":
        found = sequences_in(folder)
        if not found:
            raise NotFound(f"{folder} holds no image or movie; give a folder with a plate")
        if len(found) > 1:
            names = ", ".join(Path(item.pattern).name for item in found)
            raise BadSequence(f"{folder} holds {len(found)} sequences: {names}; name one of them")
        return found[0]


def sequences_in(folder: Path) -> list[Sequence]:
    """Return the sequences, single images and movies of a folder, sorted by name."""
    numbers: dict[tuple[str, str], list[str]] = {}
    found: list[Sequence] = []
    for path in sorted(folder.iterdir()):
        suffix = path.suffix.lower()
        match = _number(path.name)
        if path.name.startswith(".") or suffix not in IMAGE_SUFFIXES | MOVIE_SUFFIXES:
            continue
        if match is None or suffix in MOVIE_SUFFIXES:
            found.append(Sequence(path.parent, path.name, None, ""))
        else:
            numbers.setdefault((match["head"], match["tail"]), []).append(match["number"])
    for (head, tail), texts in numbers.items():
        found += [Sequence(folder, head, padding, tail) for padding in _paddings(texts)]
    return sorted(found, key=lambda item: item.pattern)


def parse_frames(text: str) -> list[int]:
    """Return the frames of a text such as ``1001-1100x2,1110,-5--1``, in order, each once.

    A step may stand behind a colon too, ``1001-1100:2``, as Open Job Description writes it.

    Raises:
        BadSequence: A part that is no frame or range, a range that runs backwards, a step of 0.

    Example:
        >>> parse_frames("1-7x3,10,-2--1")
        [-2, -1, 1, 4, 7, 10]
    """
    frames: set[int] = set()
    for part in text.replace(" ", "").split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise BadSequence(f"frames {text!r}: {part!r} is no frame or range like 1001-1100x2")
        first, last = int(match[1]), int(match[2] or match[1])
        step = int(match[3] or 1)
        if last < first or step == 0:
            raise BadSequence(
                f"frames {text!r}: {part!r} must run upwards with a step of 1 or more"
            )
        frames.update(range(first, last + 1, step))
    return sorted(frames)


def format_frames(frames: Iterable[int]) -> str:
    """Return frames as the shortest text that `parse_frames` reads back.

    Example:
        >>> format_frames([1, 2, 3, 5, 7, 9, 20])
        '1-3,5-9x2,20'
    """
    left = sorted(set(frames))
    parts = []
    while left:
        run = _run(left)
        parts.append(_run_text(left[:run]))
        left = left[run:]
    return ",".join(parts)


def _run(frames: list[int]) -> int:
    """Return how many leading frames are evenly spaced; two alone are no run, unless adjacent."""
    if len(frames) < 2:
        return len(frames)
    step = frames[1] - frames[0]
    count = 2
    while count < len(frames) and frames[count] - frames[count - 1] == step:
        count += 1
    return count if count > 2 or step == 1 else 1


def _run_text(run: list[int]) -> str:
    if len(run) == 1:
        return str(run[0])
    step = run[1] - run[0]
    return f"{run[0]}-{run[-1]}" + (f"x{step}" if step > 1 else "")


def _padding(token: re.Match[str]) -> int:
    text = token.group()
    return max(int(token[1] or 1), 1) if text.startswith("%") else len(text)


def _number(name: str) -> re.Match[str] | None:
    return _NUMBERED.match(name) or _PLAIN.match(name)


def _paddings(texts: list[str]) -> list[int]:
    """Return the paddings of numbers: 0999 and 1000 are one sequence, 0001 and 00001 are two."""
    padded = {len(text) for text in texts if text.lstrip("-").startswith("0")}
    plain = [len(text) for text in texts if not text.lstrip("-").startswith("0")]
    if any(length < min(padded, default=1) for length in plain):
        padded.add(1)
    if not padded:
        padded.add(plain[0] if len(set(plain)) == 1 else 1)
    return sorted(padded)
