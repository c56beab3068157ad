"""The verb `mask train`: labelled faces in, a mask model out."""

import logging
import math
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from faceplate.config import from_dict
from faceplate.context import Context
from faceplate.errors import BadSettings, Cancelled, Damaged, NotReady
from faceplate.models.device import pick_device, pick_precision
from faceplate.models.lock import folder_lock
from faceplate.models.store import WeightStore
from faceplate.segment import MASK_NETWORKS, SEGMENTERS, is_mask_path
from faceplate.segment.maskfile import MASK_FILE, mask_sha256
from faceplate.segment.maskmodel import MaskModelConfig, open_mask_model
from faceplate.segment.masknet import MaskNet, MaskNetConfig
from faceplate.train.faces import Sampler
from faceplate.train.maskbank import MaskBank, open_bank
from faceplate.train.maskfolder import MaskFolder
from faceplate.train.maskjob import MaskTrainJob, MaskTrainResult
from faceplate.train.masksamples import MaskOptions, MaskSample, mask_sample
from faceplate.train.masksheet import plot_course, write_preview
from faceplate.train.maskstep import MaskStepper, mean_iou
from faceplate.train.saver import Saver

__all__ = ["MaskState", "MaskTrainJob", "MaskTrainResult", "train_mask"]

logger = logging.getLogger(__name__)

_POINT_STEPS = 25
_IOU_STEPS = 250
_SMALL_RESOLUTION, _LARGE_RESOLUTION = 128, 256


@dataclass
class MaskState:
    """The plain values of a save."""

    step: int = 0
    """Steps that the weights have seen."""
    seconds: float = 0.0
    """Training time of all runs."""
    seed: int = 0
    """Of every random choice."""
    faces: int = 0
    """A number that tells which faces were learnt from."""
    iou: float = 0.0
    """Newest IoU on whole faces."""
    course: list[list[float]] = field(default_factory=list)
    """Step, mean loss since the last point, newest IoU."""


def train_mask(job: MaskTrainJob, context: Context) -> MaskTrainResult:
    """Train a mask model, or train one on.

    Stopping on request saves first. On a CPU in float32 a training that was stopped or killed and
    resumed comes to the same weights, bit for bit, as one that was not. No consent is asked for: a
    matte is no likeness.

    Raises:
        NotFound: A faceset is missing, or none has a face of use.
        BadSettings: The job and the model that is there do not fit each other.
        NotReady: Another process trains this model.
        DiskFull: No room for a save; earlier saves are intact.
        Damaged: The losses are no numbers, or no save is whole.
        Cancelled: Stopped on request, after saving.
    """
    device = pick_device(context.device)
    out = Path(job.out)
    with ExitStack() as stack:
        config, begun = _model(job, context, device, MaskFolder.config_of(out))
        bank = open_bank(job.faceset, config.net.resolution, job.targets)
        out.mkdir(parents=True, exist_ok=True)
        if not stack.enter_context(folder_lock(out)):
            raise NotReady(f"another process is training {out}: wait for it, or stop it")
        kind = bank.face_type if job.start_segmenter is None else ""
        config = replace(config, face_type=kind, trained_on=_told(bank))
        stack.enter_context(_set_up(context))
        return _Training(job, context, MaskFolder(out, config), bank, begun, device).run()


