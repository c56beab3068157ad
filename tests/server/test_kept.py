"""What stays in memory between two single frames makes no difference, but to the time."""

import gc
import os
import shutil
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.engines import (
    FRAME,
    a_buffer,
    buffer_settings,
    engine_shot,
    frame_settings,
    make_engine,
)
from tests.support.swaps import consent_file, mini_frame

from faceplate.commands.consent import RevokeConsent, revoke_consent
from faceplate.context import Context
from faceplate.errors import ConsentRefused
from faceplate.io.image import read_frame, write_frame
from faceplate.provenance.consent import today
from faceplate.provenance.hashing import sha256_file
from faceplate_server import kept
from faceplate_server.engine import Engine
from faceplate_server.kept import KeptPlates, KeptTracks, LastUsed

ROWS = (16, 160)


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """A shot with a plate of its own, whose files are all of one size."""
    for number in (FRAME, FRAME + 1):
        write_frame(mini_frame("B", number), tmp_path / f"p.{number}.exr", compression="none")
    return engine_shot(tmp_path)


@pytest.fixture
def engine(shot: Path) -> Engine:
    return make_engine(shot)


def result(engine: Engine, shot: Path, recipe: dict[str, Any], **changes: Any) -> bytes:
    """Swap the frame alone, as a preview does, and return its file."""
    plate = {"plate": str(shot / "p.%04d.exr"), "layers": "none", "compression": "none"}
    wanted = frame_settings(shot, **plate, overwrite=True, **changes)
    return Path(engine.swap_frame(FRAME, wanted, recipe)["path"]).read_bytes()


