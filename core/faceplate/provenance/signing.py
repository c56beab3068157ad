"""C2PA signatures: claims over files that lie beside them, or inside them.

C2PA has no place in EXR files, so that a sequence is signed over its sidecar, in a file of its own;
pictures and movies for the eye carry their claim inside. Nothing reaches a network: no time stamp
authority, no revocation list, no remote manifest. c2pa is loaded when something is signed or read.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal

from faceplate import __version__
from faceplate.errors import BadSettings, Damaged
from faceplate.provenance.header import DIGITAL_SOURCE_TYPE
from faceplate.provenance.keys import SigningKey

__all__ = [
    "ASSERTION",
    "EMBEDDED_TYPES",
    "Signature",
    "can_sign",
    "read_detached",
    "read_embedded",
    "sign_detached",
    "sign_embedded",
    "sign_in_place",
]

ASSERTION = "org.faceplate.provenance"
"""Label of what we say about a picture besides the standard's own."""

EMBEDDED_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
}
"""Suffixes of files that carry their claim inside."""

SignatureState = Literal["trusted", "foreign", "broken", "absent"]

_UNTRUSTED = "signingCredential.untrusted"


@dataclass(frozen=True)
class Signature:
    """What a signature is worth."""

    state: SignatureState
    """``trusted``: whole, by a signer that a trusted root stands behind; ``foreign``: whole, by
    somebody else; ``broken``: what is signed was changed, or the claim itself; ``absent``."""
    signer: str = ""
    """Who signed, as the certificate says."""
    problems: tuple[str, ...] = ()
    """What is wrong, in the words of C2PA."""
    source_type: str = ""
    """The digital source type (IPTC) that is claimed."""
    says: Mapping[str, Any] = field(default_factory=dict)
    """What our own assertion holds."""


def can_sign(path: Path) -> bool:
    """Return whether a file of this name can carry its claim inside."""
    return path.suffix.lower() in EMBEDDED_TYPES


def sign_detached(asset: Path, name: str, media_type: str, key: SigningKey) -> bytes:
    """Return a claim over a file, to lie beside it.

    Args:
        asset: The file; it is read and stays as it is.
        name: What the claim calls it.
        media_type: Such as ``application/json`` or ``image/x-exr``.
        key: Who signs.

    Raises:
        Damaged: C2PA does not take the key or its certificate.
    """
    with asset.open("rb") as source, _Nowhere() as nowhere:
        return _sign(source, nowhere, _manifest(name, media_type, {}), key, embed=False)


def sign_embedded(
    source: Path, target: Path, name: str, says: Mapping[str, Any], key: SigningKey
) -> None:
    """Write a copy of a picture or movie that carries a claim.

    Args:
        source: The file.
        target: The copy; another file.
        name: The file's name when it is done: its suffix tells the type, and the claim names it.
        says: Plain values for our own assertion; no personal names.
        key: Who signs.

    Raises:
        BadSettings: A type that carries no claims.
        Damaged: C2PA does not take the file, the key or its certificate.
    """
    media_type = EMBEDDED_TYPES.get(Path(name).suffix.lower())
    if media_type is None:
        raise BadSettings(f"{name}: claims lie inside {', '.join(EMBEDDED_TYPES)} only")
    with source.open("rb") as taken, target.open("w+b") as made:
        _sign(taken, made, _manifest(name, media_type, says), key, embed=True)


def sign_in_place(path: Path, name: str, says: Mapping[str, Any], key: SigningKey | None) -> str:
    """Put a claim into a picture or movie that is not in its place yet.

    Args:
        path: The file; nobody else may read it while this works.
        name: What it will be called.
        says: Plain values for our own assertion; no personal names.
        key: Who signs; with None the file stays as it is.

    Returns:
        Who signed it; empty where nobody did.

    Raises:
        BadSettings, Damaged: What `sign_embedded` raises.
    """
    if key is None:
        return ""
    signed = path.with_name(f"{path.name}.signed")
    try:
        sign_embedded(path, signed, name, says, key)
        signed.replace(path)
    finally:
        signed.unlink(missing_ok=True)
    return key.signer


def read_detached(asset: Path, media_type: str, claim: bytes, roots: Sequence[Path]) -> Signature:
    """Check a claim that lies beside a file.

    Args:
        asset: The file.
        media_type: As it was signed.
        claim: The claim.
        roots: Files of certificates (PEM) that are trusted.
    """
    return _read(asset, media_type, claim, roots)


