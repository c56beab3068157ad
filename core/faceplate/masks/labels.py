"""The verb `mask labels`: hand-drawn masks into a faceset, out of it, and as a picture."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.context import Context
from faceplate.errors import BadSettings, FaceplateError, NotFound
from faceplate.geometry.polygons import draw_polygons
from faceplate.io.atomic import write_bytes, write_text
from faceplate.io.facelabels import Polygon
from faceplate.io.faceset import Face, Faceset
from faceplate.io.sequence import parse_frames
from faceplate.masks.labelsources import (
    LabelSource,
    dfl_polygons,
    face_mattes,
    labelme_polygons,
    plate_mattes,
)
from faceplate.masks.sheet import LabelCell, write_label_sheet

__all__ = ["LabelsJob", "LabelsResult", "labels"]

logger = logging.getLogger(__name__)

Action = Literal["import", "export", "show", "clear"]
Form = Literal["plate", "face", "labelme", "dfl"]

_FORMS = {"import": ("plate", "face", "labelme", "dfl"), "export": ("face", "labelme")}


@dataclass(frozen=True)
class LabelsJob:
    """Which labels, and what is done with them.

    Raises:
        BadSettings: Settings that do not go together.
    """

    action: Action
    """``import`` takes labels over from pictures or polygons, ``export`` writes them, ``show``
    draws them on their faces, ``clear`` removes them. What import and clear do can be taken back
    with ``faceplate faceset undo``."""
    faceset: str
    """The faceset."""
    source: str | None = None
    """Import: a sequence of mattes as large as the plate, a folder of mattes or of labelme's JSON
    files named after their frames, or a folder or pack of DeepFaceLab faces."""
    form: Form = "face"
    """What is imported or exported: ``plate``, a matte sequence of the plate's size; ``face``,
    pictures as large as the crops; ``labelme``, its JSON; ``dfl``, DeepFaceLab's faces."""
    layer: str = "A"
    """Import: channel of the mattes; a file of one channel gives that."""
    out: str | None = None
    """Export: the folder. Show: the picture, a PNG."""
    frames: str | None = None
    """Such as ``1001-1100x7``; None takes all."""
    replace: bool = False
    """Import: replace the labels of faces that have some."""

    def __post_init__(self) -> None:
        needed = {"import": "source", "export": "out", "show": "out"}.get(self.action)
        if needed is not None and not getattr(self, needed):
            raise BadSettings(f"mask labels {self.action} needs --{needed}")
        forms = _FORMS.get(self.action)
        if forms is not None and self.form not in forms:
            raise BadSettings(
                f"mask labels {self.action}: form {self.form!r}, expected {', '.join(forms)}"
            )


@dataclass(frozen=True)
class LabelsResult:
    """What was done."""

    faceset: str
    """The file."""
    labelled: int
    """Kept faces that have labels now."""
    changed: int
    """Faces that got labels, lost them, or were written or drawn."""
    kept: int = 0
    """Faces whose labels were left as they are."""
    without: int = 0
    """Faces that the source has nothing for."""
    written: tuple[str, ...] = ()
    """Files."""


def labels(job: LabelsJob, context: Context) -> LabelsResult:
    """Import, export, show or clear labels.

    Raises:
        NotFound: No faceset, no source, or nothing in it for any face.
        BadShape: A matte of the wrong size, or points outside their picture.
        InvalidInput: A polygon outside the crop.
        BadSettings: Settings or labels that mean nothing.
    """
    with Faceset.open(Path(job.faceset), readonly=job.action in ("export", "show")) as faceset:
        ids = _ids(faceset, job)
        if job.action == "import":
            return _import(job, faceset, ids, context)
        labelled = [id for id in ids if faceset.labels(id)]
        if not labelled:
            raise NotFound(f"{job.faceset}: no face has labels in the frames asked for")
        if job.action == "clear":
            changed = faceset.set_many_labels({id: () for id in labelled}, "clear labels")
            return LabelsResult(job.faceset, len(faceset.labelled()), changed)
        write = _export if job.action == "export" else _show
        written = write(job, faceset, labelled, context)
        return LabelsResult(
            job.faceset, len(faceset.labelled()), len(labelled), written=tuple(map(str, written))
        )


def _ids(faceset: Faceset, job: LabelsJob) -> list[int]:
    ids = faceset.ids()
    if job.frames is None:
        return ids
    wanted, places = set(parse_frames(job.frames)), faceset.places(kept=True)
    return [id for id, place in zip(ids, places, strict=True) if place[1] in wanted]


