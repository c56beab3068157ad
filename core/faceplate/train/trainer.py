"""The verb `train`: two facesets and a consent in, a swap model out."""

import dataclasses
import logging
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from faceplate.context import Context
from faceplate.errors import Cancelled, Damaged, NotReady
from faceplate.models.device import pick_device, pick_precision
from faceplate.models.folder import ModelFolder
from faceplate.models.lock import folder_lock
from faceplate.train.job import TrainJob, TrainResult
from faceplate.train.loader import Loader
from faceplate.train.opening import (
    Banks,
    ask_consents,
    new_state,
    open_banks,
    open_model,
    resumed_state,
)
from faceplate.train.origin import fade_at, open_net
from faceplate.train.preview import Preview, plot_losses
from faceplate.train.record import record_run, with_run
from faceplate.train.saver import Saver
from faceplate.train.step import Stepper
from faceplate.train.workers import pick_workers

__all__ = ["TrainJob", "TrainResult", "train"]

logger = logging.getLogger(__name__)


def train(job: TrainJob, context: Context) -> TrainResult:
    """Train a swap model, or train one on.

    Stopping on request saves first. On a CPU in float32 a training that was stopped or killed and
    resumed comes to the same weights, bit for bit, as one that was not.

    Raises:
        ConsentRefused: There is no valid consent for training with this likeness.
        NotFound: A faceset is missing or empty.
        BadSettings: The facesets, the model and the job do not fit each other.
        NotReady: Another process trains this model.
        DiskFull: No room for a save; earlier saves are intact.
        Damaged: The training diverged, or no save of the model is whole.
        Cancelled: Stopped on request, after saving.
    """
    with ExitStack() as stack:
        banks = open_banks(job, stack)
        decisions = ask_consents(job, banks, context)
        folder = open_model(job, banks, decisions[0])
        if not stack.enter_context(folder_lock(folder.path)):
            raise NotReady(f"another process is training {folder.path}: wait for it, or stop it")
        # Moments of weights that no longer move decay into denormal numbers, on which a CPU is
        # slow: a step of a long training took 1.3 times as long.
        torch.set_flush_denormal(True)
        stack.callback(torch.set_flush_denormal, False)
        threads = torch.get_num_threads()
        if context.threads:
            torch.set_num_threads(context.threads)
            stack.callback(torch.set_num_threads, threads)
        training = Training(job, context, folder, banks)
        training.record([decision.consent_id for decision in decisions])
        return training.run()


