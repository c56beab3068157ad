from pathlib import Path

import numpy as np
import pytest
import torch

from faceplate.errors import BadSettings, BadShape, Damaged, NotReady
from faceplate.models.device import pick_device, pick_precision
from faceplate.models.df import DF, DFConfig
from faceplate.models.folder import ModelFolder, SwapModelConfig
from faceplate.models.predictor import load_predictor

NET = DFConfig(32, "ud", 8, 8, 8, 4)
CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    config = SwapModelConfig("amy", "bob", "full_face", "acescct", net=NET)
    model = ModelFolder.create(tmp_path / "model", config)
    model.write_save(1, DF(NET, seed=3).state_dict(), None, {})
    return model


@pytest.fixture
def crops() -> np.ndarray:
    return np.random.default_rng(0).random((3, 32, 32, 3), dtype=np.float32)


def test_a_prediction_is_what_the_network_says(folder: ModelFolder, crops: np.ndarray) -> None:
    got = load_predictor(folder, "cpu", "fp32").predict(crops)
    with torch.inference_mode():
        image, likeness, performer = DF(NET, seed=3)(torch.from_numpy(crops).permute(0, 3, 1, 2))
    np.testing.assert_allclose(got.face, image.permute(0, 2, 3, 1), atol=1e-5)
    np.testing.assert_allclose(got.likeness_matte, likeness[:, 0], atol=1e-5)
    np.testing.assert_allclose(got.performer_matte, performer[:, 0], atol=1e-5)


def test_a_batch_gives_the_bits_of_its_single_frames(
    folder: ModelFolder, crops: np.ndarray
) -> None:
    predictor = load_predictor(folder, "cpu")
    together = predictor.predict(crops)
    for index in range(len(crops)):
        alone = predictor.predict(crops[index : index + 1])
        assert np.array_equal(alone.face[0], together.face[index])
        assert np.array_equal(alone.performer_matte[0], together.performer_matte[index])


def test_values_outside_0_to_1_are_clipped_and_nan_is_black(
    folder: ModelFolder, crops: np.ndarray
) -> None:
    predictor = load_predictor(folder, "cpu", "fp32")
    wild = crops.copy()
    wild[0, 0, :3] = (-2.0, 3.0, np.nan)
    tame = crops.copy()
    tame[0, 0, :3] = (0.0, 1.0, 0.0)
    assert np.array_equal(predictor.predict(wild).face, predictor.predict(tame).face)


def test_the_other_direction_puts_the_performer_into_the_likeness(
    folder: ModelFolder, crops: np.ndarray
) -> None:
    there, back = (load_predictor(folder, "cpu").predict(crops, who) for who in ((0, 1), (1, 0)))
    assert not np.array_equal(there.face, back.face)
    assert np.array_equal(there.likeness_matte, back.performer_matte)
    assert np.array_equal(there.performer_matte, back.likeness_matte)


def test_no_crops_give_no_faces(folder: ModelFolder) -> None:
    got = load_predictor(folder, "cpu").predict(np.empty((0, 32, 32, 3), np.float32))
    assert got.face.shape == (0, 32, 32, 3)
    assert got.likeness_matte.shape == (0, 32, 32)


def test_crops_of_another_size_are_refused(folder: ModelFolder) -> None:
    with pytest.raises(BadShape, match=r"expected \(N, 32, 32, 3\)"):
        load_predictor(folder, "cpu").predict(np.zeros((1, 64, 64, 3), np.float32))


def test_the_predictor_names_its_weights(folder: ModelFolder) -> None:
    predictor = load_predictor(folder.path, "cpu")
    assert predictor.sha256 == folder.sha256()
    assert predictor.config.likeness == "amy"
    assert predictor.resolution == 32


def test_half_precision_weights_predict_nearly_the_same(
    folder: ModelFolder, crops: np.ndarray, tmp_path: Path
) -> None:
    exported = folder.export(tmp_path / "small")
    full = load_predictor(folder, "cpu", "fp32").predict(crops)
    half = load_predictor(exported, "cpu", "fp32").predict(crops)
    assert 0 < np.abs(full.face - half.face).max() < 1e-3


def test_bfloat16_predicts_nearly_the_same(folder: ModelFolder, crops: np.ndarray) -> None:
    full = load_predictor(folder, "cpu", "fp32").predict(crops)
    brief = load_predictor(folder, "cpu", "bf16").predict(crops)
    assert 0 < np.abs(full.face - brief.face).max() < 1e-2


@pytest.mark.parametrize("change", ["missing", "unknown", "shape"])
def test_weights_that_do_not_fit_are_damage_and_never_random(
    folder: ModelFolder, change: str
) -> None:
    weights = DF(NET).state_dict()
    name = "decoder_likeness.head.0.bias"
    if change == "missing":
        del weights[name]
    elif change == "unknown":
        name = "decoder_third.weight"
        weights[name] = torch.zeros(1)
    else:
        weights[name] = torch.zeros(4)
    folder.write_save(2, weights, None, {})
    with pytest.raises(Damaged, match=name):
        load_predictor(folder, "cpu")


def test_devices_are_asked_for_by_name() -> None:
    assert pick_device("cpu") == CPU
    with pytest.raises(BadSettings, match="auto, cpu, cuda or cuda:N"):
        pick_device("gpu")
    with pytest.raises(NotReady, match="is not there"):
        pick_device("cuda:99")


@pytest.mark.parametrize(("amx", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_of_cpus_only_those_with_amx_work_in_bfloat16(
    monkeypatch: pytest.MonkeyPatch, amx: bool, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": amx})
    assert pick_precision(CPU) == dtype
    assert pick_precision(CPU, "fp32") == torch.float32
