"""A rendered pair: two people, a plate, and the exact swap of one onto the other."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound
from faceplate.extract.analyse import AnalyseJob, analyse
from faceplate.extract.faces import ExtractJob, extract

__all__ = ["Facesets", "RenderedPair"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Facesets:
    """What the verbs made of a pair."""

    track: str
    """Track of the plate."""
    likeness: str
    """Faceset of A."""
    performer: str
    """Faceset of B."""


class RenderedPair:
    """The folder of a rendered pair.

    Args:
        folder: With A, B and S, their masks and truth_B.json.

    Raises:
        NotFound: Something of it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("A", "B", "S", "A_masks/face", "B_masks/visible", "truth_B.json"):
            if not (folder / name).exists():
                raise NotFound(f"{folder} is no rendered pair: {name} is not there")

    def frames_of(self, who: str) -> str:
        """Return the pattern of a sequence: A, B or S."""
        return str(self.folder / who / f"{who}.%04d.exr")

    def mattes_of(self, who: str) -> str:
        """Return the pattern of the mattes of the visible face, A or B."""
        kind = "face" if who == "A" else "visible"
        return str(self.folder / f"{who}_masks" / kind / f"{kind}.%04d.png")

    @property
    def truth_json(self) -> str:
        """The description of the plate's faces."""
        return str(self.folder / "truth_B.json")

    def spread(self, count: int, max_yaw: float) -> list[int]:
        """Return frames with a free face within a yaw, in threes (flicker needs them).

        Where the description names what hides a face, such frames are left out: a hand tells
        nothing about a network.

        Raises:
            NotFound: There are no three such frames in a row.
            BadSettings: The description is not one.
        """
        good = self._frames(max_yaw)
        starts = [n for n in sorted(good) if {n, n + 1, n + 2} <= good]
        threes: list[int] = []
        for start in starts:
            if not threes or start >= threes[-1] + 3:
                threes.append(start)
        if not threes:
            raise NotFound(f"{self.folder} has no three frames in a row within {max_yaw:g} degrees")
        wanted = min(max(count // 3, 1), len(threes))
        chosen = [threes[(2 * n + 1) * len(threes) // (2 * wanted)] for n in range(wanted)]
        return [start + n for start in chosen for n in range(3)]

    def prepare(
        self, work: Path, context: Context, names: tuple[str, str], size: int, consent_id: str
    ) -> Facesets:
        """Analyse both sequences and extract both people; what is there already is taken.

        Args:
            work: Folder for tracks and facesets.
            context: Of the verbs.
            names: Ids of the likeness and of the performer.
            size: Side of the crops in pixels.
            consent_id: Of the likeness.
        """
        work.mkdir(parents=True, exist_ok=True)
        made = {}
        for who, name in zip("AB", names, strict=True):
            track, faceset = work / f"{who}.track.json", work / f"{who}.faceset"
            if not track.exists():
                analyse(AnalyseJob(plate=self.frames_of(who), out=str(track)), context)
            extract(
                ExtractJob(
                    plate=self.frames_of(who),
                    track=str(track),
                    out=str(faceset),
                    name=name,
                    mattes=self.mattes_of(who),
                    size=size,
                    consent_id=consent_id if who == "A" else "",
                    sheet=False,
                ),
                context,
            )
            made[who] = (str(track), str(faceset))
        return Facesets(made["B"][0], made["A"][1], made["B"][1])

    def _frames(self, max_yaw: float) -> set[int]:
        try:
            entries: dict[str, Any] = json.loads(Path(self.truth_json).read_text("utf-8"))["frames"]
            return {
                int(number)
                for number, entry in entries.items()
                if not entry["empty"]
                and not entry.get("occluder")
                and abs(float(entry["yaw"])) <= max_yaw
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadSettings(f"{self.truth_json} is no description of faces: {error}") from error
