"""A shot that is written: where its files go, and which of them are there already."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from faceplate.context import Context
from faceplate.errors import BadImage, BadSettings, NotReady
from faceplate.io.exrlayout import OWN_OF_A_FILE, attribute_types
from faceplate.io.frame import Frame
from faceplate.io.image import read_frame
from faceplate.io.plate import Plate
from faceplate.io.sequence import Sequence
from faceplate.merge.making import Inputs, library_versions, making_of
from faceplate.merge.openers import Openers
from faceplate.merge.output import (
    LayersWhere,
    Output,
    Source,
    beside,
    source_of,
    write_layers,
)
from faceplate.merge.sealing import (
    hash_frame,
    sidecar_path,
    sign_frame,
    split_strings,
    unsign_frame,
)
from faceplate.merge.shot import Cast, Shot, ShotJob
from faceplate.provenance.keys import SigningKey, find_key
from faceplate.provenance.sidecar import Making, SealedFrame

__all__ = ["FrameOutcome", "SwapJob", "SwapShot"]

logger = logging.getLogger(__name__)

FrameOutcome = Literal["swapped", "no face", "kept", "skipped"]
"""What became of a frame: written with a face or without, an older file of the same settings was
kept, or it is missing and skipped."""


@dataclass(frozen=True, kw_only=True)
class SwapJob(ShotJob):
    """Put the likeness into a plate; writes one EXR file of layers per frame.

    Layers: R, G, B, A the result; fp.R/G/B/A the face as it is laid over the plate, premultiplied;
    fp_mask.A the matte of the recipe; fp_learned.A the network's; fp_occ.A what covers the face;
    fp_conf.A the track's confidence; fp_st.R/G an ST map, always float32.
    """

    out: str
    """Pattern of the files to write, such as `out/shot.%04d.exr`; its folder is made."""
    frames: str | None = None
    """Frames to swap, such as `1001-1100x2,1110`; all of the plate where it is left out."""
    overwrite: bool = False
    """Write frames again that are there already with the same settings."""
    layers: LayersWhere = "inside"
    """Where the layers go: `inside` the result's file; `beside` it, in `<name>_fp.%04d.exr`, which
    covers no more than the face; or `none`. Beside and none leave the result with the plate's own
    channels, and copy what is unchanged of its file."""
    multipart: bool = False
    """One part of the file for each layer; those that are made cover no more than the face."""
    keep_layers: bool = False
    """Keep the plate's other channels in the result."""
    pixel_type: Literal["half", "float"] = "half"
    """Type of all channels but the ST map."""
    compression: str = "zip"
    """EXR compression, lossless: none, rle, zips, zip or piz; with layers beside or none also
    `source`: the plate's own, whatever it is, where its chunks can be copied, else zip. `none` is
    soonest there: what is copied of the plate's file stays compressed, the rest is stored. With
    layers beside or none, or --multipart, also dwaa or dwab with a level, such as dwaa:45: small
    files whose colours are altered a little everywhere; mattes and ST map stay exact."""
    sidecar: bool = True
    """Write what every frame is made of beside the frames, `<name>.provenance.json`, and sign it
    with the home folder's key, where there is one."""
    seal_frames: bool = False
    """Sign every frame by itself too, in a .c2pa file beside it; needs a key."""
    job_id: str | None = None
    """A pipeline's own id, for the headers: frames of two ids differ."""
    processes: int = 1
    """Frames at once, 1 to 256, each on one core in a process of its own; 0: one for each core."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.processes <= 256:
            raise BadSettings(f"processes must be from 0 to 256, got {self.processes!r}")

    @property
    def output(self) -> Output:
        """What the files are like. Raises BadSettings."""
        return Output(
            self.layers, self.multipart, self.keep_layers, self.pixel_type, self.compression
        )


class SwapShot(Shot):
    """A shot with a place for its results.

    Args:
        job: What to swap.
        context: Home folder, device and consent policy.
        openers: What opens track, recipe, model and plate; None opens them anew.

    Raises:
        BadSettings: An output that cannot be right.
        FaceplateError: What `Shot` raises.
    """

    def __init__(
        self,
        job: SwapJob,
        context: Context,
        openers: Openers | None = None,
    ) -> None:
        self.output = job.output
        super().__init__(job, context, openers, job.frames)
        self.overwrite, self._job_id = job.overwrite, job.job_id
        self._key = _frame_key(context) if job.seal_frames else None
        self._lost: set[str] = set()
        self.out = _out(job.out, self.plate)
        self.layers_out = beside(self.out)
        self.out.folder.mkdir(parents=True, exist_ok=True)

    def swap(self, number: int) -> FrameOutcome:
        """Swap one frame and write it, unless its files are there with the same settings.

        Raises:
            BadImage: The plate's file cannot be read.
            Damaged: The file does not read back as it should, or the model is spoilt.
            DiskFull: No room; nothing half-written is kept.
        """
        return self._swapped(number)[0]

    def swap_and_hash(self, number: int) -> tuple[FrameOutcome, SealedFrame | None]:
        """Swap one frame as `swap` does, and return what the sidecar will say of its files.

        They are hashed while they are still in memory; None where the frame is skipped.
        """
        outcome, strings = self._swapped(number)
        if outcome == "skipped":
            return outcome, None
        return outcome, hash_frame(self._files(number), number, strings)

    def making(self) -> Making:
        """Return how the frames of this shot are made, for the sidecar."""
        job = self.job
        first = self.plate.frames[0]
        header = split_strings(self._strings(first, self.plate.sha256(first)))[1]
        members = [role.member for role in self.roles]
        inputs = Inputs(job.plate, job.track, job.cast, members, job.shot)
        return making_of(header, inputs, library_versions())

    def _files(self, number: int) -> list[Path]:
        path, layers_path = self.out.path(number), self.layers_out.path(number)
        return [path, layers_path] if self.output.layers == "beside" else [path]

    def _strings(self, number: int, sha256: str | None) -> dict[str, str]:
        sidecar = sidecar_path(self.out).name
        return self.strings(number, sha256, self.output, sidecar, self._job_id)

    def _swapped(self, number: int) -> tuple[FrameOutcome, dict[str, str]]:
        sha256 = self.plate.sha256(number)
        files, strings = self._files(number), self._strings(number, sha256)
        if not self.overwrite and all(_is_current(file, strings) for file in files):
            outcome: FrameOutcome = "kept"
        else:
            outcome = self._write(number, sha256, strings)
        if self._key is not None and outcome != "skipped":
            sign_frame(files, self._key)
        return outcome, strings

    def _write(self, number: int, sha256: str | None, strings: Mapping[str, str]) -> FrameOutcome:
        source = source_of(self.plate.file(number), self.output)
        if source is not None and "raw-predict" in self.modes(number):
            source = None
        cast = self.cast(number)
        frame = self._read(number, cast, sha256 or "", source)
        if frame is None:
            return "skipped"
        layers = self.layers(frame, cast)
        unsign_frame(self._files(number))
        paths = (self.out.path(number), self.layers_out.path(number))
        write_layers(layers, strings, paths, self.output, source)
        self._tell_lost(self.plate.file(number), paths[0])
        return "swapped" if layers.swapped else "no face"

    def _tell_lost(self, source: Path | None, result: Path) -> None:
        """Tell once which attributes of the plate its results have lost: OpenImageIO drops some."""
        if source is None or source.suffix.lower() != ".exr":
            return
        there = attribute_types(result)
        lost = {
            f"{name} ({kind})" for name, kind in attribute_types(source).items()
            if name not in there and name not in OWN_OF_A_FILE
        }  # fmt: skip
        if lost - self._lost:
            self._lost |= lost
            logger.warning(
                "%s: attributes that are not carried into results written in full: %s; with "
                "--layers beside or none most files are copied, and keep them",
                self.plate.pattern, ", ".join(sorted(lost)),
            )  # fmt: skip

    def _read(self, number: int, cast: Cast, sha256: str, source: Source | None) -> Frame | None:
        """Read a frame; no more of it than its faces need, where the rest is copied."""
        if source is None:
            return self.plate.read(number)
        header = read_frame(source.path, number, channels=())
        rows = source.rows([box for one in cast if one is not None for box in one.seen(header)])
        frame = self._openers.rows(source.path, number, rows, sha256)
        if "A" in frame.channels and not frame.channel("A").any():
            return self.plate.read(number)  # whether an alpha means anything, the whole frame says
        return frame


def _frame_key(context: Context) -> SigningKey:
    key = find_key(context.home)
    if key is None:
        raise NotReady(
            f"frames are to be signed and there is no key in {context.home / 'keys'}: make one "
            "with `faceplate keys new`"
        )
    return key


def _is_current(path: Path, strings: Mapping[str, str]) -> bool:
    """Return whether a whole file with these header strings is there."""
    if not path.is_file():
        return False
    try:
        there = read_frame(path, channels=())
        if any(there.attribute(name) != value for name, value in strings.items()):
            return False
        read_frame(path)  # whether all of it is there
    except BadImage as error:
        logger.warning("%s is made again: %s", path, error)
        return False
    return True


def _out(text: str, plate: Plate) -> Sequence:
    out = Sequence.parse(text)
    if Path(out.pattern).suffix.lower() != ".exr":
        raise BadSettings(f"out: layers are written as .exr, got {text!r}")
    if out.padding is None and len(plate.frames) > 1:
        raise BadSettings(
            f"out: {len(plate.frames)} frames need a pattern such as shot.%04d.exr, got {text!r}"
        )
    source = Sequence.parse(plate.pattern)
    if out.path(plate.frames[0]).resolve() == source.path(plate.frames[0]).resolve():
        raise BadSettings(f"out: {text!r} would write over the plate; name another place")
    return out
