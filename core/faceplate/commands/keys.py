"""``faceplate keys``: the key that signs, and the roots that are trusted."""

from dataclasses import dataclass
from pathlib import Path

from faceplate.context import Context
from faceplate.errors import NotFound
from faceplate.provenance.keys import (
    SigningKey,
    find_key,
    import_key,
    new_key,
    trust_root,
    trusted_roots,
)

__all__ = [
    "ImportKey",
    "KeyInfo",
    "NewKey",
    "ShowKeys",
    "TrustRoot",
    "Trusted",
    "import_signing_key",
    "new_signing_key",
    "show_keys",
    "trust",
]


@dataclass(frozen=True)
class NewKey:
    """Make a local key (ES256) and its certificate, to sign sidecars, pictures and movies with.

    Needs no network and no authority. Others trust it by the root that is printed.
    """

    name: str
    """Who signs, as others will read it: the house, not a person."""
    days: int = 3650
    """How long the certificate holds, 1 to 36500 days. What it signed is valid as long."""
    replace: bool = False
    """Take the place of a key that is there; its root stays trusted."""


@dataclass(frozen=True)
class ImportKey:
    """Take over a key and a certificate chain that the studio's authority has issued."""

    key: str
    """Private key: PEM, not encrypted."""
    chain: str
    """Certificates: PEM, the signer's first, the root last."""
    replace: bool = False
    """Take the place of a key that is there."""


@dataclass(frozen=True)
class ShowKeys:
    """Tell who signs here, until when, and whose signatures are trusted."""


@dataclass(frozen=True)
class TrustRoot:
    """Trust signatures that a root certificate stands behind."""

    certificate: str
    """The root: PEM; another house hands out its own, `HOME/keys/trusted/*.pem`."""


@dataclass(frozen=True)
class KeyInfo:
    """The key of a home folder."""

    signer: str
    """Who signs."""
    algorithm: str
    """Such as es256."""
    valid_until: str
    """Day on which the certificate ends."""
    key: str
    """The private key: whoever has it signs in this name."""
    root_sha256: str
    """Fingerprint of the root that others trust."""
    trusted: tuple[str, ...]
    """Files of the roots that are trusted here."""


@dataclass(frozen=True)
class Trusted:
    """Roots that are trusted from now on."""

    roots: tuple[str, ...]
    """Their files."""


def new_signing_key(job: NewKey, context: Context) -> KeyInfo:
    """Make a key. Raises Refused where there is one, and BadSettings."""
    return _info(new_key(context.home, job.name, job.days, job.replace), context)


def import_signing_key(job: ImportKey, context: Context) -> KeyInfo:
    """Take over a key. Raises NotFound, Damaged, and Refused where there is one."""
    key = import_key(context.home, Path(job.key), Path(job.chain), job.replace)
    return _info(key, context)


def show_keys(job: ShowKeys, context: Context) -> KeyInfo:
    """Tell what is there. Raises NotFound where there is no key; Refused, Damaged."""
    key = find_key(context.home)
    if key is None:
        raise NotFound(
            f"there is no key in {context.home / 'keys'}: nothing is signed here. `faceplate keys "
            "new` makes one"
        )
    return _info(key, context)


def trust(job: TrustRoot, context: Context) -> Trusted:
    """Trust a root. Raises NotFound, Damaged."""
    path = Path(job.certificate)
    if not path.is_file():
        raise NotFound(f"{path} does not exist")
    return Trusted(tuple(str(each) for each in trust_root(context.home, path.read_bytes())))


def _info(key: SigningKey, context: Context) -> KeyInfo:
    return KeyInfo(
        key.signer,
        key.algorithm,
        f"{key.valid_until:%Y-%m-%d}",
        str(key.key),
        key.root_sha256,
        tuple(str(path) for path in trusted_roots(context.home)),
    )
