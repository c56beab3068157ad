import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.paths import MINI
from tests.support.swaps import (
    FixedPredictor,
    consent_file,
    encodings,
    face_of,
    flat_frame,
    frontal_landmarks,
    mini_landmarks,
    tiny_model,
    truth_track,
)

from faceplate.context import Context
from faceplate.errors import BadSettings, ConsentRefused, NotFound
from faceplate.io.image import read_frame
from faceplate.io.tracked import PersonTrack
from faceplate.io.trackfile import Track
from faceplate.merge.cast import load_cast
from faceplate.merge.face import CastFace
from faceplate.merge.frame import swap_cast
from faceplate.merge.recipe import Recipe
from faceplate.merge.swap import SwapJob, swap

FRAME = 1004
SIZE = 200


def cast_file(folder, *members):
    path = folder / "cast.json"
    path.write_text(json.dumps({"cast": list(members)}))
    return path


def member(person, **changes):
    return {"person": person, "model": "model", "consent": "consent.json", **changes}


def fixed(value, size=32):
    ones = np.ones((size, size), np.float32)
    return FixedPredictor(np.full((size, size, 3), value, np.float32), ones)


def one(center, value, width=60.0, **settings):
    recipe = Recipe(**{"transfer": "none", "matte": "hull", "feather": 4.0, **settings})
    face = face_of(frontal_landmarks(center, width))
    return CastFace(face, fixed(value), recipe, encodings())


def grey():
    return flat_frame(np.full((SIZE, SIZE, 3), 0.3, np.float32))


def test_members_are_laid_in_by_their_order_and_equals_as_they_are_listed(tmp_path):
    path = cast_file(tmp_path, member(3, order=2), member(1), member(2), member(4, order=-1))
    assert [each.person for each in load_cast(path)] == [4, 1, 2, 3]


def test_paths_are_relative_to_the_file(tmp_path):
    path = cast_file(tmp_path, member(1, recipe="r.json", mattes="/roto/m.%04d.exr"))
    (found,) = load_cast(path)
    assert Path(found.model) == tmp_path / "model"
    assert Path(found.recipe or "") == tmp_path / "r.json"
    assert found.mattes == "/roto/m.%04d.exr"


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ([], "at least one"),
        ([member(1), member(1)], "nobody twice"),
        ([member(0), member(1)], "own person"),
        ([{"person": 1}], "model"),
        ([member(1, recpie="r.json")], "recipe"),
        ([member(1, morph=2)], "morph"),
    ],
)
def test_a_cast_that_cannot_be_right_is_refused(tmp_path, members, says):
    with pytest.raises(BadSettings, match=says):
        load_cast(cast_file(tmp_path, *members))


def test_each_face_is_made_with_its_own_model_and_recipe():
    both = swap_cast(grey(), [one((60, 95), 0.4), one((140, 95), 0.5, opacity=0.5)])
    first, second = (encodings().from_working(np.full((1, 3), v, np.float32)) for v in (0.4, 0.5))
    assert np.allclose(both.rgb[95, 60], first, rtol=1e-4)
    assert np.allclose(both.rgb[95, 140], (0.3 + second) / 2, rtol=1e-4)
    assert both.matte[95, 140] == 0.5


def test_who_comes_later_is_laid_over_who_comes_earlier():
    back, front = one((95, 95), 0.4), one((105, 95), 0.5)
    values = [swap_cast(grey(), order).rgb[95, 100, 0] for order in ([back, front], [front, back])]
    expected = [encodings().from_working(np.full((1, 3), v, np.float32))[0, 0] for v in (0.5, 0.4)]
    assert np.allclose(values, expected, rtol=1e-4)


def test_the_layers_of_several_faces_over_the_plate_make_the_result():
    layers = swap_cast(grey(), [one((90, 95), 0.4, opacity=0.7), one((110, 95), 0.5, opacity=0.6)])
    over = 0.3 * (1 - layers.face_matte[..., None]) + layers.face
    assert np.allclose(over, layers.rgb, atol=1e-6)
    assert layers.face_matte.max() == pytest.approx(1 - 0.3 * 0.4, abs=1e-5)


