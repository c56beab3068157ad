"""Finds the swap models under the allowed roots."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from faceplate.config import to_dict
from faceplate.errors import FaceplateError
from faceplate.models.folder import ModelFolder

__all__ = ["describe_model", "find_models"]

MAX_DEPTH = 5
MAX_FOLDERS = 20_000
"""Looked into at most, so that a root with a whole show in it stays quick."""


def find_models(roots: Iterable[Path]) -> list[dict[str, Any]]:
    """Describe every model folder that is at most `MAX_DEPTH` below a root, by path.

    Hidden folders are left out, links are not followed, and nothing inside a model is looked at.
    """
    found = {str(folder): folder for root in roots for folder in _model_folders(root)}
    return [describe_model(found[path]) for path in sorted(found)]


def describe_model(folder: Path) -> dict[str, Any]:
    """Return what there is to say of a model; one that cannot be used says why."""
    values: dict[str, Any] = {"config": {}, "sha256": "", "step": 0, "problem": ""}
    try:
        model = ModelFolder(folder)
        values["config"] = to_dict(model.config)
        saves = model.saves()
        if saves:
            values |= {"step": saves[-1].step, "sha256": saves[-1].sha256()}
        else:
            values["problem"] = "it has no save yet: train it first"
    except FaceplateError as error:
        values["problem"] = str(error)
    return {"name": folder.name, "path": str(folder), **values}


def _model_folders(root: Path) -> Iterator[Path]:
    budget = MAX_FOLDERS
    for folder, inner, files in os.walk(root):
        budget -= 1
        depth = len(Path(folder).relative_to(root).parts)
        is_model = "config.json" in files and "saves" in inner
        if is_model:
            yield Path(folder)
        if is_model or depth >= MAX_DEPTH or budget <= 0:
            inner.clear()
        inner[:] = sorted(name for name in inner if not name.startswith("."))