def read_embedded(path: Path, roots: Sequence[Path]) -> Signature:
    """Check the claim inside a picture or movie. Raises BadSettings for a type that has none."""
    media_type = EMBEDDED_TYPES.get(path.suffix.lower())
    if media_type is None:
        raise BadSettings(f"{path}: claims lie inside {', '.join(EMBEDDED_TYPES)} only")
    return _read(path, media_type, None, roots)


class _Nowhere(BytesIO):
    """Takes the copy that c2pa writes of a file whose claim lies beside it, and drops it."""

    def write(self, content: Any) -> int:
        return len(content)


def _sign(
    source: BinaryIO, target: BinaryIO, manifest: dict[str, Any], key: SigningKey, *, embed: bool
) -> bytes:
    c2pa = _c2pa()

    info = c2pa.C2paSignerInfo(
        key.algorithm.encode(), key.chain.read_bytes(), key.key.read_bytes(), None
    )
    try:
        with ExitStack() as stack:
            context = stack.enter_context(c2pa.Context(c2pa.Settings.from_dict(_settings([]))))
            builder = stack.enter_context(c2pa.Builder(manifest, context))
            if not embed:
                builder.set_no_embed()
            signer = stack.enter_context(c2pa.Signer.from_info(info))
            return bytes(builder.sign(signer, manifest["format"], source, target))
    except c2pa.C2paError as error:
        raise Damaged(
            f"{manifest['title']} cannot be signed with {key.key}: {error}. Its certificate must "
            "be of the kind that C2PA asks for; `faceplate keys new` makes such a one"
        ) from error


def _read(path: Path, media_type: str, claim: bytes | None, roots: Sequence[Path]) -> Signature:
    c2pa = _c2pa()

    try:
        with ExitStack() as stack:
            context = stack.enter_context(c2pa.Context(c2pa.Settings.from_dict(_settings(roots))))
            file = stack.enter_context(path.open("rb"))
            reader = stack.enter_context(c2pa.Reader(media_type, file, claim, context))
            return _judged(json.loads(reader.json()), reader.get_validation_state())
    except c2pa.C2paError as error:
        if str(error).startswith("ManifestNotFound"):
            return Signature("absent")
        return Signature("broken", problems=(str(error),))


def _c2pa() -> Any:
    """Load the native library; it has no types."""
    return import_module("c2pa")


def _judged(report: Mapping[str, Any], verdict: str | None) -> Signature:
    """Return what c2pa's report means: whole and trusted, whole and foreign, or broken."""
    manifest = report["manifests"][report["active_manifest"]]
    codes = [str(status["code"]) for status in report.get("validation_status", [])]
    problems = tuple(dict.fromkeys(code for code in codes if code != _UNTRUSTED))
    state: SignatureState = "trusted" if verdict == "Trusted" else "foreign"
    if problems or verdict == "Invalid":
        state = "broken"
    assertions = {entry["label"]: entry["data"] for entry in manifest.get("assertions", [])}
    signer = manifest.get("signature_info", {})
    return Signature(
        state,
        str(signer.get("common_name") or signer.get("issuer") or ""),
        problems,
        _source_type(assertions),
        assertions.get(ASSERTION, {}),
    )


def _source_type(assertions: Mapping[str, Any]) -> str:
    for label, data in assertions.items():
        if label.startswith("c2pa.actions"):
            return str(data["actions"][0].get("digitalSourceType", ""))
    return ""


def _manifest(name: str, media_type: str, says: Mapping[str, Any]) -> dict[str, Any]:
    action = {"action": "c2pa.created", "digitalSourceType": DIGITAL_SOURCE_TYPE}
    assertions: list[dict[str, Any]] = [{"label": "c2pa.actions", "data": {"actions": [action]}}]
    if says:
        assertions.append({"label": ASSERTION, "data": dict(says)})
    return {
        "claim_generator_info": [{"name": "Faceplate", "version": __version__}],
        "title": name,
        "format": media_type,
        "assertions": assertions,
    }


def _settings(roots: Sequence[Path]) -> dict[str, Any]:
    """Return settings of c2pa: nothing is fetched, nothing is drawn, these roots are trusted."""
    settings: dict[str, Any] = {
        "version": 1,
        "verify": {
            "verify_trust": True,
            "verify_after_sign": False,  # `read_*` is what checks, and says what is wrong
            "remote_manifest_fetch": False,
            "ocsp_fetch": False,
        },
        "builder": {"thumbnail": {"enabled": False}},
    }
    anchors = "".join(path.read_text() for path in roots)
    return settings | ({"trust": {"user_anchors": anchors}} if anchors else {})