def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Note whenever rows of a plate are decoded."""
    read: list[Path] = []

    def noting(path: Path, *given: Any, **named: Any) -> Any:
        read.append(path)
        return read_frame(path, *given, **named)

    monkeypatch.setattr(kept, "read_frame", noting)
    return read


def test_a_frame_looked_at_again_has_the_bytes_of_a_fresh_engine(
    engine: Engine, shot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = reads(monkeypatch)
    again = [result(engine, shot, {"feather": feather}) for feather in (2.0, 30.0, 2.0)]
    assert len(read) == 1
    fresh = [result(make_engine(shot), shot, {"feather": feather}) for feather in (2.0, 30.0)]
    assert len(read) == 3
    assert again == [*fresh, fresh[0]]
    assert fresh[0] != fresh[1]


def replaced(path: Path, content: bytes) -> None:
    path.with_name("new").write_bytes(content)
    path.with_name("new").replace(path)


def rewritten(path: Path, content: bytes) -> None:
    with path.open("r+b") as file:
        file.write(content)


@pytest.mark.parametrize("change", [replaced, rewritten])
def test_a_plate_that_is_changed_behind_its_back_is_seen(
    engine: Engine, shot: Path, change: Callable[[Path, bytes], None]
) -> None:
    path = shot / f"p.{FRAME}.exr"
    first, before = result(engine, shot, {}), path.stat()
    changed = (shot / f"p.{FRAME + 1}.exr").read_bytes()
    change(path, changed)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)

    second = result(engine, shot, {})
    assert second != first
    assert second == result(make_engine(shot), shot, {})


@pytest.mark.parametrize("change", [replaced, rewritten])
def test_a_track_that_is_changed_behind_its_back_is_seen(
    engine: Engine, shot: Path, change: Callable[[Path, bytes], None]
) -> None:
    path = shot / "B.json"
    first, before = result(engine, shot, {}), path.stat()
    text = path.read_text()
    at = text.index("[", text.index('"landmarks"', text.index(f'"frame": {FRAME}')) + 20)
    change(path, (text[: at + 1] + ("1" if text[at + 1] != "1" else "2") + text[at + 2 :]).encode())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)

    second = result(engine, shot, {})
    assert second != first
    assert second == result(make_engine(shot), shot, {})


def test_rows_of_a_file_that_is_written_while_it_is_read_are_not_kept(
    shot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plates, path = KeptPlates(), shot / f"p.{FRAME}.exr"
    before = path.read_bytes()

    def slowly(*given: Any, **named: Any) -> Any:
        shutil.copy(shot / f"p.{FRAME + 1}.exr", path)
        return read_frame(*given, **named)

    sha256 = sha256_file(path)
    with monkeypatch.context() as patched:
        patched.setattr(kept, "read_frame", slowly)
        plates.rows(path, FRAME, ROWS, sha256)
    path.write_bytes(before)  # as it was when it was hashed

    frame = plates.rows(path, FRAME, ROWS, sha256)
    np.testing.assert_array_equal(frame.pixels, mini_frame("B", FRAME).pixels[ROWS[0] : ROWS[1]])


def test_other_rows_and_other_numbers_of_the_same_file_are_told_apart(shot: Path) -> None:
    plates, path = KeptPlates(), shot / f"p.{FRAME}.exr"
    sha256 = sha256_file(path)
    first = plates.rows(path, FRAME, ROWS, sha256)
    other = plates.rows(path, 7, ROWS, sha256)

    assert (first.number, other.number) == (FRAME, 7)
    assert other.pixels is first.pixels
    assert plates.rows(path, FRAME, (32, 160), sha256).data_window.y0 == 32


def test_nobody_writes_into_kept_rows(shot: Path) -> None:
    path = shot / f"p.{FRAME}.exr"
    frame = KeptPlates().rows(path, FRAME, ROWS, sha256_file(path))

    with pytest.raises(ValueError, match="read-only"):
        frame.pixels[0, 0] = 1


def test_memory_is_bounded_and_what_was_used_last_stays() -> None:
    values = LastUsed[bytes](100, len)
    for name in "abc":
        values.put(name, bytes(40))
        values.get("a")

    assert values.held == 80
    assert [values.get(name) is not None for name in "abc"] == [True, False, True]
    values.put("too much", bytes(101))
    assert values.get("too much") is None
    assert values.held <= 100


def test_a_plate_beyond_the_bound_is_read_every_time(
    shot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PLATE_BYTES", 1000)
    plates, path, read = KeptPlates(), shot / f"p.{FRAME}.exr", reads(monkeypatch)
    for _ in range(2):
        plates.rows(path, FRAME, ROWS, sha256_file(path))

    assert (len(read), plates.held) == (2, 0)


def test_a_track_is_parsed_once(shot: Path) -> None:
    tracks = KeptTracks()
    first = tracks.load(shot / "B.json")

    assert tracks.load(shot / "B.json") is first
    assert tracks.load(shutil.copy(shot / "B.json", shot / "copy.json")) is first


def test_without_a_cache_every_frame_runs_the_network(engine: Engine, shot: Path) -> None:
    wanted = frame_settings(shot, cache_gib=0.0, layers="none", overwrite=True)
    runs = [engine.swap_frame(FRAME, wanted, {})["network_runs"] for _ in range(2)]

    assert runs == [1, 1]


def tweak(engine: Engine, shot: Path, **changes: Any) -> dict[str, Any]:
    wanted = frame_settings(shot, frame=FRAME, view=str(shot / "v.png"), **changes)
    del wanted["out"]
    return engine.tweak_frame(wanted, {})


def test_a_kept_look_asks_the_log_for_revocations(engine: Engine, shot: Path) -> None:
    record = consent_file(shot / "c.json", consent_id="C-revoked")
    content = record.read_bytes()
    tweak(engine, shot, consent=str(record))
    revoke = RevokeConsent(consent=str(record), reason="asked for it", on=today())
    revoke_consent(revoke, Context(shot / "home"))
    record.write_bytes(content)  # an older copy of the record, as if nothing had happened

    with pytest.raises(ConsentRefused, match="revoked"):
        tweak(engine, shot, consent=str(record))


def test_an_unloaded_model_leaves_the_memory(engine: Engine, shot: Path) -> None:
    result(engine, shot, {})
    tweak(engine, shot)
    engine.swap_buffer(FRAME, buffer_settings(shot), {}, a_buffer(shot)[0])
    predictor = weakref.ref(engine._swaps().models.opener(4.0)(shot / "models" / "tiny"))
    assert engine.unload_model("tiny") == {"was_loaded": True}
    gc.collect()

    assert predictor() is None


def test_a_kept_prediction_is_not_taken_for_another_face_or_place(
    engine: Engine, shot: Path
) -> None:
    plates, path = KeptPlates(), shot / f"p.{FRAME}.exr"
    frame = plates.rows(path, FRAME, ROWS, sha256_file(path))
    role = _role(engine, shot)
    one = role.cast_face(FRAME)
    crop = plates.predict(frame, one)[0]

    assert plates.predict(frame, one)[0] is crop
    moved = replace(one, face=replace(one.face, landmarks=one.face.landmarks + 3))
    assert not np.array_equal(plates.predict(frame, moved)[0], crop)
    assert not np.array_equal(
        plates.predict(frame, replace(one, people=(1, 0)))[1].face,
        plates.predict(frame, one)[1].face,
    )


def _role(engine: Engine, shot: Path) -> Any:
    engine.swap_buffer(FRAME, buffer_settings(shot), {}, a_buffer(shot)[0])
    return engine._swaps()._in_buffer[1]
