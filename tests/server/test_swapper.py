"""The real engine room: single frames of the rendered shot, and its model folders."""

import json
import shutil
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.dfl import FakeDfl
from tests.support.engines import (
    FRAME,
    a_buffer,
    buffer_settings,
    engine_shot,
    frame_settings,
    make_engine,
)
from tests.support.masks import untrained_model
from tests.support.paths import MINI
from tests.support.swaps import consent_file, mini_frame, tiny_model

from faceplate.errors import (
    BadImage,
    BadSettings,
    ConsentRefused,
    Damaged,
    InvalidInput,
    NotFound,
    OutsideRoots,
)
from faceplate.io.image import read_frame
from faceplate.merge.recipe import Recipe
from faceplate.models.folder import ModelFolder
from faceplate_server.engine import Engine


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine_shot(tmp_path_factory.mktemp("shot"))


@pytest.fixture(scope="module")
def engine(shot: Path) -> Engine:
    return make_engine(shot)


def test_one_frame_is_swapped_into_layers(engine: Engine, shot: Path) -> None:
    answer = engine.swap_frame(FRAME, frame_settings(shot), {"matte": "hull", "feather": 5.0})
    layers, plate = read_frame(Path(answer["path"])), mini_frame("B", FRAME)

    assert answer["path"] == str(shot / "out" / f"B.{FRAME}.exr")
    assert answer["faces"] == 1
    matte = layers.channel("fp_mask.A")
    assert matte.max() > 0.5
    np.testing.assert_array_equal(layers.rgb()[matte == 0], plate.rgb()[matte == 0])
    assert not (shot / "out" / f"B.{FRAME + 1}.exr").exists()


def test_a_second_frame_does_not_load_the_model_again(engine: Engine, shot: Path) -> None:
    engine.swap_frame(FRAME, frame_settings(shot), {})
    swapper = engine._swaps()
    ((_, loaded),) = swapper.models._models.values()
    engine.swap_frame(FRAME + 1, frame_settings(shot), {})
    ((_, after),) = swapper.models._models.values()

    assert after is loaded


def test_a_new_save_of_a_model_is_loaded(engine: Engine, shot: Path) -> None:
    engine.swap_frame(FRAME, frame_settings(shot), {})
    swapper = engine._swaps()
    ((_, loaded),) = swapper.models._models.values()
    model = ModelFolder(shot / "models" / "tiny")
    model.write_save(2, model.latest().weights(), None, {})
    engine.swap_frame(FRAME, frame_settings(shot), {})
    ((_, after),) = swapper.models._models.values()

    assert after is not loaded


def tweak_settings(shot: Path, **changes: Any) -> dict[str, Any]:
    kept = {name: value for name, value in frame_settings(shot).items() if name != "out"}
    return {**kept, "frame": FRAME, "view": str(shot / "view.png"), **changes}


def test_a_tweak_after_a_swap_does_not_run_the_network(engine: Engine, shot: Path) -> None:
    swapped = engine.swap_frame(FRAME, frame_settings(shot, overwrite=True), {})
    answers = [
        engine.tweak_frame(tweak_settings(shot), {"feather": feather}) for feather in (2, 20)
    ]

    assert swapped["faces"] == 1
    assert [answer["network_runs"] for answer in answers] == [0, 0]
    assert answers[0]["faces"] == 1
    assert read_frame(shot / "view.png").channels == ("R", "G", "B")


def test_a_tweak_asks_for_consent_as_it_is_now(engine: Engine, shot: Path) -> None:
    path = consent_file(shot / "brief.json")
    wanted = tweak_settings(shot, consent=str(path))
    engine.tweak_frame(wanted, {})
    consent_file(path, likeness="p2A")

    with pytest.raises(ConsentRefused):
        engine.tweak_frame(wanted, {})
    with pytest.raises(BadSettings, match=r"feathr.*feather"):
        engine.tweak_frame(tweak_settings(shot), {"feathr": 3})


def test_the_paths_inside_a_cast_stay_inside_the_roots(engine: Engine, shot: Path) -> None:
    member = {"person": 1, "model": "models/tiny", "consent": "consent.json"}
    (shot / "cast.json").write_text(json.dumps({"cast": [member]}))
    whole = frame_settings(shot, cast=str(shot / "cast.json"))
    whole = {name: value for name, value in whole.items() if name not in ("model", "consent")}
    assert engine.swap_frame(FRAME, whole, {})["faces"] == 1

    for name in ("model", "consent", "recipe", "mattes"):
        (shot / "cast.json").write_text(json.dumps({"cast": [{**member, name: "../../x"}]}))
        with pytest.raises(OutsideRoots):
            engine.swap_frame(FRAME, whole, {})


