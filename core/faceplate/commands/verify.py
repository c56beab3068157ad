"""``faceplate verify``: are frames, pictures and movies what was recorded and signed?"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from faceplate.context import Context
from faceplate.errors import BadImage, BadSequence, Damaged, NotFound
from faceplate.io.sequence import Sequence, format_frames, parse_frames
from faceplate.merge.output import beside
from faceplate.merge.seal import our_strings
from faceplate.merge.sealing import (
    EXR_TYPE,
    frame_files,
    frame_signature_path,
    sidecar_path,
    sidecar_signature,
)
from faceplate.provenance.hashing import sha256_file
from faceplate.provenance.header import DIGITAL_SOURCE_TYPE, PREFIX
from faceplate.provenance.keys import require_roots, trusted_roots
from faceplate.provenance.sidecar import (
    SUFFIX,
    Making,
    SealedFile,
    SealedFrame,
    Sidecar,
    parse_sidecar,
)
from faceplate.provenance.signing import (
    Signature,
    can_sign,
    read_detached,
    read_embedded,
)

__all__ = ["Finding", "Sealed", "VerifyJob", "VerifyResult", "verify"]

WRONG, UNSIGNED, FOREIGN = 3, 9, 10
"""Exit codes, see docs/exit-codes.md."""

_FRAMES = {".exr", ".dpx", ".tif", ".tiff"}
"""What may be taken for a frame; pictures for the eye carry claims of their own."""


@dataclass(frozen=True)
class VerifyJob:
    """Check swapped frames against their sidecar, and a picture or movie against its claim.

    Finds every frame that was changed, is missing or does not belong there, a changed sidecar, a
    signature that is broken or somebody else's, and headers that contradict the sidecar.
    """

    path: str
    """Folder of frames, a pattern such as `out/shot.%04d.exr`, a sidecar, or a signed picture or
    movie (png, jpg, mov, mp4)."""
    frames: str | None = None
    """Frames to check, such as `1001-1010`; all where it is left out."""
    trust: tuple[str, ...] = ()
    """Files of root certificates (PEM) that are trusted too, besides those of the home folder."""


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be."""

    file: str
    """Its name."""
    wrong: str
    """What is wrong: `changed`, `missing`, `foreign`, `contradicts`, `signature`, `unsigned`."""
    detail: str
    """One sentence."""


@dataclass(frozen=True)
class Sealed:
    """One sidecar, picture or movie that was checked."""

    file: str
    """Its name."""
    signature: str
    """`trusted`, `foreign`, `broken` or `absent`."""
    signer: str
    """Who signed it, as the certificate says."""
    frames: str
    """Frames that it holds; empty for a picture or movie."""
    files: int
    """Files that were hashed."""
    source_type: str = ""
    """The digital source type (IPTC) that is claimed."""
    says: str = ""
    """What a picture or movie says of its making."""


@dataclass(frozen=True)
class VerifyResult:
    """What was found."""

    verdict: str
    """One sentence."""
    exit_code: int
    """0 right, 3 something is wrong, 9 right but signed by nobody, 10 signed by a stranger."""
    checked: tuple[Sealed, ...]
    """What was checked."""
    findings: tuple[Finding, ...] = ()
    """What is not as it should be."""


@dataclass
class _Sum:
    """What was found so far."""

    checked: list[Sealed] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, file: str, wrong: str, detail: str) -> None:
        self.findings.append(Finding(file, wrong, detail))


def verify(job: VerifyJob, context: Context) -> VerifyResult:
    """Check what is there.

    Raises:
        NotFound: There is nothing, or nothing that was sealed.
        Damaged: A sidecar cannot be read.
        BadSequence: Frames or a pattern that mean nothing.
    """
    path = Path(job.path)
    roots = [*trusted_roots(context.home), *require_roots([Path(each) for each in job.trust])]
    found = _Sum()
    if path.is_file() and can_sign(path):
        _check_embedded(path, roots, found)
    else:
        sidecars = _sidecars(path)
        wanted = None if job.frames is None else frozenset(parse_frames(job.frames))
        known = [_check_sequence(each, roots, wanted, context, found) for each in sidecars]
        if path.is_dir() and wanted is None:
            _find_strangers(path, {name for names in known for name in names}, found)
    return _judged(found)


