"""Finds, describes and takes over the swap models under the allowed roots."""

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from faceplate.commands.model import ImportModel, InspectModel, import_model, inspect_model
from faceplate.config import to_dict
from faceplate.context import Context
from faceplate.errors import BadSettings, FaceplateError, InvalidInput, NotFound
from faceplate.models.folder import ModelFolder
from faceplate.models.save import CONFIG, copy_save
from faceplate_server.roots import Roots

__all__ = ["describe_model", "find_model", "find_models", "model_details", "take_over"]

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


def find_model(roots: Roots, model: str) -> Path:
    """Return the folder of a model that is named by its path, or by its folder's name alone.

    Raises:
        NotFound: There is no such model.
        BadSettings: No name, or several models have it.
        OutsideRoots: The path leads outside.
    """
    if not model:
        raise BadSettings("model: name one by its folder, or by the folder's name")
    if "/" in model or ModelFolder.exists(roots.check(model, "model")):
        return roots.check_tree(Path(model), "model")
    found = sorted({path for root in roots.folders for path in _model_folders(root)})
    named = [path for path in found if path.name == model]
    if len(named) == 1:
        return roots.check_tree(named[0], "model")
    if named:
        raise BadSettings(f"model: {len(named)} are called {model!r}: {', '.join(map(str, named))}")
    there = ", ".join(path.name for path in found[:20]) or "none"
    raise NotFound(f"no model under the allowed folders is called {model!r}; there are: {there}")


def model_details(folder: Path, context: Context) -> dict[str, Any]:
    """Return a model's description with its saves, training and history. Raises NotFound, Damaged.

    All saves and backups are read and compared with their manifests, so it takes its time.
    """
    info = inspect_model(InspectModel(str(folder)), context)
    values = to_dict(info)
    config = info.config
    return {
        "model": describe_model(folder),
        "resolution": config.net.resolution,
        "architecture": config.architecture,
        "face_type": config.face_type,
        "people": list(config.people),
        "details": {name: values[name] for name in ("saves", "training", "history")},
    }


def take_over(job: ImportModel, roots: Roots, context: Context) -> dict[str, Any]:
    """Copy a model folder of ours, or read one of DeepFaceLab; returns the new model's description.

    Raises:
        NotFound: There is no model in the source.
        InvalidInput: `out` holds a model already.
        Damaged: The source is not whole; nothing is kept of it.
        OutsideRoots: A path, or a link in the source, leads outside.
    """
    source, out = roots.check_tree(Path(job.source), "source"), roots.check(job.out, "out")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InvalidInput(f"out: {out} is there already and not empty; choose another folder")
    part = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    try:
        if (source / CONFIG).is_file():
            _copy(source, part)
        else:
            import_model(_of_dfl(job, source, part), context)
        part.rename(out)  # over an empty folder too
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return describe_model(out)


def _of_dfl(job: ImportModel, source: Path, out: Path) -> ImportModel:
    for what in ("likeness", "performer"):
        if not getattr(job, what):
            raise BadSettings(f"{what}: a model of DeepFaceLab names nobody; give the id")
    return ImportModel(
        str(source), str(out), job.likeness, job.performer, job.name or None, job.consent_id or None
    )


def _copy(source: Path, out: Path) -> None:
    """Copy a model with its newest whole save."""
    model = ModelFolder(source)
    save = model.latest()
    copy = ModelFolder.create(out, model.config_of(save))
    copy_save(save, copy.path / "saves" / save.path.name)


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
