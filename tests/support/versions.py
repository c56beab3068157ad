"""Finished versions for tests of publishing: small frames, sealed, with a movie beside them."""

import struct
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
from tests.support.sealed import seal_all, write_frames

from faceplate.context import Context
from faceplate.progress import Progress
from faceplate.review.publish import PublishJob, PublishResult, publish
from faceplate.review.record import PublishRecord, read_record

__all__ = ["MOVIE", "context_of", "movie_of", "publish_again", "record_of", "version_in"]


@cache
def movie_of(size: int = 0) -> bytes:
    """Return a movie of two pictures, with so many bytes at its end that mean nothing."""
    content = BytesIO()
    with av.open(content, "w", format="mov") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        for grey in (40, 80):
            picture = np.full((16, 16, 3), grey, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return content.getvalue() + struct.pack(">I4s", size + 8, b"free") + bytes(size)


MOVIE = movie_of()


def version_in(folder: Path, *, movie: bytes = MOVIE, seal: bool = True) -> str:
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
