"""A finder that asks the networks only what its journal does not know."""

import hashlib
from collections.abc import Callable
from typing import Protocol, TypeVar

from faceplate.embed import Embedding
from faceplate.extract.appearance import Signature
from faceplate.extract.finder import Finder, Found
from faceplate.extract.journal import Journal
from faceplate.extract.sighting import Sighting
from faceplate.extract.view import FrameView, SquareBox, SquarePoints
from faceplate.io.tracked import FaceColor, FaceSource

__all__ = ["Identify", "RecallingFinder"]

T = TypeVar("T")


class Identify(Protocol):
    """Gives the identity of a face in a frame."""

    def __call__(self, view: FrameView, points: SquarePoints) -> Embedding | None:
        """Return it for 68 x 2 square pixels; None where the face is outside the frame."""
        ...


class RecallingFinder:
    """Detector, landmarker and embedder behind one journal.

    Args:
        finder: Detector and landmarker.
        journal: What they said before; None keeps nothing.
        identify: The embedder; None where there is none.
    """

    def __init__(
        self, finder: Finder, journal: Journal | None = None, identify: Identify | None = None
    ) -> None:
        self._finder = finder
        self._journal = journal
        self._identify = identify

    @property
    def identifies(self) -> bool:
        """Whether `identity` gives anything."""
        return self._identify is not None

    def detect(self, view: FrameView) -> list[Found]:
        """Return the faces of a frame, the surest first."""
        return self._ask(view, "detect", lambda: self._finder.detect(view))

    def look(
        self,
        view: FrameView,
        box: SquareBox,
        score: float,
        source: FaceSource,
        roll: float | None = None,
    ) -> Sighting | None:
        """Return the face in a box (see `Finder.look`)."""
        question = f"look {_exact(*box, score)} {source} {'-' if roll is None else _exact(roll)}"
        return self._ask(view, question, lambda: self._finder.look(view, box, score, source, roll))

    def describe(self, view: FrameView, points: SquarePoints) -> tuple[Signature, FaceColor | None]:
        """Return the look and the colours of a face with these 68 points."""
        question = f"describe {_exact(*points.ravel().tolist())}"
        return self._ask(view, question, lambda: self._finder.describe(view, points))

    def identity(self, view: FrameView, points: SquarePoints) -> Embedding | None:
        """Return the identity of a face with these 68 points; None without an embedder."""
        identify = self._identify
        if identify is None:
            return None
        question = f"identify {_exact(*points.ravel().tolist())}"
        return self._ask(view, question, lambda: identify(view, points))

    def _ask(self, view: FrameView, question: str, look: Callable[[], T]) -> T:
        if self._journal is None:
            return look()
        answer: T = self._journal.ask(view.number, question, look)
        return answer


def _exact(*numbers: float) -> str:
    """Return numbers to their last bit, short where there are many."""
    text = " ".join(float(number).hex() for number in numbers)
    if len(text) < 200:
        return text
    return hashlib.sha256(text.encode()).hexdigest()
