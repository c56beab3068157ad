"""The verb `review movie`: a shot as an H.264 movie, through the display of the OCIO config."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.color.ocio import OcioConfig, load_config
from faceplate.context import Context
from faceplate.errors import BadImage, BadSettings, DiskFull
from faceplate.io.atomic import atomic_file, is_no_room
from faceplate.io.frame import FloatArray, Frame, sanitize
from faceplate.io.plate import Plate, open_plate, require_space
from faceplate.io.sequence import format_frames
from faceplate.provenance.header import DIGITAL_SOURCE_TYPE, PREFIX
from faceplate.provenance.keys import SigningKey, find_key
from faceplate.provenance.signing import sign_in_place
from faceplate.provenance.xmp import with_source_type
from faceplate.review.burnin import burn_in

__all__ = ["MovieJob", "MovieResult", "movie"]

logger = logging.getLogger(__name__)

Picture = NDArray[np.uint8]

_SUFFIXES = {".mov": "mov", ".mp4": "mp4"}
_PICTURES = (".png", ".jpg", ".jpeg")
_FPS = 24.0
_SYNTHETIC = "AI-altered media"
_SAID = ("generator", "likeness", "consentId", "modelSha256", "earlier", "sidecar")
"""Header strings that a movie says too."""


@dataclass(frozen=True)
class MovieJob:
    """A movie of a swapped shot, to be looked at.

    Frames that are missing or cannot be read are dark and say so: a gap must be seen.
    """

    result: str
    """The swapped frames: a sequence, folder or movie."""
    out: str
    """The movie, .mov or .mp4 (H.264, 4:2:0, BT.709)."""
    plate: str | None = None
    """A plate to be shown on the left of the result."""
    frames: str | None = None
    """Such as ``1001-1100``; None takes all."""
    shot: str = ""
    """Name of the shot, burnt in; by default that of the files."""
    fps: float | None = None
    """Frames per second; None takes what the files say, else 24."""
    color_space: str | None = None
    """Space of the files in the OCIO config; None takes what they say."""
    ocio: str | None = None
    """Path or name of an OCIO config; None takes ``$OCIO`` or the built-in one."""
    display: str | None = None
    """Display of the config; None takes its default."""
    view: str | None = None
    """View of that display; None takes its default."""
    long_side: int = 1920
    """Longer side of a picture in pixels, 64 to 8192; smaller ones are not enlarged."""
    quality: float = 16.0
    """Constant rate factor of x264, 0 (lossless) to 51; 16 shows no loss on a face."""
    burn_in: bool = True
    """Write shot, frame, time code and that it is AI-altered on every picture."""
    poster: str | None = None
    """Also write the picture in the middle of the movie: PNG or JPEG."""

    def __post_init__(self) -> None:
        if Path(self.out).suffix.lower() not in _SUFFIXES:
            raise BadSettings(f"out: a movie ends in .mov or .mp4, got {self.out!r}")
        if self.poster and Path(self.poster).suffix.lower() not in _PICTURES:
            raise BadSettings(f"poster: a picture ends in .png or .jpg, got {self.poster!r}")
        if not 64 <= self.long_side <= 8192:
            raise BadSettings(f"long_side must be from 64 to 8192 pixels, got {self.long_side}")
        if not 0 <= self.quality <= 51:
            raise BadSettings(f"quality must be from 0 to 51, got {self.quality}")
        if self.fps is not None and not 0 < self.fps <= 1000:
            raise BadSettings(f"fps must be above 0 and at most 1000, got {self.fps}")


@dataclass(frozen=True)
class MovieResult:
    """What was written."""

    movie: str
    frames: int
    fps: float
    size: tuple[int, int]
    """Width and height in pixels."""
    not_shown: str
    """Frames that are missing or cannot be read."""
    signed_by: str | None = None
    """Who signed the claim (C2PA) inside the movie; None where the home folder has no key."""
    poster: str | None = None
    """The picture of its middle."""


def movie(job: MovieJob, context: Context) -> MovieResult:
    """Write a movie.

    Raises:
        NotFound, BadSequence: No frame at all.
        BadSettings: No colour space, display, view or movie like that.
        UnknownColorSpace: The config has no such space.
        DiskFull: No room; nothing half-written is kept.
        Cancelled: Nothing was written.
    """
    config, key = load_config(job.ocio or context.ocio), find_key(context.home)
    shower = _Shower(job, config)
    fps = Fraction(job.fps or shower.result.fps or _FPS).limit_denominator(1001)
    Path(job.out).parent.mkdir(parents=True, exist_ok=True)
    pictures = shower.pictures(context)
    try:
        with atomic_file(Path(job.out)) as part:
            size = _encode(part, pictures, fps, job, shower)
            sign_in_place(part, Path(job.out).name, shower.says(), key)
    except av.FFmpegError as error:
        if isinstance(error, OSError) and is_no_room(error):
            raise DiskFull(f"cannot write {job.out}: {error.strerror}; free some room") from error
        raise BadSettings(f"{job.out} cannot be encoded: {error}") from error
    if shower.not_shown:
        logger.warning("%s: frames not shown: %s", job.out, format_frames(shower.not_shown))
    if job.poster and shower.poster is not None:
        _write_poster(Path(job.poster), shower.poster, shower.says(), key)
    if key is None:
        logger.warning("%s carries no claim: there is no key in %s", job.out, context.home / "keys")
    return MovieResult(
        job.out, len(shower.result.frames), float(fps), size, format_frames(shower.not_shown),
        key.signer if key else None, job.poster,
    )  # fmt: skip


class _Shower:
    """Makes pictures of frames."""

    def __init__(self, job: MovieJob, config: OcioConfig) -> None:
        self.result = open_plate(job.result, frames=job.frames, missing="black")
        self.not_shown: list[int] = []
        self.poster: Picture | None = None
        self._strings: dict[str, str] = {}
        self.pixel_aspect = Fraction(1)
        self._time_code = ""
        self._job, self._config = job, config
        self._plate = self._open_beside() if job.plate else None
        self._space = require_space(job.color_space or self.result.color_space, self.result)
        self._plate_space = ""
        if self._plate is not None:
            self._plate_space = require_space(
                job.color_space or self._plate.color_space, self._plate
            )
        self._shot = job.shot or Path(self.result.pattern).name.split(".")[0]

    @property
    def comment(self) -> str:
        """What the container's comment says, for who reads no claims."""
        said = [f"{name} {text}" for name, text in self._strings.items()]
        return "; ".join([f"digitalSourceType {DIGITAL_SOURCE_TYPE}", *said])

    def says(self) -> dict[str, str]:
        """Return what the claim says besides the source type."""
        return {**self._strings, "shot": self._shot, "frames": format_frames(self.result.frames)}

    def pictures(self, context: Context) -> Iterator[Picture]:
        """Yield the pictures in order, all of one even size."""
        numbers = self.result.frames
        size: tuple[int, int] | None = None
        for done, number in enumerate(numbers, 1):
            picture = self._picture(number, size)
            size = size or (picture.shape[1], picture.shape[0])
            if done == (len(numbers) + 1) // 2:
                self.poster = picture
            context.progress.report("review movie", done, len(numbers), frame=number)
            yield picture

    def _open_beside(self) -> Plate:
        return open_plate(
            str(self._job.plate), frames=format_frames(self.result.frames), missing="black"
        )

    def _picture(self, number: int, size: tuple[int, int] | None) -> Picture:
        result, remark = self._shown(self.result, number, self._space)
        if remark:
            self.not_shown.append(number)
        if self._plate is not None:
            beside, _ = self._shown(self._plate, number, self._plate_space)
            if beside.shape != result.shape:
                raise BadSettings(
                    f"{self._job.plate}: frame {number} is {beside.shape[1]}x{beside.shape[0]} "
                    f"pixels, the result {result.shape[1]}x{result.shape[0]}: name its own plate"
                )
            result = np.concatenate([beside, result], axis=1)
        picture = _fitted(result, self._job.long_side, size)
        if not (self._job.burn_in or remark):
            return picture
        return burn_in(picture, self._shot, remark or _SYNTHETIC, self._stamp(number))

    def _shown(self, plate: Plate, number: int, space: str) -> tuple[FloatArray, str]:
        """Return a frame as the display shows it, and what is wrong with it."""
        remark = "MISSING" if number in plate.missing else ""
        try:
            frame = plate.read(number)
        except BadImage as error:
            logger.warning("frame %d is not shown: %s", number, error)
            return np.zeros((*plate.size[::-1], 3), np.float32), "UNREADABLE"
        if frame is None:
            raise BadSettings(f"{plate.pattern} has no frame {number}")
        if plate is self.result:
            self._note(frame)
        rgb = sanitize(_in_display_window(frame))[0]
        return self._config.to_display(rgb, space, self._job.display, self._job.view), remark

    def _note(self, frame: Frame) -> None:
        """Keep what a frame says of itself; of their provenance, that of the first that has one."""
        self.pixel_aspect = Fraction(frame.pixel_aspect).limit_denominator(1000)
        self._time_code = _time_code(frame.attribute("smpte:TimeCode"))
        if not self._strings:
            self._strings = {
                name: str(frame.attribute(PREFIX + name))
                for name in _SAID
                if PREFIX + name in frame.attributes
            }

    def _stamp(self, number: int) -> str:
        return f"{number}  {self._time_code}" if self._time_code else str(number)


