"""A shot made ready to be swapped: everything loaded and allowed, then frame by frame."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.config import settings_hash
from faceplate.context import Context
from faceplate.errors import BadImage, BadSettings, NotFound, NotReady
from faceplate.io.image import read_frame, write_frame
from faceplate.io.plate import MissingPolicy, Plate, open_plate
from faceplate.io.sequence import Sequence, format_frames
from faceplate.io.tracked import TrackedFace
from faceplate.io.trackfile import Track
from faceplate.merge.animated import load_recipe
from faceplate.merge.frame import swap_frame
from faceplate.merge.layers import CHANNEL_TYPES
from faceplate.merge.recipe import Recipe, refuse_pending
from faceplate.models.predictor import Predictor, load_predictor
from faceplate.provenance.consent import check_consent, load_consent
from faceplate.provenance.header import header_strings

__all__ = ["FrameOutcome", "Shot", "SwapJob"]

logger = logging.getLogger(__name__)

OCCLUSION = {"faceplate:occlusion": "not measured"}

# The lossless ones: any other would alter the plate outside the matte, and the ST map.
_COMPRESSIONS = ("none", "rle", "zips", "zip", "piz")
_NO_INPUT = hashlib.sha256(b"").hexdigest()  # of a black stand-in, behind which there is no file

FrameOutcome = Literal["swapped", "no face", "kept", "skipped"]
"""What became of a frame: written with a face or without, an older file of the same settings was
kept, or it is missing and skipped."""


@dataclass(frozen=True)
class SwapJob:
    """Put the likeness into a plate; writes one EXR file of layers per frame.

    Layers: R, G, B, A the result; fp.R/G/B/A the raw swap, times its matte; fp_mask.A the matte
    used; fp_learned.A the network's; fp_occ.A occlusion (zeros: not measured yet); fp_conf.A the
    track's confidence; fp_st.R/G an ST map, always float32.
    """

    plate: str
    """Sequence, single image, folder with one sequence, or movie."""
    track: str
    """Track file of the plate, as analyse writes it."""
    model: str
    """Folder of the swap model."""
    out: str
    """Pattern of the files to write, such as `out/shot.%04d.exr`; its folder is made."""
    consent: str | None = None
    """Consent record of the likeness. Without one the swap is refused, unless the policy warns."""
    frames: str | None = None
    """Frames to swap, such as `1001-1100x2,1110`; all of the plate where it is left out."""
    missing: MissingPolicy = "error"
    """Missing frames: `error`, `hold` the nearest earlier one, `black`, or `skip` them."""
    recipe: str | None = None
    """Recipe (JSON); the default recipe where it is left out."""
    person: int = 0
    """Number of the person in the track; 0 takes the one with most face in the shot."""
    color_space: str | None = None
    """The plate's OCIO space; where left out, what its files say, else what the track says."""
    ocio: str | None = None
    """OCIO config: a path or the name of a built-in one."""
    shot: str | None = None
    """Name of the shot, for consent that is limited to shots."""
    overwrite: bool = False
    """Write frames again that are there already with the same settings."""
    keep_layers: bool = False
    """Keep the plate's other channels in the result."""
    pixel_type: Literal["half", "float"] = "half"
    """Type of all channels but the ST map."""
    compression: str = "zip"
    """EXR compression, lossless: none, rle, zips, zip or piz."""


@dataclass(frozen=True)
class _FrameSettings:
    """All that decides the pixels of a frame besides plate, model and colour space."""

    recipe: Recipe
    faces: list[dict[str, Any]]
    ocio_hash: str
    keep_layers: bool
    pixel_type: str
    compression: str


