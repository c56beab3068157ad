"""The strings that an EXR header carries to say that its picture is synthetic, and how it was made.

They hold no personal name and nothing that depends on the time, so that a frame that is rendered
again is the same file bit for bit.
"""

import re
from collections.abc import Mapping
from typing import Any

from faceplate import __version__
from faceplate.errors import BadSettings

__all__ = [
    "DIGITAL_SOURCE_TYPE",
    "PREFIX",
    "SOFTWARE",
    "earlier_strings",
    "header_strings",
    "software_history",
]

DIGITAL_SOURCE_TYPE = (
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
)
"""IPTC's word for a real capture with parts made by a trained model (NewsCodes, 2024)."""

PREFIX = "faceplate:"
"""What all our attribute names begin with."""

SOFTWARE = "Software"
"""The attribute in which programs, one after the other, leave their names."""

_GENERATOR = f"Faceplate {__version__}"
_SHA256 = re.compile(r"[0-9a-f]{64}(\+[0-9a-f]{64})*")


def header_strings(
    *,
    model_sha256: str,
    likeness: str,
    consent_id: str | None,
    input_sha256: str,
    params_sha256: str,
    frame: int,
    ocio_config: str,
    ocio_space: str,
    ocio_sha256: str,
    scale: float = 1.0,
    sidecar: str | None = None,
    job_id: str | None = None,
) -> dict[str, str]:
    """Return the ``faceplate:*`` attributes of one swapped frame, sorted by name.

    Args:
        model_sha256: Of the save of the swap model, 64 hex digits; of several models joined by +.
        likeness: Id of the likeness as in its consent record; never a personal name. Several are
            joined by +, as are their consent records.
        consent_id: Of the record that allowed the swap; None (policy ``warn``) is written ``none``.
        input_sha256: Of the file of the plate frame.
        params_sha256: Of the recipe (`faceplate.config.settings_hash`).
        frame: Frame number.
        ocio_config: Resolved name of the config, never ``ocio://default``.
        ocio_space: Space of the plate and of the result.
        ocio_sha256: Of the config's text.
        scale: Rows of the plate for each of the plate that its track was made of: 0.5 for a proxy
            of half the size. 1 is left out.
        sidecar: Name of the file beside the frames that says what all of them are; None where there
            is to be none.
        job_id: Only where a pipeline wants it: it makes two renders of one frame differ.

    Raises:
        BadSettings: A value that should be a sha256 is not, or another one is empty.

    Example:
        >>> strings = header_strings(
        ...     model_sha256="0" * 64, likeness="p1A", consent_id="C-1", input_sha256="1" * 64,
        ...     params_sha256="2" * 64, frame=1001, ocio_config="cg", ocio_space="ACEScg",
        ...     ocio_sha256="3" * 64,
        ... )
        >>> strings["faceplate:consentId"], strings["faceplate:frame"]
        ('C-1', '1001')
    """
    hashes: dict[str, str | None] = {
        "modelSha256": model_sha256,
        "inputSha256": input_sha256,
        "params": params_sha256,
        "ocioSha256": ocio_sha256,
    }
    words: dict[str, str | None] = {
        "digitalSourceType": DIGITAL_SOURCE_TYPE,
        "generator": _GENERATOR,
        "likeness": likeness,
        "consentId": "none" if consent_id is None else consent_id,
        "ocio": f"{ocio_config} | {ocio_space}",
        "frame": str(frame),
        "proxyScale": None if scale == 1 else f"{scale:.6g}",
        "sidecar": sidecar,
        "jobId": job_id,
    }
    for name, value in hashes.items():
        if value is not None and not _SHA256.fullmatch(value):
            raise BadSettings(f"{PREFIX}{name}: expected 64 hex digits (sha256), got {value!r}")
    for name, value in words.items():
        if value is not None and not value.strip():
            raise BadSettings(f"{PREFIX}{name} is empty; every swapped frame must name it")
    strings = {**hashes, **words}
    return {PREFIX + name: strings[name] or "" for name in sorted(strings) if strings[name]}


def earlier_strings(before: Mapping[str, Any]) -> dict[str, str]:
    """Return what a frame says of the swaps that its plate has been through; nothing for a plate
    that is no result of ours.

    Args:
        before: Attributes of the plate.

    Example:
        >>> earlier_strings({"faceplate:likeness": "p1A", "faceplate:consentId": "C-1",
        ...                  "faceplate:modelSha256": "00"})
        {'faceplate:earlier': 'p1A | C-1 | 00'}
    """
    names = ("likeness", "consentId", "modelSha256")
    said = [str(before.get(PREFIX + name, "")) for name in names]
    if not any(said):
        return {}
    older = str(before.get(PREFIX + "earlier", ""))
    return {PREFIX + "earlier": "; ".join([*([older] if older else []), " | ".join(said)])}


def software_history(before: object) -> str:
    """Return the history of a file with our name at its end.

    Args:
        before: What the plate's file says; None where it says nothing.

    Example:
        >>> software_history("Nuke 16.0v4").startswith("Nuke 16.0v4; Faceplate ")
        True
    """
    earlier = before.strip() if isinstance(before, str) else ""
    return f"{earlier}; {_GENERATOR}" if earlier else _GENERATOR
