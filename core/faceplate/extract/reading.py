"""One pass over a plate: every frame once, in order, or the answers of a pass that was stopped."""

from collections.abc import Iterator, Sequence

from faceplate.errors import BadSequence, BadSettings
from faceplate.extract.cuts import NOTHING, Glimpse, change, glimpse_of, is_cut
from faceplate.extract.follow import Follower
from faceplate.extract.journal import Journal
from faceplate.extract.overlay import overlay_cell
from faceplate.extract.shot import Shot
from faceplate.extract.view import FrameView, Patch
from faceplate.io.sequence import parse_frames
from faceplate.progress import Progress

__all__ = ["Reading", "Views", "check_cuts"]


def check_cuts(cuts: str, frames: list[int]) -> frozenset[int] | None:
    """Return the cuts that a setting names; None where they are to be found.

    Raises:
        BadSettings: Neither ``auto`` nor ``none`` nor frames that are analysed.
    """
    if cuts in ("auto", "none"):
        return None if cuts == "auto" else frozenset()
    try:
        named = frozenset(parse_frames(cuts))
    except BadSequence as error:
        raise BadSettings(f"cuts must be auto, none or frames such as 1013,1050: {error}") from None
    for frame in sorted(named):
        if frame not in frames[1:]:
            raise BadSettings(
                f"cuts: {frame} begins no shot: it is the first frame or is not analysed"
            )
    return named


class Views:
    """The frames of a plate, read when somebody looks where an earlier pass knows their shape.

    Args:
        shot: The plate.
        journal: Answers of the pass.
    """

    def __init__(self, shot: Shot, journal: Journal) -> None:
        self._shot = shot
        self._journal = journal
        self._missing = frozenset(shot.plate.missing)

    def __call__(self, index: int) -> FrameView | None:
        """Return a frame by its index in the plate; None where it is skipped."""
        number = self._shot.plate.frames[index]
        if number in self._missing:
            return self._shot.view(index)
        if self._journal.has(number, "shape"):
            return self._shot.later(self._journal.ask(number, "shape", lambda: None))
        view = self._shot.view(index)
        if view is not None:
            self._journal.ask(number, "shape", lambda: view.shape)
        return view

    def each(self) -> Iterator[tuple[int, FrameView | None, FrameView | None]]:
        """Yield index, frame and the next frame that is there, in order."""
        count = len(self._shot.plate.frames)
        waiting: list[tuple[int, FrameView | None]] = []
        for index in range(count):
            view = self(index)
            if view is not None:
                for earlier, seen in waiting:
                    yield earlier, seen, view
                waiting = []
            waiting.append((index, view))
        for earlier, seen in waiting:
            yield earlier, seen, None


class Reading:
    """What a pass gathers.

    Args:
        follower: Finds and follows the faces.
        journal: Answers of the pass.
        cuts: Frames that begin another camera shot; None finds them.
        picture_step: A picture is kept of every so many frames; 0: of none.
    """

    def __init__(
        self,
        follower: Follower,
        journal: Journal,
        cuts: frozenset[int] | None,
        picture_step: int,
    ) -> None:
        self.follower = follower
        self.frames: dict[int, int] = {}
        """Index to number, of the frames that are there."""
        self.cuts: list[int] = []
        """Indexes of the frames that begin another camera shot."""
        self.first: FrameView | None = None
        self.pictures: list[tuple[int, Patch]] = []
        self._journal = journal
        self._named = cuts
        self._picture_step = picture_step
        self._last: Glimpse | None = None
        self._coming: tuple[int, Glimpse] | None = None
        self._before = NOTHING

    def run(self, views: Views, numbers: Sequence[int], progress: Progress) -> None:
        """Read all frames, which have these numbers.

        Raises:
            Cancelled: What was seen so far is in the journal.
        """
        for index, view, ahead in views.each():
            faces = 0 if view is None else self._step(index, view, ahead)
            self._journal.commit()
            progress.report("analyse", index + 1, len(numbers), frame=numbers[index], faces=faces)

    def _step(self, index: int, view: FrameView, ahead: FrameView | None) -> int:
        self.first = self.first or view
        self.frames[index] = view.number
        cut = self._is_cut(view, ahead)
        if cut:
            self.cuts.append(index)
        if self._picture_step and index % self._picture_step == 0:
            self.pictures.append((view.number, overlay_cell(view)))
        return len(self.follower.step(index, view, cut))

    def _is_cut(self, view: FrameView, ahead: FrameView | None) -> bool:
        if self._named is not None:
            return view.number in self._named
        here, last = self._glimpse(view), self._last  # before the next one takes its place
        change_here = NOTHING if last is None else change(last, here)
        after, across = NOTHING, None
        if ahead is not None and last is not None:
            coming = self._glimpse(ahead)
            after, across = change(here, coming), change(last, coming)
        cut = last is not None and is_cut(change_here, self._before, after, across)
        # the change that a cut made says nothing about the motion in the new shot
        self._before = NOTHING if cut else change_here
        self._last = here
        return cut

    def _glimpse(self, view: FrameView) -> Glimpse:
        if self._coming is None or self._coming[0] != view.number:
            picture = self._journal.ask(view.number, "glimpse", view.glimpse)
            self._coming = view.number, glimpse_of(picture)
        return self._coming[1]
