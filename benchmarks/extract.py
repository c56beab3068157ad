"""The verb analyse, in track mode, against the detector on every frame at full size.

Both use the same detector and the same landmarker, on one thread, over the same decoded frames of a
720p shot: reading files costs both the same and is left out. Gate, over the whole shot: the track
finds the face in as many frames of the known truth as the baseline, and its landmarks (unsmoothed,
heads within 40 degrees, faces that are wholly in the picture) are no worse. Of a face of which the
edge of the picture cuts off the half, either way only guesses; its error is in the table, and not
in the gate. Without the data `pair1` the frames of `mini` are enlarged:
its 12 are far apart in time, so that there is little to track, and the goal is not reached on them.
The candidate looks as analyse does by default: frames shrunk, turned where nothing sure is upright.

`benchmarks.reference` is about the reference networks, S3FD and 2DFAN4.

    python -m benchmarks.extract [--frames 1021-1056] [--home .faceplate]
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.harness import Outcome, alternate, finish
from faceplate.detect.looking import Looking
from faceplate.detect.retinaface import RetinaFace
from faceplate.extract.finder import Finder
from faceplate.extract.follow import Follower, Following
from faceplate.extract.recall import RecallingFinder
from faceplate.extract.shot import Shot, open_shot
from faceplate.extract.sighting import Sighting
from faceplate.extract.view import FrameView
from faceplate.io.frame import Frame, Window
from faceplate.landmarks import load_landmarker
from faceplate.models.store import WeightStore

GOAL = 8.0
GATE = 1.01
"""Most of the candidate's landmark error over the baseline's."""
REPO = Path(__file__).resolve().parents[1]
SIZE = (1280, 720)
MIN_FACE = 0.02
"""Of the height, as analyse has it by default."""

NAMES = ("detector on every frame", "analyse, track mode")

Found = dict[int, np.ndarray]
"""Frame number to the 68 points of its largest face."""


@dataclass(frozen=True)
class Known:
    """What is true of one frame."""

    landmarks: np.ndarray | None
    """68 x 2; None where there is no face."""
    yaw: float
    whole: bool
    """No point lies outside the picture."""


def main() -> None:
    options = parsed()
    bench = Bench(options.frames)
    bench.load(Path(options.home))
    baseline, candidate = bench.baseline(bench.whole), bench.candidate(bench.whole)
    recalls = bench.recall(baseline), bench.recall(candidate)
    errors = bench.error(baseline), bench.error(candidate)
    all_errors = bench.error(baseline, cut=True), bench.error(candidate, cut=True)
    print(f"{len(bench.timed.frames)} frames of {SIZE[0]} x {SIZE[1]} are timed, on one thread")
    print(f"{'over the whole shot':32}{'recall':>10}{'error, % of eyes':>20}{'with cut faces':>18}")
    for name, recall, error, other in zip(NAMES, recalls, errors, all_errors, strict=True):
        print(f"{name:32}{recall:10.4f}{error:20.3f}{other:18.3f}")
    runs = {
        NAMES[0]: lambda: bench.baseline(bench.timed),
        NAMES[1]: lambda: bench.candidate(bench.timed),
    }
    timings = alternate(runs, options.repeats, clock=time.process_time)
    ratio = timings[NAMES[0]].median / timings[NAMES[1]].median
    # A track that misses a face is no faster way to the same result.
    accuracy = errors[1] / errors[0] if recalls[1] >= recalls[0] else 99.0
    passed = ratio >= GOAL and accuracy <= GATE
    finish(Outcome("extract", round(ratio, 2), GOAL, round(accuracy, 4), GATE, passed), timings)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", default=None, help="those that are timed")
    parser.add_argument("--home", default=os.environ.get("FACEPLATE_HOME", REPO / ".faceplate"))
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


class Frames:
    """Decoded frames in memory, or frames that are read when asked for."""

    def __init__(self, shot: Shot, scale: float, keep: bool) -> None:
        self.frames = shot.plate.frames
        self._shot, self._scale = shot, scale
        self._kept = [self._read(index) for index in range(len(self.frames))] if keep else None

    def view(self, index: int) -> FrameView:
        """Return a frame by its index."""
        frame = self._kept[index] if self._kept else self._read(index)
        return FrameView(frame, self._shot.encodings)

    def views(self) -> Iterator[FrameView]:
        """Return all frames in order."""
        return (self.view(index) for index in range(len(self.frames)))

    def _read(self, index: int) -> Frame:
        return scaled(self._shot.plate.read(self.frames[index]), self._scale)


class Bench:
    """The two ways over one shot, and its truth.

    Args:
        timed: Frames that are timed; None takes a part of the shot.
    """

    def __init__(self, timed: str | None) -> None:
        plate, truth, scale = shot_of()
        timed = timed or ("1021-1056" if scale == 1 else None)
        whole, part = (
            open_shot(plate, frames=which, missing="error", color_space=None, ocio=None)
            for which in (None, timed)
        )
        self.encodings = part.encodings
        self.whole, self.timed = Frames(whole, scale, False), Frames(part, scale, True)
        self.truth = truth_of(truth, scale)
        self.large: Finder
        """What the baseline looks with."""
        self.small: Finder
        """What the candidate looks with."""

    def load(self, home: Path) -> None:
        """Take the default networks, the detector at full size and as analyse has it."""
        store = WeightStore(home / "weights")
        weights = store.path(RetinaFace.card)
        landmarker = load_landmarker("facemesh", store.path, threads=1)
        large = RetinaFace(weights, threads=1, long_side=max(SIZE))
        self.large = Finder(large, landmarker, self.encodings, 0)
        small, side = Looking().load("retinaface", store.path, SIZE, MIN_FACE * SIZE[1], threads=1)
        self.small = Finder(small, landmarker, self.encodings, side)

    def baseline(self, frames: Frames) -> Found:
        """Detect in every frame at full size, then place the landmarks."""
        found: Found = {}
        for view in frames.views():
            boxes = self.large.detect(view)
            faces = [self.large.look(view, one.box, one.score, "detected") for one in boxes]
            keep(found, view.number, [face for face in faces if face and face.presence >= 0.5])
        return found

    def candidate(self, frames: Frames) -> Found:
        """Follow the faces, as analyse does."""
        length = len(frames.frames)
        follower = Follower(RecallingFinder(self.small), Following(), length, frames.view)
        for index, view in enumerate(frames.views()):
            follower.step(index, view)
        found: Found = {}
        for index, number in enumerate(frames.frames):
            seen = (person.sightings.get(index) for person in follower.people.everybody)
            keep(found, number, [face for face in seen if face])
        return found

    def recall(self, found: Found) -> float:
        """Share of the frames with a face in which it was found where it is."""
        there = [number for number, known in self.truth.items() if known.landmarks is not None]
        hits = [n for n in there if n in found and self._error(found, n) < 100]
        return len(hits) / len(there)

    def error(self, found: Found, cut: bool = False) -> float:
        """Mean distance of the 51 inner points, % of the eye distance.

        Args:
            found: By either way.
            cut: Take faces in that the edge of the picture cuts.
        """
        there = [n for n in found if abs(self.truth[n].yaw) < 40 and (cut or self.truth[n].whole)]
        return float(np.mean([self._error(found, n) for n in there]))

    def _error(self, found: Found, number: int) -> float:
        truth = self.truth[number].landmarks
        if truth is None:
            return 1e3  # a face where there is none
        eyes = np.linalg.norm(truth[36:42].mean(axis=0) - truth[42:48].mean(axis=0))
        return float(100 * np.linalg.norm(found[number] - truth, axis=1)[17:].mean() / eyes)


def shot_of() -> tuple[str, Path, float]:
    """Return plate, truth and the factor to 720p: pair1 where it is there, else mini enlarged."""
    root = Path(os.environ.get("FACEPLATE_TEST_DATA") or REPO.parent / "shared" / "data")
    folder = root / "pair1"
    if folder.is_dir():
        return str(folder / "B" / "B.%04d.exr"), folder / "truth_B.json", 1.0
    folder = REPO / "examples" / "mini"
    return str(folder / "B" / "B.%04d.exr"), folder / "truth_B.json", SIZE[0] / 384


def scaled(frame: Frame | None, scale: float) -> Frame:
    assert frame is not None
    if scale == 1:
        return frame
    pixels = cv2.resize(frame.pixels, SIZE, interpolation=cv2.INTER_CUBIC)
    window = Window(0, 0, *SIZE)
    return replace(frame, pixels=pixels, data_window=window, display_window=window)


def truth_of(path: Path, scale: float) -> dict[int, Known]:
    """Read the truth; its landmark pixels count from edges, ours from centres."""
    frames = json.loads(path.read_text())["frames"]
    return {
        int(number): Known(
            None if entry["empty"] else np.array(entry["landmarks68_px"]) * scale - 0.5,
            entry["yaw"],
            not entry["partly_out"],
        )
        for number, entry in frames.items()
    }


def keep(found: Found, number: int, faces: list[Sighting]) -> None:
    if faces:
        found[number] = max(faces, key=lambda face: face.box[3] - face.box[1]).points


if __name__ == "__main__":
    main()
