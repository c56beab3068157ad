"""``faceplate models``: list, fetch, verify and import weights."""

from dataclasses import dataclass
from pathlib import Path

from faceplate.context import Context
from faceplate.errors import BadSettings, Damaged, WeightsMissing
from faceplate.models.cards import DEFAULTS
from faceplate.models.store import Stored, WeightStore

__all__ = [
    "FetchWeights",
    "ImportWeights",
    "ListWeights",
    "VerifyWeights",
    "Weight",
    "Weights",
    "fetch_weights",
    "import_weights",
    "list_weights",
    "verify_weights",
]


@dataclass(frozen=True)
class ListWeights:
    """List the weights that Faceplate knows, and whether they are here."""

    role: str = ""
    """Only those of this role: detection, landmarks, pose, segmentation, identity or upscaling."""


@dataclass(frozen=True)
class FetchWeights:
    """Fetch weights by name, through pip for wheels or by https, and check them.

    What is here and right already is left alone. Wrong bytes are refused and not kept.
    """

    names: tuple[str, ...] = ()
    """Names of cards, as `faceplate models list` shows them."""
    defaults: bool = False
    """Fetch the cards that a fresh installation needs."""
    sha256: str = ""
    """What the file must hash to, for one card that does not know it itself."""


@dataclass(frozen=True)
class VerifyWeights:
    """Check the hashes of the weights that are here."""

    names: tuple[str, ...] = ()
    """Names of cards; none means all that are here."""


@dataclass(frozen=True)
class ImportWeights:
    """Take weights from a file that was brought in by hand; it finds its card by its hash."""

    file: str
    """The file."""
    card: str = ""
    """Name of the card, only for one that knows no hash."""
    sha256: str = ""
    """What the file must hash to, only for such a card: from somebody you trust."""


@dataclass(frozen=True)
class Weight:
    """One card and how its file stands."""

    name: str
    """Name of the card."""
    state: str
    """missing, present (not hashed now), verified or damaged."""
    role: str
    """What it is for."""
    commercial_use: str
    """Whether its authors allow paid work: yes, no or unclear."""
    licence: str
    """Licence of the weights."""
    file: str
    """Where it lies, or would."""


@dataclass(frozen=True)
class Weights:
    """Weights of a store."""

    store: str
    """The folder."""
    weights: tuple[Weight, ...]
    """One entry per card."""


def list_weights(job: ListWeights, context: Context) -> Weights:
    """Return every card, without hashing. Raises BadSettings for a role that no card has."""
    stored = _store(context).status()
    roles = sorted({entry.card.role for entry in stored})
    if job.role and job.role not in roles:
        raise BadSettings(f"no card has the role {job.role!r}; there are: {', '.join(roles)}")
    return _weights(context, [entry for entry in stored if job.role in ("", entry.card.role)])


def fetch_weights(job: FetchWeights, context: Context) -> Weights:
    """Fetch what is named. Raises BadSettings where nothing or too much is."""
    names = dict.fromkeys((*job.names, *(DEFAULTS if job.defaults else ())))
    if not names:
        raise BadSettings("name the cards to fetch, or say --defaults")
    if job.sha256 and len(names) != 1:
        raise BadSettings(f"--sha256 is of one file, and {len(names)} cards are named")
    store = _store(context)
    for name in names:
        store.fetch(name, context.progress, sha256=job.sha256 or None)
    return _weights(context, [store.verify(name) for name in names])


def verify_weights(job: VerifyWeights, context: Context) -> Weights:
    """Hash what is here.

    Raises:
        Damaged: A file is not what it should be; the message names all such.
        WeightsMissing: A card that was named is not here.
    """
    store = _store(context)
    here = [entry.card.name for entry in store.status() if entry.state != "missing"]
    checked = [store.verify(name) for name in job.names or here]
    missing = [entry.card.name for entry in checked if entry.state == "missing"]
    if missing:
        raise WeightsMissing(missing[0], str(store.root))
    wrong = [str(entry.path) for entry in checked if entry.state == "damaged"]
    if wrong:
        raise Damaged(f"not what was recorded: {', '.join(wrong)}; delete and fetch them again")
    return _weights(context, checked)


def import_weights(job: ImportWeights, context: Context) -> Weights:
    """Copy a file into the store and check it."""
    store = _store(context)
    path = store.import_file(Path(job.file), name=job.card or None, sha256=job.sha256 or None)
    cards = [entry.card.name for entry in store.status() if entry.path == path]
    return _weights(context, [store.verify(name) for name in cards])


def _store(context: Context) -> WeightStore:
    return WeightStore(context.home / "weights")


def _weights(context: Context, stored: list[Stored]) -> Weights:
    rows = tuple(
        Weight(
            name=entry.card.name,
            state=entry.state,
            role=entry.card.role,
            commercial_use=entry.card.commercial_use,
            licence=entry.card.licence_weights,
            file=entry.path.name,
        )
        for entry in stored
    )
    return Weights(str(_store(context).root), rows)
