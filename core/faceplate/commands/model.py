"""``faceplate model``: what a swap model is, making it whole, going back, export and import."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from faceplate.config import to_dict
from faceplate.context import Context
from faceplate.errors import BadSettings, Damaged, FaceplateError
from faceplate.models.backups import backups
from faceplate.models.dfl import DflModel, read_dfl_model
from faceplate.models.export import ExportFormat, export_network
from faceplate.models.folder import ModelFolder, SwapModelConfig
from faceplate.models.repair import Repair, problem_of, repair, roll_back
from faceplate.models.save import Save
from faceplate.train.checkpoint import TrainState, read_state
from faceplate.train.job import PresetName
from faceplate.train.presets import PRESETS
from faceplate.train.record import RunRecord

__all__ = [
    "ExportModel",
    "ExportResult",
    "ImportModel",
    "ImportModelResult",
    "InspectModel",
    "ModelInfo",
    "RepairModel",
    "RepairResult",
    "RollBackModel",
    "SaveInfo",
    "export_model",
    "import_model",
    "inspect_model",
    "repair_model",
    "roll_back_model",
]


@dataclass(frozen=True)
class InspectModel:
    """Tell what a swap model is and how it came about, and check its saves and backups."""

    model: str
    """Folder of the model."""


@dataclass(frozen=True)
class SaveInfo:
    """One save of a model."""

    step: int
    """Training steps done."""
    place: str
    """saves, or the number of its backup slot."""
    state: str
    """whole or damaged."""
    written: str
    """Date and time, UTC; empty where it is not told."""
    size_mb: float
    """Size on disk in megabytes (10⁶ bytes)."""
    loss_likeness: float | None
    """Mean over the last steps before it."""
    loss_performer: float | None
    """Mean over the last steps before it."""
    sha256: str
    """Of its weights; empty where it is damaged."""
    problem: str
    """What is wrong with it."""


@dataclass(frozen=True)
class RunInfo:
    """What the steps from one on were made from."""

    from_step: int
    began: str
    """Date and time, UTC."""
    code_version: str
    """Version of Faceplate."""
    seed: int
    """Of every random choice."""
    faceset: str
    """Whose faces."""
    faces: int
    """How many."""
    content_hash: str
    """sha256 of them."""
    consent_id: str
    """Consent record: the one of the training for the likeness, else what the faceset names."""


@dataclass(frozen=True)
class ModelInfo:
    """A swap model."""

    config: SwapModelConfig
    """What it was created as, with the network's present shape."""
    training: dict[str, object]
    """Settings of the training that wrote its newest whole save; empty where there is none."""
    saves: tuple[SaveInfo, ...]
    """Saves, then backups, oldest first."""
    history: tuple[RunInfo, ...]
    """A row for each run and faceset; empty in models of early versions."""


@dataclass(frozen=True)
class RepairModel:
    """Find the newest whole save, set damaged ones aside, bring back what backups hold."""

    model: str
    """Folder of the model."""


@dataclass(frozen=True)
class RollBackModel:
    """Go back to an earlier save; later ones are set aside and not deleted."""

    model: str
    """Folder of the model."""
    step: int
    """Training steps of the save or backup to go back to."""


@dataclass(frozen=True)
class RepairResult:
    """What was done to a model's folder."""

    model: str
    step: int
    """Of the save that training goes on from and swaps are made with."""
    sha256: str
    """Of its weights."""
    done: tuple[str, ...]
    """What was changed; nothing where it was whole."""


@dataclass(frozen=True)
class ExportModel:
    """Write a swap model's newest weights for use elsewhere."""

    model: str
    """Folder of the model; its newest whole save is taken."""
    out: str
    """What to write: a folder for safetensors, a file for dfm and torchscript."""
    format: ExportFormat = "safetensors"
    """safetensors: a model folder without what only training needs. dfm: ONNX for programs that
    load DeepFaceLive models. torchscript: the network at its fixed size, RGB in the model's own
    encoding."""
    dtype: Literal["float16", "float32"] = "float16"
    """Number format of stored weights, for safetensors; the others are float32."""


@dataclass(frozen=True)
class ExportResult:
    """What was written."""

    out: str
    """Folder or file."""
    format: str
    step: int
    """Training steps done."""
    size_mb: float
    """Size in megabytes (10⁶ bytes)."""
    sha256: str
    """Of the weights that were exported."""
    max_difference: float | None
    """Largest difference of a picture from torch's, where the file was run and compared."""


@dataclass(frozen=True)
class ImportModel:
    """Take over a trained SAEHD (df, liae) or Quick96 model of DeepFaceLab."""

    source: str
    """Folder of the files NAME_SAEHD_data.dat, NAME_SAEHD_encoder.npy and so on."""
    out: str
    """Folder of the new model; it must hold none yet."""
    likeness: str
    """Id of the likeness, whose face goes in (the source's src)."""
    performer: str
    """Id of the performer, who is in the plate (dst)."""
    name: str | None = None
    """Name of the model there, where the folder holds several."""
    consent_id: str | None = None
    """Consent record under which it was trained, if there is one."""


