import json
from pathlib import Path
from typing import Any

import pytest

from faceplate.config import to_dict
from faceplate.errors import Damaged
from faceplate.provenance.sidecar import (
    Making,
    SealedFile,
    SealedFrame,
    Sidecar,
    gathered,
    parse_sidecar,
    sidecar_name,
    sidecar_text,
    signature_path,
)


def frame(number: int) -> SealedFrame:
    file = SealedFile(f"s.{number}.exr", f"{number:064d}", 12)
    return SealedFrame(number, (file,), {"frame": str(number)}, 0)


ONE, OTHER = Making({"likeness": "p1A"}), Making({"likeness": "p1C"})
SIDECAR = Sidecar("s", "s.%04d.exr", *gathered([(frame(2), OTHER), (frame(1), ONE)]))


def test_a_sidecar_survives_its_text_which_is_always_the_same() -> None:
    text = sidecar_text(SIDECAR)

    assert parse_sidecar(text.encode(), "s") == SIDECAR
    assert sidecar_text(parse_sidecar(text.encode(), "s")) == text
    assert len([line for line in text.splitlines() if '"sha256"' in line]) == 2


def test_makings_come_once_and_frames_in_order() -> None:
    makings, frames = gathered([(frame(3), OTHER), (frame(1), ONE), (frame(2), ONE)])

    assert makings == (ONE, OTHER)
    assert [(each.frame, each.making) for each in frames] == [(1, 0), (2, 0), (3, 1)]
    assert SIDECAR.frame(2) == SIDECAR.frames[1]
    assert SIDECAR.frame(7) is None


def changed(**values: Any) -> bytes:
    return json.dumps({**to_dict(SIDECAR), **values}).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"junk", "is no sidecar"),
        (b"[]", "not an object"),
        (changed(version=2), "version 2"),
        (changed(makings=[]), "names a making that it does not hold"),
        (changed(frames=[{"frame": 1}]), "is no sidecar"),
        (changed(odd=1), "unknown key 'odd'"),
    ],
)
def test_what_is_no_sidecar_is_told(content: bytes, message: str) -> None:
    with pytest.raises(Damaged, match=message):
        parse_sidecar(content, "s.provenance.json")


def test_names_follow_the_frames() -> None:
    assert sidecar_name("sh010.") == "sh010.provenance.json"
    assert sidecar_name("sh010_") == "sh010_.provenance.json"
    assert sidecar_name("") == "frames.provenance.json"
    assert signature_path(Path("a/s.provenance.json")) == Path("a/s.provenance.c2pa")
