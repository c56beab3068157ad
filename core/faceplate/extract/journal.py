"""What the networks said in a pass over a shot, so that a pass that was killed can go on.

Everything in a pass but its looks at pixels is cheap and follows from them alone. So the answers
are kept, each under its frame and its question, and the pass is simply begun again: what was
answered before is not asked again, and the result is that of a pass that was never stopped, byte
for byte.

The journal is a file of JSON lines beside the track, one line to a step. A line that was cut short
by a kill is dropped. A frame whose file changed in between is asked about anew.
"""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from faceplate.errors import NotReady
from faceplate.extract.appearance import Signature
from faceplate.extract.finder import Found
from faceplate.extract.packing import pack, unpack
from faceplate.extract.sighting import Sighting
from faceplate.extract.view import FrameShape
from faceplate.io.frame import Window
from faceplate.io.plate import Plate
from faceplate.io.tracked import FaceColor
from faceplate.models.lock import lock_file

__all__ = ["Journal", "journal_path"]

logger = logging.getLogger(__name__)

_FORMAT = "faceplate-analyse-journal 1"
_KINDS = (Sighting, Signature, FaceColor, Found, FrameShape, Window)


def journal_path(out: Path) -> Path:
    """Return where the journal of a track lies: hidden beside it."""
    return out.with_name(f".{out.name}.journal")


class Journal:
    """The answers of one pass, in memory and in a file. Not safe to share between threads.

    Args:
        path: The file; answers of an earlier pass of the same key in it are taken over.
        key: What all answers depend on: a hash of settings and weights.
        plate: Whose frames they are of.
    """

    def __init__(self, path: Path, key: str, plate: Plate) -> None:
        self._path = path
        self._plate = plate
        self._answers: dict[tuple[int, str], Any] = {}
        self._stamps: dict[int, list[Any]] = {}
        self._right: dict[int, bool] = {}
        self._new: list[Any] = []
        self._stamped: dict[str, list[Any]] = {}
        self.recalled = 0
        """Answers that were taken from an earlier pass so far."""
        length = self._read(key) if path.exists() else 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("r+b" if length else "a+b")
        if not lock_file(self._file):
            self._file.close()
            raise NotReady(f"another analyse is at work on this track: it holds {path}")
        self._file.seek(length)
        self._file.truncate()
        if not length:
            self._write({"format": _FORMAT, "key": key})

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file; it stays for a next pass."""
        self._file.close()

    def remove(self) -> None:
        """Delete the file: the pass is done and its result is safe."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def ask(self, frame: int, question: str, look: Callable[[], Any]) -> Any:
        """Return the answer of an earlier pass, or look and keep what is seen.

        Args:
            frame: The frame's number.
            question: Names what is asked, with all that the answer depends on besides the pixels.
            look: Finds the answer.
        """
        if self._known(frame) and (frame, question) in self._answers:
            self.recalled += 1
            return unpack(self._answers[frame, question], _KINDS)
        answer = look()
        if self._stamp_once(frame):
            self._new.append([frame, question, pack(answer)])
        return answer

    def has(self, frame: int, question: str) -> bool:
        """Return whether there is an answer that is still right."""
        return self._known(frame) and (frame, question) in self._answers

    def commit(self) -> None:
        """Write the new answers of a step as one line."""
        if self._new:
            self._write({"stamps": self._stamped, "answers": self._new})
            self._new, self._stamped = [], {}

    def _write(self, values: Any) -> None:
        self._file.write(json.dumps(values, separators=(",", ":")).encode() + b"\n")
        self._file.flush()

    def _read(self, key: str) -> int:
        """Take over an earlier pass; return how many bytes of the file are whole lines of it."""
        length = 0
        with self._path.open("rb") as file:
            for line in file:
                values = _parsed(line)
                if values is None or (length == 0 and values != {"format": _FORMAT, "key": key}):
                    break
                length += len(line)
                for number, stamp in values.get("stamps", {}).items():
                    self._forget(int(number))  # it was asked about anew, as its file had changed
                    self._stamps[int(number)] = stamp
                for frame, question, answer in values.get("answers", ()):
                    self._answers[frame, question] = answer
        return length

    def _known(self, frame: int) -> bool:
        """Return whether a frame is still the one that the earlier answers are of."""
        if frame not in self._stamps:
            return False
        if frame not in self._right:
            now, then = self._stat(frame), self._stamps[frame]
            same = now is not None and (now == then[:2] or self._plate.sha256(frame) == then[2])
            if not same:
                logger.info("frame %d changed since the pass that was stopped", frame)
                self._forget(frame)
            self._right[frame] = same
        return self._right[frame] or frame in self._stamps

    def _forget(self, frame: int) -> None:
        if self._stamps.pop(frame, None) is not None:
            self._answers = {at: said for at, said in self._answers.items() if at[0] != frame}

    def _stamp_once(self, frame: int) -> bool:
        """Take a frame's stamp before its first answer; False where no file is behind it."""
        if frame in self._stamps:
            return True
        stat = self._stat(frame)
        if stat is None or frame in self._plate.missing:
            return False
        self._stamps[frame] = self._stamped[str(frame)] = [*stat, self._plate.sha256(frame)]
        return True

    def _stat(self, frame: int) -> list[int] | None:
        path = self._plate.file(frame) or Path(self._plate.pattern)
        try:
            stat = path.stat()
        except OSError:
            return None
        return [stat.st_size, stat.st_mtime_ns]


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return a whole line's object, or None."""
    if not line.endswith(b"\n"):
        return None
    try:
        values = json.loads(line)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None
