"""The folder of a mask training.

```
masks/
├── mask.safetensors               the model: newest weights and what they are
├── config.json                    MaskModelConfig
├── saves/000002000/               as those of swap models: weights, optimizer, state, manifest
├── previews/000002000.png
└── losses.png
```
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from faceplate.config import from_json, to_json
from faceplate.errors import Damaged
from faceplate.io.atomic import write_text
from faceplate.models.save import CONFIG, Save, newest_whole, write_save_folder
from faceplate.segment.maskfile import MASK_FILE
from faceplate.segment.maskmodel import MaskModelConfig, write_mask_model

__all__ = ["MaskFolder"]


class MaskFolder:
    """A mask training on disk; the caller holds its lock.

    Args:
        path: The folder; made where it is not there.
        config: What a new model is; one that was saved already stays as it is.
    """

    def __init__(self, path: Path, config: MaskModelConfig) -> None:
        self.path = path
        (path / "saves").mkdir(parents=True, exist_ok=True)
        there = self.config_of(path)
        if there is None:
            write_text(path / CONFIG, to_json(config))
        self.config = there or config
        for leftover in (path / "saves").glob(".*.part"):
            shutil.rmtree(leftover, ignore_errors=True)

    @staticmethod
    def config_of(path: Path) -> MaskModelConfig | None:
        """Return what the model of a folder is, None before its first save. Raises BadSettings.

        A training that was killed before it saved has left nothing to go on from: the next one
        begins as it did, with the same first weights.
        """
        begun = (path / CONFIG).is_file() and _save_folders(path)
        return from_json(MaskModelConfig, path / CONFIG) if begun else None

    def latest(self) -> Save | None:
        """Return the newest save that verifies, None before the first.

        Raises:
            Damaged: There are saves and none is whole.
        """
        saves = self._saves()
        whole = newest_whole(saves)
        if whole is not None:
            return whole
        if saves:
            raise Damaged(
                f"none of the {len(saves)} saves of {self.path} is whole: delete its saves to "
                f"begin anew; the weights in {self.path / MASK_FILE} may still be of use as "
                "--start-segmenter of another training"
            )
        return None

    def write_save(
        self,
        step: int,
        weights: Mapping[str, Tensor],
        optimizer: Mapping[str, Tensor] | None,
        state: Mapping[str, Any],
        keep: int = 3,
    ) -> Save:
        """Write the model and the save of a step, each whole or not at all. Raises DiskFull.

        The model comes first: a training that is killed in between has it written again.
        """
        target = self.path / "saves" / f"{step:09d}"
        config = to_json(self.config).encode()
        write_mask_model(self.path / MASK_FILE, self.config, weights)
        save = write_save_folder(target, step, weights, optimizer, state, config)
        for old in [old for old in self._saves() if old.step <= step][:-keep]:
            shutil.rmtree(old.path, ignore_errors=True)
        return save

    def _saves(self) -> list[Save]:
        return [Save(folder, int(folder.name)) for folder in _save_folders(self.path)]


def _save_folders(path: Path) -> list[Path]:
    """Return the saves of a training, oldest first."""
    return [folder for folder in sorted((path / "saves").glob("[0-9]*")) if folder.is_dir()]
