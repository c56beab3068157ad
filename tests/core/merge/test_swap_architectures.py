"""Models of every architecture go through `swap`; a morph value and a comb's person reach them."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.paths import MINI
from tests.support.swaps import truth_track

from faceplate.context import Context
from faceplate.errors import BadSettings, ConsentRefused, NotFound
from faceplate.io.image import read_frame
from faceplate.merge.swap import swap
from faceplate.merge.writing import SwapJob
from faceplate.models import ARCHITECTURES
from faceplate.models.folder import ModelFolder, SwapModelConfig

FRAME = 1002
SMALL: dict[str, Any] = {"ae_dims": 8, "e_dims": 4, "d_dims": 4, "d_mask_dims": 4}
SHAPES: dict[str, dict[str, Any]] = {
    "df": {"resolution": 64, "options": "udt"},
    "liae": {"resolution": 64},
    "quick96": {},
    "amp": {"resolution": 64, "inter_dims": 32},
    "comb": {"resolution": 64},
}


def job_of(tmp_path: Path, name: str, **changes: Any) -> SwapJob:
    """Write a model with random weights and return a job that swaps one frame with it."""
    kind = ARCHITECTURES.load(name)
    net = kind.Config(**SMALL, **SHAPES[name])
    others = ["p1C"] if name == "comb" else []
    config = SwapModelConfig("p1A", "p1B", "full_face", "acescct", name, net, others)
    if not ModelFolder.exists(tmp_path / name):
        model = ModelFolder.create(tmp_path / name, config)
        model.write_save(1, kind(net, seed=3).state_dict(), None, {})
    track = tmp_path / "track.json"
    truth_track(track)
    values: dict[str, Any] = {
        "plate": str(MINI / "B" / "B.%04d.exr"),
        "track": str(track),
        "model": str(tmp_path / name),
        "out": str(tmp_path / "out" / "s.%04d.exr"),
        "frames": str(FRAME),
        "overwrite": True,
        **changes,
    }
    return SwapJob(**values)


def swapped(job: SwapJob, policy: Any = "warn") -> NDArray[np.float32]:
    home = Path(job.track).parent / "home"
    swap(job, Context(home=home, device="cpu", consent_policy=policy))
    return read_frame(Path(job.out % FRAME), FRAME).rgb()


@pytest.mark.parametrize("name", SHAPES)
def test_every_architecture_swaps_a_frame(tmp_path: Path, name: str) -> None:
    plate = read_frame(MINI / "B" / f"B.{FRAME}.exr", FRAME).rgb()
    result = swapped(job_of(tmp_path, name))
    assert result.shape == plate.shape
    assert np.isfinite(result).all()
    assert not np.array_equal(result, plate)


def test_a_morph_value_lies_between_performer_and_likeness(tmp_path: Path) -> None:
    job = job_of(tmp_path, "amp")
    whole, half, none = (
        swapped(dataclasses.replace(job, morph=morph)) for morph in (None, 0.5, 0.0)
    )
    assert np.array_equal(whole, swapped(dataclasses.replace(job, morph=1.0)))
    near, far = (np.abs(other - whole).mean() for other in (half, none))
    assert 0 < near < far


def test_a_morph_value_lies_in_0_to_1(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="morph must be from 0 to 1"):
        job_of(tmp_path, "amp", morph=1.5)


def test_a_comb_puts_in_whoever_is_named(tmp_path: Path) -> None:
    job = job_of(tmp_path, "comb")
    first = swapped(job)
    assert np.array_equal(first, swapped(dataclasses.replace(job, likeness="p1A")))
    assert not np.array_equal(first, swapped(dataclasses.replace(job, likeness="p1C")))
    with pytest.raises(NotFound, match="it holds p1A, p1B, p1C"):
        swapped(dataclasses.replace(job, likeness="p1D"))


def test_whoever_is_named_is_asked_for_consent(tmp_path: Path) -> None:
    with pytest.raises(ConsentRefused, match="p1C"):
        swapped(job_of(tmp_path, "comb", likeness="p1C"), policy="refuse")


def test_a_cast_has_its_own_morph_values(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="morph: with a cast"):
        job_of(tmp_path, "amp", model=None, cast="cast.json", morph=0.0)
