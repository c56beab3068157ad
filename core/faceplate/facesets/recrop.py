"""``faceplate faceset recrop|resize|enhance``: a faceset of other crops, out of its pictures."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate import __version__
from faceplate.context import Context
from faceplate.errors import BadSettings
from faceplate.extract.measure import sharpness
from faceplate.facesets.written import Labels, Made, Remade, remake
from faceplate.geometry.facetype import FaceType
from faceplate.geometry.points import Matrix, transform
from faceplate.geometry.warp import warp_crop
from faceplate.io.facelabels import Polygon
from faceplate.io.faceset import Face, Faceset, FacesetInfo
from faceplate.merge.upscale import load_upscaler, super_resolve
from faceplate.models.store import WeightStore
from faceplate.train.recrop import check_recrop, recrop_matrix, side_share

__all__ = ["EnhanceJob", "RecropJob", "ResizeJob", "enhance", "recrop", "resize"]

Image = NDArray[np.float32]

_LEAST, _MOST = 16, 2048


@dataclass(frozen=True)
class RecropJob:
    """Cut the faces of a faceset anew to a narrower face type, out of their pictures.

    A wider one needs what lies around the picture: `faceplate extract` cuts it from the plate.
    """

    faceset: str
    """The faceset; it stays as it is."""
    out: str
    """The faceset that is written; one that is there is gone on with."""
    face_type: FaceType
    """How much of the head a crop shows."""
    size: int = 0
    """Side of the crops, 16..2048 pixels; 0 keeps the scale of the pictures."""


@dataclass(frozen=True)
class ResizeJob:
    """Make the faces of a faceset smaller or larger."""

    faceset: str
    """The faceset; it stays as it is."""
    out: str
    """The faceset that is written; one that is there is gone on with."""
    size: int
    """Side of the crops, 16..2048 pixels. Larger ones show nothing more: extract has the plate."""


@dataclass(frozen=True)
class EnhanceJob:
    """Make the faces of a faceset finer with a learned upscaler."""

    faceset: str
    """The faceset; it stays as it is."""
    out: str
    """The faceset that is written; one that is there is gone on with."""
    upscaler: str = "realesrgan"
    """The upscaler, `realesrgan` or `own`; none has weights that come with Faceplate."""
    power: float = 100.0
    """Per cent of the upscaler's result, the rest is cubic, 0..100."""
    size: int = 0
    """Side of the crops, 16..2048 pixels; 0 keeps that of the faceset."""


def recrop(job: RecropJob, context: Context) -> Remade:
    """Cut faces anew; a second run does what is missing. Labels follow.

    Raises:
        BadSettings: The crops do not hold the face type, or a size outside its range.
        NotFound, Damaged: The faceset.
        Cancelled: What was made is kept.
    """
    with Faceset.open(Path(job.faceset), readonly=True) as source:
        cut = FaceType(source.info.face_type)
        check_recrop(cut, job.face_type, job.faceset)
        native = round(source.info.size * side_share(cut, job.face_type))
        size = _checked(job.size or native)
        info = replace(source.info, face_type=job.face_type.value, size=size)

        def make(face: Face, labels: Labels) -> Made:
            matrix = recrop_matrix(face, job.face_type, size)
            image = np.clip(warp_crop(face.image, matrix, size), 0, 1)
            mask = warp_crop(face.mask, matrix, size, interpolation="linear", border="zero")
            made = replace(face, face_type=job.face_type.value)
            return _moved(made, labels, matrix, image, mask)

        how = {"verb": "recrop", "face_type": job.face_type.value, "size": size}
        return _run(source, job.out, info, how, make, context)