@dataclass(frozen=True)
class ImportModelResult:
    """A model that was taken over. Its optimiser's state stays behind."""

    out: str
    """Its folder: it swaps as it is, and can be trained on."""
    architecture: str
    resolution: int
    """Side of the face in pixels."""
    options: str
    face_type: str
    step: int
    """Iterations done."""
    parameters: int
    sha256: str
    """Of its weights."""


def inspect_model(job: InspectModel, context: Context) -> ModelInfo:
    """Read a model folder and check its saves and backups. Raises NotFound or BadSettings."""
    folder = ModelFolder(Path(job.model))
    saves = [_info(save, "saves") for save in folder.saves()]
    saves += [_info(backup.save, f"{backup.slot:02d}") for backup in backups(folder.path)]
    state = _newest_state(folder)
    return ModelInfo(
        folder.config,
        to_dict(state.settings) | {"preset": state.preset, "seed": state.seed} if state else {},
        tuple(saves),
        tuple(_history(state.runs)) if state else (),
    )


def repair_model(job: RepairModel, context: Context) -> RepairResult:
    """Make a model whole. Raises NotFound, NotReady or Damaged."""
    return _repaired(job.model, repair(Path(job.model)))


def roll_back_model(job: RollBackModel, context: Context) -> RepairResult:
    """Go back to a step. Raises NotFound, NotReady or Damaged."""
    return _repaired(job.model, roll_back(ModelFolder(Path(job.model)), job.step))


def export_model(job: ExportModel, context: Context) -> ExportResult:
    """Write the newest weights. Raises NotFound, Damaged, InvalidInput or BadSettings."""
    folder, out = ModelFolder(Path(job.model)), Path(job.out)
    save, difference = folder.latest(), None
    if job.format == "safetensors":
        folder.export(out, job.dtype)
    else:
        difference = export_network(folder, out, job.format)
    files = [out] if out.is_file() else [path for path in out.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    sha256 = ModelFolder(out).sha256() if out.is_dir() else save.sha256()
    return ExportResult(job.out, job.format, save.step, size / 1e6, sha256, difference)


def import_model(job: ImportModel, context: Context) -> ImportModelResult:
    """Read a model of DeepFaceLab and write it as one of ours.

    Raises:
        NotFound: No such model, or a file of it is missing.
        BadSettings: A kind without a counterpart.
        Refused: A file names something that is no plain value.
        Damaged: A file is broken, or a tensor does not fit.
        InvalidInput: `out` holds a model already.
    """
    model = read_dfl_model(Path(job.source), job.name)
    config = SwapModelConfig(
        likeness=job.likeness,
        performer=job.performer,
        face_type=model.face_type,
        encoding="srgb",
        architecture=model.architecture,
        net=model.net,
        consent_id=job.consent_id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    folder = ModelFolder.create(Path(job.out), config)
    save = folder.write_save(model.step, model.weights, None, to_dict(_state(model)))
    return ImportModelResult(
        out=job.out,
        architecture=model.architecture,
        resolution=model.net.resolution,
        options=model.net.options,
        face_type=model.face_type,
        step=model.step,
        parameters=sum(tensor.numel() for tensor in model.weights.values()),
        sha256=save.sha256(),
    )


def _repaired(model: str, result: Repair) -> RepairResult:
    newest = result.newest
    done = result.done or ("nothing: everything is whole",)
    return RepairResult(model, newest.step, newest.sha256(), done)


def _state(model: DflModel) -> TrainState:
    """Return the state from which training can go on: a preset's settings, for what is unknown."""
    name: PresetName = "quick96" if model.architecture == "quick96" else "df-ud"
    settings = replace(PRESETS[name].settings, batch=min(max(model.batch, 1), 1024))
    return TrainState(model.step, max(settings.steps, model.step), settings, name, 0)


def _newest_state(folder: ModelFolder) -> TrainState | None:
    for save in reversed(folder.saves()):
        try:
            return read_state(save)
        except (Damaged, BadSettings):
            continue
    return None


def _info(save: Save, place: str) -> SaveInfo:
    problem = problem_of(save)
    whole = not problem
    losses = _losses(save) if whole else (None, None)
    return SaveInfo(
        step=save.step,
        place=place,
        state="whole" if whole else "damaged",
        written=save.manifest().written if whole else "",
        size_mb=round(save.size() / 1e6, 1),
        loss_likeness=losses[0],
        loss_performer=losses[1],
        sha256=save.sha256() if whole else "",
        problem=problem,
    )


def _losses(save: Save) -> tuple[float | None, float | None]:
    try:
        return read_state(save).history.recent()
    except FaceplateError:  # an export of early versions, or weights from elsewhere
        return None, None


def _history(runs: Sequence[RunRecord]) -> list[RunInfo]:
    rows = []
    for run in runs:
        consents = [*run.consent_ids[:1], "", *run.consent_ids[1:]]
        consents += [""] * len(run.facesets)
        for faceset, consent in zip(run.facesets, consents, strict=False):
            rows.append(
                RunInfo(
                    run.from_step,
                    run.began,
                    run.code_version,
                    run.seed,
                    faceset.name,
                    faceset.faces,
                    faceset.content_hash,
                    consent or faceset.consent_id,
                )
            )
    return rows
