import dataclasses
from typing import Any

import pytest

from faceplate.errors import BadSettings
from faceplate.models.df import DF
from faceplate.train.job import TrainJob
from faceplate.train.presets import PRESETS, TrainSettings, changed_net, changed_settings


def test_the_demo_network_fits_ten_megabytes_in_half_precision() -> None:
    count = sum(parameter.numel() for parameter in DF(PRESETS["demo"].net).parameters())
    assert 2 * count < 9_000_000


def test_a_job_changes_what_it_names_and_nothing_else() -> None:
    job = TrainJob("a", "b", "m", ae_dims=32, learning_rate=1e-5, flip_likeness=True)
    preset = PRESETS["df-ud"]
    net, settings = changed_net(job, preset.net), changed_settings(job, preset.settings)
    assert (net.ae_dims, net.e_dims, net.resolution) == (32, 64, 128)
    assert (settings.learning_rate, settings.flip_likeness) == (1e-5, True)
    assert settings.batch == preset.settings.batch


def test_quick96_is_as_the_papers_code_has_it() -> None:
    preset = PRESETS["quick96"]
    assert (preset.net.resolution, preset.net.options, preset.net.ae_dims) == (96, "ud", 128)
    settings = preset.settings
    assert (settings.optimizer, settings.learning_rate) == ("rmsprop", 2e-4)
    assert (settings.lr_dropout, settings.unwarped_every, settings.batch) == (0.3, 3, 4)


@pytest.mark.parametrize(
    "values",
    [
        {"batch": 0},
        {"learning_rate": 0.0},
        {"steps": 0},
        {"hsv_power": 0.5},
        {"light_stops": -1},
        {"first_moment": 1.0},
        {"second_moment": -0.1},
        {"warm_up_steps": -1},
        {"decay_from": 0.0},
        {"decay_to": 1.5},
        {"lr_dropout": 1.0, "optimizer": "rmsprop"},
        {"background_power": 2.0},
        {"warp_until": 1.1},
        {"unwarped_every": 1},
        {"transform": 0.6},
        {"rotation_deg": 181.0},
        {"shift": -0.1},
        {"shift": float("nan")},
    ],
)
def test_values_that_cannot_train_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(BadSettings, match=f"{next(iter(values))} "):
        TrainSettings(**values)


def test_a_job_can_name_every_setting_of_a_training() -> None:
    settings = {field.name for field in dataclasses.fields(TrainSettings)}
    assert settings <= {field.name for field in dataclasses.fields(TrainJob)}


def test_what_a_job_leaves_out_is_the_presets() -> None:
    settings = PRESETS["amp"].settings
    assert changed_settings(TrainJob("a", "b", "m"), settings) == settings
    job = TrainJob("a", "b", "m", gan_on="likeness", background_power=0.0, mask_form="quick96")
    changed = changed_settings(job, settings)
    assert (changed.gan_on, changed.background_power) == ("likeness", 0.0)
    assert changed.mask_form == "quick96"
