"""Swaps a frame in shared memory, in place."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceplate.context import Context
from faceplate.errors import BadSettings, NotReady
from faceplate.geometry.points import Box
from faceplate.io.frame import Frame, Window
from faceplate.io.trackfile import Track
from faceplate.merge.cast import CastMember
from faceplate.merge.face import CastFace
from faceplate.merge.frame import swap_cast
from faceplate.merge.openers import Openers
from faceplate.merge.roles import Role, Surroundings, cast_roles
from faceplate_server.versions import file_version, model_version, permission_version

__all__ = ["Buffer", "BufferJob", "buffer_role", "buffer_version", "swap_in_buffer"]

REACH = 64
"""Plate pixels around all that is looked at for a face that filters may look at."""


@dataclass(frozen=True)
class BufferJob:
    """The settings of a swap in a shared buffer; they mean what they mean in a `SwapJob`."""

    track: str
    model: str
    consent: str | None = None
    person: int | str = 0
    morph: float | None = None
    likeness: str | None = None
    performer: str | None = None
    color_space: str | None = None
    ocio: str | None = None
    ocio_sha256: str | None = None
    shot: str | None = None
    character: str | None = None
    cache_gib: float = 4.0


@dataclass(frozen=True)
class Buffer:
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


def buffer_version(job: BufferJob, track: Track, context: Context) -> tuple[object, ...]:
    """Return all that a kept role depends on, besides its recipe."""
    permission = permission_version(job.consent, context)
    return (job, track, model_version(job.model), file_version(job.ocio), permission)


def buffer_role(job: BufferJob, track: Track, openers: Openers, context: Context) -> Role:
    """Make ready whose face goes in.

    Raises:
        ConsentRefused: No valid consent.
        BadSettings: The track does not say which space the plate is in, or the person, recipe or
            colour settings cannot be.
        FaceplateError: What else `cast_roles` raises.
    """
    space = job.color_space or track.plate.color_space
    if not space:
        raise BadSettings("the track does not say which colour space the plate is in: name it")
    member = CastMember(
        model=job.model,
        person=job.person,
        consent=job.consent,
        morph=job.morph,
        likeness=job.likeness,
        performer=job.performer,
        character=job.character,
    )
    given = Surroundings(
        context, track, job.track, job.shot, space, job.ocio, job.ocio_sha256, openers
    )
    return cast_roles([member], given)[0]


def swap_in_buffer(role: Role, number: int, buffer: Buffer) -> int:
    """Swap the face of one frame; returns how many there are: 1 or none.

    Raises:
        NotReady: The track does not cover the frame.
        BadSettings: The recipe makes a frame of another size.
    """
    if number not in role.track.frames:
        raise NotReady(f"the track does not cover frame {number}: analyse it first")
    if role.recipe.at(number).mode == "raw-predict":
        raise BadSettings("recipe: raw-predict makes a frame of another size than the buffer's")
    face = role.cast_face(number)
    if face is None:
        return 0
    _swap_in_place(buffer.pixels(), buffer, face, number)
    return 1


def _swap_in_place(
    pixels: NDArray[np.float32], buffer: Buffer, face: CastFace, number: int
) -> None:
    """Swap one face in the part of the buffer that is looked at for it."""
    whole = buffer.window()
    nothing = np.broadcast_to(np.float32(0), (whole.height, whole.width, 4))
    empty = Frame(number, nothing, tuple("RGBA"), whole, whole, buffer.pixel_aspect)
    seen = face.seen(empty)
    if not seen:
        return
    x0, y0, x1, y1 = _around(seen, whole)
    part = pixels[y0 - whole.y0 : y1 - whole.y0, x0 - whole.x0 : x1 - whole.x0]
    window = Window(x0, y0, x1, y1)
    frame = Frame(number, np.array(part), tuple("RGBA"), window, whole, buffer.pixel_aspect)
    part[..., :3] = swap_cast(frame, [face]).rgb


def _around(boxes: list[Box], within: Window) -> Box:
    """Return the box around all of these and what filters may look at."""
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return (
        max(min(x0) - REACH, within.x0),
        max(min(y0) - REACH, within.y0),
        min(max(x1) + REACH, within.x1),
        min(max(y1) + REACH, within.y1),
    )