def _write_poster(
    path: Path, picture: Picture, says: dict[str, str], key: SigningKey | None
) -> None:
    bgr = np.ascontiguousarray(picture[..., ::-1])
    _, content = cv2.imencode(path.suffix.lower(), bgr)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as part:
        part.write_bytes(with_source_type(content.tobytes()))
        sign_in_place(part, path.name, says, key)


def _time_code(value: Any) -> str:
    """Return a time code (SMPTE 12M: two words, the first of binary coded decimals) as text."""
    if not isinstance(value, tuple | list) or not value:
        return str(value or "")
    word = int(value[0])
    pairs = ((word >> 24 & 0x3F), (word >> 16 & 0x7F), (word >> 8 & 0x7F), (word & 0x3F))
    drop = ";" if word & 0x40 else ":"
    text = [f"{pair >> 4}{pair & 0xF}" for pair in pairs]
    return f"{text[0]}:{text[1]}:{text[2]}{drop}{text[3]}"


def _in_display_window(frame: Frame) -> FloatArray:
    """Return a frame's RGB in its display window; black where there is no data."""
    data, shown = frame.data_window, frame.display_window
    rgb = frame.rgb()
    if data == shown:
        return rgb
    out = np.zeros((shown.height, shown.width, 3), np.float32)
    x0, x1 = max(data.x0, shown.x0), min(data.x1, shown.x1)
    y0, y1 = max(data.y0, shown.y0), min(data.y1, shown.y1)
    if x1 > x0 and y1 > y0:
        inner = rgb[y0 - data.y0 : y1 - data.y0, x0 - data.x0 : x1 - data.x0]
        out[y0 - shown.y0 : y1 - shown.y0, x0 - shown.x0 : x1 - shown.x0] = inner
    return out