def _check_embedded(path: Path, roots: list[Path], found: _Sum) -> None:
    signature = read_embedded(path, roots)
    says = ", ".join(f"{name} {text}" for name, text in signature.says.items())
    source_type = signature.source_type.rpartition("/")[2]
    found.checked.append(
        Sealed(path.name, signature.state, signature.signer, "", 1, source_type, says)
    )
    _judge_signature(path.name, signature, found)
    if signature.state in ("trusted", "foreign") and signature.source_type != DIGITAL_SOURCE_TYPE:
        found.add(path.name, "contradicts", f"it claims to be {signature.source_type!r}")


def _sidecars(path: Path) -> list[Path]:
    if path.is_dir():
        sidecars = sorted(path.glob(f"*{SUFFIX}"))
        if not sidecars:
            raise NotFound(
                f"{path} holds no sidecar (*{SUFFIX}): nothing there is sealed. `faceplate swap` "
                "and `faceplate seal` write one"
            )
        return sidecars
    sidecar = path if path.name.endswith(SUFFIX) else sidecar_path(_pattern(path))
    if not sidecar.is_file():
        raise NotFound(f"{sidecar} does not exist: the frames were never sealed")
    return [sidecar]


def _pattern(path: Path) -> Sequence:
    if not path.exists() and "%" not in path.name and "#" not in path.name:
        raise NotFound(f"{path} does not exist")
    return Sequence.parse(path)


def _check_sequence(
    path: Path,
    roots: list[Path],
    wanted: frozenset[int] | None,
    context: Context,
    found: _Sum,
) -> set[str]:
    """Check a sidecar with its frames; returns the names of the files that it knows."""
    sidecar = parse_sidecar(path.read_bytes(), str(path))
    out = _sequence_of(sidecar, path)
    signature = sidecar_signature(path, roots)
    _judge_signature(path.name, signature, found)
    frames = [each for each in sidecar.frames if wanted is None or each.frame in wanted]
    unknown = sorted((wanted or frozenset()) - {each.frame for each in frames})
    for number in unknown:
        found.add(out.path(number).name, "missing", "the sidecar holds no such frame")
    check = partial(_check_frame, path, sidecar, roots)
    hashed = 0
    for done, (frame, findings) in enumerate(_in_threads(check, frames, context), start=1):
        found.findings += findings
        hashed += len(frame.files)
        context.progress.report("verify", done, len(frames), frame=frame.frame)
    numbers = format_frames([each.frame for each in frames])
    source_type = sidecar.digital_source_type.rpartition("/")[2]
    found.checked.append(
        Sealed(path.name, signature.state, signature.signer, numbers, hashed, source_type)
    )
    known = {file.name for frame in sidecar.frames for file in frame.files}
    if wanted is None:
        _find_unsealed(out, known, found)
    return known


def _in_threads(
    check: partial[list[Finding]], frames: list[SealedFrame], context: Context
) -> Iterator[tuple[SealedFrame, list[Finding]]]:
    with ThreadPoolExecutor(context.threads or min(8, os.cpu_count() or 1)) as pool:
        try:
            yield from zip(frames, pool.map(check, frames), strict=True)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _check_frame(
    path: Path, sidecar: Sidecar, roots: list[Path], frame: SealedFrame
) -> list[Finding]:
    """Return what is wrong with the files of a frame."""
    found: list[Finding] = []
    for sealed in frame.files:
        file = path.parent / sealed.name
        if Path(sealed.name).name != sealed.name:
            found.append(Finding(sealed.name, "contradicts", "it lies outside of the folder"))
        elif not file.is_file():
            found.append(Finding(sealed.name, "missing", f"frame {frame.frame} is not there"))
        else:
            found += _check_file(file, sealed, frame, sidecar, roots)
    return found


