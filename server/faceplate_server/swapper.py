"""Swaps single frames, with the models that were used last kept loaded."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.config import from_dict, settings_hash
from faceplate.context import Context
from faceplate.errors import BadSettings, NotReady
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.warp import roi_of
from faceplate.io.atomic import write_text
from faceplate.io.frame import Frame, Window
from faceplate.io.tracked import TrackedFace
from faceplate.io.trackfile import Track
from faceplate.merge.frame import swap_frame
from faceplate.merge.recipe import Recipe
from faceplate.merge.shot import Shot, SwapJob
from faceplate.models.predictor import Predictor, load_predictor
from faceplate.provenance.consent import check_consent, load_consent

__all__ = ["BufferJob", "Swapper"]

KEPT_MODELS = 2
_Version = tuple[str, int]

REACH = 16
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
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._predictors: OrderedDict[str, tuple[int, Predictor]] = OrderedDict()
        self._track: tuple[_Version, Track] | None = None
        self._allowed: set[tuple[object, ...]] = set()

    def frame(self, job: SwapJob, number: int, recipe: Mapping[str, Any]) -> dict[str, Any]:
        """Swap one frame of a plate; returns ``path`` and ``faces``."""
        if recipe:
            job = replace(job, recipe=str(self._recipe_file(from_dict(Recipe, recipe, "recipe"))))
        job = replace(job, ocio=job.ocio or self._context.ocio)
        shot = Shot(job, self._context, self._predictor(job.model))
        outcome = shot.swap(number)
        faces = 0 if outcome in ("no face", "skipped") else len(shot.faces(number))
        return {"path": str(shot.out.path(number)), "faces": faces}

    def buffer(
        self,
        number: int,
        settings: Mapping[str, Any],
        recipe: Mapping[str, Any],
        buffer: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Lay the swap over the pixels in a buffer; returns ``faces``."""
        job = from_dict(BufferJob, settings, "settings")
        wanted, place = from_dict(Recipe, recipe, "recipe"), from_dict(_Buffer, buffer, "buffer")
        predictor = self._predictor(job.model)
        self._require_consent(job, predictor.config.likeness)
        track = self._load_track(job.track)
        faces = _faces(track, job, number)
        if not faces:
            return {"faces": 0}
        config = load_config(job.ocio or self._context.ocio)
        encodings = Encodings(config, _space(track, job), predictor.config.encoding)
        pixels = place.pixels()
        for face in faces:
            _swap_in_place(pixels, place, face, number, predictor, wanted, encodings)
        return {"faces": len(faces)}

    def _predictor(self, model: str) -> Predictor:
        """Load a model, or return the loaded one if no save has come or gone since."""
        path = str(Path(model).resolve())
        changed = _changed(Path(path) / "saves")
        known = self._predictors.get(path)
        if known is None or known[0] != changed:
            self._predictors[path] = (changed, load_predictor(path, self._context.device))
            while len(self._predictors) > KEPT_MODELS:
                self._predictors.popitem(last=False)
        self._predictors.move_to_end(path)
        return self._predictors[path][1]

    def _load_track(self, path: str) -> Track:
        """Load a track, or return the one of the last call if its file is the same."""
        version = (path, _changed(Path(path)))
        if self._track is None or self._track[0] != version:
            self._track = (version, Track.load(Path(path)))
        return self._track[1]

    def _recipe_file(self, recipe: Recipe) -> Path:
        path = self._context.home / "recipes" / f"{settings_hash(recipe)}.json"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(recipe.__dict__, indent=2) + "\n")
        return path

    def _require_consent(self, job: BufferJob, likeness: str) -> None:
        """Decide, and log it, once for a record as it is, a likeness, a shot and a day."""
        record = _changed(Path(job.consent)) if job.consent else 0
        key = (job.consent, record, likeness, job.shot, date.today())
        if key in self._allowed:
            return
        check_consent(
            load_consent(Path(job.consent)) if job.consent else None,
            use="swap",
            likeness=likeness,
            shot=job.shot,
            on=date.today(),
            policy=self._context.consent_policy,
            log=self._context.home / "consent.log",
        )
        self._allowed.add(key)


def _changed(path: Path) -> int:
    """Return when a file or folder was changed, in nanoseconds; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _faces(track: Track, job: BufferJob, number: int) -> list[TrackedFace]:
    if number not in track.frames:
        raise NotReady(f"{job.track} does not cover frame {number}: analyse it first")
    person = track.person(job.person)
    found = track.faces_at(number) if person is not None else []
    return [face for face in found if person is not None and face.person == person.person]


def _space(track: Track, job: BufferJob) -> str:
    space = job.color_space or track.plate.color_space
    if not space:
        raise BadSettings("the track does not say which colour space the plate is in: name it")
    return space


def _swap_in_place(
    pixels: NDArray[np.float32],
    place: _Buffer,
    face: TrackedFace,
    number: int,
    predictor: Predictor,
    recipe: Recipe,
    encodings: Encodings,
) -> None:
    """Swap one face in the part of the buffer that its crop touches."""
    whole, size = place.window(), predictor.resolution
    face_type = FaceType(predictor.config.face_type)
    matrix = plate_to_crop(face.landmarks, face_type, size, pixel_aspect=place.pixel_aspect)
    within = (whole.x0, whole.y0, whole.x1, whole.y1)
    x0, y0, x1, y1 = roi_of(matrix, size, within)
    if x1 <= x0 or y1 <= y0:
        return
    x0, y0 = max(x0 - REACH, whole.x0), max(y0 - REACH, whole.y0)
    x1, y1 = min(x1 + REACH, whole.x1), min(y1 + REACH, whole.y1)
    part = pixels[y0 - whole.y0 : y1 - whole.y0, x0 - whole.x0 : x1 - whole.x0]
    window = Window(x0, y0, x1, y1)
    frame = Frame(number, np.array(part), tuple("RGBA"), window, whole, place.pixel_aspect)
    part[..., :3] = swap_frame(frame, [face], predictor, recipe, encodings).rgb
