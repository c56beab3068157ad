from typing import Any

import pytest

from faceplate.errors import BadSettings
from faceplate.train.job import TrainJob


@pytest.mark.parametrize(
    "values",
    [
        {"steps": 0},
        {"minutes": 0.0},
        {"minutes": float("nan")},
        {"schedule_steps": 0},
        {"seed": -1},
        {"seed": 1 << 32},
        {"preview_every": -1},
        {"guard_every": -100},
        {"save_every_minutes": 0.0},
        {"save_every_steps": -1},
        {"keep_saves": 0},
    ],
)
def test_a_job_that_makes_no_sense_is_refused_with_the_range(values: dict[str, Any]) -> None:
    (name,) = values
    with pytest.raises(BadSettings, match=f"{name} .*: expected"):
        TrainJob("amy.faceset", "bob.faceset", "model", **values)


def test_ends_of_the_ranges_are_fine() -> None:
    job = TrainJob(
        "amy.faceset", "bob.faceset", "model",
        steps=1, minutes=0.001, schedule_steps=1, seed=(1 << 32) - 1, preview_every=0,
        guard_every=0, save_every_steps=0, keep_saves=1,
    )  # fmt: skip
    assert job.seed == 4294967295
