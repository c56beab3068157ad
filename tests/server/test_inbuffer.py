"""Swaps in shared memory, by the real engine room."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.engines import (
    FRAME,
    a_buffer,
    buffer_settings,
    engine_shot,
    frame_settings,
    make_engine,
)
from tests.support.masks import untrained_model
from tests.support.swaps import consent_file

from faceplate.commands.consent import RevokeConsent, revoke_consent
from faceplate.context import Context
from faceplate.errors import BadSettings, ConsentRefused, NotReady
from faceplate.io.image import read_frame
from faceplate.provenance.consent import today
from faceplate_server.engine import Engine


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine_shot(tmp_path_factory.mktemp("shot"))


@pytest.fixture(scope="module")
def engine(shot: Path) -> Engine:
    return make_engine(shot)


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"motion_blur": 100.0, "opacity": 0.5},
        {"matte": "segmented-performer", "segmenter": "m.safetensors"},
        {"output_scale": -50.0},
    ],
    ids=str,
)
def test_a_swap_in_a_buffer_is_that_of_the_file(
    engine: Engine, shot: Path, recipe: dict[str, Any]
) -> None:
    if "segmenter" in recipe:
        seer = untrained_model(shot / "m.safetensors", face_type="head")
        recipe = {**recipe, "segmenter": str(seer)}
    place, pixels = a_buffer(shot)
    answer = engine.swap_buffer(FRAME, buffer_settings(shot), recipe, place)
    job = frame_settings(shot, out=str(shot / "same" / "B.%04d.exr"), pixel_type="float")
    path = engine.swap_frame(FRAME, job, recipe)["path"]

    assert answer == {"faces": 1}
    np.testing.assert_allclose(pixels[..., :3], read_frame(Path(path)).rgb(), atol=1e-6)
    assert (pixels[..., 3] == 1).all()


def test_a_buffer_without_a_face_is_not_touched(engine: Engine, shot: Path) -> None:
    track = json.loads((shot / "B.json").read_text())
    track["people"] = []
    (shot / "nobody.json").write_text(json.dumps(track))
    place, pixels = a_buffer(shot)
    pixels[0, 0] = (-1, 64, np.nan, np.inf)
    before = pixels.tobytes()
    wanted = buffer_settings(shot, track=str(shot / "nobody.json"))

    assert engine.swap_buffer(FRAME, wanted, {}, place) == {"faces": 0}
    assert pixels.tobytes() == before


def test_a_frame_that_was_not_analysed_is_refused(engine: Engine, shot: Path) -> None:
    with pytest.raises(NotReady, match="does not cover"):
        engine.swap_buffer(9999, buffer_settings(shot), {}, a_buffer(shot)[0])


def test_a_consent_that_is_withdrawn_holds_no_longer(engine: Engine, shot: Path) -> None:
    path = consent_file(shot / "withdrawn.json")
    wanted = buffer_settings(shot, consent=str(path))
    assert engine.swap_buffer(FRAME, wanted, {}, a_buffer(shot)[0]) == {"faces": 1}

    consent_file(path, likeness="p2A")
    with pytest.raises(ConsentRefused):
        engine.swap_buffer(FRAME, wanted, {}, a_buffer(shot)[0])


def test_a_consent_that_is_revoked_holds_no_longer(engine: Engine, shot: Path) -> None:
    record = consent_file(shot / "revoked.json", consent_id="C-revoked")
    wanted = buffer_settings(shot, consent=str(record))
    copy = (shot / "copy.json", record.read_bytes())
    assert engine.swap_buffer(FRAME, wanted, {}, a_buffer(shot)[0]) == {"faces": 1}
    revoke_consent(
        RevokeConsent(consent=str(record), reason="asked for it", on=today()),
        Context(shot / "home"),
    )
    copy[0].write_bytes(copy[1])

    for path in (record, copy[0]):
        with pytest.raises(ConsentRefused, match="revoked"):
            engine.swap_buffer(FRAME, {**wanted, "consent": str(path)}, {}, a_buffer(shot)[0])


def test_a_buffer_asks_for_the_consent_of_whose_face_goes_in(engine: Engine, shot: Path) -> None:
    wanted = buffer_settings(shot)
    assert engine.swap_buffer(FRAME, wanted, {}, a_buffer(shot)[0]) == {"faces": 1}
    with pytest.raises(ConsentRefused, match="not for 'p1B'"):
        engine.swap_buffer(FRAME, wanted, {"direction": "performer"}, a_buffer(shot)[0])

    other = {**wanted, "consent": str(consent_file(shot / "other.json", likeness="p1B"))}
    turned = {"direction": "performer"}
    assert engine.swap_buffer(FRAME, other, turned, a_buffer(shot)[0]) == {"faces": 1}


def test_what_a_buffer_cannot_be_asked_is_refused(engine: Engine, shot: Path) -> None:
    with pytest.raises(BadSettings, match="raw-predict"):
        engine.swap_buffer(FRAME, buffer_settings(shot), {"mode": "raw-predict"}, a_buffer(shot)[0])
    with pytest.raises(BadSettings, match="morph"):
        engine.swap_buffer(FRAME, buffer_settings(shot, morph=2.0), {}, a_buffer(shot)[0])