def _fitted(shown: FloatArray, long_side: int, size: tuple[int, int] | None) -> Picture:
    """Return display values as 8 bit of an even size; `size` that of the earlier pictures."""
    height, width = shown.shape[:2]
    if size is None:
        factor = min(1.0, long_side / max(height, width))
        size = (max(round(width * factor / 2) * 2, 2), max(round(height * factor / 2) * 2, 2))
    if size != (width, height):
        shown = np.asarray(cv2.resize(shown, size, interpolation=cv2.INTER_AREA), np.float32)
    return np.round(np.clip(shown, 0, 1) * 255).astype(np.uint8)


def _encode(
    part: Path, pictures: Iterator[Picture], fps: Fraction, job: MovieJob, shower: _Shower
) -> tuple[int, int]:
    """Write the pictures; returns their width and height."""
    kind = _SUFFIXES[Path(job.out).suffix.lower()]
    first = next(pictures)
    with av.open(str(part), "w", format=kind, options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = shower.comment
        stream = _stream(container, fps, first, job.quality)
        stream.codec_context.sample_aspect_ratio = shower.pixel_aspect
        for picture in chain([first], pictures):
            _put(container, stream, picture)
        container.mux(stream.encode())
    return first.shape[1], first.shape[0]


def _stream(container: Any, fps: Fraction, picture: Picture, quality: float) -> Any:
    options = {"crf": f"{quality:g}", "preset": "medium"}
    stream = container.add_stream("libx264", rate=fps, options=options)
    stream.width, stream.height, stream.pix_fmt = picture.shape[1], picture.shape[0], "yuv420p"
    context = stream.codec_context
    context.color_primaries = context.color_trc = context.colorspace = 1  # BT.709 (ITU-T H.273)
    context.color_range = 1  # video range
    return stream


def _put(container: Any, stream: Any, picture: Picture) -> None:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    yuv = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range=1)
    container.mux(stream.encode(yuv))