def _check_file(
    file: Path,
    sealed: SealedFile,
    frame: SealedFrame,
    sidecar: Sidecar,
    roots: list[Path],
) -> list[Finding]:
    found = []
    digest = sha256_file(file)
    if digest != sealed.sha256:
        detail = f"sha256 is {digest[:16]}..., sealed was {sealed.sha256[:16]}..."
        found.append(Finding(file.name, "changed", detail))
    said = _contradiction(file, frame, sidecar.makings[frame.making])
    if said:
        found.append(Finding(file.name, "contradicts", said))
    claim = frame_signature_path(file)
    if claim.is_file():
        signature = read_detached(file, EXR_TYPE, claim.read_bytes(), roots)
        if signature.state != "trusted":
            detail = f"its own signature is {signature.state}: {', '.join(signature.problems)}"
            found.append(Finding(claim.name, "signature", detail.rstrip(": ")))
    return found


def _contradiction(file: Path, frame: SealedFrame, making: Making) -> str:
    """Return in which string the header of a file and the sidecar differ, or nothing."""
    try:
        says = our_strings(file)
    except BadImage as error:
        return f"its header cannot be read: {error}"
    wanted = {PREFIX + name: text for name, text in {**making.header, **frame.header}.items()}
    wanted[f"{PREFIX}frame"] = str(frame.frame)
    for key in sorted(wanted.keys() | says.keys()):
        if says.get(key) != wanted.get(key):
            return (
                f"{key} is {says.get(key, 'absent')!r} in the header and "
                f"{wanted.get(key, 'absent')!r} in the sidecar"
            )
    return ""


def _sequence_of(sidecar: Sidecar, path: Path) -> Sequence:
    try:
        out = Sequence.parse(path.parent / Path(sidecar.pattern).name)
    except BadSequence as error:
        raise Damaged(f"{path}: its pattern {sidecar.pattern!r} means nothing") from error
    if sidecar_path(out) != path:
        raise Damaged(f"{path} is the sidecar of {sidecar.pattern}, and has another name")
    return out


def _find_unsealed(out: Sequence, known: set[str], found: _Sum) -> None:
    """Find files of the sequence that the sidecar does not know."""
    numbers = {*out.existing(), *beside(out).existing()}
    for number in sorted(numbers):
        for file in frame_files(out, number):
            if file.name not in known:
                found.add(file.name, "foreign", "the sidecar does not know this frame")


def _find_strangers(folder: Path, known: set[str], found: _Sum) -> None:
    """Find pictures in a folder that no sidecar knows."""
    told = {finding.file for finding in found.findings}
    for file in sorted(folder.iterdir()):
        is_frame = file.suffix.lower() in _FRAMES and not file.name.startswith(".")
        if is_frame and file.name not in known and file.name not in told:
            found.add(file.name, "foreign", "no sidecar of this folder knows this file")


def _judge_signature(name: str, signature: Signature, found: _Sum) -> None:
    if signature.state == "broken":
        found.add(name, "signature", f"broken: {', '.join(signature.problems)}")
    elif signature.state == "foreign":
        who = signature.signer or "somebody without a name"
        found.add(name, "signature", f"foreign: by {who}, whom no trusted root stands behind")
    elif signature.state == "absent":
        found.add(name, "unsigned", "whoever can write here could have changed it")


def _judged(found: _Sum) -> VerifyResult:
    wrong = [each for each in found.findings if each.wrong != "unsigned" and not _foreign(each)]
    foreign = [each for each in found.findings if _foreign(each)]
    frames = sum(each.files for each in found.checked)
    if wrong:
        verdict, code = f"wrong: {len(wrong)} findings in {frames} files", WRONG
    elif foreign:
        verdict, code = "as it was signed, by somebody who is not trusted here", FOREIGN
    elif found.findings:
        verdict, code = "signed by nobody; nothing else is wrong", UNSIGNED
    else:
        verdict, code = "as it was signed", 0
    return VerifyResult(verdict, code, tuple(found.checked), tuple(found.findings))


def _foreign(finding: Finding) -> bool:
    return finding.wrong == "signature" and finding.detail.startswith("foreign:")
