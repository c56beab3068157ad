"""The verb `tweak`: one frame with changed recipe values, from kept predictions, while you wait."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.context import Context
from faceplate.errors import BadSettings, MissingFrames
from faceplate.geometry.points import Box
from faceplate.io.atomic import atomic_file
from faceplate.io.frame import FloatArray, Frame
from faceplate.io.integers import encode
from faceplate.io.sequence import Sequence as FramePattern
from faceplate.merge.animated import AnimatedRecipe, parse_recipe
from faceplate.merge.face import CastFace, Predicted, predict_face
from faceplate.merge.layers import Layers, box_slices
from faceplate.merge.openers import Openers, fresh_openers
from faceplate.merge.output import Output, write_layers
from faceplate.merge.sealing import sidecar_path
from faceplate.merge.shot import Shot, ShotJob
from faceplate.models.net import People
from faceplate.provenance.keys import SigningKey, find_key
from faceplate.provenance.signing import sign_in_place
from faceplate.provenance.xmp import with_source_type

__all__ = ["TweakJob", "TweakResult", "TweakShot", "changed_recipe", "changes_of", "tweak"]

Shown = NDArray[np.uint8]

# Somebody waits for it. Searching grain for repetitions takes a PNG twice as long and finds none;
# differences of rows, coded by how often each occurs, are smaller too.
_ENCODERS: dict[str, list[int]] = {
    ".png": [
        cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY,
        cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP,
    ],
    ".jpg": [
        cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ],
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TweakJob(ShotJob):
    """Look at one frame with changed recipe values. Where its prediction is kept from an earlier
    swap or tweak, the network does not run.
    """

    frame: int
    """The frame."""
    set: tuple[str, ...] = ()
    """Changed recipe values, such as `feather=12 transfer=mkl`; they go over the recipe and its
    keys, for every member of a cast."""
    view: str | None = None
    """Picture for the eye, of the result in the view encoding: PNG, or JPEG, which is smaller and
    there sooner."""
    view_of: Literal["face", "frame"] = "face"
    """What the picture shows: the `face`, all of the plate that its crop touches, or the whole
    `frame`."""
    out: str | None = None
    """EXR with all layers, as swap writes it; a file or a pattern."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.view or self.out):
            raise BadSettings("name a --view (PNG or JPEG), an --out (EXR), or both")
        for path, suffixes in ((self.view, tuple(_ENCODERS)), (self.out, (".exr",))):
            if path and Path(path).suffix.lower() not in suffixes:
                wanted = " or ".join(suffixes)
                raise BadSettings(f"expected a name that ends in {wanted}, got {path!r}")
        changes_of(self.set)


@dataclass(frozen=True)
class TweakResult:
    """What a tweak made."""

    frame: int
    out: str | None
    """EXR that was written."""
    view: str | None
    """Picture that was written."""
    faces: int
    """Faces in the frame."""
    network_runs: int
    """Predictions that had to be made; 0: all were kept."""
    milliseconds: float
    """From the plate's frame to the files in their place."""


