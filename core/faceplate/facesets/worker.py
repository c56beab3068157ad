"""A process that measures faces: `python -m faceplate.facesets.worker`.

It reads one line with the faceset's path from standard input, then one line per portion: a JSON
list of ids. It answers each with a JSON list, one entry per face: its figures, or what is wrong
with it. It only reads the faceset. It ends when standard input closes, so it never outlives the
work; killing it costs what it was at.
"""

import base64
import json
import os
import signal
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceplate.errors import Damaged, NotFound
from faceplate.facesets.measure import Features, measure, view_of
from faceplate.io.facefeatures import MEASURED
from faceplate.io.faceset import Faceset

__all__ = ["main", "measure_portion"]


def main() -> int:
    """Work until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    cv2.setNumThreads(1)  # processes are the threads
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not look like an answer
    lines = iter(os.fdopen(os.dup(0), encoding="utf-8").readline, "")
    path = next(lines, "")
    if not path:
        return 0
    with Faceset.open(Path(json.loads(path)), readonly=True) as faceset:
        try:
            for line in lines:
                answers.write(json.dumps(measure_portion(faceset, json.loads(line))) + "\n")
                answers.flush()
        except BrokenPipeError:
            pass  # whoever asked is gone
    return 0


def measure_portion(faceset: Faceset, ids: list[int]) -> list[dict[str, Any]]:
    """Measure some faces; one that cannot be decoded, or is gone, does not end it."""
    return [_answer(faceset, id) for id in ids]


def _answer(faceset: Faceset, id: int) -> dict[str, Any]:
    try:
        face = faceset.read(id)
    except (Damaged, NotFound) as error:
        return {"face": id, "problem": str(error)}
    found = measure(face, view_of(face, faceset.info.encoding))
    return {"face": id, "sha256": face.sha256, **_packed(found)}


def _packed(features: Features) -> dict[str, Any]:
    whole = np.rint(features.histogram * 65535).astype(np.uint16)
    blobs = {
        "fingerprint": features.fingerprint.tobytes(),
        "histogram": whole.tobytes(),
        "look": features.look.astype(np.float16).tobytes(),
    }
    numbers = [float(getattr(features, name)) for name in MEASURED]
    packed = {name: base64.b64encode(blob).decode() for name, blob in blobs.items()}
    return {"numbers": numbers, **packed}


if __name__ == "__main__":
    raise SystemExit(main())