def test_a_recipe_names_no_mask_model_outside_the_roots(
    engine: Engine, shot: Path, tmp_path: Path
) -> None:
    outside = untrained_model(tmp_path / "m.safetensors", face_type="whole_face")
    inside = untrained_model(shot / "m.safetensors", face_type="whole_face")
    segmented = {"matte": "segmented-performer"}
    recipe = shot / "segmented.json"

    recipe.write_text(json.dumps({**segmented, "segmenter": str(inside)}))
    assert engine.swap_frame(FRAME, frame_settings(shot, recipe=str(recipe)), {})["faces"] == 1
    recipe.write_text(json.dumps({**segmented, "segmenter": str(outside)}))
    with pytest.raises(OutsideRoots, match="segmenter"):
        engine.swap_frame(FRAME, frame_settings(shot, recipe=str(recipe)), {})
    with pytest.raises(OutsideRoots, match="segmenter"):
        engine.swap_frame(FRAME, frame_settings(shot), {**segmented, "segmenter": str(outside)})


def test_consent_is_asked_for_every_frame(engine: Engine, shot: Path) -> None:
    with pytest.raises(ConsentRefused):
        engine.swap_frame(FRAME, frame_settings(shot, consent=None), {})
    with pytest.raises(ConsentRefused):
        engine.swap_buffer(FRAME, buffer_settings(shot, consent=None), {}, a_buffer(shot)[0])


def test_wrong_recipes_are_refused(engine: Engine, shot: Path) -> None:
    with pytest.raises(BadSettings, match="feather"):
        engine.swap_frame(FRAME, frame_settings(shot), {"feather": 500})
    with pytest.raises(BadSettings, match="not both"):
        engine.swap_frame(FRAME, frame_settings(shot, recipe=str(shot / "r.json")), {"feather": 5})


def test_paths_of_frames_and_buffers_stay_inside_the_roots(engine: Engine, shot: Path) -> None:
    for name in ("consent", "track", "model"):
        with pytest.raises(OutsideRoots):
            engine.swap_frame(FRAME, frame_settings(shot, **{name: "/etc/x"}), {})
        with pytest.raises(OutsideRoots):
            engine.swap_buffer(FRAME, buffer_settings(shot, **{name: "/etc/x"}), {}, {})


def test_models_under_the_roots_are_found(engine: Engine, shot: Path) -> None:
    (shot / "models" / "new" / "saves").mkdir(parents=True)
    (shot / "models" / "new" / "config.json").write_text("{")
    answer = engine.list_models()
    tiny, broken = answer["models"][1], answer["models"][0]

    assert (tiny["name"], tiny["path"]) == ("tiny", str(shot / "models" / "tiny"))
    assert tiny["config"]["likeness"] == "p1A"
    assert len(tiny["sha256"]) == 64
    assert tiny["problem"] == ""
    assert "not JSON" in broken["problem"]
    feather = answer["recipe_schema"]["properties"]["feather"]
    assert feather["default"] == Recipe().feather
    assert "% of face width" in feather["description"]


def test_jobs_are_checked_against_their_own_settings(engine: Engine) -> None:
    job = engine.check_job("swap", {"plate": "a", "track": "b", "model": "c", "out": "d"})

    assert (job["missing"], job["person"]) == ("error", 0)
    with pytest.raises(BadSettings, match="plate"):
        engine.check_job("swap", {})


def test_a_model_is_named_by_its_folder_or_by_its_name(engine: Engine, shot: Path) -> None:
    by_name, by_path = (
        engine.describe_model(model) for model in ("tiny", str(shot / "models" / "tiny"))
    )

    assert by_name == by_path
    assert (by_name["resolution"], by_name["people"]) == (64, ["p1A", "p1B"])
    assert by_name["details"]["saves"][0]["state"] == "whole"
    with pytest.raises(NotFound, match=r"nobody.*there are: .*tiny"):
        engine.describe_model("nobody")
    with pytest.raises(OutsideRoots):
        engine.describe_model("/etc")
    tiny_model(shot / "twice" / "tiny")
    with pytest.raises(BadSettings, match="2 are called 'tiny'"):
        engine.describe_model("tiny")
    shutil.rmtree(shot / "twice")


def test_a_loaded_model_is_ready_for_the_first_frame(shot: Path) -> None:
    engine = make_engine(shot)
    loaded = engine.load_model("tiny")
    predictor = engine._swaps().models.opener(4.0)(shot / "models" / "tiny")

    assert loaded["was_read"]
    assert loaded["model"]["bytes"] == predictor.loaded_bytes > 1000
    assert engine.loaded_models() == [loaded["model"]]
    assert not engine.load_model("tiny")["was_read"]
    assert engine.unload_model("tiny") == {"was_loaded": True}
    assert engine.unload_model("tiny") == {"was_loaded": False}
    assert engine.loaded_models() == []