class Training:
    """One run of a training.

    Args:
        job: What is asked for.
        context: Where reports go and cancellation comes from.
        folder: The model, locked by the caller.
        banks: Faces of the likeness, of the performer and of further people.
    """

    def __init__(self, job: TrainJob, context: Context, folder: ModelFolder, banks: Banks) -> None:
        self._job, self._context, self._folder, self._banks = job, context, folder, banks
        device = pick_device(context.device)
        self._dtype = pick_precision(device, job.precision)
        saves = folder.saves()
        newest = folder.latest() if saves else None
        self._state = new_state(job) if newest is None else resumed_state(job, newest)
        self._first_step = self._saved_step = self._state.step
        self._saver = Saver(folder, job.keep_saves, job.autobackup_hours, newest)
        self._opened = open_net(job, folder, self._state, newest)
        self._net = self._opened.net
        self._stepper = Stepper(
            self._net,
            self._state.settings,
            self._state.schedule_steps,
            device,
            self._dtype,
            self._state.seed,
        )
        if self._opened.weights is not None:
            self._stepper.restore(self._opened.weights, self._opened.training, self._opened.what)
        self._device = device
        self._preview = Preview(banks, folder.config.net.resolution)
        self._pictured: tuple[int, Path] | None = None

    def record(self, consent_ids: list[str | None]) -> None:
        """Note down what this run is made from; every save from now on says it."""
        job, state = self._job, self._state
        facesets = (job.likeness, job.performer, *job.others)
        run = record_run(state.step, state.seed, facesets, consent_ids)
        state.runs = with_run(state.runs, run)

    def run(self) -> TrainResult:
        """Train until the job's steps or minutes are over, then save and draw."""
        state, steps = self._state, self._target_step()
        self._began = self._last_save = time.monotonic()
        loader = Loader(
            self._banks,
            state.settings,
            self._folder.config.net.resolution,
            state.schedule_steps,
            state.seed,
            state.step,
            workers=pick_workers(self._job.workers, self._device.type),
            pinned=self._device.type == "cuda",
        )
        with loader, self._saver:
            try:
                while state.step < steps and not self._out_of_time():
                    self._one_step(loader, steps)
            except (Cancelled, KeyboardInterrupt):
                self._save()
                raise
            self._save()
        return self._result(loader)

    def _one_step(self, loader: Loader, steps: int) -> None:
        state, job = self._state, self._job
        if state.growths:
            self._net.fade(fade_at(state, state.step))
        losses = self._stepper(loader.next())
        if not losses.is_finite:
            raise self._diverged(losses.likeness, losses.performer)
        state.step += 1
        state.history.add(state.step, losses.likeness, losses.performer)
        self._saver.check()
        if self._is_save_due():
            self._save()
        preview = None
        if job.preview_every and state.step % job.preview_every == 0:
            preview = self._picture()
        mean_likeness, mean_performer = state.history.recent()
        parts: dict[str, Any] = dict(losses.parts)
        self._context.progress.report(
            "train",
            state.step,
            steps,
            preview=preview,
            loss_likeness=mean_likeness,
            loss_performer=mean_performer,
            it_per_s=self._it_per_s(),
            **parts,
        )

    def _target_step(self) -> int:
        job, state = self._job, self._state
        if job.steps is not None:
            return job.steps
        if job.minutes is not None:
            return max(state.schedule_steps, state.step + 1_000_000)
        return state.settings.steps

    def _out_of_time(self) -> bool:
        minutes = self._job.minutes
        return minutes is not None and time.monotonic() - self._began >= minutes * 60

    def _is_save_due(self) -> bool:
        every = self._job.save_every_steps
        if every and self._state.step % every == 0:
            return True
        return time.monotonic() - self._last_save >= self._job.save_every_minutes * 60

    def _save(self) -> None:
        state, now = self._state, time.monotonic()
        if self._saver.newest is not None and self._saved_step == state.step:
            return
        total = dataclasses.replace(state, seconds=state.seconds + now - self._began)
        self._saver.save(self._stepper.weights(), self._stepper.training_tensors(), total)
        self._saved_step, self._last_save = state.step, now
        logger.info("saving step %d of %s", state.step, self._folder.path)

    def _picture(self) -> Path:
        step = self._state.step
        if self._pictured is None or self._pictured[0] != step:
            path = self._preview.write(self._net, self._device, self._folder.path, step)
            plot_losses(self._state.history, self._folder.path / "losses.png")
            self._pictured = (step, path)
        return self._pictured[1]

    def _diverged(self, likeness: float, performer: float) -> Damaged:
        newest = self._saver.wait()
        kept = f"the save of step {newest.step} is kept" if newest else "nothing was saved"
        return Damaged(
            f"the training diverged at step {self._state.step + 1}: the losses are {likeness} and "
            f"{performer}; {kept}. Train on with a lower learning rate, or with --precision fp32"
        )

    def _it_per_s(self) -> float:
        seconds = time.monotonic() - self._began
        return (self._state.step - self._first_step) / max(seconds, 1e-9)

    def _result(self, loader: Loader) -> TrainResult:
        seconds = time.monotonic() - self._began
        likeness, performer = self._state.history.recent()
        return TrainResult(
            model=str(self._folder.path),
            step=self._state.step,
            steps_done=self._state.step - self._first_step,
            seconds=seconds,
            it_per_s=self._it_per_s(),
            loss_likeness=likeness,
            loss_performer=performer,
            data_wait=loader.waited / max(seconds, 1e-9),
            precision="bf16" if self._dtype == torch.bfloat16 else "fp32",
            sha256=self._saver.newest.sha256() if self._saver.newest else "",
            preview=str(self._picture()),
            plot=str(self._folder.path / "losses.png"),
            initialised=self._opened.initialised,
            unused=self._opened.unused,
        )
