"""``faceplate faceset export``: a faceset for other programs."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import BUILTIN_CONFIG, load_config
from faceplate.context import Context
from faceplate.errors import BadImage, BadSettings, Damaged, FaceplateError, NotFound
from faceplate.facesets.folder import export_face, open_folder
from faceplate.io.atomic import write_bytes
from faceplate.io.dfljpg import dfl_face
from faceplate.io.dflwrite import DflRecord, dfl_jpeg, write_pack
from faceplate.io.faceset import Face, Faceset

__all__ = ["ExportFacesJob", "ExportFacesResult", "export_faces"]

_MOST_PROBLEMS = 20


@dataclass(frozen=True)
class ExportFacesJob:
    """Which faceset to export, and as what."""

    faceset: str
    """The faceset."""
    out: str
    """A folder for `png` and `dfl`, a file for `pak`."""
    format: Literal["png", "dfl", "pak"] = "png"
    """png: a PNG, its mask and a JSON for each face, which `faceset import` takes back without
    loss. dfl: aligned .jpg files with their metadata, as DeepFaceLab reads them. pak: its pack."""
    which: Literal["kept", "all"] = "kept"
    """The kept faces, or the culled ones too; only png can tell them apart afterwards."""
    quality: int = 100
    """Of the JPEG files, 1..100."""
    masks: bool = True
    """Give the faces of dfl and pak their mattes, as DeepFaceLab's segmentation masks."""


@dataclass(frozen=True)
class ExportFacesResult:
    """What was exported."""

    out: str
    faces: int
    """Faces there now."""
    written: int
    """Faces written this time."""
    unchanged: int
    """Faces that were there already."""
    left_out: int
    """Faces that cannot be decoded or that the format cannot hold."""
    seconds: float
    problems: tuple[str, ...] = ()
    """Why the first were left out."""


def export_faces(job: ExportFacesJob, context: Context) -> ExportFacesResult:
    """Export a faceset; a second run writes what is missing, but a pack is written whole.

    DeepFaceLab's pictures are sRGB of 8 bits: what is brighter than white is cut off there.

    Raises:
        NotFound: No faceset, or no face in it.
        BadSettings: A setting outside its range, or something else in `out`.
        DiskFull: No room.
        Cancelled: What was written is kept; of a pack nothing.
    """
    began = time.monotonic()
    if not 1 <= job.quality <= 100:
        raise BadSettings(f"quality {job.quality}: expected 1..100")
    with Faceset.open(Path(job.faceset), readonly=True) as faceset:
        ids = faceset.ids(kept=job.which == "kept")
        if not ids:
            raise NotFound(f"{job.faceset} has no faces to export")
        exporting = _Exporting(job, faceset, ids, context)
        exporting.run()
        count = len(exporting.problems)
        return ExportFacesResult(
            out=job.out,
            faces=len(ids) - count,
            written=exporting.written,
            unchanged=len(ids) - count - exporting.written,
            left_out=count,
            seconds=round(time.monotonic() - began, 2),
            problems=tuple(exporting.problems[:_MOST_PROBLEMS]),
        )


class _Exporting:
    """One run and what it did."""

    def __init__(
        self, job: ExportFacesJob, faceset: Faceset, ids: list[int], context: Context
    ) -> None:
        self.written = 0
        self.problems: list[str] = []
        self._job, self._faceset, self._ids, self._context = job, faceset, ids, context
        self._names: set[str] = set()
        self._encodings = None
        if faceset.info.encoding != "srgb":
            self._encodings = Encodings(
                load_config(BUILTIN_CONFIG), "srgb_rec709_scene", faceset.info.encoding
            )

    def run(self) -> None:
        """Export all faces."""
        out = Path(self._job.out)
        if self._job.format == "pak":
            if out.is_dir():
                raise BadSettings(f"{out} is a folder: name the file of the pack")
            out.parent.mkdir(parents=True, exist_ok=True)
            self.written = write_pack(out, self._packed())
            return
        if self._job.format == "png":
            open_folder(out, self._faceset.info)
        else:
            out.mkdir(parents=True, exist_ok=True)
        for done, id in enumerate(self._ids, 1):
            try:
                self.written += self._one(id, out)
            except (BadImage, BadSettings, Damaged) as error:
                self.problems.append(str(error))
            self._context.progress.report("export", done, len(self._ids))

    def _one(self, id: int, out: Path) -> bool:
        if self._job.format == "png":
            return export_face(self._faceset, id, out)
        face = self._faceset.read(id)
        path = out / self._name(face)
        record = self._record(face)
        if path.is_file() and _mark_of(path) == record.mark:
            return False
        write_bytes(path, self._jpeg(face, record))
        return True

    def _packed(self) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
        for done, id in enumerate(self._ids, 1):
            try:
                face = self._faceset.read(id)
                name, record = self._name(face), self._record(face)
                yield name, self._jpeg(face, record), record.entry(name, face.size)
            except (BadImage, Damaged) as error:
                self.problems.append(str(error))
            self._context.progress.report("export", done, len(self._ids))

    def _jpeg(self, face: Face, record: DflRecord) -> bytes:
        image = face.image
        if self._encodings is not None:
            image = self._encodings.from_working(image)
        return dfl_jpeg(image, record, self._job.quality)

    def _record(self, face: Face) -> DflRecord:
        labels = self._faceset.labels(face.id)
        return DflRecord(
            face_type=face.face_type,
            landmarks=face.landmarks,
            source_filename=_frame_name(face),
            source_landmarks=face.plate_landmarks,
            image_to_face=face.plate_to_crop,
            mask=face.mask if self._job.masks else None,
            polygons=[(entry.kind == "include", _float32(entry.points)) for entry in labels],
            mark=f"{face.sha256} {self._job.quality} {self._job.masks} {len(labels)}",
        )

    def _name(self, face: Face) -> str:
        """Return the name of a face's file: the frame's, and a number for each person in it."""
        name = f"{Path(_frame_name(face)).stem}_{max(face.person - 1, 0)}"
        if name in self._names:
            name = f"{name}_{face.id}"
        self._names.add(name)
        return f"{name}.jpg"


def _frame_name(face: Face) -> str:
    """Return the name of the frame that a face was cut from."""
    name = Path(face.source.replace("\\", "/")).name
    found = re.search(r"%0?(\d*)d", name)
    if found is None:
        return name
    return f"{name[: found.start()]}{face.frame:0{int(found[1] or 1)}d}{name[found.end() :]}"


def _float32(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points.astype(np.float32).astype(np.float64)


def _mark_of(path: Path) -> str:
    """Return what an earlier export marked a file with; nothing where it is none of ours."""
    try:
        return dfl_face(path).mark
    except FaceplateError:
        return ""
