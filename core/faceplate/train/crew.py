"""One process's part in a training: its network and its faces; and all that a helping one does."""

import dataclasses
import math
import signal
import threading

import torch

from faceplate.errors import NotReady
from faceplate.models.device import pick_precision, precision_name
from faceplate.models.folder import ModelFolder
from faceplate.models.save import Save
from faceplate.train.checkpoint import TrainState
from faceplate.train.faces import FaceBank
from faceplate.train.job import TrainJob, TrainResult
from faceplate.train.loader import Loader
from faceplate.train.opening import new_state, resumed_state
from faceplate.train.origin import OpenedNet, fade_at, open_net
from faceplate.train.ranks import Next, Order, Ranks
from faceplate.train.step import Stepper
from faceplate.train.workers import pick_workers

__all__ = ["help_train", "make_loader", "make_stepper"]


def make_stepper(opened: OpenedNet, state: TrainState, dtype: torch.dtype, ranks: Ranks) -> Stepper:
    """Return a network with its optimiser, as its save has them; all processes do so at once.

    Args:
        opened: The network and what is to be loaded.
        state: Of the training.
        dtype: Number format inside the network.
        ranks: The processes that train together.
    """
    rate = state.settings.learning_rate * state.lr_factor
    stepper = Stepper(
        opened.net,
        dataclasses.replace(state.settings, learning_rate=rate),
        state.schedule_steps,
        ranks.device,
        dtype,
        state.seed,
        ranks,
    )
    if opened.weights is not None:
        stepper.restore(opened.weights, opened.training, opened.what)
    return stepper


def make_loader(
    banks: tuple[FaceBank, ...],
    job: TrainJob,
    state: TrainState,
    resolution: int,
    ranks: Ranks,
) -> Loader:
    """Return the loader of this process's share of the batches, from the state's step on."""
    settings = state.settings
    return Loader(
        banks,
        settings,
        resolution,
        state.schedule_steps,
        state.seed,
        state.step,
        workers=pick_workers(job.workers, ranks.device.type),
        pinned=ranks.device.type == "cuda",
        places=ranks.share(settings.batch, settings.gradient_accumulation),
    )


def help_train(job: TrainJob, banks: tuple[FaceBank, ...], ranks: Ranks) -> TrainResult:
    """Train as the first process says, until it says that it is enough.

    Raises:
        NotReady: The first process is lost, or sees another model.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process says when to stop
    order = ranks.hear()
    helper: _Helper | None = None
    try:
        while order.next != Next.END:
            if order.next == Next.BEGIN:
                if helper is not None:
                    helper.close()
                helper = _Helper(job, banks, ranks, order)
            elif helper is not None:
                helper.step(order.step)
            order = ranks.hear()
    finally:
        if helper is not None:
            helper.close()
    return _result(job, helper)


class _Helper:
    """A helping process between two beginnings."""

    def __init__(
        self, job: TrainJob, banks: tuple[FaceBank, ...], ranks: Ranks, order: Order
    ) -> None:
        folder = ModelFolder(job.out)
        save = _save_of(folder, order.step)
        self.state = new_state(job) if save is None else resumed_state(job, save)
        self.state.lr_factor = order.lr_factor
        opened = open_net(job, folder, self.state, save)
        self.net, self.dtype = opened.net, pick_precision(ranks.device, job.precision)
        self.first_step = self.state.step
        self.stepper = make_stepper(opened, self.state, self.dtype, ranks)
        self.loader = make_loader(banks, job, self.state, opened.net.config.resolution, ranks)

    def close(self) -> None:
        """Make no more samples."""
        self.loader.__exit__(None, None, None)

    def step(self, number: int) -> None:
        """Train a step. Raises NotReady where the first process is at another."""
        if number != self.state.step:
            raise NotReady(f"the first process is at step {number}, this one at {self.state.step}")
        if self.state.growths:
            self.net.fade(fade_at(self.state, number))
        losses = self.stepper(self.loader.next())
        self.state.step += 1
        self.state.history.add(self.state.step, losses.likeness, losses.performer)


def _save_of(folder: ModelFolder, step: int) -> Save | None:
    """Return the save that the first process begins from. Raises NotReady if it is not seen."""
    if step < 0:
        return None
    for save in folder.saves():
        if save.step == step:
            return save
    raise NotReady(
        f"the save of step {step} is not in {folder.path}: all processes must see the same folder"
    )


def _result(job: TrainJob, helper: _Helper | None) -> TrainResult:
    likeness, performer = helper.state.history.recent() if helper else (math.nan, math.nan)
    return TrainResult(
        model=job.out,
        step=helper.state.step if helper else 0,
        steps_done=helper.state.step - helper.first_step if helper else 0,
        seconds=0.0,
        it_per_s=0.0,
        loss_likeness=likeness,
        loss_performer=performer,
        data_wait=0.0,
        precision=precision_name(helper.dtype) if helper else "",
        sha256="",
        preview="",
        plot="",
    )