class TweakShot(Shot):
    """A shot whose frames are looked at again and again; the last plate frame is kept.

    Args:
        job: What to look at; its frame and its changes are those of the first call only.
        context: Home folder, device and consent policy.
        openers: What opens track, recipe and model; None opens them anew.

    Raises:
        FaceplateError: What `Shot` raises.
    """

    def __init__(
        self,
        job: TweakJob,
        context: Context,
        openers: Openers | None = None,
    ) -> None:
        openers = openers or fresh_openers(context, job.cache_gib)
        openers = replace(openers, predict=self._predict)
        super().__init__(job, context, openers, str(job.frame))
        self._key = find_key(context.home)
        self._own_roles = self.roles
        self._frame: Frame | None = None
        self._predicted: dict[tuple[int, People], Predicted] = {}
        self._plate_shown: dict[Box, Shown] = {}  # parts of the plate in the view encoding

    def answer(self, changes: Mapping[str, Any], job: TweakJob) -> TweakResult:
        """Make the frame with changed recipe values.

        Args:
            changes: Setting to value.
            job: Where the files go.

        Raises:
            BadSettings: Such a value cannot be.
            ConsentRefused: They put in a face that nobody has allowed.
            MissingFrames: The frame is missing and is skipped.
        """
        began, ran = time.perf_counter(), self.network_runs
        self.roles = [
            role.with_recipe(changed_recipe(role.recipe, changes)) for role in self._own_roles
        ]
        sha256 = self.plate.sha256(job.frame) if job.out else None
        frame = self._read(job.frame)
        layers = self.layers(frame)
        if job.view:
            shown = self._shown(layers, _box_of(layers, job.view_of))
            _write_picture(shown, Path(job.view), self._says(job.frame), self._key)
        pattern = FramePattern.parse(job.out) if job.out else None
        out = str(pattern.path(job.frame)) if pattern else None
        if pattern and out:
            output = Output()
            strings = self.strings(job.frame, sha256, output, sidecar_path(pattern).name)
            Path(out).parent.mkdir(parents=True, exist_ok=True)
            write_layers(layers, strings, (Path(out), Path(out)), output)
        return TweakResult(
            job.frame, out, job.view, len(self.faces(job.frame)), self.network_runs - ran,
            (time.perf_counter() - began) * 1e3,
        )  # fmt: skip

    def _says(self, number: int) -> dict[str, str]:
        """Return what the claim inside a picture says besides the source type."""
        return {
            "likeness": self.likeness,
            "consentId": self.consent_id or "none",
            "modelSha256": "+".join(role.predictor.sha256 for role in self.roles),
            "frames": str(number),
        }

    def _predict(self, frame: Frame, one: CastFace) -> Predicted:
        """Return a face's prediction, which only the direction of the recipe changes."""
        key = (one.face.person, one.people)
        if key not in self._predicted:
            self._predicted[key] = predict_face(frame, one)
        return self._predicted[key]

    def _read(self, number: int) -> Frame:
        if self._frame is None or self._frame.number != number:
            self._frame = self.plate.read(number)
            self._predicted.clear()
            self._plate_shown.clear()
        if self._frame is None:
            raise MissingFrames(self.plate.pattern, [number])
        return self._frame

    def _shown(self, layers: Layers, box: Box) -> Shown:
        """Return a part of the result in the view encoding.

        The plate is converted once; after that, only what a face has changed in it.
        """
        if layers.frame is not self._frame:  # predictions alone: there is no plate in them
            return self._converted(layers.rgb_of(box))
        if box not in self._plate_shown:
            plate = Layers(layers.frame).rgb_of(box)
            self._plate_shown[box] = self._converted(plate)
        shown = self._plate_shown[box]
        if layers.region is None or not layers.swapped:
            return shown
        changed = layers.region.face_matte != 0
        shown = shown.copy()
        shown[box_slices(layers.region.box, box)][changed] = self._converted(
            layers.region.rgb[changed]
        )
        return shown

    def _converted(self, rgb: FloatArray) -> Shown:
        view = self.roles[0].encodings.to_view(rgb)
        return np.asarray(encode(view, 8), np.uint8)


def tweak(job: TweakJob, context: Context) -> TweakResult:
    """Make one frame with changed recipe values.

    Raises:
        FaceplateError: What `Shot` raises; BadSettings for a value that cannot be.
    """
    return TweakShot(job, context).answer(changes_of(job.set), job)


def changes_of(texts: Sequence[str]) -> dict[str, Any]:
    """Read changes such as ``feather=12``; what is no JSON value is a text.

    Raises:
        BadSettings: A text without ``=``.

    Example:
        >>> changes_of(["feather=12", "hist_masked=false", "matte=learned*hull"])
        {'feather': 12, 'hist_masked': False, 'matte': 'learned*hull'}
    """
    changes: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise BadSettings(f"set: expected a change such as feather=12, got {text!r}")
        try:
            changes[name.replace("-", "_")] = json.loads(value)
        except ValueError:
            changes[name.replace("-", "_")] = value
    return changes


def changed_recipe(recipe: AnimatedRecipe, changes: Mapping[str, Any]) -> AnimatedRecipe:
    """Return a recipe with some values changed; a changed setting loses its keys.

    Raises:
        BadSettings: An unknown setting (with the nearest name), or a value that it cannot have.
    """
    if not changes:
        return recipe
    plain = recipe.plain()
    keys = {name: each for name, each in plain.pop("keys", {}).items() if name not in changes}
    return parse_recipe({**plain, **({"keys": keys} if keys else {}), **changes})


def _write_picture(
    shown: Shown, path: Path, says: Mapping[str, str], key: SigningKey | None
) -> None:
    """Write a picture, signed where there is a key. Square pixels are up to the viewer."""
    bgr = np.ascontiguousarray(shown[..., ::-1])
    _, content = cv2.imencode(path.suffix.lower(), bgr, _ENCODERS[path.suffix.lower()])
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as part:
        part.write_bytes(with_source_type(content.tobytes()))
        sign_in_place(part, path.name, says, key)


def _box_of(layers: Layers, wanted: str) -> Box:
    window = layers.frame.data_window
    if wanted == "frame" or layers.region is None:
        return (window.x0, window.y0, window.x1, window.y1)
    return layers.region.box