def _import(job: LabelsJob, faceset: Faceset, ids: list[int], context: Context) -> LabelsResult:
    source, found, kept, without = _source(job), dict[int, list[Polygon]](), 0, 0
    for done, id in enumerate(ids, 1):
        if not job.replace and faceset.labels(id):
            kept += 1
            continue
        face = faceset.read(id)
        with _naming(face):
            polygons = source(face)
        if polygons is None:
            without += 1
        else:
            found[id] = polygons or [_nothing_seen(face.size)]
        context.progress.report("mask labels", done, len(ids), frame=face.frame)
    if not found and not kept:
        raise NotFound(
            f"{job.source} has nothing for any of the {len(ids)} faces of {job.faceset}: are its "
            "files named after the frames?"
        )
    changed = faceset.set_many_labels(found, f"import labels from {job.source}")
    return LabelsResult(job.faceset, len(faceset.labelled()), changed, kept, without)


def _source(job: LabelsJob) -> LabelSource:
    path = str(job.source)
    if job.form == "plate":
        return plate_mattes(path, job.layer)
    if job.form == "face":
        return face_mattes(path, job.layer)
    return labelme_polygons(path) if job.form == "labelme" else dfl_polygons(path)


def _nothing_seen(size: int) -> Polygon:
    """Return the label of a face that is wholly covered: all of the crop is excluded."""
    low, high = -0.5, size - 0.5
    return Polygon("exclude", np.array([[low, low], [high, low], [high, high], [low, high]]))


@contextmanager
def _naming(face: Face) -> Iterator[None]:
    """Let an error say which face it is about."""
    try:
        yield
    except FaceplateError as error:
        error.add_note(f"face {face.id}, frame {face.frame}, person {face.person}")
        raise


def _export(job: LabelsJob, faceset: Faceset, ids: list[int], context: Context) -> list[Path]:
    folder = Path(str(job.out))
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    view = _views(faceset)
    for done, id in enumerate(ids, 1):
        face = faceset.read(id)
        stem = folder / f"{face.frame:04d}_{face.person}"
        polygons = faceset.labels(id)
        if job.form == "face":
            written.append(_write_png(stem.with_suffix(".png"), _drawn(face, polygons)))
        else:
            picture = _write_png(stem.with_suffix(".png"), view(face))
            values = _labelme_values(polygons, face.size, picture.name)
            write_text(stem.with_suffix(".json"), json.dumps(values, indent=2) + "\n")
            written += [picture, stem.with_suffix(".json")]
        context.progress.report("mask labels", done, len(ids), frame=face.frame)
    return written


def _show(job: LabelsJob, faceset: Faceset, ids: list[int], context: Context) -> list[Path]:
    view, cells = _views(faceset), []
    for done, id in enumerate(ids, 1):
        face = faceset.read(id)
        polygons = faceset.labels(id)
        cells.append(LabelCell(view(face), _drawn(face, polygons), polygons, f"{face.frame} #{id}"))
        context.progress.report("mask labels", done, len(ids), frame=face.frame)
    return write_label_sheet(Path(str(job.out)), cells)


def _drawn(face: Face, polygons: tuple[Polygon, ...]) -> NDArray[np.float32]:
    includes = [one.points for one in polygons if one.kind == "include"]
    excludes = [one.points for one in polygons if one.kind == "exclude"]
    return draw_polygons(includes, excludes, face.size, face.mask)


def _views(faceset: Faceset) -> Any:
    # any scene-linear space will do on the way from the working encoding to the view
    encodings = Encodings(load_config(), "ACEScg", faceset.info.encoding)
    return lambda face: encodings.to_view(encodings.from_working(face.image))


def _write_png(path: Path, picture: NDArray[np.float32]) -> Path:
    pixels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    if pixels.ndim == 3:
        pixels = np.ascontiguousarray(pixels[..., ::-1])
    write_bytes(path, cv2.imencode(".png", pixels)[1].tobytes())
    return path


def _labelme_values(polygons: tuple[Polygon, ...], size: int, picture: str) -> dict[str, Any]:
    shapes = [
        {
            "label": one.kind,
            "points": np.clip(one.points + 0.5, 0, size).round(3).tolist(),
            "group_id": None,
            "shape_type": "polygon",
            "flags": {},
        }
        for one in polygons
    ]
    return {
        "version": "5.0.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": picture,
        "imageData": None,
        "imageHeight": size,
        "imageWidth": size,
    }
