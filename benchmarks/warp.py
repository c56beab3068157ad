"""Laying a 512 px face into a UHD RGBA float frame: as the merge does it, against the full frame.

    python -m benchmarks.warp [--repeats 7]

The face is magnified by 1.4 and turned by 12 degrees. Baseline: cv2.warpAffine of the face (cubic)
and of its matte (linear) into the full frame, float32, and a composite of the full frame into a
buffer that is there. Candidate: what `faceplate.merge.composite` calls for a face, decoding apart:
`warp_back` of the matte over the crop's region, `bounds_of` it, `warp_back` of the face over those,
and `delta_composite`. The same filters; one thread, processor seconds, in turn.

Gate: largest difference of the two results. Outside the matte the frame must be bit for bit what it
was, or the gate is missed.
"""

import sys
import time

import cv2
import numpy as np

from benchmarks.harness import Outcome, alternate, finish, run
from faceplate.color.delta import delta_composite
from faceplate.geometry.points import invert
from faceplate.geometry.warp import roi_of, warp_back
from faceplate.io.frame import Frame, Window
from faceplate.merge.bounds import bounds_of
from faceplate.merge.layers import Region

__all__ = ["main", "measure"]

GOAL, GATE = 15.0, 5e-3
WIDTH, HEIGHT, FACE = 3840, 2160, 512
NAMES = ("full frame, warpAffine", "as the merge does it")


def main() -> int:
    """Run the benchmark; 1 if goal or gate is missed."""
    return run(measure, __doc__, repeats=7)


def measure(repeats: int = 7) -> Outcome:
    """Time them in turn and print the table and the outcome."""
    cv2.setNumThreads(1)
    scene = Scene()
    timings = alternate(
        {NAMES[0]: scene.full, NAMES[1]: scene.in_roi},
        repeats,
        clock=time.process_time,
    )
    ratio = timings[NAMES[0]].median / timings[NAMES[1]].median
    accuracy = scene.difference()
    passed = ratio >= GOAL and accuracy <= GATE
    outcome = Outcome("warp", ratio, GOAL, accuracy, GATE, passed)
    finish(outcome, timings)
    return outcome


class Scene:
    """A frame, a face, and two ways to bring them together."""

    def __init__(self) -> None:
        rng = np.random.default_rng(8)
        self.plate = rng.random((HEIGHT, WIDTH, 4), np.float32)
        self.result, self.ours = self.plate.copy(), self.plate.copy()
        window = Window(0, 0, WIDTH, HEIGHT)
        self.frame = Frame(1, self.plate, tuple("RGBA"), window, window)
        y, x = np.mgrid[:FACE, :FACE].astype(np.float32) / FACE - 0.5
        waves = np.sin(40 * x + 25 * y)[..., None] * np.array([0.2, 0.15, 0.1], np.float32)
        self.face = np.ascontiguousarray(0.5 + waves, np.float32)
        self.matte = np.clip((0.46 - np.hypot(1.15 * x, y)) * 20, 0, 1).astype(np.float32)
        turned = cv2.getRotationMatrix2D((FACE / 2, FACE / 2), 12, 1.4)
        turned[:, 2] += [1700, 800]
        self.matrix = invert(turned)
        self.roi = roi_of(self.matrix, FACE, (0, 0, WIDTH, HEIGHT))

    def full(self) -> None:
        size, inverse = (WIDTH, HEIGHT), cv2.WARP_INVERSE_MAP
        face = cv2.warpAffine(self.face, self.matrix, size, flags=cv2.INTER_CUBIC | inverse,
                              borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
        matte = cv2.warpAffine(self.matte, self.matrix, size, flags=cv2.INTER_LINEAR | inverse)
        share = matte[..., None]
        self.result[..., :3] = self.plate[..., :3] + share * (face - self.plate[..., :3])

    def in_roi(self) -> None:
        matte = warp_back(self.matte, self.matrix, self.roi, interpolation="linear")
        region = Region.of_plate(self.frame, self.roi)
        inner = bounds_of(matte, 1)
        assert inner is not None
        x0, y0 = self.roi[:2]
        rows, columns = inner
        box = (x0 + columns.start, y0 + rows.start, x0 + columns.stop, y0 + rows.stop)
        face = warp_back(self.face, self.matrix, box, border="replicate")
        plate = region.rgb[inner]
        region.rgb[inner] = delta_composite(plate, face, plate, matte[inner])
        self.ours[y0 : self.roi[3], x0 : self.roi[2], :3] = region.rgb

    def difference(self) -> float:
        """Return the largest difference under the matte; infinity where the rest has changed."""
        self.full()
        self.in_roi()
        x0, y0, x1, y1 = self.roi
        inside = np.zeros((HEIGHT, WIDTH), np.bool_)
        matte = warp_back(self.matte, self.matrix, self.roi, interpolation="linear")
        inside[y0:y1, x0:x1] = matte > 0
        untouched = np.array_equal(self.ours[~inside], self.plate[~inside])
        untouched &= np.array_equal(self.ours[..., 3], self.plate[..., 3])
        worst = float(np.abs(self.ours[inside] - self.result[inside]).max())
        return worst if untouched else float("inf")


if __name__ == "__main__":
    sys.exit(main())