def test_a_model_of_ours_is_taken_over_whole_or_not_at_all(engine: Engine, shot: Path) -> None:
    out = shot / "taken" / "copy"
    out.parent.mkdir()
    described = engine.import_model({"source": str(shot / "models" / "tiny"), "out": str(out)})
    again = {"source": str(shot / "models" / "tiny"), "out": str(out)}

    assert described["sha256"] == ModelFolder(shot / "models" / "tiny").sha256()
    assert ModelFolder(out).latest().weights().keys()
    with pytest.raises(InvalidInput, match="not empty"):
        engine.import_model(again)
    damaged = tiny_model(shot / "damaged")
    (damaged.latest().path / "weights.safetensors").write_bytes(b"x")
    with pytest.raises(Damaged):
        engine.import_model({"source": str(shot / "damaged"), "out": str(shot / "taken" / "b")})
    shutil.rmtree(shot / "damaged")
    assert [path.name for path in out.parent.iterdir()] == ["copy"]


def test_a_model_of_deepfacelab_is_taken_over(engine: Engine, shot: Path) -> None:
    FakeDfl("df-ud", 32, 8, 4, 4, 4).write(shot / "dfl")
    source = {"source": str(shot / "dfl"), "out": str(shot / "from dfl")}

    with pytest.raises(BadSettings, match="likeness"):
        engine.import_model(source)
    described = engine.import_model({**source, "likeness": "p1A", "performer": "p1B"})
    assert described["config"]["likeness"] == "p1A"
    shutil.rmtree(shot / "from dfl")


def test_links_out_of_a_model_are_refused(engine: Engine, shot: Path, tmp_path: Path) -> None:
    model = tiny_model(shot / "linked")
    (model.path / "saves" / "secret").symlink_to(tmp_path)

    with pytest.raises(OutsideRoots):
        engine.load_model(str(model.path))
    with pytest.raises(OutsideRoots):
        engine.import_model({"source": str(model.path), "out": str(shot / "unlinked")})
    shutil.rmtree(model.path)


def sent(shot: Path, number: int = FRAME) -> Path:
    folder = Path(tempfile.mkdtemp(dir=shot))
    shutil.copy(MINI / "B" / f"B.{number}.exr", folder / "frame.exr")
    return folder


def stream_settings(shot: Path, **changes: Any) -> dict[str, Any]:
    kept = ("track", "consent")
    return {"model": "tiny", **{name: frame_settings(shot)[name] for name in kept}, **changes}


def test_a_sent_frame_is_swapped_as_one_on_disk_is(engine: Engine, shot: Path) -> None:
    recipe = {"feather": 7.0}
    on_disk = engine.swap_frame(FRAME, frame_settings(shot, overwrite=True), recipe)
    answer = engine.swap_stream(FRAME, stream_settings(shot), recipe, str(sent(shot)))
    one, other = (read_frame(Path(each["path"])) for each in (on_disk, answer))

    assert (answer["faces"], answer["network_runs"]) == (1, 0)
    assert one.channels == other.channels
    np.testing.assert_array_equal(one.pixels, other.pixels)


def test_a_sent_track_is_used(engine: Engine, shot: Path) -> None:
    folder = sent(shot)
    shutil.copy(shot / "B.json", folder / "track.json")
    wanted = {name: v for name, v in stream_settings(shot).items() if name != "track"}

    assert engine.swap_stream(FRAME, wanted, {}, str(folder))["faces"] == 1


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"plate": "x"}, BadSettings),
        ({"out": "x"}, BadSettings),
        ({"layers": "beside"}, BadSettings),
        ({"model": "/etc"}, OutsideRoots),
        ({"track": "/etc/passwd"}, OutsideRoots),
        ({"consent": None}, ConsentRefused),
    ],
)
def test_what_a_stream_may_not_say_is_refused(
    engine: Engine, shot: Path, changes: dict[str, Any], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        engine.swap_stream(FRAME, stream_settings(shot, **changes), {}, str(sent(shot)))


def test_a_sent_file_that_is_no_exr_or_claims_to_be_huge_is_refused(
    engine: Engine, shot: Path
) -> None:
    folder = sent(shot)
    (folder / "frame.exr").write_bytes(b"no picture")
    with pytest.raises(BadImage):
        engine.swap_stream(FRAME, stream_settings(shot), {}, str(folder))

    folder = sent(shot)
    content = bytearray((folder / "frame.exr").read_bytes())
    at = content.index(b"dataWindow\0box2i\0") + len(b"dataWindow\0box2i\0") + 4
    content[at + 8 : at + 16] = struct.pack("<ii", 60_000, 60_000)
    (folder / "frame.exr").write_bytes(content)
    with pytest.raises((InvalidInput, BadImage)):
        engine.swap_stream(FRAME, stream_settings(shot), {}, str(folder))
