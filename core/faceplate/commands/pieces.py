"""What an installation puts into a folder of somebody else, and how it is taken out again.

A piece is a line in a file that belongs to the artist, or a file of its own. Each knows its own
work by a mark and touches nothing without it, so that installing twice is installing once and
uninstalling leaves every other byte as it was.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from faceplate.errors import Refused
from faceplate.io.atomic import write_bytes

__all__ = ["MarkedLine", "OwnFile", "Piece"]


class Piece(Protocol):
    """Something that an installation writes."""

    def put(self, dry_run: bool) -> str:
        """Write it; returns what was done, or would be, in a sentence."""

    def take_out(self, dry_run: bool) -> str:
        """Undo `put`; returns what was done, or would be, in a sentence."""


@dataclass(frozen=True)
class MarkedLine:
    r"""One line at the end of a text file that others write too.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "init.py"
        ...     line = MarkedLine(path, "nuke.pluginAddPath('x')", "# faceplate")
        ...     _ = path.write_text("import nuke")
        ...     said = line.put(dry_run=False)
        ...     both = path.read_text()
        ...     said = line.take_out(dry_run=False)
        ...     both, path.read_text()
        ("import nuke\nnuke.pluginAddPath('x')  # faceplate", 'import nuke')
    """

    path: Path
    text: str
    mark: str
    """Comment behind the text, by which the line is known."""

    def put(self, dry_run: bool) -> str:
        """Add the line, or bring it up to date."""
        before = self._read()
        if before is None:
            return self._write(f"{self._line} {_MADE}\n".encode(), f"made {self.path}", dry_run)
        lines = before.splitlines(keepends=True)
        ours = [at for at, line in enumerate(lines) if self._is_ours(line)]
        if ours:
            old = lines[ours[0]]
            made = f" {_MADE}" if _MADE.encode() in old else ""
            lines[ours[0]] = (self._line + made).encode() + old[len(old.rstrip(b"\r\n")) :]
            for at in reversed(ours[1:]):
                del lines[at]
            done = f"brought the line in {self.path} up to date"
        else:
            lines.append(self._addition(before))
            done = f"added one line to {self.path}"
        after = b"".join(lines)
        if after == before:
            return f"the line is in {self.path} already"
        return self._write(after, done, dry_run)

    def take_out(self, dry_run: bool) -> str:
        """Remove the line; the file too, where it was made for the line and holds nothing else."""
        before = self._read()
        lines = (before or b"").splitlines(keepends=True)
        kept = [line for line in lines if not self._is_ours(line)]
        if before is None or len(kept) == len(lines):
            return f"no line of ours in {self.path}"
        if not kept and _MADE.encode() in before:
            if not dry_run:
                self.path.unlink()
            return f"removed {self.path}, which held nothing but our line"
        after = b"".join(kept)
        if self._is_ours(lines[-1]) and not lines[-1].endswith((b"\n", b"\r")):
            after = after.removesuffix(b"\n").removesuffix(b"\r")  # as it was before the line
        return self._write(after, f"removed one line from {self.path}", dry_run)

    @property
    def _line(self) -> str:
        return f"{self.text}  {self.mark}"

    def _is_ours(self, line: bytes) -> bool:
        # editors leave blanks at the ends of lines
        text = line.rstrip().removesuffix(_MADE.encode()).rstrip()
        return text.endswith(self.mark.encode())

    def _addition(self, before: bytes) -> bytes:
        """Return what to add; where the last line has no end, ours has none either."""
        end = b"\r\n" if b"\r\n" in before else b"\n"
        line = self._line.encode()
        return line + end if before.endswith((b"\n", b"\r")) or not before else end + line

    def _read(self) -> bytes | None:
        return self.path.read_bytes() if self.path.exists() else None

    def _write(self, content: bytes, done: str, dry_run: bool) -> str:
        if not dry_run:
            _write(self.path, content)
        return f"{done}: {self._line}" if self.text.encode() in content else done


_MADE = "(made this file)"


@dataclass(frozen=True)
class OwnFile:
    """A whole file, known by a mark in its content. Another file of its name is left alone.

    Raises:
        Refused: There is a file of that name which is not ours.
    """

    path: Path
    content: str
    mark: str
    """Text that is in the content and in no file of anybody else."""

    def put(self, dry_run: bool) -> str:
        """Write the file, or bring it up to date."""
        before = self._read()
        if before == self.content.encode():
            return f"{self.path} is there already"
        if before is not None and self.mark.encode() not in before:
            raise Refused(f"{self.path} is there and is not ours; move it away first")
        if not dry_run:
            _write(self.path, self.content.encode())
        return f"wrote {self.path}" if before is None else f"brought {self.path} up to date"

    def take_out(self, dry_run: bool) -> str:
        """Remove the file."""
        before = self._read()
        if before is None or self.mark.encode() not in before:
            return f"no file of ours at {self.path}"
        if not dry_run:
            self.path.unlink()
        return f"removed {self.path}"

    def _read(self) -> bytes | None:
        return self.path.read_bytes() if self.path.exists() else None


def _write(path: Path, content: bytes) -> None:
    """Write through links, and keep who may read the file."""
    path = path.resolve()
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, content)
    if mode is not None:
        os.chmod(path, mode)
