"""A swap model on disk.

```
model/
├── config.json                    SwapModelConfig
├── saves/000001200/               one save, named after its step
│   ├── weights.safetensors
│   ├── optimizer.safetensors      absent in an exported model
│   ├── state.json                 step, losses, settings and facesets of the training
│   ├── config.json                copy of the model's
│   └── manifest.json              sha256 of each of these
├── backups/07-000001200/          copies that rotation does not touch (`backups.py`)
└── set_aside/                     what repair and rollback took away (`repair.py`)
```
"""

import contextlib
import dataclasses
import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from faceplate import __version__
from faceplate.config import from_dict, read_json, to_json
from faceplate.errors import BadSettings, Damaged, InvalidInput, NotFound
from faceplate.io.atomic import write_text
from faceplate.models import ARCHITECTURES
from faceplate.models.df import DFConfig
from faceplate.models.lock import folder_lock
from faceplate.models.net import NetConfig
from faceplate.models.save import CONFIG, Save, newest_whole, write_save_folder

__all__ = ["ModelFolder", "SwapModelConfig", "datasets_of"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SwapModelConfig:
    """What a swap model is; written when it is created, and changed only when its network grows."""

    likeness: str
    """Id of the likeness (whose face goes in), such as ``p1A``."""
    performer: str
    """Id of the performer (who is in the plate)."""
    face_type: str
    """Face type of the crops, such as ``full_face``."""
    encoding: str
    """Working encoding of the crops: ``acescct`` or ``srgb``."""
    architecture: str = "df"
    """Name in `faceplate.models.ARCHITECTURES`."""
    net: NetConfig = field(default_factory=DFConfig)
    """Shape of the network, of the architecture's own kind."""
    others: list[str] = field(default_factory=list)
    """Ids of further people, in the order of their decoders (comb)."""
    consent_id: str | None = None
    """Consent record under which training began; None where the policy let it pass."""
    other_consent_ids: list[str] = field(default_factory=list)
    """Those of `others`, in their order; empty texts where the policy let it pass."""
    created: str = ""
    """Date and time of creation, ISO 8601, UTC."""
    code_version: str = __version__
    """Version of Faceplate that created it."""
    format: int = 1
    """Version of this folder format."""

    @property
    def people(self) -> tuple[str, ...]:
        """Ids of all people as the network numbers them: likeness, performer, others."""
        return (self.likeness, self.performer, *self.others)

    def consent_of(self, number: int) -> str:
        """Return the consent record that a person was trained under; empty where there is none.

        The performer lends no face, so that nobody was asked.
        """
        ids = [self.consent_id or "", "", *self.other_consent_ids]
        return ids[number] if number < len(ids) else ""

    def number_of(self, person: str) -> int:
        """Return the network's number of a person. Raises NotFound, which names those it holds."""
        if person not in self.people:
            raise NotFound(f"the model holds no {person!r}; it holds {', '.join(self.people)}")
        return self.people.index(person)


class ModelFolder:
    """A swap model's folder.

    What a killed writer left behind is removed when the folder is opened; the folder of a writer
    that is at work is left alone. The shape of the network is that of the newest save, for a
    network that grew has saves of several shapes.

    Args:
        path: The folder.

    Raises:
        NotFound: There is no model.
        BadSettings: Its config is not one, or of a newer format.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not (self.path / CONFIG).is_file():
            raise NotFound(f"{self.path} is not a swap model: it has no config.json")
        self.config = _read_config(self.path / CONFIG)
        if self.config.format != 1:
            raise BadSettings(
                f"{self.path}: model format {self.config.format} is newer than this version of "
                "Faceplate (1); update Faceplate"
            )
        self.config = dataclasses.replace(self.config, net=self._newest_net())
        self._remove_leftovers()

    @classmethod
    def create(cls, path: Path | str, config: SwapModelConfig) -> "ModelFolder":
        """Make a new model without saves. Raises InvalidInput if there is one already."""
        folder = Path(path)
        if (folder / CONFIG).exists():
            raise InvalidInput(f"there is a swap model in {folder} already; choose another folder")
        (folder / "saves").mkdir(parents=True, exist_ok=True)
        write_text(folder / CONFIG, to_json(config))
        return cls(folder)

    @staticmethod
    def exists(path: Path | str) -> bool:
        """Return whether `path` holds a swap model."""
        return (Path(path) / CONFIG).is_file()

    def saves(self) -> list[Save]:
        """Return all saves, oldest first, whole or not."""
        folders = (self.path / "saves").glob("[0-9]*")
        return [Save(folder, int(folder.name)) for folder in sorted(folders) if folder.is_dir()]

    def latest(self) -> Save:
        """Return the newest save that verifies; damaged ones are skipped with a warning.

        Raises:
            NotFound: There is no save yet.
            Damaged: There are saves and none is whole.
        """
        saves = self.saves()
        if not saves:
            raise NotFound(f"the swap model {self.path} has no save yet: train it first")
        whole = newest_whole(saves)
        if whole is not None:
            return whole
        raise Damaged(
            f"none of the {len(saves)} saves of {self.path} is whole: run `faceplate model "
            "repair`, which looks for a whole backup"
        )

    def write_save(
        self,
        step: int,
        weights: Mapping[str, Tensor],
        optimizer: Mapping[str, Tensor] | None,
        state: Mapping[str, Any],
        keep: int = 3,
    ) -> Save:
        """Write the save of a step, whole or not at all, and remove all but the newest `keep`.

        Args:
            step: Training steps done; a whole save of the same step is kept as it is.
            weights: Tensors of the network by name.
            optimizer: Tensors of the optimiser by name; None leaves them out.
            state: JSON-able values that go with them.
            keep: Saves to keep, at least one.

        Raises:
            DiskFull: No room; earlier saves are intact.
        """
        target = self.path / "saves" / f"{step:09d}"
        save = Save(target, step)
        if not _is_whole(save):
            config = to_json(self.config).encode()
            save = write_save_folder(target, step, weights, optimizer, state, config)
        for old in [old for old in self.saves() if old.step <= step][: -max(keep, 1)]:
            shutil.rmtree(old.path, ignore_errors=True)
        return save

    def config_of(self, save: Save) -> SwapModelConfig:
        """Return the model's config with the network that a save holds. Raises Damaged."""
        content = save.config()
        if content is None:
            return self.config
        what = str(save.path / CONFIG)
        try:
            saved = _parsed(dict(json.loads(content)), what)
        except ValueError as error:
            raise Damaged(f"{what} is not JSON: {error}") from error
        return dataclasses.replace(self.config, net=saved.net)

    def grow(self, net: NetConfig) -> None:
        """Take a network of another shape from the next save on; earlier saves keep theirs."""
        self.config = dataclasses.replace(self.config, net=net)
        write_text(self.path / CONFIG, to_json(self.config))

    def sha256(self) -> str:
        """Return the hash of the newest weights, for provenance."""
        return self.latest().sha256()

    def export(
        self, dest: Path | str, dtype: Literal["float16", "float32"] = "float16"
    ) -> "ModelFolder":
        """Write the newest weights without the optimiser to a new model folder.

        The small folder predicts as it is, and training can be continued in a copy of it.

        Raises:
            InvalidInput: `dest` holds a model already.
        """
        save = self.latest()
        folder = ModelFolder.create(dest, self.config_of(save))
        kind = {"float16": torch.float16, "float32": torch.float32}[dtype]
        weights = {name: tensor.to(kind) for name, tensor in save.weights().items()}
        folder.write_save(save.step, weights, None, save.state())
        return folder

    def _newest_net(self) -> NetConfig:
        for save in reversed(self.saves()):
            with contextlib.suppress(Damaged):  # `latest` tells of it where it matters
                return self.config_of(save).net
        return self.config.net

    def _remove_leftovers(self) -> None:
        leftovers = [
            part for name in ("saves", "backups") for part in (self.path / name).glob(".*.part")
        ]
        if not leftovers:
            return
        with folder_lock(self.path) as held:
            for leftover in leftovers if held else []:
                logger.warning("%s was left by a killed run and is removed", leftover)
                shutil.rmtree(leftover, ignore_errors=True)


def datasets_of(state: Mapping[str, Any]) -> dict[str, str]:
    """Return the facesets that a save learnt from: name to sha256 of the faces, joined by +."""
    found: dict[str, list[str]] = {}
    for run in state.get("runs", []):
        for faceset in run.get("facesets", []):
            digests = found.setdefault(str(faceset["name"]), [])
            if faceset["content_hash"] not in digests:
                digests.append(str(faceset["content_hash"]))
    return {name: "+".join(digests) for name, digests in found.items()}


def _read_config(path: Path) -> SwapModelConfig:
    return _parsed(read_json(path), str(path))


def _parsed(values: dict[str, Any], what: str) -> SwapModelConfig:
    name, net = values.get("architecture", "df"), values.get("net", {})
    if isinstance(name, str) and isinstance(net, dict):
        values["net"] = from_dict(ARCHITECTURES.load(name).Config, net, f"{what}: net")
    return from_dict(SwapModelConfig, values, what)


def _is_whole(save: Save) -> bool:
    if not save.path.exists():
        return False
    try:
        save.verify()
    except Damaged:
        return False
    return True
