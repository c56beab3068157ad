"""Finished versions for tests of publishing: small frames, sealed, with a movie beside them."""

from pathlib import Path
from typing import Any

from tests.support.sealed import seal_all, write_frames

from faceplate.context import Context
from faceplate.progress import Progress
from faceplate.review.publish import PublishJob, PublishResult, publish
from faceplate.review.record import PublishRecord, read_record

__all__ = ["context_of", "publish_again", "record_of", "version_in"]


def version_in(folder: Path, *, movie: bytes = b"a movie", seal: bool = True) -> str:
    """Make version 3 of the shot `s` in `folder/s_v003`; returns the pattern of its frames."""
    out = write_frames(folder / "s_v003", range(1001, 1004))
    if seal:
        seal_all(out, folder / "home")
    if movie:
        (folder / "s_v003" / "s.mov").write_bytes(movie)
    return out.pattern


def context_of(folder: Path, environment: dict[str, str] | None = None, **parts: Any) -> Context:
    """Return the surroundings of a person whose home is `folder/home`."""
    (folder / "home").mkdir(exist_ok=True)
    progress = Progress(**parts)
    return Context(folder / "home", progress, environment=environment or {})


def publish_again(pattern: str, context: Context, **settings: Any) -> PublishResult:
    """Publish a version."""
    return publish(PublishJob(pattern, **settings), context)


def record_of(pattern: str) -> PublishRecord:
    """Read the record of a version."""
    return read_record(Path(pattern).parent / "s.publish.json")
