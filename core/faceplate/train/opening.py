"""What a training stands on: facesets, consents, a model and its state."""

import dataclasses
import math
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import torch

from faceplate.context import Context
from faceplate.errors import BadSettings
from faceplate.models import ARCHITECTURES
from faceplate.models.device import pick_device, pick_precision
from faceplate.models.folder import ModelFolder, SwapModelConfig
from faceplate.models.net import NetConfig
from faceplate.models.save import Save
from faceplate.provenance.consent import Decision, check_consent, load_consent, today
from faceplate.train.checkpoint import TrainState, read_state
from faceplate.train.estimate import Estimate, estimate
from faceplate.train.faces import FaceBank
from faceplate.train.job import TrainJob
from faceplate.train.network import new_net, preset_name, resumed_net
from faceplate.train.presets import PRESETS, changed_settings
from faceplate.train.pretrain import pretraining
from faceplate.train.rivals import check_rivals
from faceplate.train.step import check_offload

__all__ = [
    "Banks",
    "ask_consents",
    "check_job",
    "comparable_loss",
    "estimate_job",
    "new_state",
    "open_banks",
    "open_model",
    "resumed_state",
    "set_up_torch",
]

Banks = tuple[FaceBank, ...]
"""Of the likeness, of the performer, of further people."""


def open_banks(job: TrainJob, stack: ExitStack) -> Banks:
    """Open the facesets of a job, at the framing that the model sees.

    Args:
        job: What is asked for.
        stack: Closes them.

    Raises:
        NotFound: A faceset is missing or empty.
        BadSettings: They do not fit each other, the model or the job.
    """
    resolution, face_type = _net_of(job).resolution, _face_type_of(job)
    paths = (job.likeness, job.performer, *job.others)
    room = _cache_mb(job) * 2**20 // len(paths)
    opened: list[FaceBank] = []
    for path in paths:
        bank = FaceBank(Path(path), resolution, room, face_type)
        stack.callback(bank.close)
        opened.append(bank)
    for other, path in zip(opened[1:], paths[1:], strict=True):
        _refuse_unlike(opened[0], other, path)
    return tuple(opened)


def _cache_mb(job: TrainJob) -> int:
    """Return the memory for faces of the job, of the model that is there or of the preset."""
    return _asked(job)[2].settings.cache_mb


def _refuse_unlike(likeness: FaceBank, other: FaceBank, path: str) -> None:
    if likeness.info.encoding != other.info.encoding:
        raise BadSettings(
            f"the facesets differ in encoding: {likeness.info.encoding} of the likeness, "
            f"{other.info.encoding} of {path}; extract one of them again"
        )
    if likeness.face_type != other.face_type:
        raise BadSettings(
            f"the facesets differ in face_type: {likeness.face_type} of the likeness, "
            f"{other.face_type} of {path}; name the tighter one with --face-type"
        )


def _face_type_of(job: TrainJob) -> str | None:
    """Return the framing that the model has or is to have; None for that of the facesets."""
    if not ModelFolder.exists(job.out):
        return job.face_type
    return job.face_type or ModelFolder(job.out).config.face_type


def _net_of(job: TrainJob) -> NetConfig:
    """Return the network that is asked for. Raises BadSettings where it cannot be."""
    if ModelFolder.exists(job.out):
        return resumed_net(job, ModelFolder(job.out).config)
    return new_net(job)[1]


def ask_consents(job: TrainJob, banks: Banks, context: Context) -> list[Decision]:
    """Ask for the consent of every person whose face the model can put in, the likeness first.

    Raises:
        ConsentRefused: One has no valid record, or the model that is to be trained on was trained
            under another one.
        BadSettings: More records than people.
    """
    if len(job.other_consents) > len(job.others):
        raise BadSettings(
            f"{len(job.other_consents)} other_consents for {len(job.others)} others: give one each"
        )
    records = [job.consent, *job.other_consents] + [None] * len(job.others)
    people = [banks[0], *banks[2:]]
    model = ModelFolder(job.out).config if ModelFolder.exists(job.out) else None
    numbers = [0, *range(2, len(banks))]  # as the model counts: the performer lends no face
    return [
        check_consent(
            load_consent(Path(record)) if record else None,
            use="train",
            likeness=bank.info.name,
            shot=None,
            on=today(),
            policy=context.consent_policy,
            log=context.home / "consent.log",
            trained_under=model.consent_of(number) if model else None,
        )
        for bank, record, number in zip(people, records, numbers, strict=False)
    ]