class _Training:
    """One run."""

    def __init__(
        self,
        job: MaskTrainJob,
        context: Context,
        folder: MaskFolder,
        bank: MaskBank,
        begun: MaskNet,
        device: torch.device,
    ) -> None:
        self._job, self._context, self._folder = job, context, folder
        learnt, held = bank.split(job.holdout)
        self._bank, self._measured = learnt, held if held.faces else learnt
        self._net = begun.to(device)
        self._stepper = MaskStepper(self._net, job, device, pick_precision(device, job.precision))
        self._resolution = folder.config.net.resolution
        newest = folder.latest()
        self._state = MaskState(seed=job.seed, faces=learnt.stamp)
        if newest is not None:
            self._state = from_dict(MaskState, newest.state(), str(newest.path / "state.json"))
            self._net.load_state_dict(newest.weights())
            self._stepper.restore(newest.optimizer() or {})
            if self._state.faces != learnt.stamp:
                logger.warning("%s goes on with other faces or labels", folder.path)
                self._state.faces = learnt.stamp
        self._first_step, self._newest = self._state.step, newest
        self._options = _options(job, self._resolution)
        self._sampler = Sampler([0.0] * len(learnt.faces), self._state.seed)
        self._losses: list[float] = []
        self._preview = Path()

    def run(self) -> MaskTrainResult:
        """Train until the job's steps are done, then save and draw."""
        job, state = self._job, self._state
        self._began = self._last_save = time.monotonic()
        saver = Saver(self._folder, job.keep_saves, newest=self._newest)
        commands = {"save": lambda: self._save(saver), "preview": lambda: self._draw_now()}
        with (
            ThreadPoolExecutor(1, "faceplate-mask-samples") as pool,
            saver,
            self._context.progress.control.handling(commands),
        ):
            batch = pool.submit(self._batch, state.step)
            state.iou = mean_iou(self._stepper, self._measured, self._resolution)
            try:
                while state.step < job.steps:
                    batch = self._one_step(pool, batch)
                    saver.check()
                    if self._is_save_due():
                        self._save(saver)
            except (Cancelled, KeyboardInterrupt):
                self._save(saver)
                raise
            finally:
                batch.cancel()
            state.iou = mean_iou(self._stepper, self._measured, self._resolution)
            if state.step > self._first_step or saver.newest is None:
                self._save(saver)
            self._draw()
        return self._result()

    def _one_step(
        self, pool: ThreadPoolExecutor, batch: Future[list[MaskSample]]
    ) -> Future[list[MaskSample]]:
        state, samples = self._state, batch.result()
        following = pool.submit(self._batch, state.step + 1)
        views = np.stack([sample.view for sample in samples])
        masks = np.stack([sample.mask for sample in samples])
        loss = self._stepper(state.step, views, masks)
        if not math.isfinite(loss):
            raise Damaged(
                f"the mask training diverged at step {state.step + 1}: its loss is {loss}; train "
                "on from the newest save with a lower --learning-rate"
            )
        state.step += 1
        self._losses.append(loss)
        self._note()
        self._report()
        return following

    def _note(self) -> None:
        """Keep a point of the course, and measure the IoU, where either is due."""
        state = self._state
        if state.step % _IOU_STEPS == 0:
            state.iou = mean_iou(self._stepper, self._measured, self._resolution)
        if state.step % _POINT_STEPS == 0:
            newest = self._losses[-_POINT_STEPS:]
            state.course.append([float(state.step), sum(newest) / len(newest), state.iou])
            self._losses = newest

    def _report(self) -> None:
        state, every = self._state, self._job.preview_every
        preview = self._draw() if every and state.step % every == 0 else None
        done = state.step - self._first_step
        self._context.progress.report(
            "mask train",
            state.step,
            self._job.steps,
            preview=preview,
            loss=self._loss(),
            iou=state.iou,
            it_per_s=done / max(self._seconds(), 1e-9),
        )

    def _batch(self, step: int) -> list[MaskSample]:
        """Make the samples of a step; they follow from the seed and its number alone."""
        samples = []
        for place in range(self._job.batch):
            number = step * self._job.batch + place
            rng = np.random.default_rng([self._state.seed, number])
            face = self._sampler.face(number)
            samples.append(mask_sample(self._bank, face, self._options, rng))
        return samples

    def _draw(self) -> Path:
        path = self._folder.path / "previews" / f"{self._state.step:09d}.png"
        samples = self._batch(self._state.step)
        self._preview = write_preview(path, self._stepper, self._measured, samples)
        plot_course(self._state.course, self._plot)
        return self._preview

    def _draw_now(self) -> None:
        self._draw()

    def _save(self, saver: Saver) -> None:
        if saver.newest is not None and saver.newest.step == self._state.step:
            return
        total = replace(self._state, seconds=self._state.seconds + self._seconds())
        saver.save(self._stepper.weights(), self._stepper.training_tensors(), total)
        self._last_save = time.monotonic()

    def _is_save_due(self) -> bool:
        every = self._job.save_every_steps
        if every and self._state.step % every == 0:
            return True
        return time.monotonic() - self._last_save >= self._job.save_every_minutes * 60

    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _loss(self) -> float:
        newest = self._losses[-_POINT_STEPS:]
        return sum(newest) / len(newest) if newest else math.nan

    @property
    def _plot(self) -> Path:
        return self._folder.path / "losses.png"

    def _result(self) -> MaskTrainResult:
        state, done = self._state, self._state.step - self._first_step
        return MaskTrainResult(
            model=str(self._folder.path / MASK_FILE),
            step=state.step,
            steps_done=done,
            seconds=self._seconds(),
            it_per_s=done / max(self._seconds(), 1e-9),
            faces=len(self._bank.faces),
            loss=self._loss(),
            iou=state.iou,
            preview=str(self._preview),
            plot=str(self._plot),
            parameters=sum(param.numel() for param in self._net.parameters()),
            sha256=mask_sha256(self._folder.path),
        )


