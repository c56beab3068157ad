"""A shot made ready to be swapped: everything loaded and allowed, then frame by frame."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from faceplate.config import settings_hash
from faceplate.context import Context
from faceplate.errors import BadSettings, NotReady
from faceplate.io.frame import Frame
from faceplate.io.image import read_frame
from faceplate.io.plate import MissingPolicy, Plate, open_plate, require_space
from faceplate.io.sequence import format_frames
from faceplate.io.tracked import TrackedFace
from faceplate.io.trackfile import Track
from faceplate.io.trackfit import fit_track
from faceplate.merge.cast import CastMember, load_cast
from faceplate.merge.face import CastFace
from faceplate.merge.frame import show_predictions, swap_cast
from faceplate.merge.layers import Layers
from faceplate.merge.openers import Openers, fresh_openers
from faceplate.merge.output import Output
from faceplate.merge.roles import Role, Surroundings, cast_roles
from faceplate.provenance.header import earlier_strings, header_strings

__all__ = ["Cast", "Shot", "ShotJob"]

logger = logging.getLogger(__name__)

Cast = Sequence[CastFace | None]
"""The faces of a frame in the order of its cast; None for who is not in it."""

_NO_INPUT = hashlib.sha256(b"").hexdigest()  # of a black stand-in, behind which there is no file
# Settings of one person, of which a cast has its own for each.
_OF_ONE = (
    "consent", "recipe", "mattes", "person", "morph", "likeness", "performer", "character",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ShotJob:
    """What is swapped, and how: all that decides the pixels of a frame."""

    plate: str
    """Sequence, single image, folder with one sequence, or movie."""
    track: str
    """Track file of the plate, as analyse writes it, or of a proxy of it."""
    model: str | None = None
    """Folder of the swap model; with a cast, the cast names the models."""
    cast: str | None = None
    """Cast (JSON) of several people, each with a model, recipe, consent and order of their own."""
    consent: str | None = None
    """Consent record of whose face goes in. Without one the swap is refused, unless the policy
    warns."""
    missing: MissingPolicy = "error"
    """Missing frames: `error`, `hold` the nearest earlier one, `black`, or `skip` them."""
    recipe: str | None = None
    """Recipe (JSON); the default recipe where it is left out."""
    mattes: str | None = None
    """Files of external mattes, as a plate is named; the plate's own layers where left out."""
    person: int | str = 0
    """Who in the track: number, name, FRAME:X,Y in one of the boxes, largest, left or right; 0 is
    the one with most face in the shot."""
    morph: float | None = None
    """Share of the likeness, 0 to 1, where the model's architecture has one (amp); all by default.
    """
    likeness: str | None = None
    """Id of whose face goes in, where the model holds several people (comb); by default the model's
    likeness."""
    performer: str | None = None
    """Id of who is in the plate, likewise; by default the model's performer."""
    color_space: str | None = None
    """The plate's OCIO space; where left out, what its files say, else what the track says."""
    ocio: str | None = None
    """OCIO config: a path or the name of a built-in one."""
    ocio_sha256: str | None = None
    """Of the config's file that the caller works with; another one under that path is refused."""
    shot: str | None = None
    """Name of the shot, for consent that is limited to shots."""
    character: str | None = None
    """Character that the likeness portrays, for consent that is limited to characters."""
    cache_gib: float = 4.0
    """Predictions are kept in the home folder up to this size, GiB, 0 to 10000, those used longest
    ago are dropped; 0 keeps none. A changed recipe does not run the network again."""

    def __post_init__(self) -> None:
        if not 0 <= self.cache_gib <= 10_000:
            raise BadSettings(f"cache_gib must be from 0 to 10000 GiB, got {self.cache_gib!r}")
        if bool(self.model) == bool(self.cast):
            raise BadSettings("name either a model or a cast, and not both")
        if self.morph is not None and not 0 <= self.morph <= 1:
            raise BadSettings(f"morph must be from 0 to 1, got {self.morph!r}")
        given = {name: getattr(self, name) for name in _OF_ONE}
        given["person"] = given["person"] or None
        of_one = [name for name, value in given.items() if value not in {None, ""}]
        if self.cast and of_one:
            raise BadSettings(
                f"{', '.join(of_one)}: with a cast, each of its members has an own one; write it "
                "there"
            )


@dataclass(frozen=True)
class _FrameSettings:
    """All that decides the pixels of a frame besides plate, models and colour space."""

    faces: list[dict[str, Any]]
    ocio_hash: str
    output: Output


