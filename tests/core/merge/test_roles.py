import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.masks import untrained_model
from tests.support.paths import MINI
from tests.support.swaps import consent_file, model_config, truth_track

from faceplate.config import to_json
from faceplate.context import Context
from faceplate.errors import ConsentRefused, OutsideRoots
from faceplate.merge.swap import SwapJob, swap
from faceplate.models.df import DF
from faceplate.models.folder import ModelFolder
from faceplate.provenance.consent import today
from faceplate.provenance.decisions import append_decision


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was trained under the consent C-1."""
    folder = tmp_path_factory.mktemp("shelf")
    config = replace(model_config(64), consent_id="C-1")
    model = ModelFolder.create(folder / "model", config)
    model.write_save(1, DF(config.net, seed=3).state_dict(), None, {})
    truth_track(folder / "track.json")
    return folder


def refused(shelf: Path, out: Path, consent: Path, **settings: object) -> str:
    job = SwapJob(
        plate=str(MINI / "B" / "B.%04d.exr"),
        track=str(shelf / "track.json"),
        model=str(shelf / "model"),
        consent=str(consent),
        out=str(out / "s.%04d.exr"),
        frames="1004",
        **settings,
    )
    try:
        swap(job, Context(home=out / "home", device="cpu"))
    except ConsentRefused as error:
        assert not list(out.glob("*.exr"))
        return str(error)
    return ""


def test_a_model_is_used_under_its_own_consent_or_one_that_replaces_it(
    shelf: Path, tmp_path: Path
) -> None:
    path = tmp_path / "c.json"
    assert refused(shelf, tmp_path / "a", consent_file(path)) == ""
    other = consent_file(path, consent_id="C-2")
    assert "trained under consent C-1, which consent C-2" in refused(shelf, tmp_path / "b", other)
    renewed = consent_file(path, consent_id="C-2", replaces=("C-1",))
    assert refused(shelf, tmp_path / "c", renewed) == ""


def test_a_model_of_a_revoked_consent_is_refused(shelf: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    renewed = consent_file(tmp_path / "c.json", consent_id="C-2", replaces=("C-1",))
    entry = {"consent_id": "C-1", "revoked_from": today().isoformat()}
    append_decision(out / "home" / "consent.log", entry)

    assert "under consent C-1, which was revoked" in refused(shelf, out, renewed)


def test_a_consent_for_a_character_wants_the_character_named(shelf: Path, tmp_path: Path) -> None:
    consent = consent_file(tmp_path / "c.json", characters=("The Twin",))
    assert "name the character" in refused(shelf, tmp_path / "a", consent)
    assert refused(shelf, tmp_path / "b", consent, character="The Twin") == ""


def test_who_else_a_model_holds_has_a_consent_of_their_own() -> None:
    config = replace(
        model_config(64), others=["p1C", "p1D"], consent_id="C-1", other_consent_ids=["C-3", ""]
    )

    assert [config.consent_of(number) for number in range(4)] == ["C-1", "", "C-3", ""]
    assert '"other_consent_ids"' in to_json(config)


def test_a_recipe_reaches_no_file_outside_the_allowed_folders(shelf: Path, tmp_path: Path) -> None:
    """Every way from a recipe to a file: a mask model, one of a key, a link, a climbing path."""
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
        untrained_model(folder / "m.safetensors", face_type="whole_face")
    (inside / "linked").mkdir()
    (inside / "linked" / "mask.safetensors").symlink_to(outside / "m.safetensors")
    context = Context(tmp_path, device="cpu", allowed_roots=(inside, shelf, MINI))
    segmented = {"matte": "segmented-performer"}
    key = {"frame": 1004, "value": str(outside / "m.safetensors")}

    def refusal(values: dict[str, object]) -> str:
        (inside / "recipe.json").write_text(json.dumps(values))
        member = {
            "model": str(shelf / "model"),
            "consent": str(inside / "consent.json"),
            "recipe": str(inside / "recipe.json"),
        }
        (inside / "cast.json").write_text(json.dumps({"cast": [member]}))
        job = SwapJob(
            plate=str(MINI / "B" / "B.%04d.exr"),
            track=str(shelf / "track.json"),
            cast=str(inside / "cast.json"),
            out=str(inside / "s.%04d.exr"),
            frames="1004",
        )
        try:
            swap(job, context)
        except OutsideRoots as error:
            return str(error)
        return ""

    consent_file(inside / "consent.json")
    assert refusal({**segmented, "segmenter": str(inside / "m.safetensors")}) == ""
    assert "segmenter" in refusal({**segmented, "segmenter": str(outside / "m.safetensors")})
    assert "segmenter" in refusal({"keys": {"segmenter": [key]}})
    assert "segmenter" in refusal({**segmented, "segmenter": str(inside / "linked")})
    climbing = str(inside / ".." / "outside" / "m.safetensors")
    assert "segmenter" in refusal({**segmented, "segmenter": climbing})
