import shutil
import socket
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.paths import MINI

from faceplate.errors import BadSettings
from faceplate.provenance.header import DIGITAL_SOURCE_TYPE
from faceplate.provenance.keys import SigningKey, new_key, trusted_roots
from faceplate.provenance.signing import (
    can_sign,
    read_detached,
    read_embedded,
    sign_detached,
    sign_embedded,
)

JSON, EXR = "application/json", "image/x-exr"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def key(home: Path) -> SigningKey:
    return new_key(home, "The Example House")


@pytest.fixture
def asset(tmp_path: Path) -> Path:
    path = tmp_path / "a.json"
    path.write_text('{"frames": 1}')
    return path


def test_a_file_that_is_as_it_was_signed_is_trusted(
    asset: Path, key: SigningKey, home: Path
) -> None:
    claim = sign_detached(asset, asset.name, JSON, key)
    found = read_detached(asset, JSON, claim, trusted_roots(home))

    assert (found.state, found.signer, found.problems) == ("trusted", "The Example House", ())
    assert found.source_type == DIGITAL_SOURCE_TYPE
    assert asset.read_text() == '{"frames": 1}'


def test_a_signer_whom_no_root_stands_behind_is_foreign(
    asset: Path, key: SigningKey, tmp_path: Path
) -> None:
    claim = sign_detached(asset, asset.name, JSON, key)
    new_key(tmp_path / "other", "The Example House")  # a name is nothing

    assert read_detached(asset, JSON, claim, []).state == "foreign"
    others = trusted_roots(tmp_path / "other")
    assert read_detached(asset, JSON, claim, others).state == "foreign"


def test_a_changed_file_and_a_changed_claim_are_broken(
    asset: Path, key: SigningKey, home: Path
) -> None:
    claim, roots = sign_detached(asset, asset.name, JSON, key), trusted_roots(home)
    spoilt = bytearray(claim)
    spoilt[-40] ^= 1

    assert "claimSignature.mismatch" in read_detached(asset, JSON, bytes(spoilt), roots).problems
    assert read_detached(asset, JSON, b"junk", roots).state == "broken"
    assert read_detached(asset, JSON, claim[:-100], roots).state == "broken"
    asset.write_text('{"frames": 2}')
    found = read_detached(asset, JSON, claim, roots)
    assert (found.state, found.problems) == ("broken", ("assertion.dataHash.mismatch",))


def test_a_frame_can_be_signed_by_itself_beside_it(
    tmp_path: Path, key: SigningKey, home: Path
) -> None:
    frame = Path(shutil.copy(MINI / "B" / "B.1001.exr", tmp_path))
    claim, roots = sign_detached(frame, frame.name, EXR, key), trusted_roots(home)

    assert read_detached(frame, EXR, claim, roots).state == "trusted"
    content = bytearray(frame.read_bytes())
    content[len(content) // 2] ^= 1
    frame.write_bytes(content)
    assert read_detached(frame, EXR, claim, roots).state == "broken"


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_picture_carries_its_claim_and_shows_what_it_showed(
    tmp_path: Path, key: SigningKey, home: Path, suffix: str
) -> None:
    plain, signed = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    picture = np.random.default_rng(1).integers(0, 255, (32, 48, 3), np.uint8)
    cv2.imwrite(str(plain), picture)
    sign_embedded(plain, signed, signed.name, {"likeness": "p1A"}, key)

    found = read_embedded(signed, trusted_roots(home))
    assert (found.state, found.source_type) == ("trusted", DIGITAL_SOURCE_TYPE)
    assert found.says == {"likeness": "p1A"}
    assert np.array_equal(cv2.imread(str(signed)), cv2.imread(str(plain)))
    assert read_embedded(plain, trusted_roots(home)).state == "absent"


def test_only_types_that_can_carry_a_claim_do(tmp_path: Path, key: SigningKey) -> None:
    assert can_sign(Path("a.MOV"))
    assert not can_sign(Path("a.exr"))
    with pytest.raises(BadSettings, match="claims lie inside"):
        read_embedded(MINI / "B" / "B.1001.exr", [])
    with pytest.raises(BadSettings, match="claims lie inside"):
        sign_embedded(tmp_path / "a", tmp_path / "b", "a.exr", {}, key)


def test_signing_and_checking_open_no_socket(
    asset: Path, key: SigningKey, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    claim = sign_detached(asset, asset.name, JSON, key)
    assert read_detached(asset, JSON, claim, trusted_roots(home)).state == "trusted"


def test_c2pa_is_loaded_when_something_is_signed_and_not_before() -> None:
    code = (
        "import sys, faceplate.provenance.signing, faceplate.provenance.keys\n"
        "print(sorted(m for m in ('c2pa', 'cryptography') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