class Shot:
    """A plate with its track and its cast, ready to be swapped frame by frame.

    Frames are independent: any order, any split, and any number of processes give the same files.

    Args:
        job: What to swap.
        context: Home folder, device and consent policy.
        openers: What opens track, recipe and model; None opens them anew.
        frames: Frames to swap; None for all of the plate.

    Raises:
        ConsentRefused: No valid consent for whose face goes in.
        NotFound: Plate, track, model, recipe or person is not there.
        NotReady: Frames that the track has not analysed.
        MissingFrames: Frames are missing, and the policy is ``error``.
        BadSettings: Recipe, cast or colour settings that cannot be right, or a track of another
            picture.
        UnknownColorSpace: The plate's space is not in the config.
    """

    def __init__(
        self,
        job: ShotJob,
        context: Context,
        openers: Openers | None = None,
        frames: str | None = None,
    ) -> None:
        self.job, self._openers = job, openers or fresh_openers(context, job.cache_gib)
        self.plate = open_plate(job.plate, frames=frames, missing=job.missing)
        track = self._openers.track(Path(job.track))
        self.track, self.scale = fit_track(track, self.plate)
        space = job.color_space or self.plate.color_space or self.track.plate.color_space
        given = Surroundings(
            context,
            self.track,
            job.track,
            job.shot,
            require_space(space, self.plate),
            job.ocio,
            job.ocio_sha256,
            self._openers,
        )
        self.roles: list[Role] = cast_roles(_members(job), given)
        _require_analysed(self.plate, self.track, job.track)

    @property
    def likeness(self) -> str:
        """Ids of those whose faces go in."""
        return "+".join(role.likeness for role in self.roles)

    @property
    def consent_id(self) -> str | None:
        """Ids of the consent records; None where there is none at all."""
        ids = [role.consent_id for role in self.roles]
        return "+".join(each or "none" for each in ids) if any(ids) else None

    @property
    def network_runs(self) -> int:
        """How many predictions had to be made; all others were kept."""
        each = {id(role.predictor): role.predictor for role in self.roles}
        return sum(predictor.network_runs for predictor in each.values())

    def faces(self, number: int) -> list[TrackedFace]:
        """Return the faces of a frame that are to be swapped, in the order of the cast."""
        found = (role.face(number) for role in self.roles)
        return [face for face in found if face is not None]

    def cast(self, number: int) -> Cast:
        """Return all that is decided about each member's face; None for who is not in the frame."""
        return [role.cast_face(number) for role in self.roles]

    def modes(self, number: int) -> set[str]:
        """Return the modes of a frame's recipes."""
        return {role.recipe.at(number).mode for role in self.roles}

    def layers(self, frame: Frame, cast: Cast | None = None) -> Layers:
        """Swap the faces of one frame.

        Args:
            frame: Of the plate.
            cast: Of this frame, where it is known already.

        Raises:
            Damaged: A model is spoilt.
            BadSettings: Recipes that do not go together at this frame.
        """
        cast = [self._looked_at(frame, one) for one in cast or self.cast(frame.number)]
        if "raw-predict" in self.modes(frame.number):
            sizes = [role.predictor.resolution for role in self.roles]
            return show_predictions(frame, list(zip(sizes, cast, strict=True)))
        return swap_cast(frame, [one for one in cast if one is not None])

    def _looked_at(self, frame: Frame, one: CastFace | None) -> CastFace | None:
        """Return a face with what is predicted for it, where somebody keeps that."""
        predict = self._openers.predict
        if one is None or predict is None or not one.seen(frame):
            return one
        return replace(one, predicted=predict(frame, one))

    def strings(
        self,
        number: int,
        input_sha256: str | None,
        output: Output,
        sidecar: str | None = None,
        job_id: str | None = None,
    ) -> dict[str, str]:
        """Return the header strings. The frame's own faces count, not those of other frames.

        Args:
            number: Of the frame.
            input_sha256: Of the file that the frame is read from, as the plate says it.
            output: What the files are like.
            sidecar: Name of the sequence's sidecar, where it has one.
            job_id: A pipeline's own, where it gives one.
        """
        config = self.roles[0].encodings.config
        settings = _FrameSettings(
            [role.settings(number) for role in self.roles], config.hash, output
        )
        strings = header_strings(
            model_sha256="+".join(role.predictor.sha256 for role in self.roles),
            likeness=self.likeness,
            consent_id=self.consent_id,
            input_sha256=input_sha256 or _NO_INPUT,
            params_sha256=settings_hash(settings),
            frame=number,
            ocio_config=config.name,
            ocio_space=self.roles[0].encodings.plate_space,
            ocio_sha256=config.hash,
            scale=self.scale,
            sidecar=sidecar,
            job_id=job_id,
        )
        return strings | {"faceplate:occlusion": self._occlusion(number)} | self._earlier(number)

    def _earlier(self, number: int) -> dict[str, str]:
        """Return what is said of swaps that the plate has been through; a result may be one."""
        file = self.plate.file(number)
        if file is None or file.suffix.lower() != ".exr":
            return {}
        return earlier_strings(read_frame(file, number, channels=()).attributes)

    def _occlusion(self, number: int) -> str:
        """Return how the layer of occlusion is measured."""
        kinds = [role.recipe.at(number).occlusion for role in self.roles]
        return "+".join("not measured" if kind == "none" else kind for kind in kinds)


def _members(job: ShotJob) -> tuple[CastMember, ...]:
    if job.cast:
        return load_cast(Path(job.cast))
    given = {name: getattr(job, name) for name in _OF_ONE}
    return (CastMember(model=job.model or "", **given),)


def _require_analysed(plate: Plate, track: Track, path: str) -> None:
    """A frame that was never looked at must not pass for one without a face."""
    absent = set(plate.missing)
    unknown = set(plate.frames) - set(track.frames) - absent
    if unknown:
        raise NotReady(
            f"{path} does not cover the frames {format_frames(unknown)}: analyse them first, or "
            f"narrow --frames to {format_frames(track.frames)}"
        )
