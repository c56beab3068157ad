"""What stays in memory between two single frames: tracks, rows of plates, and what networks made.

An artist looks at one frame again and again. Its files are read every time, but only to be hashed:
what was made of the same bytes before is taken as it is. So nothing here can be stale, in whatever
way a file was changed, and it makes no difference to any result.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from pathlib import Path
from typing import Generic, TypeVar

from faceplate.io.frame import Frame
from faceplate.io.image import read_frame
from faceplate.io.trackfile import Track
from faceplate.merge.face import CastFace, Predicted, predict_face
from faceplate.merge.predictions import CachedPredictor
from faceplate.provenance.hashing import sha256_file

__all__ = ["KeptPlates", "KeptTracks", "LastUsed"]

TRACKS = 4
PLATE_BYTES = 256 << 20
PREDICTION_BYTES = 64 << 20

V = TypeVar("V")


class LastUsed(Generic[V]):
    """Values by key; those used longest ago go where all of them become too much.

    Args:
        limit: Of the sum of what they cost; what costs more by itself is not kept.
        cost: Of a value.
    """

    def __init__(self, limit: int, cost: Callable[[V], int]) -> None:
        self._limit, self._cost = limit, cost
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """Return a value, used now; None where it is not kept."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: Hashable, value: V) -> None:
        """Keep a value."""
        self._values[key] = value
        self._values.move_to_end(key)
        while self.held > self._limit:
            self._values.popitem(last=False)

    def key_of(self, wanted: Callable[[V], bool]) -> Hashable | None:
        """Return the key of the first value that is wanted, or None."""
        return next((key for key, value in self._values.items() if wanted(value)), None)

    @property
    def held(self) -> int:
        """What all values cost."""
        return sum(self._cost(value) for value in self._values.values())


class KeptTracks:
    """The tracks that were used last."""

    def __init__(self) -> None:
        self._tracks: LastUsed[Track] = LastUsed(TRACKS, lambda track: 1)

    def load(self, path: Path) -> Track:
        """Return the track in a file. Raises as `Track.load` does."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return Track.load(path)  # which says so
        key = hashlib.sha256(content).digest()
        track = self._tracks.get(key)
        if track is None:
            track = Track.parse(content, str(path))
            self._tracks.put(key, track)
        return track


class KeptPlates:
    """Rows of the plates that were looked at last, and what networks made of them."""

    def __init__(self) -> None:
        self._frames: LastUsed[Frame] = LastUsed(PLATE_BYTES, lambda frame: frame.pixels.nbytes)
        self._predicted: LastUsed[Predicted] = LastUsed(PREDICTION_BYTES, _bytes_of)

    @property
    def held(self) -> int:
        """Bytes of all that is kept."""
        return self._frames.held + self._predicted.held

    def rows(self, path: Path, number: int, rows: tuple[int, int], sha256: str) -> Frame:
        """Return rows of a plate's file; nobody may write into them.

        Args:
            path: Of the file.
            number: Of the frame.
            rows: The first and the one after the last, in plate pixels.
            sha256: Of the file, as it was found just now.

        Raises:
            BadImage: It cannot be read.
        """
        frame = self._frames.get((sha256, rows))
        if frame is None:
            frame = read_frame(path, number, rows=rows)
            frame.pixels.flags.writeable = False
            if sha256_file(path) == sha256:  # else it was written while it was read
                self._frames.put((sha256, rows), frame)
        return frame if frame.number == number else replace(frame, number=number)

    def predict(self, frame: Frame, one: CastFace) -> Predicted:
        """Return what a network saw and made of a face. Raises as `predict_face` does."""
        plate = self._frames.key_of(lambda kept: kept.pixels is frame.pixels)
        if plate is None or not isinstance(one.predictor, CachedPredictor):
            return predict_face(frame, one)
        matrix = one.crop_matrix(one.predictor.resolution, frame.pixel_aspect)
        spaces = (one.encodings.config.hash, one.encodings.plate_space, one.encodings.working)
        key = (plate, matrix.tobytes(), one.predictor.sha256, one.people, one.morph, spaces)
        predicted = self._predicted.get(key)
        if predicted is None:
            predicted = predict_face(frame, one)
            self._predicted.put(key, predicted)
        return predicted


def _bytes_of(predicted: Predicted) -> int:
    crop, made = predicted
    parts = (crop, made.face, made.likeness_matte, made.performer_matte)
    return sum(part.nbytes for part in parts)