class Shot:
    """A plate with its track, model, recipe and consent, ready to be swapped frame by frame.

    Frames are independent: any order, any split, and any number of processes give the same files.

    Args:
        job: What to swap.
        context: Home folder, device and consent policy.
        predictor: The model of the job where it is loaded already; None loads it.

    Raises:
        ConsentRefused: No valid consent for this likeness.
        NotFound: Plate, track, model, recipe or person is not there.
        NotReady: Frames that the track has not analysed.
        MissingFrames: Frames are missing, and the policy is ``error``.
        BadSettings: Recipe, compression, pattern or colour settings that cannot be right.
        UnknownColorSpace: The plate's space is not in the config.
    """

    def __init__(self, job: SwapJob, context: Context, predictor: Predictor | None = None) -> None:
        self.job = job
        self.recipe = load_recipe(Path(job.recipe) if job.recipe else None)
        self.plate = open_plate(job.plate, frames=job.frames, missing=job.missing)
        self.track = Track.load(Path(job.track))
        self.person = _person(self.track, job)
        self.out = _out(job, self.plate)
        self.predictor = predictor or load_predictor(Path(job.model), context.device)
        self.consent_id = _consent(job, context, self.predictor.config.likeness)
        self.encodings = _encodings(job, self.plate, self.track, self.predictor.config.encoding)
        _require_analysed(self.plate, self.track, job.track)

    def faces(self, number: int) -> list[TrackedFace]:
        """Return the faces of a frame that are to be swapped."""
        return [face for face in self.track.faces_at(number) if face.person == self.person]

    def swap(self, number: int) -> FrameOutcome:
        """Swap one frame and write it, unless its file is there with the same settings.

        Raises:
            BadImage: The plate's file cannot be read.
            Damaged: The file does not read back as it should, or the model is spoilt.
            DiskFull: No room; nothing half-written is kept.
        """
        faces, path = self.faces(number), self.out.path(number)
        strings = self._header(number, faces)
        if not self.job.overwrite and _is_current(path, strings):
            return "kept"
        frame = self.plate.read(number)
        if frame is None:
            return "skipped"
        recipe = self.recipe.at(number)
        refuse_pending(recipe)
        layers = swap_frame(frame, faces, self.predictor, recipe, self.encodings)
        result = layers.to_frame(keep_layers=self.job.keep_layers)
        write_frame(
            result.with_attributes(strings).with_attributes(OCCLUSION),
            path,
            compression=self.job.compression,
            pixel_type=self.job.pixel_type,
            per_channel_types=CHANNEL_TYPES,
        )
        return "swapped" if layers.swapped else "no face"

    def _header(self, number: int, faces: list[TrackedFace]) -> dict[str, str]:
        """Return the header strings. The frame's own faces count, not those of other frames."""
        settings = _FrameSettings(
            self.recipe.at(number),
            [_plain(face) for face in faces],
            self.encodings.config.hash,
            self.job.keep_layers,
            self.job.pixel_type,
            self.job.compression,
        )
        return header_strings(
            model_sha256=self.predictor.sha256,
            likeness=self.predictor.config.likeness,
            consent_id=self.consent_id,
            input_sha256=self.plate.sha256(number) or _NO_INPUT,
            params_sha256=settings_hash(settings),
            frame=number,
            ocio_config=self.encodings.config.name,
            ocio_space=self.encodings.plate_space,
        )


def _plain(face: TrackedFace) -> dict[str, Any]:
    points = [[round(float(value), 4) for value in point] for point in face.landmarks]
    return {"person": face.person, "landmarks": points, "confidence": face.confidence}


def _is_current(path: Path, strings: Mapping[str, str]) -> bool:
    """Return whether a whole file with these header strings is there."""
    if not path.is_file():
        return False
    try:
        there = read_frame(path)
    except BadImage as error:
        logger.warning("%s is made again: %s", path, error)
        return False
    return all(there.attribute(name) == value for name, value in strings.items())


def _person(track: Track, job: SwapJob) -> int:
    found = track.person(job.person)
    if found is not None:
        return found.person
    if job.person == 0:
        logger.warning("%s has no face at all: the plate passes through", job.track)
        return 0
    known = ", ".join(str(person.person) for person in track.people) or "nobody"
    raise NotFound(f"{job.track} has no person {job.person}; it has {known}")


def _out(job: SwapJob, plate: Plate) -> Sequence:
    out = Sequence.parse(job.out)
    if Path(out.pattern).suffix.lower() != ".exr":
        raise BadSettings(f"out: layers are written as .exr, got {job.out!r}")
    if out.padding is None and len(plate.frames) > 1:
        raise BadSettings(
            f"out: {len(plate.frames)} frames need a pattern such as shot.%04d.exr, got {job.out!r}"
        )
    if job.compression not in _COMPRESSIONS:
        known = ", ".join(_COMPRESSIONS)
        raise BadSettings(
            f"compression: expected a lossless one ({known}), got {job.compression!r}: others "
            "alter the plate outside the matte and the ST map"
        )
    source = Sequence.parse(plate.pattern)
    if out.path(plate.frames[0]).resolve() == source.path(plate.frames[0]).resolve():
        raise BadSettings(f"out: {job.out!r} would write over the plate; name another place")
    out.folder.mkdir(parents=True, exist_ok=True)
    return out


def _consent(job: SwapJob, context: Context, likeness: str) -> str | None:
    record = load_consent(Path(job.consent)) if job.consent else None
    decision = check_consent(
        record,
        use="swap",
        likeness=likeness,
        shot=job.shot,
        on=date.today(),
        policy=context.consent_policy,
        log=context.home / "consent.log",
    )
    return decision.consent_id


def _encodings(job: SwapJob, plate: Plate, track: Track, working: str) -> Encodings:
    space = job.color_space or plate.color_space or track.plate.color_space
    if not space:
        raise BadSettings(
            f"the files of {plate.pattern} do not say which colour space they are in; name it with "
            "--color-space"
        )
    return Encodings(load_config(job.ocio), space, working)


def _require_analysed(plate: Plate, track: Track, path: str) -> None:
    """A frame that was never looked at must not pass for one without a face."""
    absent = set(plate.missing)
    unknown = set(plate.frames) - set(track.frames) - absent
    if unknown:
        raise NotReady(
            f"{path} does not cover the frames {format_frames(unknown)}: analyse them first, or "
            f"narrow --frames to {format_frames(track.frames)}"
        )
