"""The sidecar of a sequence, written and signed: what `swap` does at its end, and `seal` on a farm.

Frames are hashed by whoever wrote them, one by one; their entries come together here. Entries of
other frames stay, if what holds them is whole and ours: a shot may be swapped in ranges, in any
order, by several processes. A sidecar is there whole or not at all, and never with the signature of
an earlier one.
"""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faceplate import __version__
from faceplate.errors import Damaged
from faceplate.io.atomic import write_bytes, write_text
from faceplate.io.sequence import Sequence, format_frames
from faceplate.merge.output import beside
from faceplate.provenance.hashing import sha256_file
from faceplate.provenance.header import PREFIX
from faceplate.provenance.keys import SigningKey, find_key, trusted_roots
from faceplate.provenance.sidecar import (
    FRAME_STRINGS,
    MEDIA_TYPE,
    SUFFIX,
    Making,
    SealedFile,
    SealedFrame,
    Sidecar,
    gathered,
    parse_sidecar,
    sidecar_name,
    sidecar_text,
    signature_path,
)
from faceplate.provenance.signing import Signature, read_detached, sign_detached

if sys.platform != "win32":
    import fcntl

__all__ = [
    "EXR_TYPE",
    "Seal",
    "frame_files",
    "frame_signature_path",
    "hash_frame",
    "seal_sequence",
    "sidecar_path",
    "sidecar_signature",
    "sign_frame",
    "split_strings",
    "unsign_frame",
]

logger = logging.getLogger(__name__)

EXR_TYPE = "image/x-exr"
"""Media type of frames that are signed one by one."""

Entry = tuple[SealedFrame, Making]


@dataclass(frozen=True)
class Seal:
    """A sidecar that was written."""

    sidecar: str
    """Where it lies."""
    frames: str
    """Frames that it holds now."""
    signed_by: str | None
    """Who signed it; None where there is no key."""


def sidecar_path(out: Sequence) -> Path:
    """Return where the sidecar of a sequence lies."""
    head = Path(out.head).stem if out.padding is None else out.head
    return out.folder / sidecar_name(head)


def frame_signature_path(file: Path) -> Path:
    """Return where the signature of one frame lies, if frames are signed one by one."""
    return file.with_suffix(".c2pa")


def frame_files(out: Sequence, number: int) -> list[Path]:
    """Return the files of a frame that are there: the result, and its layers where beside it."""
    files = (out.path(number), beside(out).path(number))
    return [file for file in files if file.is_file()]


def split_strings(strings: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return what header strings say of the frame alone, and of all that was made with it."""
    plain = {
        name.removeprefix(PREFIX): value
        for name, value in strings.items()
        if name.startswith(PREFIX)
    }
    own = {name: value for name, value in plain.items() if name in FRAME_STRINGS}
    return own, {name: value for name, value in plain.items() if name not in FRAME_STRINGS}


def hash_frame(files: list[Path], number: int, strings: Mapping[str, str]) -> SealedFrame:
    """Return what is recorded of a frame. Raises NotFound where a file has gone."""
    sealed = tuple(SealedFile(file.name, sha256_file(file), file.stat().st_size) for file in files)
    return SealedFrame(number, sealed, split_strings(strings)[0], 0)


def sign_frame(files: list[Path], key: SigningKey) -> None:
    """Sign each file of a frame by itself. Raises Damaged where C2PA does not take the key."""
    for file in files:
        claim = sign_detached(file, file.name, EXR_TYPE, key)
        write_bytes(frame_signature_path(file), claim)


def unsign_frame(files: list[Path]) -> None:
    """Remove signatures of single frames: the files are about to be others."""
    for file in files:
        frame_signature_path(file).unlink(missing_ok=True)


def seal_sequence(out: Sequence, entries: list[Entry], home: Path, *, others: bool = True) -> Seal:
    """Write the sidecar of a sequence and sign it, where there is a key.

    What is there already and right is left alone, signature included.

    Args:
        out: The sequence.
        entries: Frames with their makings; they take the place of earlier entries.
        home: Home folder, of the key and the trusted roots.
        others: Keep the entries of other frames, if the sidecar that holds them is ours and whole.

    Raises:
        DiskFull: No room; the earlier sidecar is as it was.
        Refused, Damaged: The key cannot be used.
    """
    key, path = find_key(home), sidecar_path(out)
    with _one_at_a_time(out.folder):
        there = {e[0].frame: e for e in _entries_there(path, out, home, key, others)}
        new = [_best(entry, there.pop(entry[0].frame, None)) for entry in entries]
        makings, frames = gathered([*(there.values() if others else ()), *new])
        name = Path(out.pattern).name
        sidecar = Sidecar(
            path.name.removesuffix(SUFFIX), name, makings, frames,
            generator=f"Faceplate {__version__}",
        )  # fmt: skip
        _write(path, sidecar_text(sidecar), home, key)
    if key is None:
        logger.warning(
            "%s is not signed: there is no key in %s; `faceplate keys new` makes one", path,
            home / "keys",
        )  # fmt: skip
    numbers = format_frames([frame.frame for frame in frames])
    return Seal(str(path), numbers, key.signer if key else None)


def sidecar_signature(path: Path, roots: list[Path]) -> Signature:
    """Return what the signature beside a sidecar is worth."""
    beside_it = signature_path(path)
    if not beside_it.is_file():
        return Signature("absent")
    return read_detached(path, MEDIA_TYPE, beside_it.read_bytes(), roots)


def _best(new: Entry, earlier: Entry | None) -> Entry:
    """Return the entry of a frame: who made a file that is the same still, knew more about it."""
    if earlier is None or earlier[0].files != new[0].files or not earlier[1].versions:
        return new
    return earlier if earlier[1].header == new[1].header else new


def _write(path: Path, text: str, home: Path, key: SigningKey | None) -> None:
    """Write a sidecar and its signature, unless both are there as they should be."""
    signature = signature_path(path)
    if path.is_file() and path.read_bytes() == text.encode():
        if key is None:
            signature.unlink(missing_ok=True)
            return
        found = sidecar_signature(path, trusted_roots(home))
        if found.state == "trusted" and found.signer == key.signer:
            return
    signature.unlink(missing_ok=True)  # first: unsigned is the truth until it is signed again
    write_text(path, text)
    if key is not None:
        write_bytes(signature, sign_detached(path, path.name, MEDIA_TYPE, key))


def _entries_there(
    path: Path, out: Sequence, home: Path, key: SigningKey | None, others: bool
) -> list[Entry]:
    """Return the entries of the sidecar that is there, if it can be vouched for.

    What we sign we vouch for: entries of a sidecar that is unsigned, foreign or changed must not
    come under our signature. Without a key nothing is vouched for, and they stay.
    """
    if not path.is_file():
        return []
    try:
        there = parse_sidecar(path.read_bytes(), str(path))
    except Damaged as error:
        logger.warning("%s: it is written anew, with these frames alone", error)
        return []
    state = sidecar_signature(path, trusted_roots(home)).state
    wanted = "absent" if key is None else "trusted"
    if state != wanted or there.pattern != Path(out.pattern).name:
        logger.log(
            logging.WARNING if others else logging.INFO,
            "%s has a signature that is %s: entries of other frames are left out; `faceplate seal` "
            "takes all frames that are there", path, state,
        )  # fmt: skip
        return []
    return [(frame, there.makings[frame.making]) for frame in there.frames]


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one process at a time write sidecars in a folder, where its file system can do that."""
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as error:  # some network file systems: on a farm one task seals, at the end
        logger.info("%s cannot be locked (%s)", folder, error)
    try:
        yield
    finally:
        os.close(handle)
