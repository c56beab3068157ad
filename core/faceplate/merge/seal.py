"""The verb `seal`: the sidecar of frames that are there, however many tasks have written them."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from faceplate.context import Context
from faceplate.errors import Damaged, MissingFrames, NotFound
from faceplate.io.image import read_frame
from faceplate.io.sequence import Sequence, format_frames, parse_frames
from faceplate.merge.making import Inputs, making_of, members_of
from faceplate.merge.sealing import (
    Seal,
    frame_files,
    hash_frame,
    seal_sequence,
    sign_frame,
    split_strings,
)
from faceplate.provenance.header import PREFIX
from faceplate.provenance.keys import SigningKey, find_key
from faceplate.provenance.sidecar import SealedFrame

__all__ = ["SealJob", "our_strings", "seal"]

Found = tuple[SealedFrame, dict[str, str]]


@dataclass(frozen=True)
class SealJob:
    """Write and sign the sidecar of swapped frames, as the last step on a farm.

    Every frame is hashed as it is now. Running it again changes nothing where nothing changed.
    What made the frames can be named, and is checked against their headers.
    """

    out: str
    """Pattern of the swapped frames, such as `out/shot.%04d.exr`."""
    frames: str | None = None
    """Frames to seal, such as `1001-1100`; entries of others stay. All that are there where it is
    left out, and no others."""
    plate: str | None = None
    """The plate, for its name."""
    track: str | None = None
    """Track file that they were made with."""
    model: str | None = None
    """Folder of the swap model that made them."""
    cast: str | None = None
    """Cast (JSON) of several people."""
    consent: str | None = None
    """Consent record that they were made under."""
    recipe: str | None = None
    """Recipe (JSON) that they were made with."""
    shot: str | None = None
    """Name of the shot."""
    seal_frames: bool = False
    """Sign every frame by itself too, in a .c2pa file beside it."""


def seal(job: SealJob, context: Context) -> Seal:
    """Seal frames.

    Raises:
        NotFound: There are no frames.
        MissingFrames: Frames that are asked for are not there.
        Damaged: A frame was not made by Faceplate, is another frame, or cannot be read.
        BadSettings: What is named did not make these frames.
        DiskFull: No room; the earlier sidecar is as it was.
    """
    out = _numbered(Sequence.parse(job.out))
    numbers = _numbers(out, job.frames)
    members = members_of(job.cast, job.model, job.consent, job.recipe)
    inputs = Inputs(job.plate, job.track, job.cast, members, job.shot)
    key = find_key(context.home) if job.seal_frames else None
    entries = []
    for frame, header in _hashed(out, numbers, key, context):
        entries.append((frame, making_of(header, inputs, {})))
    return seal_sequence(out, entries, context.home, others=job.frames is not None)


def _numbered(out: Sequence) -> Sequence:
    """Return a single file under the number that its header has: its name may have none."""
    if out.padding is not None or not out.path(out.single).is_file():
        return out
    said = our_strings(out.path(out.single)).get(f"{PREFIX}frame", "")
    return replace(out, single=int(said)) if said.lstrip("-").isdigit() else out


def _numbers(out: Sequence, asked: str | None) -> list[int]:
    there = out.existing()
    if not there:
        raise NotFound(f"{out.pattern}: there are no frames to seal")
    if asked is None:
        return there
    wanted = parse_frames(asked)
    missing = sorted(set(wanted) - set(there))
    if missing:
        raise MissingFrames(out.pattern, missing)
    return wanted


def _hashed(
    out: Sequence, numbers: list[int], key: SigningKey | None, context: Context
) -> Iterator[Found]:
    """Yield each frame with what its header has in common with others; hashed in threads."""
    threads = context.threads or min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        try:
            made = pool.map(lambda number: _one(out, number, key), numbers)
            for done, found in enumerate(made, start=1):
                context.progress.report("seal", done, len(numbers), frame=found[0].frame)
                yield found
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _one(out: Sequence, number: int, key: SigningKey | None) -> Found:
    files = frame_files(out, number)
    each = [our_strings(file) for file in files]
    strings = each[0]
    if strings.get(f"{PREFIX}frame") != str(number):
        raise Damaged(
            f"{files[0]} is not frame {number} of Faceplate: its header says "
            f"{strings.get(f'{PREFIX}frame', 'nothing')}; take it away, or swap it again"
        )
    if any(other != strings for other in each[1:]):
        raise Damaged(
            f"{files[1]} holds layers of another making than {files[0].name}: take it away, or "
            f"swap frame {format_frames([number])} again"
        )
    if key is not None:
        sign_frame(files, key)
    own, common = split_strings(strings)
    return hash_frame(files, number, {PREFIX + name: text for name, text in own.items()}), common


def our_strings(path: Path) -> dict[str, str]:
    """Return what the header of a frame says of its making. Raises BadImage, NotFound."""
    header = read_frame(path, channels=())
    return {
        name: str(header.attribute(name)) for name in header.attributes if name.startswith(PREFIX)
    }
