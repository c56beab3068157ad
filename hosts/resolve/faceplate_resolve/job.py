"""The work that the server does for a shot, in steps that a later run of the script goes on with.

``job.json`` in the shot's folder says how far it is; what is in it is the same from Lua and Python.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faceplate_resolve.client import Client, Following
from faceplate_resolve.errors import HostError, StillRunning
from faceplate_resolve.settings import Settings, read_json, write_json
from faceplate_resolve.source import Plate, Shot

__all__ = ["Work", "key_of"]

STEPS = ("analyse", "swap", "bring")


def key_of(shot: Shot, settings: Settings) -> str:
    """Return a text that two runs share exactly where they mean the same work."""
    facts = shot.facts or {}
    values = [facts.get("id", ""), shot.name, str(shot.first), str(shot.last)]
    names = ("handles", "plate", "plate_space", "model", "consent", "recipe")
    return "|".join([*values, *(f"{name}={_text(settings.values[name])}" for name in names)])


class Work:
    """What was done for a shot so far.

    Args:
        folder: The shot's folder.
        key: What this run means; another key begins anew.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self._path = folder, folder / "job.json"
        folder.mkdir(parents=True, exist_ok=True)
        before = read_json(self._path) if self._path.exists() else {}
        self.state: dict[str, Any] = before if before.get("key") == key else {}
        if self.state.get("step") in (None, "done"):
            self._begin(key, before)

    def _begin(self, key: str, before: dict[str, Any]) -> None:
        same = before.get("key") == key and before.get("analysed")
        self.state = {
            "key": key,
            "step": "analyse",
            "version": int(before.get("version") or 0) + 1,
            "plate": None,
            "jobs": {},
            "analysed": before["analysed"] if same else None,
        }

    @property
    def plate(self) -> Plate | None:
        """The plate that an earlier run chose; None at the first."""
        found = self.state.get("plate")
        return Plate(**found) if found else None

    def keep_plate(self, plate: Plate) -> None:
        """Note the plate; a track of exactly these frames is taken as it is."""
        self.state["plate"] = dict(vars(plate))
        if self.state.get("analysed") == _analysed(plate):
            self.state["step"] = "swap"
        self.save()

    @property
    def track(self) -> Path:
        """The shot's track file."""
        return self.folder / "track.json"

    @property
    def results(self) -> Path:
        """Folder of this version's frames."""
        return self.folder / f"v{self.state['version']:03d}"

    def pattern(self, name: str) -> Path:
        """Return the pattern of this version's frames."""
        return self.results / f"{name}_v{self.state['version']:03d}.%04d.exr"

    def save(self) -> None:
        """Write the state."""
        write_json(self._path, self.state)

    def done(self, step: str) -> None:
        """Note that a step is done."""
        after = [*STEPS, "done"]
        self.state["step"] = after[after.index(step) + 1]
        if step == "analyse" and self.plate:
            self.state["analysed"] = _analysed(self.plate)
        self.save()

    def run(self, verb: str, values: dict[str, Any], client: Client, following: Following) -> Any:
        """Submit a job, or follow the one that an earlier run submitted.

        Raises:
            StillRunning: It goes on without the script.
            HostError: It failed; the next run submits it again.
        """
        following.submitted = lambda job: self._submitted(verb, job)
        job = self.state["jobs"].get(verb)
        try:
            if not job:
                return client.submit(verb, values, following)
            following.say(f"looking at job {job} of an earlier run")
            return client.watch(verb, job, following)
        except StillRunning:
            raise
        except HostError:
            self.state["jobs"].pop(verb, None)
            self.save()
            raise

    def _submitted(self, verb: str, job: str) -> None:
        self.state["jobs"][verb] = job
        self.save()


def _analysed(plate: Plate) -> str:
    return f"{plate.path}|{plate.frames}|{plate.space}"


def _text(value: Any) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)
