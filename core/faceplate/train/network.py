"""Which network a training has: that of its preset, of its model, or of its model grown."""

import dataclasses

from faceplate.errors import BadSettings
from faceplate.models import ARCHITECTURES
from faceplate.models.folder import SwapModelConfig
from faceplate.models.net import NetConfig
from faceplate.train.job import PresetName, TrainJob
from faceplate.train.presets import PRESETS, changed_net

__all__ = ["new_net", "preset_name", "resumed_net"]

_USUAL: dict[str, PresetName] = {"df": "df-ud", "liae": "liae-ud"}


def preset_name(job: TrainJob) -> PresetName:
    """Return the preset of a new model: the one named, else the usual one of its architecture."""
    if job.preset is not None:
        return job.preset
    architecture = job.architecture or "df"
    for name, preset in PRESETS.items():
        if name == _USUAL.get(architecture, architecture) and preset.architecture == architecture:
            return name
    return "df-ud"


def new_net(job: TrainJob) -> tuple[str, NetConfig]:
    """Return architecture and shape of a new model.

    Raises:
        UnknownComponent: There is no such architecture.
        BadSettings: The shape cannot be built, or `others` do not fit the architecture.
    """
    preset = PRESETS[preset_name(job)]
    architecture = job.architecture or preset.architecture
    kind = ARCHITECTURES.load(architecture).Config
    net = preset.net if type(preset.net) is kind else _as(kind, preset.net)
    changed = changed_net(job, net)
    named = {field.name for field in dataclasses.fields(kind)}
    if "people" in named:
        return architecture, kind(**{**vars(changed), "people": 2 + len(job.others)})
    if job.others:
        raise BadSettings(
            f"{len(job.others)} others, but {architecture} knows a likeness and a performer only: "
            "leave them out, or train a comb model"
        )
    return architecture, changed


def _as(kind: type[NetConfig], net: NetConfig) -> NetConfig:
    """Return the shape of another architecture with the widths of a preset."""
    wanted = {field.name for field in dataclasses.fields(kind)} - set(kind.OWN)
    values = {name: value for name, value in vars(net).items() if name in wanted}
    return kind(**values)


def resumed_net(job: TrainJob, model: SwapModelConfig) -> NetConfig:
    """Return the shape with which a model is trained on: its own, or grown once.

    Raises:
        BadSettings: The job asks for another architecture, another shape, or a resolution that is
            neither the model's nor twice it.
    """
    if job.architecture not in {None, model.architecture}:
        raise BadSettings(
            f"{job.out} is a model with architecture {model.architecture}, asked for "
            f"{job.architecture}: name another folder to train a new model"
        )
    has = model.net
    asked = changed_net(dataclasses.replace(job, resolution=None), has)
    if asked != has:
        raise BadSettings(
            f"{job.out} is a model with net {has}, asked for {asked}: name another folder to train "
            "a new model, perhaps with --start-from"
        )
    if job.resolution in {None, has.resolution}:
        return has
    if job.resolution != 2 * has.resolution:
        raise BadSettings(
            f"resolution {job.resolution}: {job.out} has {has.resolution} and grows by doubling: "
            f"ask for {2 * has.resolution}, or name another folder to train a new model"
        )
    return dataclasses.replace(has, resolution=job.resolution, grown=has.grown + 1)
