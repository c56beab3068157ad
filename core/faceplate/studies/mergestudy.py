"""Merges every frame of a rendered shot in every way, and measures what comes out."""

import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound, NotReady
from faceplate.evaluate.identity import load_descriptor
from faceplate.evaluate.measure import Figure, FlickerMeter, FrameMeter, outside_of
from faceplate.evaluate.panel import eroded
from faceplate.evaluate.pictures import face_cell
from faceplate.evaluate.truthset import TruthFrame, TruthSet
from faceplate.io.frame import Frame
from faceplate.io.tracked import TrackedFace
from faceplate.io.trackfile import Track
from faceplate.landmarks import load_landmarker
from faceplate.merge.animated import load_recipe
from faceplate.merge.predictions import CachedPredictor, open_cache
from faceplate.models.store import WeightStore
from faceplate.provenance.consent import check_consent, load_consent, today
from faceplate.studies.bench import Bench, face_of_truth
from faceplate.studies.contactsheet import Cell
from faceplate.studies.contenders import Contender, contenders
from faceplate.studies.mergejob import MergingJob

__all__ = ["MergeStudy", "Tally"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_CACHE_GIB = 4.0


@dataclass(eq=False)
class Tally:
    """What has been measured of one way of merging."""

    figures: list[dict[str, Figure]] = field(default_factory=list)
    """One record a frame."""
    flicker: FlickerMeter = field(default_factory=FlickerMeter)
    seconds: list[float] = field(default_factory=list)

    @property
    def milliseconds(self) -> float:
        """Median time of a merge."""
        return round(1000 * statistics.median(self.seconds), 1)


class MergeStudy:
    """A rendered shot, a model, and every way of merging that is asked for.

    Args:
        job: What to compare.
        context: Home folder, device and consent policy.

    Raises:
        ConsentRefused: No valid consent for this likeness.
        NotFound: Something is not there.
        BadSettings: Settings or description that cannot be right.
    """

    def __init__(self, job: MergingJob, context: Context) -> None:
        self._job, self._context = job, context
        self._shot = TruthSet(
            result=job.plate, plate=job.plate, truth=job.truth, masks=job.masks,
            truth_json=job.truth_json, frames=job.frames,
        )  # fmt: skip
        self._predictor = CachedPredictor(
            Path(job.model), context.device, open_cache(_CACHE_GIB, context)
        )
        _require_consent(job, context, self._predictor.config.likeness)
        encodings = _encodings(job, self._shot, self._predictor.config.encoding)
        self._bench = Bench(self._predictor, encodings)
        self._track = Track.load(Path(job.track)) if job.track else None
        self.not_measured: dict[str, str] = {}
        """Figures that cannot be measured, and why."""
        self._meter = self._load_meter(encodings)
        recipe = load_recipe(Path(job.recipe) if job.recipe else None).base
        self.tallies: dict[Contender, Tally] = {
            contender: Tally()
            for contender in contenders(
                recipe, job.modes, job.transfers, job.radii, job.mattes, job.ideal_sizes
            )
        }
        """What was measured of each way of merging."""
        self.numbers = [number for number in self._shot.numbers if self._counts(number)]
        """Frames that are measured."""
        step = max(len(self.numbers) // job.sheet_frames, 1)
        self._shown = self.numbers[step // 2 :: step][: job.sheet_frames]
        self.blocks: list[list[Cell]] = []
        """Cells of the contact sheet, a list to a frame."""
        self._done = 0

    @property
    def network_runs(self) -> int:
        """How many crops went through the network."""
        return self._predictor.network_runs

    @property
    def resolution(self) -> int:
        """Side of the model's crop in pixels."""
        return self._predictor.resolution

    def measure(self, number: int) -> None:
        """Merge one frame in all ways, and measure each."""
        frame = self._shot.read(number)
        known = self._meter.known(frame)
        # one region for all frames: flicker compares neighbours pixel by pixel
        place = self._region(frame.visible.shape)
        truth = self._meter.working(frame.truth, place)
        plate = self._meter.working(frame.plate, place) - truth
        matte = eroded(frame.visible, frame.face.width)[place]
        cells = [self._cell("plate", frame.plate, frame), self._cell("truth", frame.truth, frame)]
        for contender, tally in self.tallies.items():
            merged = self._merged(frame, contender, tally)
            figures = self._meter.measure(merged, known)
            outside = outside_of(merged)
            tally.figures.append(figures | ({} if outside is None else {"outside": outside}))
            result = self._meter.working(merged.result, place) - truth
            found = tally.flicker.add(number, result, plate, matte)
            if found is not None:
                tally.figures[-2]["flicker"] = found[1]
            if number in self._shown:
                cells.append(self._cell(contender.label, merged.result, frame))
            self._report(number)
        if number in self._shown:
            self.blocks.append(cells)

    def _merged(self, frame: TruthFrame, contender: Contender, tally: Tally) -> TruthFrame:
        faces = self._faces(frame)
        began = time.perf_counter()
        result = self._bench.merge(frame, faces, contender)
        tally.seconds.append(time.perf_counter() - began)
        return TruthFrame(frame.number, frame.face, result, frame.plate, frame.truth, frame.visible)

    def _report(self, number: int) -> None:
        self._done += 1
        total = len(self.numbers) * len(self.tallies)
        self._context.progress.report("evaluate merge", self._done, total, frame=number)

    def _faces(self, frame: TruthFrame) -> list[TrackedFace]:
        if self._track is None:
            window = frame.plate.data_window
            return [face_of_truth(frame.face, frame.number, (window.x0, window.y0))]
        person = self._track.person(self._job.person)
        if person is None:
            raise NotFound(f"{self._job.track} has no person {self._job.person}")
        face = person.at(frame.number)
        return [] if face is None else [face]

    def _counts(self, number: int) -> bool:
        face = self._shot.face(number)
        return not face.empty and abs(face.yaw) <= self._job.max_yaw

    def _region(self, shape: tuple[int, ...]) -> tuple[slice, slice]:
        boxes = np.array([self._shot.face(number).box for number in self.numbers])
        x0, y0 = np.floor(boxes[:, :2].min(axis=0)).astype(int).clip(0)
        x1, y1 = np.ceil(boxes[:, 2:].max(axis=0)).astype(int) + 1
        return slice(y0, min(y1, shape[0])), slice(x0, min(x1, shape[1]))

    def _cell(self, label: str, picture: Frame, frame: TruthFrame) -> Cell:
        view = self._bench.encodings.to_view(picture.rgb())
        return Cell(label, face_cell(view, frame.face))

    def _load_meter(self, encodings: Encodings) -> FrameMeter:
        store = WeightStore(self._context.home / "weights")
        landmarker = partial(
            load_landmarker, self._job.landmarker, store.path, threads=self._context.threads
        )
        return FrameMeter(
            encodings,
            self._or_why_not("identity", load_descriptor),
            self._or_why_not("geometry", landmarker),
        )

    def _or_why_not(self, figure: str, load: Callable[[], T]) -> T | None:
        try:
            return load()
        except NotReady as error:
            logger.warning("%s is not measured: %s", figure, error)
            self.not_measured[figure] = str(error)
            return None


def _encodings(job: MergingJob, shot: TruthSet, working: str) -> Encodings:
    space = job.color_space or shot.plate.color_space
    if not space:
        raise BadSettings(
            f"the files of {shot.plate.pattern} do not say their colour space; name it with "
            "--color-space"
        )
    return Encodings(load_config(job.ocio), space, working)


def _require_consent(job: MergingJob, context: Context, likeness: str) -> None:
    check_consent(
        load_consent(Path(job.consent)) if job.consent else None,
        use="swap",
        likeness=likeness,
        shot=job.shot,
        on=today(),
        policy=context.consent_policy,
        log=context.home / "consent.log",
    )
