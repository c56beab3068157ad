"""The demo model and its figures, as its card gives them."""

import os
import shutil
from pathlib import Path

import pytest
from tests.support.paths import MINI, REPO

from faceplate.context import Context
from faceplate.evaluate.truth import TruthJob, truth
from faceplate.extract.analyse import AnalyseJob, analyse
from faceplate.merge.swap import SwapJob, swap
from faceplate.models.folder import ModelFolder

MODEL = REPO / "examples/demo_model"


def test_the_demo_model_is_whole_and_small() -> None:
    save = ModelFolder(MODEL).latest()
    save.verify()
    assert sum(path.stat().st_size for path in MODEL.rglob("*") if path.is_file()) < 10e6
    assert save.sha256() in (MODEL / "CARD.md").read_text(encoding="utf-8")


def test_the_demo_model_transfers_the_likeness(tmp_path: Path) -> None:
    home = Path(os.environ.get("FACEPLATE_HOME") or REPO / ".faceplate")
    if not any((home / "weights").glob("*")):
        pytest.skip(f"no weights in {home}: run `make weights`")
    context = Context(home=tmp_path, threads=1)
    shutil.copytree(home / "weights", tmp_path / "weights")
    plate, out = f"{MINI}/B/B.%04d.exr", f"{tmp_path}/swap.%04d.exr"
    analyse(AnalyseJob(plate=plate, out=f"{tmp_path}/track.json"), context)
    swap(
        SwapJob(
            plate=plate,
            track=f"{tmp_path}/track.json",
            model=str(MODEL),
            out=out,
            consent=f"{MINI}/consent.json",
            recipe=str(REPO / "examples/demo_recipe.json"),
            shot="mini",
        ),
        context,
    )
    result = truth(
        TruthJob(
            result=out,
            plate=plate,
            truth=f"{MINI}/S/S.%04d.exr",
            masks=f"{MINI}/B_masks/visible",
            truth_json=f"{MINI}/truth_B.json",
            out=f"{tmp_path}/panel",
        ),
        context,
    )

    panel = {row.figure: row for row in result.panel}
    if panel["identity"].result is None:
        pytest.skip("dlib is not installed: identity was not measured")
    assert panel["identity"].result >= 0.3  # the card gives 0.340
    assert panel["geometry"].result <= panel["geometry"].plate + 3
    assert panel["outside"].result == 0
