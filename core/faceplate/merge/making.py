"""How frames were made: what a sidecar says of their models, consents and inputs."""

from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from platform import python_version

from faceplate.errors import BadSettings
from faceplate.merge.cast import CastMember, load_cast
from faceplate.models.folder import ModelFolder, datasets_of
from faceplate.provenance.consent import load_consent
from faceplate.provenance.hashing import sha256_file
from faceplate.provenance.sidecar import Making, SealedConsent, SealedInput, SealedModel

__all__ = ["Inputs", "library_versions", "making_of", "members_of"]

_LIBRARIES = (
    "numpy", "torch", "opencv-python", "openimageio", "opencolorio", "numba", "onnxruntime",
)  # fmt: skip


class Inputs:
    """What a job named: the files of which a making keeps names and hashes.

    Args:
        plate: As the job names it.
        track: Track file.
        cast: Cast file, or None.
        members: Of the cast, or the one person.
        shot: Name of the shot.

    Raises:
        NotFound: A file is not there.
    """

    def __init__(
        self,
        plate: str | None,
        track: str | None,
        cast: str | None,
        members: Sequence[CastMember],
        shot: str | None,
    ) -> None:
        self.plate = SealedInput(Path(plate).name) if plate else None
        self.track = _input(track)
        self.cast = _input(cast)
        self.shot = shot or ""
        recipes = (_input(member.recipe) for member in members)
        self.recipes = tuple(each for each in recipes if each is not None)
        self._models = [Path(member.model) for member in members if member.model]
        self._consents = [Path(member.consent) for member in members if member.consent]

    def models(self, header: Mapping[str, str]) -> tuple[SealedModel, ...]:
        """Return the models that a header names. Raises BadSettings where none was that."""
        if not self._models:
            return ()
        wanted = header["modelSha256"].split("+")
        return tuple(self._model(digest) for digest in wanted)

    def consents(self, header: Mapping[str, str]) -> tuple[SealedConsent, ...]:
        """Return the consent records that a header names. Raises BadSettings for another one."""
        named = header["consentId"].split("+")
        found = [_consent(path) for path in self._consents]
        wrong = [each.consent_id for each in found if each.consent_id not in named]
        if wrong:
            raise BadSettings(
                f"the frames were made under the consent {header['consentId']}, not under "
                f"{', '.join(wrong)}: name the record that they were made under"
            )
        return tuple(found)

    def _model(self, digest: str) -> SealedModel:
        for path in self._models:
            folder = ModelFolder(path)
            for save in folder.saves():
                if save.sha256() == digest:
                    return SealedModel(
                        folder.config.likeness, digest, save.step, folder.config.consent_id or "",
                        datasets_of(save.state()),
                    )  # fmt: skip
        named = ", ".join(str(path) for path in self._models)
        raise BadSettings(
            f"the frames were made by the model {digest[:12]}..., of which {named} holds no save: "
            "name the model that made them"
        )


def members_of(
    cast: str | None, model: str | None, consent: str | None, recipe: str | None
) -> Sequence[CastMember]:
    """Return the members of a cast, or the one person that is named without one."""
    if cast:
        return load_cast(Path(cast))
    return (CastMember(model=model or "", consent=consent, recipe=recipe),)


def making_of(header: Mapping[str, str], inputs: Inputs, versions: Mapping[str, str]) -> Making:
    """Return how frames were made.

    Args:
        header: What their headers have in common, without our prefix.
        inputs: What the job named.
        versions: Of the libraries that made them.

    Raises:
        BadSettings: Header and inputs contradict each other.
    """
    return Making(
        header, inputs.plate, inputs.track, inputs.recipes, inputs.cast, inputs.models(header),
        inputs.consents(header), inputs.shot, versions,
    )  # fmt: skip


def library_versions() -> dict[str, str]:
    """Return the versions of what makes pixels in this process."""
    found = {"python": python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # another build of it, under another name
            continue
    return found


def _input(path: str | None) -> SealedInput | None:
    return SealedInput(Path(path).name, sha256_file(Path(path))) if path else None


def _consent(path: Path) -> SealedConsent:
    record = load_consent(path)
    return SealedConsent(
        record.consent_id, record.likeness, sha256_file(path), record.document_sha256
    )