def open_model(job: TrainJob, banks: Banks, decisions: Sequence[Decision]) -> ModelFolder:
    """Open the model that a job names, or make it.

    Args:
        job: What is asked for.
        banks: Of the likeness, of the performer, of further people.
        decisions: On the consent of the likeness and of further people.

    Raises:
        BadSettings: It is a model of other people, or another network than is asked for.
    """
    likeness, performer, *others = (bank.info for bank in banks)
    wanted = SwapModelConfig(
        likeness=likeness.name,
        performer=performer.name,
        others=[other.name for other in others],
        face_type=str(banks[0].face_type),
        encoding=likeness.encoding,
        consent_id=decisions[0].consent_id,
        other_consent_ids=[decision.consent_id or "" for decision in decisions[1:]],
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    if not ModelFolder.exists(job.out):
        architecture, net = new_net(job)
        named = dataclasses.replace(wanted, architecture=architecture, net=net)
        return ModelFolder.create(job.out, named)
    folder = ModelFolder(job.out)
    resumed_net(job, folder.config)
    _refuse_other(job, folder.config, wanted)
    return folder


def _refuse_other(job: TrainJob, model: SwapModelConfig, wanted: SwapModelConfig) -> None:
    """Refuse to train a model on for other people, or as they are framed otherwise."""
    for name in ("likeness", "performer", "others", "face_type", "encoding"):
        has, asked = getattr(model, name), getattr(wanted, name)
        if has != asked:
            raise BadSettings(
                f"{job.out} is a model with {name} {has}, asked for {asked}: name another folder "
                "to train a new model"
            )


def set_up_torch(context: Context, stack: ExitStack) -> None:
    """Give torch the context's threads, and a treatment of tiny numbers that is fast.

    Moments of weights that no longer move decay into denormal numbers, on which a CPU is slow: a
    step of a long training took 1.3 times as long.

    Args:
        context: Whose threads they are.
        stack: Puts everything back.
    """
    torch.set_flush_denormal(True)
    stack.callback(torch.set_flush_denormal, False)
    threads = torch.get_num_threads()
    if context.threads:
        torch.set_num_threads(context.threads)
        stack.callback(torch.set_num_threads, threads)


def check_job(job: TrainJob, device: torch.device) -> None:
    """Refuse what the network or the device cannot do, before anything is written or computed.

    Raises:
        BadSettings: Settings that do not fit each other, the network or the model that is there.
    """
    architecture, net, state = _asked(job)
    check_offload(state.settings, device)
    check_rivals(ARCHITECTURES.load(architecture), net, state.settings)


def _asked(job: TrainJob) -> tuple[str, NetConfig, TrainState]:
    """Return architecture, shape and state of a new model, or of one that goes on."""
    if not ModelFolder.exists(job.out):
        return *new_net(job), new_state(job)
    folder = ModelFolder(job.out)
    state = resumed_state(job, folder.latest()) if folder.saves() else new_state(job)
    return folder.config.architecture, resumed_net(job, folder.config), state


def estimate_job(job: TrainJob, context: Context, banks: Banks) -> Estimate:
    """Tell what a job would take, of a new model or of one that is there. Writes nothing."""
    device = pick_device(context.device)
    architecture, net, state = _asked(job)
    steps = (job.steps or state.settings.steps) - state.step
    dtype = pick_precision(device, job.precision)
    return estimate(architecture, net, state.settings, banks, device, dtype, max(steps, 0))


def new_state(job: TrainJob) -> TrainState:
    """Return the state of a model that has learnt nothing. Raises BadSettings."""
    preset = preset_name(job)
    settings = pretraining(job, changed_settings(job, PRESETS[preset].settings))
    return TrainState(0, job.schedule_steps or settings.steps, settings, preset, job.seed)


def resumed_state(job: TrainJob, save: Save) -> TrainState:
    """Return the state of a save, as the job wants it to go on. Raises BadSettings or Damaged."""
    state = read_state(save)
    base = state.settings if job.preset is None else PRESETS[job.preset].settings
    changed = changed_settings(job, base)
    if job.learning_rate not in (None, state.settings.learning_rate):
        state.lr_factor = 1.0  # somebody has thought about it anew
    state.settings = pretraining(job, changed, was=state.settings.pretrain)
    state.schedule_steps = job.schedule_steps or state.schedule_steps
    return state


def comparable_loss(state: TrainState, save: Save | None) -> float:
    """Return the mean loss of both people that a save had come to.

    Infinity where the training has none yet, or goes on with other settings or another network, so
    that its losses mean something else, or with a fresh optimiser, whose first steps are rough.
    """
    if save is None or not save.has_optimizer:
        return math.inf
    saved = read_state(save)
    now = state.settings
    alike = dataclasses.replace(saved.settings, learning_rate=now.learning_rate, steps=now.steps)
    if alike != now or saved.growths != state.growths:
        return math.inf
    total = sum(saved.history.recent())
    return total if math.isfinite(total) else math.inf
