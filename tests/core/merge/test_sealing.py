import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.sealed import entry_of, seal_all, write_frames

from faceplate.errors import DiskFull
from faceplate.io import atomic
from faceplate.io.sequence import Sequence
from faceplate.merge.sealing import seal_sequence, sidecar_path, sidecar_signature
from faceplate.provenance.keys import new_key, trusted_roots
from faceplate.provenance.sidecar import Making, Sidecar, parse_sidecar


@pytest.fixture
def home(tmp_path: Path) -> Path:
    new_key(tmp_path / "home", "House")
    return tmp_path / "home"


@pytest.fixture
def out(tmp_path: Path) -> Sequence:
    return write_frames(tmp_path / "out", range(1001, 1009))


def sidecar(out: Sequence) -> Sidecar:
    path = sidecar_path(out)
    return parse_sidecar(path.read_bytes(), str(path))


def state(out: Sequence, home: Path) -> str:
    return sidecar_signature(sidecar_path(out), trusted_roots(home)).state


def test_ranges_come_together_in_any_order(out: Sequence, home: Path) -> None:
    for numbers in ((1005, 1006), (1001, 1002), (1006, 1007)):
        seal_sequence(out, [entry_of(out, number) for number in numbers], home)

    assert [frame.frame for frame in sidecar(out).frames] == [1001, 1002, 1005, 1006, 1007]
    assert len(sidecar(out).makings) == 1
    assert state(out, home) == "trusted"


def test_nobody_is_lost_where_many_seal_at_once(out: Sequence, home: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = out.existing()
        list(pool.map(lambda n: seal_sequence(out, [entry_of(out, n)], home), numbers))

    assert [frame.frame for frame in sidecar(out).frames] == numbers
    assert state(out, home) == "trusted"


def test_sealing_again_leaves_both_files_as_they_are(out: Sequence, home: Path) -> None:
    path = seal_all(out, home)
    before = [(f.read_bytes(), f.stat().st_ino) for f in (path, path.with_suffix(".c2pa"))]

    seal_all(out, home)

    after = [(f.read_bytes(), f.stat().st_ino) for f in (path, path.with_suffix(".c2pa"))]
    assert before == after


def test_the_sidecar_is_the_same_whatever_the_split(
    out: Sequence, home: Path, tmp_path: Path
) -> None:
    whole = seal_all(out, home).read_bytes()
    sidecar_path(out).unlink()
    for number in reversed(out.existing()):
        seal_sequence(out, [entry_of(out, number)], tmp_path / "no key")

    assert sidecar_path(out).read_bytes() == whole


@pytest.mark.parametrize("spoilt", ["changed", "unsigned", "foreign", "junk"])
def test_nothing_that_cannot_be_vouched_for_comes_under_our_signature(
    out: Sequence, home: Path, tmp_path: Path, spoilt: str, caplog: pytest.LogCaptureFixture
) -> None:
    other = tmp_path / "other"
    if spoilt == "foreign":
        new_key(other, "House")
    seal_sequence(out, [entry_of(out, 1001)], home if spoilt in ("changed", "junk") else other)
    path = sidecar_path(out)
    if spoilt == "changed":
        path.write_text(path.read_text().replace("C-1", "C-2"))
    if spoilt == "junk":
        path.write_text("junk")

    with caplog.at_level(logging.WARNING):
        seal_sequence(out, [entry_of(out, 1002)], home)

    assert [frame.frame for frame in sidecar(out).frames] == [1002]
    assert state(out, home) == "trusted"
    assert "left out" in caplog.text or "written anew" in caplog.text


def test_without_a_key_the_sidecar_is_made_and_says_that_it_is_not_signed(
    out: Sequence, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seal = seal_sequence(out, [entry_of(out, 1001)], tmp_path)

    assert seal.signed_by is None
    assert "is not signed: there is no key" in caplog.text
    assert state(out, tmp_path) == "absent"


def test_a_new_sidecar_never_has_the_signature_of_an_earlier_one(
    out: Sequence, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal_sequence(out, [entry_of(out, 1001)], home)

    def full(path: Path, content: bytes) -> None:
        raise DiskFull("no room")

    monkeypatch.setattr("faceplate.merge.sealing.write_bytes", full)
    with pytest.raises(DiskFull):
        seal_sequence(out, [entry_of(out, 1002)], home)
    assert state(out, home) == "absent"
    assert len(sidecar(out).frames) == 2
    assert atomic.write_bytes is not full


def test_who_made_a_frame_knew_more_than_who_seals_it_later(out: Sequence, home: Path) -> None:
    frame, making = entry_of(out, 1001)
    seal_sequence(out, [(frame, making)], home)
    bare = Making(making.header)

    seal_sequence(out, [(frame, bare)], home, others=False)
    assert sidecar(out).makings == (making,)

    out.path(1001).write_bytes(out.path(1002).read_bytes())
    changed, _ = entry_of(out, 1001)
    seal_sequence(out, [(changed, bare)], home, others=False)
    assert sidecar(out).makings == (bare,)