def test_raw_predictions_of_a_cast_lie_side_by_side_and_an_absent_one_stays_black():
    cast = [one((60, 95), 0.4, mode="raw-predict"), one((140, 95), 0.5, mode="raw-predict")]
    layers = swap_cast(grey(), cast)
    assert layers.rgb.shape == (32, 64, 3)
    wanted = [encodings().from_working(np.full((1, 3), v, np.float32))[0, 0] for v in (0.4, 0.5)]
    assert np.allclose(layers.rgb[16, [10, 50], 0], wanted, rtol=1e-5)
    with pytest.raises(BadSettings, match="raw-predict"):
        swap_cast(grey(), [cast[0], one((140, 95), 0.5)])


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Two people, two models, a consent record."""
    folder = tmp_path_factory.mktemp("cast")
    tiny_model(folder / "model")
    tiny_model(folder / "other", 32)
    track = truth_track(folder / "alone.json")
    second = tuple(
        replace(face, person=2, landmarks=mini_landmarks(face.frame) + np.array([90, 0]))
        for face in track.people[0].faces
        if face.frame != FRAME + 1
    )
    replace(track, people=(*track.people, PersonTrack(2, second))).save(folder / "track.json")
    consent_file(folder / "consent.json")
    return folder


def job(shelf, tmp_path, cast, **changes):
    return SwapJob(
        plate=str(MINI / "B" / "B.%04d.exr"),
        track=str(shelf / "track.json"),
        out=str(tmp_path / "out" / "s.%04d.exr"),
        cast=str(cast),
        **{"frames": f"{FRAME}-{FRAME + 1}", **changes},
    )


def test_a_cast_is_swapped_and_the_header_names_all_models(shelf, tmp_path):
    (shelf / "half.json").write_text('{"opacity": 0.5, "matte": "hull"}')
    cast = cast_file(shelf, member(1), member(2, model="other", recipe="half.json"))
    result = swap(job(shelf, tmp_path, cast), Context(tmp_path / "home", device="cpu"))
    assert (result.swapped, result.likeness, result.consent_id) == (2, "p1A+p1A", "C-1+C-1")
    there = read_frame(tmp_path / "out" / f"s.{FRAME}.exr")
    models = there.attribute("faceplate:modelSha256").split("+")
    assert len(set(models)) == 2
    x, y = (mini_landmarks(FRAME)[30] + np.array([90, 0])).astype(int)
    assert there.channel("fp_mask.A")[y, x] == pytest.approx(0.5, abs=1e-3)


def test_the_change_of_one_recipe_makes_only_frames_with_that_person_anew(shelf, tmp_path):
    (shelf / "r.json").write_text("{}")
    cast = cast_file(shelf, member(1), member(2, recipe="r.json"))
    context = Context(tmp_path / "home", device="cpu")
    swap(job(shelf, tmp_path, cast), context)
    assert swap(job(shelf, tmp_path, cast), context).kept == 2
    (shelf / "r.json").write_text('{"feather": 3}')
    assert swap(job(shelf, tmp_path, cast), context).kept == 0


def test_each_member_needs_consent_of_their_own(shelf, tmp_path):
    cast = cast_file(shelf, member(1), {"person": 2, "model": "other"})
    with pytest.raises(ConsentRefused):
        swap(job(shelf, tmp_path, cast), Context(tmp_path / "home", device="cpu"))


def test_the_other_direction_asks_for_the_consent_of_the_performer(shelf, tmp_path):
    (shelf / "back.json").write_text('{"direction": "performer"}')
    cast = cast_file(shelf, member(1, recipe="back.json"))
    context = Context(tmp_path / "home", device="cpu")
    with pytest.raises(ConsentRefused, match="p1B"):
        swap(job(shelf, tmp_path, cast), context)
    consent_file(shelf / "b.json", likeness="p1B")
    cast = cast_file(shelf, member(1, recipe="back.json", consent="b.json"))
    result = swap(job(shelf, tmp_path, cast), context)
    assert (result.likeness, result.swapped) == ("p1B", 2)


def test_a_cast_and_a_model_or_a_person_that_is_not_there_are_refused(shelf, tmp_path):
    with pytest.raises(BadSettings, match="either"):
        job(shelf, tmp_path, "c.json", model="m")
    with pytest.raises(BadSettings, match="recipe"):
        job(shelf, tmp_path, "c.json", recipe="r.json")
    with pytest.raises(NotFound, match="person 7"):
        swap(
            job(shelf, tmp_path, cast_file(shelf, member(7))),
            Context(tmp_path / "home", device="cpu"),
        )
    assert Track.load(shelf / "track.json").person(2) is not None
