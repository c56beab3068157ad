"""Writing a faceset that is made out of another one: opened anew, or gone on with."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from faceplate.context import Context
from faceplate.errors import BadSettings, Damaged
from faceplate.io.facelabels import Polygon
from faceplate.io.faceset import Face, Faceset, FacesetInfo

__all__ = ["Made", "Remade", "remake", "side_by_side"]

T = TypeVar("T")
S = TypeVar("S")

_PORTION = 16
_MOST_PROBLEMS = 20

Labels = tuple[Polygon, ...]


@dataclass(frozen=True, eq=False)
class Made:
    """A face that was made out of another, with its labels."""

    face: Face
    labels: Labels = ()


@dataclass(frozen=True)
class Remade:
    """What was made of a faceset."""

    faceset: str
    """The file that was written."""
    faces: int
    """Kept faces in it now."""
    made: int
    """Faces made this time."""
    unchanged: int
    """Faces that were there already, made of the same face in the same way."""
    damaged: int
    """Faces that cannot be decoded and were left out."""
    size: int
    """Side of the crops, in pixels."""
    face_type: str
    content_hash: str
    seconds: float = 0.0
    problems: tuple[str, ...] = ()
    """What is wrong with the first damaged ones."""


def remake(
    source: Faceset,
    out: Path,
    info: FacesetInfo,
    how: Mapping[str, Any],
    make: Callable[[Face, Labels], Made],
    context: Context,
    *,
    threads: int = 1,
) -> Remade:
    """Make every face of a faceset anew into another one; a second run does what is missing.

    Args:
        source: Stays as it is.
        out: The new file.
        info: What it holds.
        how: All that the making depends on besides the face, as JSON values.
        make: Makes one face; called from several threads where `threads` is above 1.
        context: For the progress.
        threads: How many faces are made at a time.

    Raises:
        BadSettings: `out` is the source, or another faceset.
        Cancelled: What was made is kept.
    """
    if out.resolve() == source.path.resolve():
        raise BadSettings(f"{out} is the faceset itself, which is never changed: name another file")
    word = str(how["verb"])
    with Faceset.create_or_open(out, info) as target:
        ids, there = source.ids(kept=False), _there(target)
        wanted = {id: _made_from(sha, how) for id, sha in source.hashes().items()}
        places = {id: place[:3] for id, place in zip(ids, source.places(), strict=True)}
        todo = [id for id in ids if there.get(places[id]) != wanted[id]]

        def one(id: int) -> Made | Damaged:
            try:
                face = source.read(id)
                made = make(face, source.labels(id))
            except Damaged as error:
                return error
            return replace(made, face=replace(made.face, made_from=wanted[id]))

        done, problems = 0, []
        for portion in _portions(side_by_side(one, todo, threads), _PORTION):
            problems += [str(entry) for entry in portion if isinstance(entry, Damaged)]
            _write(target, [entry for entry in portion if isinstance(entry, Made)], word)
            done += len(portion)
            context.progress.report(word, done, len(todo))
        return Remade(
            faceset=str(out),
            faces=len(target.ids()),
            made=len(todo) - len(problems),
            unchanged=len(ids) - len(todo),
            damaged=len(problems),
            size=info.size,
            face_type=info.face_type,
            content_hash=target.content_hash(),
            problems=tuple(problems[:_MOST_PROBLEMS]),
        )


def side_by_side(function: Callable[[S], T], values: Iterable[S], threads: int) -> Iterator[T]:
    """Yield the results of a function in order, with some threads at work on those that follow."""
    if threads <= 1:
        yield from map(function, values)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[T]] = deque()
        try:
            for value in values:
                waiting.append(pool.submit(function, value))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _there(target: Faceset) -> dict[tuple[str, int, int], str]:
    sources = {place[0] for place in target.places()}
    return {
        (source, frame, person): made_from
        for source in sources
        for (frame, person), made_from in target.made_from(source).items()
    }


def _made_from(sha256: str, how: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([sha256, dict(how)], sort_keys=True).encode()).hexdigest()


def _portions(values: Iterable[T], count: int) -> Iterator[list[T]]:
    portion: list[T] = []
    for value in values:
        portion.append(value)
        if len(portion) == count:
            yield portion
            portion = []
    if portion:
        yield portion


def _write(target: Faceset, made: list[Made], word: str) -> None:
    ids = target.add_many(entry.face for entry in made)
    labels = {id: entry.labels for id, entry in zip(ids, made, strict=True) if entry.labels}
    if labels:
        target.set_many_labels(labels, word)
