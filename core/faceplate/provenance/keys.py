"""The key that signs what this house has made, and the roots that it trusts.

    HOME/keys/signing.key.pem     PKCS #8, mode 0600; made here or brought from a studio's authority
    HOME/keys/signing.chain.pem   its certificate, then those of the authorities up to the root
    HOME/keys/trusted/*.pem       roots: what one of them stands behind is ours

Nothing here reaches a network.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceplate.errors import BadSettings, Damaged, NotFound, Refused

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

__all__ = [
    "SigningKey",
    "find_key",
    "import_key",
    "new_key",
    "require_roots",
    "trust_root",
    "trusted_roots",
]

_KEY, _CHAIN, _TRUSTED = "signing.key.pem", "signing.chain.pem", "trusted"
_HOUR = timedelta(hours=1)  # clocks of machines differ


@dataclass(frozen=True)
class SigningKey:
    """A key with its certificate chain."""

    key: Path
    """Private key, PKCS #8 PEM, not encrypted."""
    chain: Path
    """Certificates, PEM, the signer's first."""
    algorithm: str
    """As C2PA names it, such as ``es256``."""
    signer: str
    """Common name of the certificate."""
    valid_until: datetime
    """When the certificate ends; without a time stamp nothing that it signed is valid after."""
    root_sha256: str
    """Fingerprint of the last certificate of the chain, by which others know that it is ours."""


def find_key(home: Path) -> SigningKey | None:
    """Return the key of a home folder; None where it has none.

    Raises:
        Refused: Others may read the private key.
        Damaged: Key or chain cannot be read or do not belong together.
    """
    key, chain = home / "keys" / _KEY, home / "keys" / _CHAIN
    if not key.is_file():
        return None
    if os.name == "posix" and key.stat().st_mode & 0o077:
        raise Refused(f"{key} may be read by others than its owner: run `chmod 600 {key}`")
    return _checked(key, chain)


def new_key(home: Path, name: str, days: int = 3650, replace: bool = False) -> SigningKey:
    """Make an ES256 key with a certificate of a root of its own, which is trusted here.

    The root's private key is used once and not kept: nobody can make another signer in its name.

    Args:
        home: Home folder.
        name: Who signs, as others will read it: the house, not a person.
        days: How long the certificate holds.
        replace: Take the place of a key that is there. Its root stays trusted.

    Raises:
        BadSettings: No name, or days that cannot be.
        Refused: There is a key, and it is not to be replaced.
    """
    from cryptography.hazmat.primitives.asymmetric import ec  # costs a tenth of a second

    if not name.strip() or len(name) > 64:
        raise BadSettings(f"name: expected 1 to 64 letters that say who signs, got {name!r}")
    if not 1 <= days <= 36_500:
        raise BadSettings(f"days must be from 1 to 36500, got {days}")
    folder = _place(home, replace)
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _certificate(f"{name} root", f"{name} root", root_key, root_key, days, authority=True)
    leaf = _certificate(name, f"{name} root", key, root_key, days, authority=False)
    _write(folder / _CHAIN, _pem(leaf) + _pem(root), 0o644)
    _write(folder / _KEY, _private_pem(key), 0o600)
    trust_root(home, _pem(root))
    return _checked(folder / _KEY, folder / _CHAIN)


def import_key(home: Path, key: Path, chain: Path, replace: bool = False) -> SigningKey:
    """Take over a key and a chain that an authority of the studio has issued.

    Args:
        home: Home folder.
        key: Private key, PEM, not encrypted: of the curves P-256, P-384 or P-521, Ed25519, or RSA.
        chain: Certificates, PEM, the signer's first. The last one is trusted from now on.
        replace: Take the place of a key that is there.

    Raises:
        NotFound: A file is not there.
        Damaged: They cannot be read or do not belong together.
        Refused: There is a key, and it is not to be replaced.
    """
    checked = _checked(key, chain)
    folder = _place(home, replace)
    _write(folder / _CHAIN, chain.read_bytes(), 0o644)
    _write(folder / _KEY, _private_pem(_private_key(key)), 0o600)
    trust_root(home, _pem(_certificates(chain)[-1]))
    return SigningKey(
        folder / _KEY, folder / _CHAIN, checked.algorithm, checked.signer,
        checked.valid_until, checked.root_sha256,
    )  # fmt: skip


