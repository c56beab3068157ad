"""Writing a UHD EXR after a swap: only the changed chunks made anew, against a full write.

    python -m benchmarks.splice [--folder /dev/shm] [--rows 608]

The frame is half RGBA with grain, the face 608 of its 2160 rows; ZIP and DWAA, one thread each,
processor seconds, in turn. Both write through a `.part` file, sync and read the header back. Gate:
pixels that differ from the frame that was to be written; for DWAA also those that a full write
alters, for comparison. `ratio` is the smaller of the two compressions.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenImageIO

from benchmarks.harness import Outcome, Timing, alternate, finish
from faceplate.io.exrsplice import splice_frame
from faceplate.io.frame import Frame, Window
from faceplate.io.image import read_frame, write_frame

__all__ = ["main", "measure"]

GOAL = 3.0
WIDTH, HEIGHT = 3840, 2160
COMPRESSIONS = ("zip", "dwaa:45")


def main() -> int:
    """Run the benchmark; 1 if goal or gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", default=None, help="where to write; default the system's")
    parser.add_argument("--rows", type=int, default=608, help="rows that the face covers")
    parser.add_argument("--repeats", type=int, default=5, help="rounds that count, at least 5")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        return 0 if measure(Path(folder), options.rows, options.repeats).passed else 1


def measure(folder: Path, rows: int = 608, repeats: int = 5) -> Outcome:
    """Time them in turn, check what was written, and print the table and the outcome."""
    OpenImageIO.attribute("threads", 1)
    OpenImageIO.attribute("exr_threads", -1)
    plate_path, out = folder / "plate.exr", folder / "out.exr"
    timings: dict[str, Timing] = {}
    ratios, wrong = [], 0
    for compression in COMPRESSIONS:
        write_frame(_plate(), plate_path, compression=compression)
        plate = read_frame(plate_path, 1001)
        frame, changed = _swapped(plate, rows)

        def full(frame: Frame = frame, compression: str = compression) -> None:
            write_frame(frame, out, compression=compression)

        def spliced(frame: Frame = frame, rows: tuple[int, int] = changed) -> None:
            if not splice_frame(frame, plate_path, out, rows).written:
                raise RuntimeError("the frame was not spliced")

        names = f"full, {compression}", f"splice, {compression}"
        found = alternate({names[0]: full, names[1]: spliced}, repeats, clock=time.process_time)
        ratios.append(found[names[0]].median / found[names[1]].median)
        timings |= found
        wrong += _altered(frame, out)
        full()
        lost = _altered(frame, out) / frame.pixels.size
        print(f"{compression}: {ratios[-1]:.2f} times less; a full write alters {lost:.0%} of all")
    passed = min(ratios) >= GOAL and wrong == 0
    outcome = Outcome("splice", min(ratios), GOAL, float(wrong), 0.0, passed)
    finish(outcome, timings)
    return outcome


def _plate() -> Frame:
    """Return a graded frame with grain: a noiseless one would compress as no plate does."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32) / WIDTH
    pixels = np.ones((HEIGHT, WIDTH, 4), np.float32)
    for index, tint in enumerate((1.0, 0.8, 0.6)):
        light = (0.2 + 0.3 * x + 0.2 * np.sin(9 * y + 5 * x)) * tint
        pixels[..., index] = light * rng.normal(1, 0.03, (HEIGHT, WIDTH))
    window = Window(0, 0, WIDTH, HEIGHT)
    pixels = pixels.astype(np.float16).astype(np.float32)
    return Frame(1001, pixels, ("R", "G", "B", "A"), window, window)


def _swapped(plate: Frame, rows: int) -> tuple[Frame, tuple[int, int]]:
    first = (HEIGHT - rows) // 2 + 3
    pixels = plate.pixels.copy()
    part = pixels[first : first + rows, 1600 : 1600 + rows, :3]
    part[:] = (part * 0.9 + 0.02).astype(np.float16)
    return replace(plate, pixels=pixels), (first, first + rows)


def _altered(frame: Frame, path: Path) -> int:
    there = read_frame(path)
    names = [there.channels.index(name) for name in frame.channels]
    return int(np.count_nonzero(there.pixels[..., names] != frame.pixels))


if __name__ == "__main__":
    sys.exit(main())
