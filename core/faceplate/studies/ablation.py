"""The verb `evaluate ablation`: twelve models, trained alike and measured against the same truth.

Every trial is a folder with its model, its swap, its panel and, once it is finished, its row; so a
second run trains only what is missing, and goes on within a training that was stopped.
"""

import json
import logging
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.config import from_dict, to_dict
from faceplate.context import Context
from faceplate.errors import BadSettings, Damaged
from faceplate.evaluate.panel import FIGURES
from faceplate.evaluate.pictures import face_cell
from faceplate.evaluate.truth import TruthJob, truth
from faceplate.evaluate.truthset import TruthSet
from faceplate.io.atomic import write_bytes, write_text
from faceplate.io.frame import Frame
from faceplate.io.sequence import format_frames
from faceplate.landmarks import load_landmarker
from faceplate.merge.swap import swap
from faceplate.merge.writing import SwapJob
from faceplate.models import ARCHITECTURES
from faceplate.models.folder import ModelFolder
from faceplate.models.store import WeightStore
from faceplate.provenance.consent import load_consent
from faceplate.studies.ablationjob import AblationJob, AblationResult, AblationRow, Trial
from faceplate.studies.ablationtable import markdown
from faceplate.studies.contactsheet import Cell, contact_sheet
from faceplate.studies.pair import Facesets, RenderedPair
from faceplate.studies.papermeter import PaperMeter, Side
from faceplate.train.checkpoint import read_state
from faceplate.train.job import TrainJob, TrainResult
from faceplate.train.trainer import train

__all__ = ["AblationJob", "AblationResult", "AblationRow", "ablation"]

logger = logging.getLogger(__name__)

_SHEET_FRAMES = 2


def ablation(job: AblationJob, context: Context) -> AblationResult:
    """Train, swap and measure every trial; write the table, JSON and a contact sheet.

    Raises:
        ConsentRefused: No valid consent for this likeness.
        NotFound: The pair is not there, or shows no face that can be measured.
        BadSettings: Settings that cannot be right, or `out` holds an ablation of other settings.
        Damaged: Every training diverged.
        Cancelled: Stopped on request; a second run goes on from there.
    """
    study = _Study(job, context)
    total = len(job.trials)
    context.progress.report("ablation", study.finished, total)
    for trial in job.trials:
        if study.run(trial) and study.finished:
            study.write()  # whatever comes next, what is finished can be read
            context.progress.report("ablation", study.finished, total)
    return study.write()


