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
    [{"batch": 0}, {"learning_rate": 0.0}, {"steps": 0}, {"hsv_power": 0.5}, {"light_stops": -1}],
)
def test_values_that_cannot_train_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(BadSettings, match=f"{next(iter(values))} "):
        TrainSettings(**values)  # type: ignore[arg-type]  # wrong on purpose
