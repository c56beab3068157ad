from typing import Any

import pytest

from faceplate.errors import BadSettings
from faceplate.train.job import TrainJob
from faceplate.train.presets import PRESETS, TrainSettings, changed_settings
from faceplate.train.pretrain import FORCED, pretraining


def made(job: TrainJob, was: bool = False) -> TrainSettings:
    return pretraining(job, changed_settings(job, PRESETS["demo"].settings), was)


def job(**values: Any) -> TrainJob:
    return TrainJob("amy.faceset", "bob.faceset", "model", **values)


def test_a_pretraining_shows_faces_unwarped_mirrored_and_at_all_head_turns() -> None:
    settings = made(job(pretrain=True))
    assert {name: getattr(settings, name) for name in FORCED} == FORCED
    assert settings.batch == PRESETS["demo"].settings.batch


def test_without_it_the_settings_are_as_they_were() -> None:
    assert made(job()) == PRESETS["demo"].settings


def test_what_a_pretraining_leaves_out_cannot_be_asked_for() -> None:
    with pytest.raises(BadSettings, match="random_warp True: a pretraining has False"):
        made(job(pretrain=True, random_warp=True))


def test_a_pretrained_model_is_not_trained_on_in_place() -> None:
    with pytest.raises(BadSettings, match="--start-from model --initialise inters"):
        made(job(pretrain=False), was=True)
