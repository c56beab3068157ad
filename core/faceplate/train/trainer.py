"""The verb `train`: two facesets and a consent in, a swap model out."""

import dataclasses
import logging
import math
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from faceplate.context import Context
from faceplate.errors import Cancelled, Damaged, NotReady
from faceplate.models.device import pick_device, pick_precision, precision_name
from faceplate.models.folder import ModelFolder
from faceplate.models.lock import folder_lock
from faceplate.models.repair import set_later_aside
from faceplate.models.save import Save
from faceplate.train.crew import help_train, make_loader, make_stepper
from faceplate.train.estimate import Estimate
from faceplate.train.events import Events
from faceplate.train.guard import Guard, Trouble, measure_spread
from faceplate.train.job import TrainJob, TrainResult
from faceplate.train.loader import Loader
from faceplate.train.opening import (
    Banks,
    ask_consents,
    check_job,
    comparable_loss,
    estimate_job,
    new_state,
    open_banks,
    open_model,
    resumed_state,
    set_up_torch,
)
from faceplate.train.origin import fade_at, open_net
from faceplate.train.preview import shown_faces
from faceplate.train.ranks import Next, Order, Ranks, joined_ranks
from faceplate.train.record import record_run, with_run
from faceplate.train.rollback import Rollback, check_rollbacks, last_good_save
from faceplate.train.saver import Saver
from faceplate.train.sheets import Sheets
from faceplate.train.step import StepLosses
from faceplate.train.watch import Watch, scalars

__all__ = ["TrainJob", "TrainResult", "train"]

logger = logging.getLogger(__name__)


def train(job: TrainJob, context: Context) -> TrainResult | Estimate:
    """Train a swap model, or train one on; with `estimate`, tell what that would take.

    Stopping on request saves first. On a CPU in float32 a training that was stopped or killed and
    resumed comes to the same weights, bit for bit, as one that was not.

    Raises:
        ConsentRefused: There is no valid consent for training with this likeness.
        NotFound: A faceset is missing or empty.
        BadSettings: The facesets, the model and the job do not fit each other.
        NotReady: Another process trains this model.
        DiskFull: No room for a save; earlier saves are intact.
        Damaged: The training diverged more often than it may go back, or no save is whole.
        Cancelled: Stopped on request, after saving.
    """
    device = pick_device(context.device)
    check_job(job, device)
    with ExitStack() as stack:
        banks = open_banks(job, stack)
        set_up_torch(context, stack)
        ranks = stack.enter_context(joined_ranks(device))
        if not ranks.is_first:
            return help_train(job, banks, ranks)
        stack.enter_context(ranks.leading())
        decisions = ask_consents(job, banks, context)
        if job.estimate:
            return estimate_job(job, context, banks)
        folder = open_model(job, banks, decisions)
        if not stack.enter_context(folder_lock(folder.path)):
            raise NotReady(f"another process is training {folder.path}: wait for it, or stop it")
        training = Training(job, context, folder, banks, ranks)
        training.record([decision.consent_id for decision in decisions])
        return training.run()


