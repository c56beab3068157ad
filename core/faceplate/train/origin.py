"""Where a training's weights come from: nowhere, its own save, another model, or its own growth."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from faceplate.errors import BadSettings
from faceplate.models import ARCHITECTURES
from faceplate.models.folder import ModelFolder
from faceplate.models.net import SwapNet
from faceplate.models.save import Save
from faceplate.train.checkpoint import TrainState
from faceplate.train.job import TrainJob
from faceplate.train.lineage import Growth, Origin
from faceplate.train.network import resumed_net
from faceplate.train.transfer import fit_weights

__all__ = ["OpenedNet", "fade_at", "open_net"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class OpenedNet:
    """A network and what is to be loaded into it and its optimiser."""

    net: SwapNet
    """Freshly initialised."""
    weights: Mapping[str, Tensor] | None = None
    """All of its weights; None leaves the first ones."""
    training: Mapping[str, Tensor] | None = None
    """Tensors of the optimiser and of the discriminators; None starts them afresh."""
    what: str = ""
    """Where they come from, for messages."""
    initialised: list[str] = field(default_factory=list)
    """Tensors that began afresh though others were taken over."""
    unused: list[str] = field(default_factory=list)
    """Tensors of another model that have no place."""


def open_net(
    job: TrainJob, folder: ModelFolder, state: TrainState, newest: Save | None
) -> OpenedNet:
    """Make the network of a training and find the weights for it.

    Args:
        job: What is asked for.
        folder: The model, locked by the caller; a growth changes its config.
        state: Of the training; a growth or another model's weights are noted down in it.
        newest: The save that the training goes on from, if any.

    Raises:
        BadSettings: The weights of another model do not fit, or the model exists already.
        Damaged: A save cannot be read.
    """
    kind = ARCHITECTURES.load(folder.config.architecture)
    wanted = resumed_net(job, folder.config)
    net = kind(wanted, state.seed, state.settings.initialisation)
    if newest is None:
        if wanted != folder.config.net:
            raise BadSettings(f"{folder.path} has no save yet from which it could grow")
        return OpenedNet(net) if job.start_from is None else _started(job, state, net)
    _refuse_late_start(job, state)
    if folder.config_of(newest).net == wanted:
        return OpenedNet(net, newest.weights(), newest.optimizer(), str(newest.path))
    return _grown(folder, state, newest, net)


def fade_at(state: TrainState, step: int) -> float:
    """Return how much the outermost level of a grown network counts in a step, above 0, up to 1."""
    if not state.growths:
        return 1.0
    newest = state.growths[-1]
    return min(1.0, max(1, step - newest.step + 1) / newest.fade_steps)


def _started(job: TrainJob, state: TrainState, net: SwapNet) -> OpenedNet:
    other = ModelFolder(str(job.start_from))
    save = other.latest()
    fitted = fit_weights(net, save.weights(), job.initialise, str(save.path))
    config = other.config
    state.started_from = Origin(
        model=str(job.start_from),
        sha256=save.sha256(),
        step=save.step,
        likeness=config.likeness,
        performer=config.performer,
        consent_id=config.consent_id or "",
        initialised=fitted.initialised,
        unused=fitted.unused,
    )
    _warn_of_people(net, other, save, fitted.initialised)
    return OpenedNet(net, fitted.weights, None, str(save.path), fitted.initialised, fitted.unused)


def _warn_of_people(net: SwapNet, other: ModelFolder, save: Save, initialised: list[str]) -> None:
    """Say so where a pretrained model's bottlenecks, which hold other people, are taken over."""
    pretrained = bool(save.state().get("settings", {}).get("pretrain"))
    names = {module: name for name, module in net.named_modules()}
    held = [names[part] for part in net.inters()]
    begun = [part for part in held if any(name.startswith(f"{part}.") for name in initialised)]
    if pretrained and begun != held:
        logger.warning(
            "%s was pretrained, and its bottlenecks, which hold the people of that, are taken "
            "over: --initialise inters lets them begin afresh",
            other.path,
        )


def _refuse_late_start(job: TrainJob, state: TrainState) -> None:
    known = state.started_from.model if state.started_from else None
    if job.start_from is not None and job.start_from != known:
        raise BadSettings(
            f"start_from {job.start_from}: {job.out} is there already and started from "
            f"{known or 'nothing'}; name another folder to train a new model"
        )


def _grown(folder: ModelFolder, state: TrainState, newest: Save, net: SwapNet) -> OpenedNet:
    """Add an outer level: it starts afresh and unseen, all else is taken over as it is."""
    net.fade(0.0)
    saved = newest.weights()
    weights = {name: saved.get(name, tensor) for name, tensor in net.state_dict().items()}
    added = [name for name in weights if name not in saved]
    training = _still_fitting(net, newest.optimizer() or {})
    state.growths.append(Growth(state.step, net.config.resolution, state.settings.fade_steps))
    folder.grow(net.config)
    logger.info("%s grows to %d pixels at step %d", folder.path, net.config.resolution, state.step)
    return OpenedNet(net, weights, training, str(newest.path), added)


def _still_fitting(net: SwapNet, training: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the optimiser's part of a save; discriminators see another size from now on."""
    kept = {name for name, _ in net.named_parameters()}
    fitting = {name: t for name, t in training.items() if name.rpartition("/")[0] in kept}
    raw = {name: t for name, t in training.items() if name.startswith("raw/")}
    if raw:  # the weights themselves, where the model predicts with their mean
        fresh = {f"raw/{name}": tensor for name, tensor in net.state_dict().items()}
        fitting |= {**fresh, **raw}
    return fitting