class _Study:
    """A pair with its facesets, and the trials on it."""

    def __init__(self, job: AblationJob, context: Context) -> None:
        self._job, self._context = job, context
        self._out = Path(job.out)
        self._pair = RenderedPair(Path(job.pair))
        self._numbers = self._pair.spread(job.measured, job.max_yaw)
        self._frames = format_frames(self._numbers)
        _claim(self._out, job)
        self._facesets = self._prepare()
        self._meter = self._load_meter()
        self._plate_figures: Side | None = None
        self._trained = 0
        self._failed: dict[str, str] = {}

    @property
    def finished(self) -> int:
        """How many trials have their row."""
        return sum(self._row_path(trial).is_file() for trial in self._job.trials)

    def run(self, trial: Trial) -> bool:
        """Bring one trial to its end; return whether there was anything to do.

        A training that diverges more often than it may go back is a result too: it is noted down,
        and the others go on. A second run tries it again.
        """
        if self._row_path(trial).is_file():
            return False
        folder = self._row_path(trial).parent
        folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        try:
            self._run(trial, folder)
        except Damaged as error:
            logger.warning("%s has no row: %s", trial.name, error)
            self._failed[trial.name] = str(error)
            return True
        minutes = (time.monotonic() - began) / 60
        logger.info("%s is finished after %.1f minutes", trial.name, minutes)
        return True

    def _run(self, trial: Trial, folder: Path) -> None:
        trained = train(self._train_job(trial, folder), self._context)
        assert isinstance(trained, TrainResult)  # an estimate is another thing, and not asked for
        self._trained += trained.steps_done > 0
        self._swap(folder)
        panel = truth(self._truth_job(folder), self._context)
        figures = {row.figure: row.result for row in panel.panel}
        identity, pose = self._paper_figures(str(folder / "swap" / "swap.%04d.exr"))
        row = AblationRow(
            trial=trial.name,
            **_panel_figures(figures),
            identity_distance=identity,
            pose=pose,
            loss_likeness=_finite(trained.loss_likeness),
            loss_performer=_finite(trained.loss_performer),
            parameters=_parameters(folder / "model"),
            train_s=_seconds(folder / "model"),
        )
        # what it was measured on is the same for all: the plate's own is kept once
        plate = {row.figure: row.plate for row in panel.panel}
        values = {"row": to_dict(row), "plate": plate, "not_measured": panel.not_measured}
        text = json.dumps(values, indent=1, allow_nan=False) + "\n"
        write_text(self._row_path(trial), text)

    def write(self) -> AblationResult:
        """Write table, JSON and sheet of all finished trials.

        Raises:
            Damaged: There is none, for every training diverged.
        """
        kept = {trial.name: self._kept(trial) for trial in self._finished_trials()}
        if not kept:
            raise Damaged(f"no trial was finished: {'; '.join(self._failed.values())}")
        not_measured = {**self._failed, **self._meter.not_measured}
        for values in kept.values():
            not_measured |= values["not_measured"]
        rows = [
            self._plate_row(next(iter(kept.values()))["plate"]),
            *(from_dict(AblationRow, values["row"]) for values in kept.values()),
            _truth_row(),
        ]
        names = ("ablation.json", "ablation.md", "ablation.png")
        paths = [self._out / name for name in names]
        result = AblationResult(
            rows, self._frames, self._trained, not_measured, *(str(path) for path in paths)
        )
        definitions = {name: info.definition for name, info in FIGURES.items()}
        values = {"job": to_dict(self._job), "definitions": definitions, **to_dict(result)}
        write_text(paths[0], json.dumps(values, indent=1, allow_nan=False) + "\n")
        write_text(paths[1], markdown(self._job, rows, self._frames))
        write_bytes(paths[2], contact_sheet(self._blocks()))
        return result

    def _prepare(self) -> Facesets:
        job = self._job
        record = load_consent(Path(job.consent)) if job.consent else None
        return self._pair.prepare(
            self._out / "faces",
            self._context,
            (job.likeness, job.performer),
            max(2 * job.resolution, 128),
            record.consent_id if record else "",
        )

    def _train_job(self, trial: Trial, folder: Path) -> TrainJob:
        job = self._job
        return TrainJob(
            likeness=self._facesets.likeness,
            performer=self._facesets.performer,
            out=str(folder / "model"),
            consent=job.consent,
            preset="demo",
            architecture=trial.architecture,
            options=trial.options,
            resolution=job.resolution,
            ae_dims=job.ae_dims,
            e_dims=job.e_dims,
            d_dims=job.d_dims,
            d_mask_dims=job.d_mask_dims,
            learning_rate=job.learning_rate,
            steps=job.steps,
            schedule_steps=job.steps,
            batch=job.batch,
            seed=job.seed,
            precision="fp32",
            gan_power=job.gan_power if trial.gan else 0.0,
            true_face_power=job.true_face_power if trial.true_face else 0.0,
            preview_every=0,
            save_every_minutes=2.0,
            keep_saves=1,
        )

    def _swap(self, folder: Path) -> None:
        (folder / "swap").mkdir(exist_ok=True)
        swap(
            SwapJob(
                plate=self._pair.frames_of("B"),
                track=self._facesets.track,
                model=str(folder / "model"),
                out=str(folder / "swap" / "swap.%04d.exr"),
                consent=self._job.consent,
                frames=self._frames,
                recipe=self._job.recipe,
            ),
            self._context,
        )

    def _truth_job(self, folder: Path) -> TruthJob:
        return TruthJob(
            result=str(folder / "swap" / "swap.%04d.exr"),
            plate=self._pair.frames_of("B"),
            truth=self._pair.frames_of("S"),
            masks=self._pair.mattes_of("B"),
            truth_json=self._pair.truth_json,
            out=str(folder / "panel"),
            frames=self._frames,
            max_yaw=self._job.max_yaw,
            landmarker=self._job.landmarker,
        )

    def _shot(self, pattern: str, numbers: Sequence[int]) -> TruthSet:
        return TruthSet(
            result=pattern, plate=self._pair.frames_of("B"), truth=self._pair.frames_of("S"),
            masks=self._pair.mattes_of("B"), truth_json=self._pair.truth_json,
            frames=format_frames(list(numbers)),
        )  # fmt: skip

    def _load_meter(self) -> PaperMeter:
        shot = self._shot(self._pair.frames_of("B"), self._numbers[:1])
        if not shot.plate.color_space:
            raise BadSettings(f"the files of {shot.plate.pattern} do not say their colour space")
        encodings = Encodings(load_config(self._context.ocio), shot.plate.color_space)
        store = WeightStore(self._context.home / "weights")
        load = partial(
            load_landmarker, self._job.landmarker, store.path, threads=self._context.threads
        )
        return PaperMeter(encodings, load)

    def _paper_figures(self, pattern: str) -> tuple[float | None, float | None]:
        shot = self._shot(pattern, self._numbers)
        frames = (shot.read(number) for number in self._numbers)
        identity, pose = zip(
            *(self._meter.measure(frame, frame.result) for frame in frames), strict=True
        )
        return _mean(identity), _mean(pose)

    def _row_path(self, trial: Trial) -> Path:
        return self._out / "trials" / trial.name / "row.json"

    def _finished_trials(self) -> list[Trial]:
        return [trial for trial in self._job.trials if self._row_path(trial).is_file()]

    def _kept(self, trial: Trial) -> dict[str, Any]:
        return dict(json.loads(self._row_path(trial).read_text("utf-8")))

    def _plate_row(self, figures: dict[str, float | None]) -> AblationRow:
        if self._plate_figures is None:
            self._plate_figures = self._paper_figures(self._pair.frames_of("B"))
        identity, pose = self._plate_figures
        return AblationRow(
            trial="plate",
            **_panel_figures(figures),
            identity_distance=identity,
            pose=pose,
            loss_likeness=None,
            loss_performer=None,
            parameters=None,
            train_s=None,
        )

    def _blocks(self) -> list[list[Cell]]:
        step = max(len(self._numbers) // _SHEET_FRAMES, 1)
        return [self._block(number) for number in self._numbers[step // 2 :: step][:_SHEET_FRAMES]]

    def _block(self, number: int) -> list[Cell]:
        cells: list[Cell] = []
        for trial in self._finished_trials():
            pattern = self._out / "trials" / trial.name / "swap" / "swap.%04d.exr"
            frame = self._shot(str(pattern), [number]).read(number)

            def cell(label: str, picture: Frame) -> Cell:
                view = self._meter.encodings.to_view(picture.rgb())
                return Cell(label, face_cell(view, frame.face))  # noqa: B023  # called at once

            if not cells:
                cells += [cell(f"{number} plate", frame.plate), cell("truth", frame.truth)]
            cells.append(cell(trial.name, frame.result))
        return cells


def _claim(out: Path, job: AblationJob) -> None:
    """Write down what the folder's trials are made with; refuse others in the same folder."""
    out.mkdir(parents=True, exist_ok=True)
    path, wanted = out / "job.json", to_dict(job)
    for name in ("only", "out", "consent"):  # they change no figure
        wanted.pop(name)
    if not path.exists():
        write_text(path, json.dumps(wanted, indent=1) + "\n")
        return
    there = json.loads(path.read_text("utf-8"))
    for name, value in wanted.items():
        if there.get(name) != value:
            raise BadSettings(
                f"{out} holds an ablation with {name} {there.get(name)!r}, asked for {value!r}: "
                "name another folder"
            )


def _panel_figures(figures: dict[str, float | None]) -> dict[str, float | None]:
    names = ("ssim", "identity", "light", "detail", "tone", "seam", "flicker", "outside")
    return {"landmarks": figures["geometry"]} | {name: figures[name] for name in names}


def _truth_row() -> AblationRow:
    figures = _panel_figures({name: info.truth for name, info in FIGURES.items()})
    return AblationRow(
        trial="truth",
        **figures,
        identity_distance=0.0,
        pose=0.0,
        loss_likeness=None,
        loss_performer=None,
        parameters=None,
        train_s=None,
    )


def _parameters(model: Path) -> int:
    config = ModelFolder(model).config
    with torch.device("meta"):
        net = ARCHITECTURES.load(config.architecture)(config.net)
    return sum(param.numel() for param in net.parameters())


def _seconds(model: Path) -> float:
    return round(read_state(ModelFolder(model).latest()).seconds, 1)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