class Training:
    """One run of a training.

    Args:
        job: What is asked for.
        context: Where reports go and cancellation comes from.
        folder: The model, locked by the caller.
        banks: Faces of the likeness, of the performer and of further people.
        ranks: The processes that train together, of which this one leads.
    """

    def __init__(
        self, job: TrainJob, context: Context, folder: ModelFolder, banks: Banks, ranks: Ranks
    ) -> None:
        check_rollbacks(job.rollbacks, job.rollback_lr)
        self._job, self._context, self._folder, self._banks = job, context, folder, banks
        self._ranks, self._device = ranks, ranks.device
        self._dtype = pick_precision(self._device, job.precision)
        newest = folder.latest() if folder.saves() else None
        self._state = new_state(job) if newest is None else resumed_state(job, newest)
        self._first_step = self._saved_step = self._state.step
        self._saver = Saver(folder, job.keep_saves, job.autobackup_hours, newest)
        self._set_up(newest)
        self._sheets = Sheets(banks, folder, job.keep_previews)
        self._events = Events(folder.path, self._state.step, job.events_every)
        self._guard = Guard(self._state.step, comparable_loss(self._state, newest))
        self._looked_at = [shown_faces(bank, folder.config.net.resolution) for bank in banks]
        self._steps_done = self._rollbacks = 0

    def record(self, consent_ids: list[str | None]) -> None:
        """Note down what this run is made from; every save from now on says it."""
        job, state = self._job, self._state
        facesets = (job.likeness, job.performer, *job.others)
        run = record_run(state.step, state.seed, facesets, consent_ids)
        state.runs = with_run(state.runs, run)

    def run(self) -> TrainResult:
        """Train until the job's steps or minutes are over, then save and draw."""
        self._began = self._last_save = time.monotonic()
        self._paused_before = self._context.progress.control.paused_s
        commands = {"save": self._save, "preview": self._preview_now}
        with (
            self._open_loader() as self._loader,
            self._saver,
            closing(self._events),
            self._context.progress.control.handling(commands),
        ):
            self._watch = Watch(self._loader, self._device)
            self._target = self._target_step()
            self._look(self._state.step)
            try:
                while self._state.step < self._target and not self._out_of_time():
                    self._one_step()
            except (Cancelled, KeyboardInterrupt):
                self._save()
                raise
            self._save()
            self._picture()
        return self._result()

    def _set_up(self, newest: Save | None) -> None:
        """Build the network with its optimiser, and bring them to a save or to their beginning."""
        state = self._state
        self._opened = open_net(self._job, self._folder, state, newest)
        self._net = self._opened.net
        begin = Order(Next.BEGIN, newest.step if newest else -1, state.lr_factor)
        self._ranks.tell(begin)
        self._stepper = make_stepper(self._opened, state, self._dtype, self._ranks)

    def _open_loader(self) -> Loader:
        resolution = self._folder.config.net.resolution
        return make_loader(self._banks, self._job, self._state, resolution, self._ranks)

    def _one_step(self) -> None:
        state = self._state
        if state.growths:
            self._net.fade(fade_at(state, state.step))
        self._ranks.tell(Order(Next.STEP, state.step))
        losses = self._stepper(self._loader.next())
        trouble = self._trouble(state.step + 1, losses)
        if trouble is not None:
            self._go_back(trouble)
            return
        state.step += 1
        self._steps_done += 1
        state.history.add(state.step, losses.likeness, losses.performer)
        self._saver.check()
        if self._is_save_due():
            self._save()
        self._tell(losses)

    def _trouble(self, step: int, losses: StepLosses) -> Trouble | None:
        """Return what is wrong after a step, if anything is."""
        sides = losses.likeness, losses.performer if losses.is_finite else math.nan
        trouble = self._guard.losses(step, *sides)
        every = self._job.guard_every
        return self._look(step) if trouble is None and every and step % every == 0 else trouble

    def _look(self, step: int) -> Trouble | None:
        """Look at whether all faces come out alike."""
        if not self._job.guard_every:
            return None
        return self._guard.spread(step, measure_spread(self._net, self._looked_at, self._device))

    def _go_back(self, trouble: Trouble) -> None:
        """Go back to the last good save, with a lower learning rate.

        Raises:
            Damaged: That has been done as often as the job allows.
        """
        self._saver.wait()
        good = last_good_save(self._folder, trouble.good_step)
        if self._rollbacks >= self._job.rollbacks:
            raise self._diverged(trouble, good)
        self._rollbacks += 1
        failed = self._state
        set_later_aside(self._folder.path, good.step if good else -1)
        self._state = new_state(self._job) if good is None else resumed_state(self._job, good)
        state = self._state
        state.runs, state.lr_factor = failed.runs, failed.lr_factor * self._job.rollback_lr
        note = Rollback(
            failed.step + 1, state.step, trouble.kind, trouble.text, round(state.lr_factor, 9)
        )
        state.rollbacks = [*failed.rollbacks, note]
        self._set_up(good)
        self._saver.newest, self._saved_step = good, state.step
        self._guard = Guard(state.step, comparable_loss(state, good))
        self._look(state.step)
        self._last_save = time.monotonic()
        self._loader.seek(state.step)
        self._events.restart(state.step)
        text = f"went back from step {note.step} to {note.to_step}: {trouble.text}; the learning "
        text += f"rate is {note.lr_factor:g} of what was asked for from now on"
        self._events.note(state.step, text)
        logger.warning(text)

    def _tell(self, losses: StepLosses) -> None:
        """Report a step, with a preview where one is due."""
        state, every = self._state, self._job.preview_every
        preview = self._picture() if every and state.step % every == 0 else None
        self._watch.mark(self._paused_s())
        self._figures = self._watch.figures(losses, state.history)
        values = scalars(losses, self._figures, self._stepper.optimizer)
        self._events.scalars(state.step, values)
        self._report(preview)

    def _report(self, preview: Path | None) -> None:
        step, figures = self._state.step, dict[str, Any](self._figures)
        total = max(step, self._expected(step))
        self._context.progress.report("train", step, total, preview=preview, **figures)

    def _preview_now(self) -> None:
        self._report(self._picture())

    def _target_step(self) -> int:
        job, state = self._job, self._state
        if job.steps is not None:
            return job.steps
        if job.minutes is not None:
            return max(state.schedule_steps, state.step + 1_000_000)
        return state.settings.steps

    def _expected(self, step: int) -> int:
        """Return the step at which this run will end, by its steps or by its minutes."""
        minutes, seconds = self._job.minutes, self._seconds()
        done = step - self._first_step
        if minutes is None or done <= 0 or seconds <= 0:
            return self._target
        return min(self._target, self._first_step + round(done * minutes * 60 / seconds))

    def _paused_s(self) -> float:
        return self._context.progress.control.paused_s - self._paused_before

    def _seconds(self) -> float:
        """Return how long this run has worked."""
        return time.monotonic() - self._began - self._paused_s()

    def _out_of_time(self) -> bool:
        minutes = self._job.minutes
        return minutes is not None and self._seconds() >= minutes * 60

    def _is_save_due(self) -> bool:
        if not self._guard.is_calm:
            return False  # it would push out a good save
        every = self._job.save_every_steps
        if every and self._state.step % every == 0:
            return True
        return time.monotonic() - self._last_save >= self._job.save_every_minutes * 60

    def _save(self) -> None:
        state, now = self._state, time.monotonic()
        if self._saver.newest is not None and self._saved_step == state.step:
            return
        total = dataclasses.replace(state, seconds=state.seconds + self._seconds())
        self._saver.save(self._stepper.weights(), self._stepper.training_tensors(), total)
        self._saved_step, self._last_save = state.step, now
        logger.info("saving step %d of %s", state.step, self._folder.path)

    def _picture(self) -> Path:
        with self._stepper.predicting():
            path = self._sheets.draw(self._net, self._device, self._state)
        self._events.picture(self._state.step, path)
        return path

    def _diverged(self, trouble: Trouble, good: Save | None) -> Damaged:
        kept = f"the save of step {good.step} is kept" if good else "nothing was saved"
        tried = f" It went back {self._rollbacks} times before." if self._rollbacks else ""
        return Damaged(
            f"the training diverged at step {self._state.step + 1}: {trouble.text}; {kept}.{tried} "
            "Train on with a lower learning rate, or with --precision fp32"
        )

    def _result(self) -> TrainResult:
        seconds = self._seconds()
        likeness, performer = self._state.history.recent()
        return TrainResult(
            model=str(self._folder.path),
            step=self._state.step,
            steps_done=self._state.step - self._first_step,
            seconds=seconds,
            it_per_s=self._steps_done / max(seconds, 1e-9),
            loss_likeness=likeness,
            loss_performer=performer,
            data_wait=self._loader.waited / max(seconds, 1e-9),
            precision=precision_name(self._dtype),
            sha256=self._saver.newest.sha256() if self._saver.newest else "",
            preview=str(self._sheets.newest),
            plot=str(self._sheets.plot),
            initialised=self._opened.initialised,
            unused=self._opened.unused,
            rollbacks=self._rollbacks,
            history=str(self._sheets.history),
        )
