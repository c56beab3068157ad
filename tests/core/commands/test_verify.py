import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.sealed import entry_of, seal_all, write_frames

from faceplate.cli import main
from faceplate.commands.verify import VerifyJob, VerifyResult, verify
from faceplate.context import Context
from faceplate.errors import Damaged, NotFound
from faceplate.io.sequence import Sequence
from faceplate.merge.sealing import seal_sequence, sign_frame
from faceplate.provenance.keys import find_key, new_key, trusted_roots
from faceplate.provenance.signing import sign_embedded

HOUSE = "The Example House"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with a key, and a signed sequence of four frames."""
    folder = tmp_path_factory.mktemp("shelf")
    new_key(folder / "home", HOUSE)
    seal_all(write_frames(folder / "out", range(1001, 1005)), folder / "home")
    return folder


@pytest.fixture
def out(shelf: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shelf / "out", tmp_path / "out"))


@pytest.fixture
def check(shelf: Path) -> Callable[..., VerifyResult]:
    def checked(path: Path, home: Path | None = None, **settings: object) -> VerifyResult:
        return verify(VerifyJob(str(path), **settings), Context(home=home or shelf / "home"))

    return checked


def told(result: VerifyResult) -> list[tuple[str, str]]:
    return [(finding.file, finding.wrong) for finding in result.findings]


def flip(path: Path, at: float = 0.5) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 1
    path.write_bytes(content)


def test_frames_as_they_were_signed_are_right(out: Path, check: Callable[..., VerifyResult]):
    for path in (out, out / "s.provenance.json", out / "s.%04d.exr"):
        result = check(path)
        assert (result.exit_code, result.findings) == (0, ())
        (sealed,) = result.checked
        assert (sealed.signature, sealed.signer) == ("trusted", HOUSE)
        assert (sealed.frames, sealed.files) == ("1001-1004", 4)


def test_one_bit_of_one_frame_is_found(out: Path, check: Callable[..., VerifyResult]):
    flip(out / "s.1003.exr", 0.95)

    result = check(out)

    assert result.exit_code == 3
    assert told(result)[0] == ("s.1003.exr", "changed")
    assert {file for file, _ in told(result)} == {"s.1003.exr"}


def test_a_missing_frame_is_found(out: Path, check: Callable[..., VerifyResult]):
    (out / "s.1002.exr").unlink()

    assert told(check(out)) == [("s.1002.exr", "missing")]
    assert check(out).exit_code == 3


def test_a_frame_of_somebody_else_is_found(out: Path, check: Callable[..., VerifyResult]):
    shutil.copy(out / "s.1001.exr", out / "s.1005.exr")
    for name in ("other.exr", "LOUD.EXR", "s.1006.dpx"):
        shutil.copy(out / "s.1001.exr", out / name)

    foreign = ["s.1005.exr", "LOUD.EXR", "other.exr", "s.1006.dpx"]
    assert told(check(out)) == [(name, "foreign") for name in foreign]
    assert told(check(out / "s.%04d.exr")) == [("s.1005.exr", "foreign")]


def test_two_frames_that_changed_places_are_found(out: Path, check: Callable[..., VerifyResult]):
    one, two = out / "s.1001.exr", out / "s.1002.exr"
    shutil.move(one, out / "x")
    shutil.move(two, one)
    shutil.move(out / "x", two)

    found = told(check(out))
    assert {("s.1001.exr", "changed"), ("s.1002.exr", "changed")} <= set(found)
    assert {("s.1001.exr", "contradicts"), ("s.1002.exr", "contradicts")} <= set(found)


def test_a_sidecar_that_was_changed_to_fit_is_found(out: Path, check: Callable[..., VerifyResult]):
    sidecar = out / "s.provenance.json"
    sidecar.write_text(sidecar.read_text().replace('"p1A"', '"p1B"'))

    result = check(out)

    assert ("s.provenance.json", "signature") in told(result)
    assert "broken: assertion.dataHash.mismatch" in result.findings[0].detail
    assert ("s.1001.exr", "contradicts") in told(result)
    assert result.exit_code == 3


def test_a_header_that_contradicts_a_signed_sidecar_is_found(
    shelf: Path, out: Path, check: Callable[..., VerifyResult]
):
    sequence = Sequence.parse(out / "s.%04d.exr")
    frame, making = entry_of(sequence, 1001)
    lie = {**making.header, "consentId": "C-2"}
    seal_sequence(sequence, [(frame, type(making)(lie))], shelf / "home")

    (finding,) = check(out).findings

    assert (finding.file, finding.wrong) == ("s.1001.exr", "contradicts")
    assert "consentId is 'C-1' in the header and 'C-2' in the sidecar" in finding.detail


def test_an_unsigned_sidecar_has_a_code_of_its_own(out: Path, check: Callable[..., VerifyResult]):
    (out / "s.provenance.c2pa").unlink()

    result = check(out)

    assert (result.exit_code, told(result)) == (9, [("s.provenance.json", "unsigned")])
    flip(out / "s.1001.exr", 0.95)
    assert check(out).exit_code == 3


def test_a_signature_of_a_stranger_has_a_code_of_its_own_until_the_root_is_trusted(
    shelf: Path, out: Path, tmp_path: Path, check: Callable[..., VerifyResult]
):
    result = check(out, home=tmp_path)
    assert result.exit_code == 10
    assert HOUSE in result.findings[0].detail

    (root,) = trusted_roots(shelf / "home")
    assert check(out, home=tmp_path, trust=(str(root),)).exit_code == 0
    with pytest.raises(NotFound, match=r"absent\.pem does not exist"):
        check(out, trust=(str(tmp_path / "absent.pem"),))
    with pytest.raises(Damaged, match="no certificates in PEM"):
        check(out, trust=(str(out / "s.provenance.json"),))


def test_the_signature_of_another_sequence_is_broken(
    shelf: Path, out: Path, tmp_path: Path, check: Callable[..., VerifyResult]
):
    seal_all(write_frames(tmp_path / "more", range(1, 3)), shelf / "home")
    shutil.copy(tmp_path / "more" / "s.provenance.c2pa", out)

    assert told(check(out)) == [("s.provenance.json", "signature")]
    assert check(out).exit_code == 3


def test_frames_that_are_signed_one_by_one_are_checked_one_by_one(
    shelf: Path, out: Path, check: Callable[..., VerifyResult]
):
    key = find_key(shelf / "home")
    assert key is not None
    sign_frame([out / "s.1001.exr"], key)
    assert check(out).exit_code == 0

    flip(out / "s.1001.exr", 0.95)
    assert ("s.1001.c2pa", "signature") in told(check(out))


def test_a_part_of_a_shot_can_be_checked(out: Path, check: Callable[..., VerifyResult]):
    flip(out / "s.1004.exr", 0.95)

    assert check(out, frames="1001-1003").exit_code == 0
    assert check(out, frames="1001-1003").checked[0].files == 3
    assert told(check(out, frames="1003,1009")) == [("s.1009.exr", "missing")]


def test_what_was_never_sealed_is_told(
    out: Path, tmp_path: Path, check: Callable[..., VerifyResult]
):
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="nothing there is sealed"):
        check(tmp_path / "empty")
    with pytest.raises(NotFound, match="never sealed"):
        check(out / "t.%04d.exr")
    with pytest.raises(NotFound, match="does not exist"):
        check(tmp_path / "nowhere")
    (out / "s.provenance.json").write_text("{}")
    with pytest.raises(Damaged, match="is no sidecar"):
        check(out)


def test_a_sidecar_cannot_point_outside_of_its_folder(
    out: Path, check: Callable[..., VerifyResult]
):
    sidecar = out / "s.provenance.json"
    sidecar.write_text(sidecar.read_text().replace("s.1001.exr", "../s.1001.exr"))

    assert ("../s.1001.exr", "contradicts") in told(check(out))


def test_the_command_line_ends_with_what_was_found(
    shelf: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = str(shelf / "home")
    assert main(["verify", str(out), "--home", home]) == 0
    assert "verdict     as it was signed" in capsys.readouterr().out
    (out / "s.1002.exr").unlink()
    assert main(["verify", str(out), "--home", home, "--json"]) == 3
    values = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert values["findings"][0]["file"] == "s.1002.exr"
    assert main(["verify", str(out.parent), "--home", home]) == 6


def test_a_picture_is_checked_by_the_claim_inside_it(
    shelf: Path, tmp_path: Path, check: Callable[..., VerifyResult]
) -> None:
    plain, signed = tmp_path / "plain.png", tmp_path / "signed.png"
    cv2.imwrite(str(plain), np.zeros((32, 48, 3), np.uint8))
    sign_embedded(plain, signed, signed.name, {"likeness": "p1A"}, find_key(shelf / "home"))

    result = check(signed)
    assert (result.exit_code, result.checked[0].signer) == (0, HOUSE)
    assert result.checked[0].source_type == "compositeWithTrainedAlgorithmicMedia"
    assert result.checked[0].says == "likeness p1A"
    assert check(signed, home=tmp_path).exit_code == 10
    assert (check(plain).exit_code, told(check(plain))) == (9, [("plain.png", "unsigned")])

    flip(signed, 0.98)
    assert check(signed).exit_code == 3
    assert told(check(signed)) == [("signed.png", "signature")]
