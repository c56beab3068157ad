"""Swaps single frames, with the models that were used last kept loaded."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.config import from_dict, to_dict
from faceplate.context import Context
from faceplate.errors import BadSettings, NotReady
from faceplate.geometry.points import Matrix
from faceplate.io.atomic import write_text
from faceplate.io.frame import Frame, Window
from faceplate.io.sequence import Sequence
from faceplate.io.tracked import TrackedFace
from faceplate.io.trackfile import Track
from faceplate.merge.animated import AnimatedRecipe, parse_recipe
from faceplate.merge.cast import load_cast
from faceplate.merge.colors import measured_colors
from faceplate.merge.face import CastFace
from faceplate.merge.frame import swap_cast
from faceplate.merge.motion import velocity_of_person
from faceplate.merge.openers import Openers
from faceplate.merge.trackmattes import measured_mattes
from faceplate.merge.tweak import TweakJob, TweakShot
from faceplate.merge.writing import SwapJob, SwapShot
from faceplate.models.folder import SwapModelConfig
from faceplate.provenance.consent import check_consent, load_consent
from faceplate.provenance.decisions import revocations
from faceplate_server.shelf import ModelShelf, changed

__all__ = ["BufferJob", "Swapper"]

_Version = tuple[str, int]

REACH = 64
"""Plate pixels around a face's crop that filters may look at."""


@dataclass(frozen=True)
class BufferJob:
    """The settings of a swap in a shared buffer; they mean what they mean in a `SwapJob`."""

    track: str
    model: str
    consent: str | None = None
    person: int = 0
    color_space: str | None = None
    ocio: str | None = None
    shot: str | None = None
    character: str | None = None
    cache_gib: float = 4.0


@dataclass(frozen=True)
class _Buffer:
    """Where the pixels are."""

    path: str
    width: int
    height: int
    x0: int
    y0: int
    pixel_aspect: float

    def pixels(self) -> NDArray[np.float32]:
        """Map them, HxWx4."""
        shape = (self.height, self.width, 4)
        return np.memmap(self.path, np.float32, "r+", shape=shape)

    def window(self) -> Window:
        """What they cover in the plate."""
        return Window(self.x0, self.y0, self.x0 + self.width, self.y0 + self.height)


class Swapper:
    """Not for several threads at once.

    Args:
        context: Home folder, device and consent policy.
        kept: Models in memory at most.

    Attributes:
        models: Those in memory.
    """

    def __init__(self, context: Context, kept: int = 2) -> None:
        self._context = context
        self.models = ModelShelf(context, kept)
        self._track: tuple[_Version, Track] | None = None
        self._tweaked: tuple[tuple[object, ...], TweakShot] | None = None
        self._allowed: set[tuple[object, ...]] = set()

    def frame(self, job: SwapJob, number: int, recipe: Mapping[str, Any]) -> dict[str, Any]:
        """Swap one frame of a plate; returns ``path``, ``faces`` and ``network_runs``."""
        if recipe:
            job = replace(job, recipe=str(self._recipe_file(parse_recipe(recipe))))
        job = replace(job, ocio=job.ocio or self._context.ocio)
        shot = SwapShot(job, self._context, self._openers(job.cache_gib))
        before = shot.network_runs
        outcome = shot.swap(number)
        faces = 0 if outcome in ("no face", "skipped") else len(shot.faces(number))
        ran = shot.network_runs - before
        return {"path": str(shot.out.path(number)), "faces": faces, "network_runs": ran}

    def tweak(self, job: TweakJob, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Look at one frame with changed recipe values; returns a `TweakResult` as plain values."""
        job = replace(job, ocio=job.ocio or self._context.ocio)
        key = _tweak_key(job)
        if self._tweaked is None or self._tweaked[0] != key:
            self._tweaked = (key, TweakShot(job, self._context, self._openers(job.cache_gib)))
        return to_dict(self._tweaked[1].answer(changes, job))

    def _openers(self, cache_gib: float) -> Openers:
        return Openers(self.models.opener(cache_gib))

    def buffer(
        self,
        number: int,
        settings: Mapping[str, Any],
        recipe: Mapping[str, Any],
        buffer: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Lay the swap over the pixels in a buffer; returns ``faces``."""
        job = from_dict(BufferJob, settings, "settings")
        wanted, place = parse_recipe(recipe).at(number), from_dict(_Buffer, buffer, "buffer")
        if wanted.mode == "raw-predict":
            raise BadSettings("recipe: raw-predict makes a frame of another size than the buffer's")
        predictor = self.models.opener(job.cache_gib)(Path(job.model))
        people = (1, 0) if wanted.direction == "performer" else (0, 1)
        self._require_consent(job, predictor.config, people[0])
        track = self._load_track(job.track)
        faces = _faces(track, job, number)
        if not faces:
            return {"faces": 0}
        config = load_config(job.ocio or self._context.ocio)
        encodings = Encodings(config, _space(track, job), predictor.config.encoding)
        pixels = place.pixels()
        for face in faces:
            colors = measured_colors(face, predictor.sha256)
            learned = measured_mattes(face, predictor.sha256)
            cast = CastFace(
                face, predictor, wanted, encodings, people, colors=colors, learned=learned
            )
            _swap_in_place(pixels, place, cast, number)
        return {"faces": len(faces)}

    def _load_track(self, path: str) -> Track:
        """Load a track, or return the one of the last call if its file is the same."""
        version = (path, changed(Path(path)))
        if self._track is None or self._track[0] != version:
            self._track = (version, Track.load(Path(path)))
        return self._track[1]

    def _recipe_file(self, recipe: AnimatedRecipe) -> Path:
        text = json.dumps(recipe.plain(), indent=2, sort_keys=True) + "\n"
        name = hashlib.sha256(text.encode()).hexdigest()
        path = self._context.home / "recipes" / f"{name}.json"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, text)
        return path

    def _require_consent(self, job: BufferJob, model: SwapModelConfig, number: int) -> None:
        """Decide, and log it, once for a record as it is, a likeness, a shot and a day."""
        record = changed(Path(job.consent)) if job.consent else 0
        likeness, under = model.people[number], model.consent_of(number)
        log = self._context.home / "consent.log"
        revoked = revocations(log)
        asked = (likeness, under, job.shot, job.character, date.today())
        key = (job.consent, record, *asked, *sorted(revoked.items()))
        if key in self._allowed:
            return
        check_consent(
            load_consent(Path(job.consent)) if job.consent else None,
            use="swap",
            likeness=likeness,
            shot=job.shot,
            on=date.today(),
            policy=self._context.consent_policy,
            log=log,
            character=job.character,
            trained_under=under,
            revoked=revoked,
        )
        self._allowed.add(key)


