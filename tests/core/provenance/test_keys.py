import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from faceplate.errors import BadSettings, Damaged, NotFound, Refused
from faceplate.provenance.keys import (
    SigningKey,
    find_key,
    import_key,
    new_key,
    trust_root,
    trusted_roots,
)


def test_a_home_folder_without_a_key_has_none(tmp_path: Path) -> None:
    assert find_key(tmp_path) is None
    assert trusted_roots(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_a_new_key_is_for_its_owner_alone_and_its_root_is_trusted(tmp_path: Path) -> None:
    key = new_key(tmp_path, "The Example House", days=30)

    assert find_key(tmp_path) == key
    assert (key.signer, key.algorithm) == ("The Example House", "es256")
    assert key.key.stat().st_mode & 0o777 == 0o600
    assert timedelta(days=29) < key.valid_until - datetime.now(UTC) < timedelta(days=31)
    assert [path.stem for path in trusted_roots(tmp_path)] == [key.root_sha256[:16]]
    assert b"PRIVATE" not in b"".join(path.read_bytes() for path in trusted_roots(tmp_path))


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    new_key(tmp_path, "House").key.chmod(0o640)

    with pytest.raises(Refused, match="chmod 600"):
        find_key(tmp_path)


def test_a_key_is_replaced_only_on_request_and_the_older_root_stays_trusted(
    tmp_path: Path,
) -> None:
    first = new_key(tmp_path, "House")

    with pytest.raises(Refused, match="--replace"):
        new_key(tmp_path, "House")
    second = new_key(tmp_path, "House", replace=True)

    assert second.root_sha256 != first.root_sha256
    assert len(trusted_roots(tmp_path)) == 2


def test_a_key_that_was_issued_elsewhere_is_taken_over(tmp_path: Path) -> None:
    issued = new_key(tmp_path / "authority", "Studio")

    key = import_key(tmp_path / "home", issued.key, issued.chain)

    assert find_key(tmp_path / "home") == key
    assert key.root_sha256 == issued.root_sha256
    assert len(trusted_roots(tmp_path / "home")) == 1


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    one, other = new_key(tmp_path / "a", "A"), new_key(tmp_path / "b", "B")

    with pytest.raises(Damaged, match="is not the key of the first certificate"):
        import_key(tmp_path / "home", one.key, other.chain)
    assert find_key(tmp_path / "home") is None


def locked_key(path: Path, password: bytes | None, curve: ec.EllipticCurve) -> Path:
    form = serialization.BestAvailableEncryption(password) if password else None
    path.write_bytes(
        ec.generate_private_key(curve).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            form or serialization.NoEncryption(),
        )
    )
    return path


def test_what_is_no_key_for_c2pa_is_refused_with_what_to_do(tmp_path: Path) -> None:
    good: SigningKey = new_key(tmp_path / "a", "A")
    locked = locked_key(tmp_path / "locked.pem", b"secret", ec.SECP256R1())
    rare = locked_key(tmp_path / "rare.pem", None, ec.SECP256K1())
    (tmp_path / "junk.pem").write_text("junk")

    with pytest.raises(Damaged, match="openssl pkcs8"):
        import_key(tmp_path, locked, good.chain)
    with pytest.raises(Damaged, match="is not the key of"):
        import_key(tmp_path, rare, good.chain)
    with pytest.raises(Damaged, match="no private key"):
        import_key(tmp_path, tmp_path / "junk.pem", good.chain)
    with pytest.raises(Damaged, match="no certificates in PEM"):
        import_key(tmp_path, good.key, tmp_path / "junk.pem")
    with pytest.raises(NotFound, match="does not exist"):
        import_key(tmp_path, good.key, tmp_path / "absent.pem")
    with pytest.raises(Damaged, match="no certificate in PEM"):
        trust_root(tmp_path, b"junk")


@pytest.mark.parametrize(("name", "days"), [(" ", 10), ("x" * 65, 10), ("House", 0)])
def test_a_key_needs_a_name_and_days(tmp_path: Path, name: str, days: int) -> None:
    with pytest.raises(BadSettings, match=r"name:|days must be"):
        new_key(tmp_path, name, days)