def resize(job: ResizeJob, context: Context) -> Remade:
    """Resize faces; a second run does what is missing. Labels follow.

    Raises:
        BadSettings: A size outside its range.
        NotFound, Damaged: The faceset.
        Cancelled: What was made is kept.
    """
    size = _checked(job.size)
    with Faceset.open(Path(job.faceset), readonly=True) as source:
        info = replace(source.info, size=size)

        def make(face: Face, labels: Labels) -> Made:
            image = _resized(face.image, size)
            return _moved(face, labels, _to_size(face.size, size), image, _resized(face.mask, size))

        return _run(source, job.out, info, {"verb": "resize", "size": size}, make, context)


def enhance(job: EnhanceJob, context: Context) -> Remade:
    """Enhance faces, one at a time; a second run does what is missing. Labels follow.

    Raises:
        UnknownComponent: No such upscaler.
        WeightsMissing: Its weights are not in the store; the message says how they get there.
        BadSettings: A setting outside its range.
        NotFound, Damaged: The faceset, or the weights.
        Cancelled: What was made is kept.
    """
    if not 0 <= job.power <= 100:
        raise BadSettings(f"power {job.power}: expected 0..100 per cent")
    weights = WeightStore(context.home / "weights").path
    if job.upscaler == "none":
        raise BadSettings("an enhanced faceset needs an upscaler; `faceset resize` needs none")
    upscaler = load_upscaler(job.upscaler, weights, threads=context.threads)
    with Faceset.open(Path(job.faceset), readonly=True) as source:
        size = _checked(job.size or source.info.size)
        info = replace(source.info, size=size)

        def make(face: Face, labels: Labels) -> Made:
            finer = super_resolve(face.image, upscaler, job.upscaler, job.power)
            image = _resized(np.clip(finer, 0, 1), size)
            return _moved(face, labels, _to_size(face.size, size), image, _resized(face.mask, size))

        how = {"verb": "enhance", "upscaler": job.upscaler, "power": job.power, "size": size}
        return _run(source, job.out, info, how, make, context, threads=1)


def _run(
    source: Faceset,
    out: str,
    info: FacesetInfo,
    how: Mapping[str, object],
    make: Callable[[Face, Labels], Made],
    context: Context,
    *,
    threads: int = 4,
) -> Remade:
    began = time.monotonic()
    info = replace(info, created_by=f"faceplate {__version__}, {how['verb']}")
    count = min(threads, context.threads) if context.threads else threads
    done = remake(source, Path(out), info, how, make, context, threads=count)
    return replace(done, seconds=round(time.monotonic() - began, 2))


def _moved(face: Face, labels: Labels, matrix: Matrix, image: Image, mask: Image) -> Made:
    """Return a face with another picture, and points and labels moved into it."""
    whole = np.vstack([matrix, [0, 0, 1]]) @ np.vstack([face.plate_to_crop, [0, 0, 1]])
    size = len(image)
    made = replace(
        face,
        image=image,
        mask=np.clip(mask, 0, 1),
        landmarks=transform(face.landmarks, matrix).astype(np.float32),
        plate_to_crop=whole[:2],
        sharpness=sharpness(image, mask),
    )
    polygons = [Polygon(entry.kind, transform(entry.points, matrix)) for entry in labels]
    return Made(made, tuple(polygon for polygon in polygons if _reaches_in(polygon, size)))


def _reaches_in(polygon: Polygon, size: int) -> bool:
    low, high = polygon.points.min(axis=0), polygon.points.max(axis=0)
    return bool((high >= -0.5).all() and (low <= size - 0.5).all())


def _to_size(was: int, size: int) -> Matrix:
    scale = size / was
    return np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2]])


def _resized(picture: Image, size: int) -> Image:
    if len(picture) == size:
        return picture
    larger = cv2.INTER_LANCZOS4 if picture.ndim == 3 else cv2.INTER_LINEAR
    how = cv2.INTER_AREA if size < len(picture) else larger
    resized = cv2.resize(picture, (size, size), interpolation=how)
    return np.asarray(np.clip(resized, 0, 1), np.float32)


def _checked(size: int) -> int:
    if not _LEAST <= size <= _MOST:
        raise BadSettings(f"size {size}: expected {_LEAST}..{_MOST} pixels")
    return size