def _faces(track: Track, job: BufferJob, number: int) -> list[TrackedFace]:
    if number not in track.frames:
        raise NotReady(f"{job.track} does not cover frame {number}: analyse it first")
    person = track.person(job.person)
    found = track.faces_at(number) if person is not None else []
    return [face for face in found if person is not None and face.person == person.person]


def _velocity(track: Track, face: TrackedFace, number: int, place: _Buffer) -> Matrix | None:
    person = track.person(face.person)
    return None if person is None else velocity_of_person(person, number, place.pixel_aspect)


def _space(track: Track, job: BufferJob) -> str:
    space = job.color_space or track.plate.color_space
    if not space:
        raise BadSettings("the track does not say which colour space the plate is in: name it")
    return space


def _tweak_key(job: TweakJob) -> tuple[object, ...]:
    """Return all that a kept shot depends on: its settings, and its files as they are today."""
    place = replace(job, set=(), view="any.png", out=None, view_of="face")
    files = (job.track, job.recipe, job.consent, job.cast, job.mattes)
    versions = tuple(changed(Path(file)) if file else 0 for file in files)
    models = tuple(changed(Path(model) / "saves") for model in _models(job))
    plate = Path(job.plate)
    frame = Sequence.parse(plate).path(job.frame)
    return (place, versions, models, changed(frame), date.today())


def _models(job: TweakJob) -> list[str]:
    return [job.model] if job.model else [each.model for each in load_cast(Path(job.cast or ""))]


def _swap_in_place(
    pixels: NDArray[np.float32], place: _Buffer, cast: CastFace, number: int
) -> None:
    """Swap one face in the part of the buffer that its crop touches."""
    whole = place.window()
    empty = Frame(
        number, np.broadcast_to(np.float32(0), (whole.height, whole.width, 4)), tuple("RGBA"),
        whole, whole, place.pixel_aspect,
    )  # fmt: skip
    x0, y0, x1, y1 = cast.roi(empty)
    if x1 <= x0 or y1 <= y0:
        return
    x0, y0 = max(x0 - REACH, whole.x0), max(y0 - REACH, whole.y0)
    x1, y1 = min(x1 + REACH, whole.x1), min(y1 + REACH, whole.y1)
    part = pixels[y0 - whole.y0 : y1 - whole.y0, x0 - whole.x0 : x1 - whole.x0]
    window = Window(x0, y0, x1, y1)
    frame = Frame(number, np.array(part), tuple("RGBA"), window, whole, place.pixel_aspect)
    part[..., :3] = swap_cast(frame, [cast]).rgb
