"""Sealed sequences for tests: frames that say what a swap's say, without a swap."""

from pathlib import Path

import numpy as np

from faceplate.io.frame import Frame, Window
from faceplate.io.image import write_frame
from faceplate.io.sequence import Sequence
from faceplate.merge.sealing import hash_frame, seal_sequence, split_strings
from faceplate.provenance.header import header_strings
from faceplate.provenance.sidecar import Making

__all__ = ["entry_of", "seal_all", "strings_of", "write_frames"]


def strings_of(number: int, sidecar: str = "s.provenance.json") -> dict[str, str]:
    """Return the header strings of a frame."""
    return header_strings(
        model_sha256="1" * 64, likeness="p1A", consent_id="C-1", input_sha256="2" * 64,
        params_sha256="3" * 64, frame=number, ocio_config="cg", ocio_space="ACEScg",
        ocio_sha256="4" * 64, sidecar=sidecar,
    )  # fmt: skip


def write_frames(folder: Path, numbers: range) -> Sequence:
    """Write small frames `s.NNNN.exr`."""
    folder.mkdir(parents=True, exist_ok=True)
    out = Sequence.parse(folder / "s.%04d.exr")
    window = Window(0, 0, 16, 8)
    for number in numbers:
        pixels = np.full((8, 16, 3), number / 2000, np.float32)
        frame = Frame(number, pixels, ("R", "G", "B"), window, window, 1.0, strings_of(number))
        write_frame(frame, out.path(number))
    return out


def entry_of(out: Sequence, number: int):
    """Return the entry of a frame as its swap would make it."""
    strings = strings_of(number)
    making = Making(split_strings(strings)[1], versions={"numpy": "2"})
    return hash_frame([out.path(number)], number, strings), making


def seal_all(out: Sequence, home: Path) -> Path:
    """Seal the frames that are there; returns the sidecar."""
    entries = [entry_of(out, number) for number in out.existing()]
    return Path(seal_sequence(out, entries, home).sidecar)