def _options(job: MaskTrainJob, resolution: int) -> MaskOptions:
    return MaskOptions(
        resolution,
        warp=job.warp,
        transform=job.transform,
        rotation_deg=job.rotation_deg,
        shift=job.shift,
        flip=job.flip,
        background=job.background,
        occluders=job.occluders,
        spoil=job.spoil,
    )


def _model(
    job: MaskTrainJob, context: Context, device: torch.device, there: MaskModelConfig | None
) -> tuple[MaskModelConfig, MaskNet]:
    """Return what the model is, and its network: continued, started from another, or new.

    Raises:
        BadSettings: The job asks for another network than is there or is started from.
    """
    if there is None and job.start_segmenter is not None:
        what = f"--start-segmenter {job.start_segmenter}"
        there, begun = open_mask_model(_start_path(job.start_segmenter, context))
        _check_same(job, there, what, ("network", "width"))
        shape = replace(there.net, resolution=job.resolution or there.net.resolution)
        return replace(there, net=shape), _at_resolution(begun, there.network, shape, what)
    if there is not None:
        _check_same(job, there, job.out, ("network", "width", "resolution"))
        return there, MASK_NETWORKS.load(there.network)(there.net)
    network = job.network or "ternausnet"
    kind = MASK_NETWORKS.load(network)
    large = device.type == "cuda"
    net_config = MaskNetConfig(
        job.resolution or (_LARGE_RESOLUTION if large else _SMALL_RESOLUTION),
        job.width or (kind.full_width if large else kind.full_width // 4),
    )
    torch.manual_seed(job.seed)
    return MaskModelConfig(network, net_config), kind(net_config)


def _start_path(name: str, context: Context) -> Path:
    if is_mask_path(name):
        return Path(name)
    return WeightStore(context.home / "weights").path(SEGMENTERS.load(name).card)


def _at_resolution(begun: MaskNet, network: str, shape: MaskNetConfig, what: str) -> MaskNet:
    """Return a network with the weights of another, for faces of another size.

    Raises:
        BadSettings: The network is not of convolutions alone, as xseg.
    """
    net = MASK_NETWORKS.load(network)(shape)
    try:
        net.load_state_dict(begun.state_dict())
    except RuntimeError as error:
        raise BadSettings(
            f"{what}: {network} of resolution {begun.config.resolution} cannot go on at "
            f"{shape.resolution}: leave --resolution out"
        ) from error
    return net


def _check_same(
    job: MaskTrainJob, there: MaskModelConfig, what: str, names: tuple[str, ...]
) -> None:
    held = {
        "network": there.network,
        "resolution": there.net.resolution,
        "width": there.net.width,
    }
    for name in names:
        value = getattr(job, name)
        if value is not None and value != held[name]:
            raise BadSettings(
                f"{what} has {name} {held[name]}, and {value} is asked for: leave --{name} out, or "
                "train anew in another folder"
            )


def _told(bank: MaskBank) -> str:
    return f"{len(bank.faces)} faces of {', '.join(bank.names)}"


@contextmanager
def _set_up(context: Context) -> Iterator[None]:
    """Give torch the threads of the context, and make what it does repeat."""
    before = torch.get_num_threads()
    if context.threads:
        torch.set_num_threads(context.threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
