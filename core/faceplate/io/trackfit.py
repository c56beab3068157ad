"""A track and a plate of another size: proxies, and the full plate of what was analysed on one.

The same picture in more or fewer pixels is the same shot; everything in a track is scaled to it.
"""

from dataclasses import replace

import numpy as np

from faceplate.errors import BadSettings
from faceplate.io.frame import Window
from faceplate.io.image import read_frame
from faceplate.io.plate import Plate
from faceplate.io.tracked import Box, PersonTrack, PlateInfo, Points, TrackedFace
from faceplate.io.trackfile import Track

__all__ = ["fit_track"]


def fit_track(track: Track, plate: Plate) -> tuple[Track, float]:
    """Return a track in the pixels of a plate, and how large these are drawn: rows to rows.

    Args:
        track: Of the same shot.
        plate: Of the same picture, in any number of pixels; their aspect may differ too.

    Returns:
        The track itself and 1.0 where the sizes agree.

    Raises:
        BadSettings: The picture has another shape, so it is another one.

    Example:
        A track of a plate of 4096 x 2160 and its proxy of 1024 x 540 give the scale 0.25.
    """
    made = track.plate
    if plate.size == (made.width, made.height):
        return track, 1.0
    window, pixel_aspect = _shown(plate, made)
    across, down = window.width / made.width, window.height / made.height
    rounding = 1.01 * (1 / made.width + 1 / made.height)  # proxies have whole pixels
    if abs(across * pixel_aspect / made.pixel_aspect - down) > rounding:
        raise BadSettings(
            f"{plate.pattern} has {window.width} x {window.height} pixels, its track was made of "
            f"{made.width} x {made.height} of another shape ({made.pattern}): name the track of "
            "this plate, or analyse it"
        )
    fit = _Fit(made.origin, (window.x0, window.y0), (across, down))
    info = replace(
        made, width=window.width, height=window.height, pixel_aspect=pixel_aspect,
        origin=(window.x0, window.y0),
    )  # fmt: skip
    people = tuple(fit.person(person) for person in track.people)
    return replace(track, plate=info, people=people), down


def _shown(plate: Plate, made: PlateInfo) -> tuple[Window, float]:
    """Return a plate's display window and its pixels' aspect."""
    files = (plate.file(number) for number in plate.frames)
    file = next((file for file in files if file is not None), None)
    if file is None:  # a movie
        width, height = plate.size
        return Window(0, 0, width, height), made.pixel_aspect
    header = read_frame(file, channels=())
    return header.display_window, header.pixel_aspect


class _Fit:
    """Maps plate pixels, whose centres are whole numbers, to those of the other plate."""

    def __init__(
        self, before: tuple[int, int], after: tuple[int, int], scale: tuple[float, float]
    ) -> None:
        self._before, self._after, self._scale = np.array(before), np.array(after), np.array(scale)

    def points(self, points: Points) -> Points:
        from_corner = np.asarray(points, np.float64) - self._before + 0.5
        return np.asarray(from_corner * self._scale - 0.5 + self._after, np.float32)

    def box(self, box: Box) -> Box:
        (x0, y0), (x1, y1) = self.points(np.array(box, np.float32).reshape(2, 2)).tolist()
        return (x0, y0, x1, y1)

    def face(self, face: TrackedFace) -> TrackedFace:
        return replace(
            face,
            box=self.box(face.box),
            landmarks=self.points(face.landmarks),
            raw_landmarks=self.points(face.raw_landmarks),
            iris=None if face.iris is None else self.points(face.iris),
        )

    def person(self, person: PersonTrack) -> PersonTrack:
        return replace(
            person,
            faces=tuple(self.face(face) for face in person.faces),
            boxes={frame: self.box(box) for frame, box in person.boxes.items()},
        )