def trust_root(home: Path, pem: bytes) -> list[Path]:
    """Trust certificates: what they stand behind is ours. Raises Damaged where it is no PEM."""
    from cryptography import x509

    folder = home / "keys" / _TRUSTED
    folder.mkdir(parents=True, exist_ok=True)
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise Damaged(f"this is no certificate in PEM: {error}") from error
    paths = []
    for certificate in found:
        paths.append(folder / f"{_fingerprint(certificate)[:16]}.pem")
        _write(paths[-1], _pem(certificate), 0o644)
    return paths


def trusted_roots(home: Path) -> list[Path]:
    """Return the files of the roots that a home folder trusts."""
    return sorted((home / "keys" / _TRUSTED).glob("*.pem"))


def require_roots(paths: Sequence[Path]) -> list[Path]:
    """Return files of root certificates that can be read. Raises NotFound or Damaged."""
    for path in paths:
        _certificates(path)
    return list(paths)


def _place(home: Path, replace: bool) -> Path:
    folder = home / "keys"
    if (folder / _KEY).exists() and not replace:
        raise Refused(f"{folder / _KEY} is there already; --replace makes another in its place")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _checked(key: Path, chain: Path) -> SigningKey:
    """Return what a key and its chain are. Raises Damaged where they do not belong together."""
    certificates, private = _certificates(chain), _private_key(key)
    if private.public_key() != certificates[0].public_key():
        raise Damaged(f"{key} is not the key of the first certificate in {chain}")
    return SigningKey(
        key,
        chain,
        _algorithm(private, key),
        _common_name(certificates[0]),
        certificates[0].not_valid_after_utc,
        _fingerprint(certificates[-1]),
    )


def _certificates(path: Path) -> list["Certificate"]:
    from cryptography import x509

    try:
        return list(x509.load_pem_x509_certificates(path.read_bytes()))
    except FileNotFoundError as error:
        raise NotFound(
            f"{path} does not exist: certificates (PEM) were looked for there"
        ) from error
    except ValueError as error:
        raise Damaged(f"{path} holds no certificates in PEM: {error}") from error


def _private_key(path: Path) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError as error:
        raise NotFound(f"{path} does not exist") from error
    except (TypeError, ValueError) as error:  # TypeError: it is encrypted
        raise Damaged(
            f"{path} is no private key in PEM without a password ({error}); decrypt it with "
            "`openssl pkcs8 -topk8 -nocrypt` first"
        ) from error


def _algorithm(private: Any, path: Path) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    curves = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in curves:
        return curves[private.curve.name]
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= 2048:
        return "ps256"
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519"
    raise Damaged(
        f"{path}: C2PA takes keys of the curves P-256, P-384 and P-521, Ed25519, and RSA from 2048 "
        f"bits, got {type(private).__name__}"
    )


def _certificate(
    name: str, issuer: str, key: Any, issuer_key: Any, days: int, *, authority: bool
) -> "Certificate":
    """Return a certificate of the kind that C2PA asks for (its specification, 14.5.1)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID

    now = datetime.now(UTC)
    public = key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _HOUR)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(_key_usage(authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    if not authority:
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(above, critical=False).add_extension(usage, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _key_usage(authority: bool) -> Any:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not authority, key_cert_sign=authority, crl_sign=authority,
        content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _name(common: str) -> Any:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, re.sub(r" root$", "", common)),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _common_name(certificate: "Certificate") -> str:
    from cryptography.x509.oid import NameOID

    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else certificate.subject.rfc4514_string()


def _fingerprint(certificate: "Certificate") -> str:
    from cryptography.hazmat.primitives import hashes

    return certificate.fingerprint(hashes.SHA256()).hex()


def _pem(certificate: "Certificate") -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _private_pem(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is never there with another mode, nor half."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
