import os
from dataclasses import replace

import numpy as np
import pytest
from tests.support.swaps import tiny_model

from faceplate.errors import BadSettings, NotFound, NotReady
from faceplate.merge.predictions import CachedPredictor, PredictionCache, prediction_key
from faceplate.models.folder import ModelFolder
from faceplate.models.predictor import Prediction, load_predictor

SIZE = 64


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny").path


def crop(seed=0):
    return np.random.default_rng(seed).random((1, SIZE, SIZE, 3), dtype=np.float32)


def prediction(value=0.5, size=SIZE):
    face = np.full((1, size, size, 3), value, np.float32)
    return Prediction(face, face[..., 0], face[..., 1])


def cache(tmp_path, limit=1 << 30):
    return PredictionCache(tmp_path / "predictions", limit)


def test_a_kept_prediction_is_the_network_s_to_the_bit(model, tmp_path):
    fresh = load_predictor(model, "cpu").predict(crop())
    first = CachedPredictor(model, "cpu", cache(tmp_path))
    first.predict(crop())
    second = CachedPredictor(model, "cpu", cache(tmp_path))
    kept = second.predict(crop())
    assert (first.network_runs, second.network_runs) == (1, 0)
    for name in ("face", "likeness_matte", "performer_matte"):
        assert np.array_equal(getattr(kept, name), getattr(fresh, name))


def test_weights_are_not_read_where_everything_is_kept(model, tmp_path, monkeypatch):
    CachedPredictor(model, "cpu", cache(tmp_path)).predict(crop())
    monkeypatch.setattr("faceplate.merge.predictions.load_predictor", None)
    assert CachedPredictor(model, "cpu", cache(tmp_path)).predict(crop()).face.shape[1] == SIZE


def test_another_crop_or_direction_or_model_is_another_prediction(model, tmp_path):
    kept = cache(tmp_path)
    predictor = CachedPredictor(model, "cpu", kept)
    predictor.predict(crop())
    predictor.predict(crop(1))
    predictor.predict(crop(), (1, 0))
    assert predictor.network_runs == 3
    keys = {
        prediction_key(crop(), "a", (0, 1), None, "cpu"),
        prediction_key(crop(), "b", (0, 1), None, "cpu"),
        prediction_key(crop(), "a", (1, 0), None, "cpu"),
        prediction_key(crop(), "a", (0, 1), 0.5, "cpu"),
        prediction_key(crop(), "a", (0, 1), None, "cuda"),
        prediction_key(np.nextafter(crop(), 2), "a", (0, 1), None, "cpu"),
    }
    assert len(keys) == 6


def test_a_batch_is_looked_up_crop_by_crop(model, tmp_path):
    predictor = CachedPredictor(model, "cpu", cache(tmp_path))
    predictor.predict(crop(1))
    both = predictor.predict(np.concatenate([crop(0), crop(1)]))
    assert predictor.network_runs == 2
    assert np.array_equal(both.face[1:], predictor.predict(crop(1)).face)


def test_without_a_cache_the_network_runs_every_time(model):
    predictor = CachedPredictor(model, "cpu", None)
    predictor.predict(crop())
    predictor.predict(crop())
    assert predictor.network_runs == 2


def test_what_was_used_longest_ago_goes_first_and_the_limit_holds(tmp_path):
    size = len_of_one(tmp_path / "probe")
    kept = cache(tmp_path, 10 * size + size // 2)
    keys = [f"{number:02x}" + "0" * 62 for number in range(14)]
    for age, key in enumerate(keys[:10]):
        kept.put(key, prediction())
        stamp(tmp_path, key, age)
    assert kept.get(keys[0]) is not None  # used now: the oldest is keys[1]
    for key in keys[10:]:
        kept.put(key, prediction())
    assert held(tmp_path) <= 10 * size + size // 2
    assert kept.get(keys[0]) is not None
    assert kept.get(keys[1]) is None
    assert all(kept.get(key) is not None for key in keys[10:])


def stamp(tmp_path, key, age):
    path = tmp_path / "predictions" / key[:2] / f"{key}.safetensors"
    os.utime(path, (1e9 + age, 1e9 + age))


def held(tmp_path):
    return sum(path.stat().st_size for path in (tmp_path / "predictions").glob("*/*"))


def len_of_one(folder):
    PredictionCache(folder, 1 << 30).put("ff" + "0" * 62, prediction())
    return next(folder.glob("*/*")).stat().st_size


@pytest.mark.parametrize("content", [b"", b"cut", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_damaged_file_counts_as_absent_and_is_made_again(model, tmp_path, content, caplog):
    predictor = CachedPredictor(model, "cpu", cache(tmp_path))
    whole = predictor.predict(crop())
    (path,) = (tmp_path / "predictions").glob("*/*")
    path.write_bytes(content)
    assert np.array_equal(predictor.predict(crop()).face, whole.face)
    assert predictor.network_runs == 2
    assert "damaged" in caplog.text
    predictor.predict(crop())
    assert predictor.network_runs == 2


def test_a_model_that_was_saved_anew_meanwhile_is_not_mixed_in(tmp_path):
    folder = tiny_model(tmp_path / "model")
    predictor = CachedPredictor(folder.path, "cpu", None)
    weights = {name: tensor + 1 for name, tensor in folder.latest().weights().items()}
    ModelFolder(folder.path).write_save(2, weights, None, {})
    with pytest.raises(NotReady, match="saved anew"):
        predictor.predict(crop())


def test_no_model_and_no_room_are_refused_at_once(tmp_path):
    with pytest.raises(NotFound):
        CachedPredictor(tmp_path / "absent", "cpu", None)
    with pytest.raises(BadSettings, match="limit"):
        PredictionCache(tmp_path, 0)


def test_a_strided_prediction_is_kept_as_it_is(tmp_path):
    kept = cache(tmp_path)
    strided = replace(prediction(), face=np.zeros((1, SIZE, 2 * SIZE, 3), np.float32)[:, :, ::2])
    kept.put("ab" + "0" * 62, strided)
    found = kept.get("ab" + "0" * 62)
    assert found.face.shape == strided.face.shape
    assert found.face.dtype == np.float32
