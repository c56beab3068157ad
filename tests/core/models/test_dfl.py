import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.support.dfl import FakeDfl

from faceplate.errors import BadSettings, Damaged, NotFound, Refused
from faceplate.models import ARCHITECTURES
from faceplate.models.dfl import DflModel, read_dfl_model
from faceplate.models.predictor import load_weights


def swapped(model: DflModel, face: np.ndarray) -> tuple[np.ndarray, ...]:
    """Swap a BGR face with our network, in float64 but for its last steps, which are float32."""
    net = ARCHITECTURES.load(model.architecture)(model.net).eval()
    load_weights(net, model.weights, "import")
    net.double()
    rgb = torch.from_numpy(face[..., ::-1].copy()).permute(2, 0, 1)[None]
    with torch.inference_mode():
        image, likeness, performer = net(rgb)
    return (
        image[0].permute(1, 2, 0).numpy()[..., ::-1],
        likeness[0, 0].numpy(),
        performer[0, 0].numpy(),
    )


VARIANTS = ["", "-u", "-d", "-t", "-c", "-ud", "-dt", "-udt", "-udtc", "-uc"]


@pytest.mark.parametrize("archi", [base + end for base in ("df", "liae") for end in VARIANTS])
def test_an_imported_model_swaps_as_a_naive_forward_pass_of_its_own_layout(
    tmp_path: Path, archi: str
) -> None:
    fake = FakeDfl(archi, 64, ae=12, e=6, d=4, m=6)
    fake.write(tmp_path / "model")
    model = read_dfl_model(tmp_path / "model")
    face = np.random.default_rng(1).random((64, 64, 3))
    for ours, theirs in zip(swapped(model, face), fake.swap(face), strict=True):
        assert ours.std() > 0.01
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_what_the_data_file_says_comes_along(tmp_path: Path) -> None:
    FakeDfl("liae-ud", 64, 12, 6, 4, 6).write(tmp_path / "m", name="amy")
    model = read_dfl_model(tmp_path / "m")
    assert (model.name, model.kind, model.architecture) == ("amy", "SAEHD", "liae")
    assert (model.step, model.batch, model.face_type) == (1234, 8, "whole_face")
    net = model.net
    assert (net.resolution, net.options, net.ae_dims, net.e_dims) == (64, "ud", 12, 6)
    assert (net.d_dims, net.d_mask_dims) == (4, 6)


@pytest.mark.slow
def test_quick96_is_read_at_its_own_size(tmp_path: Path) -> None:
    fake = FakeDfl("df-ud", 96, 128, 64, 64, 16)
    fake.write(tmp_path / "m", kind="Quick96", options={"batch_size": 4})
    model = read_dfl_model(tmp_path / "m")
    assert (model.kind, model.architecture, model.face_type) == ("Quick96", "quick96", "full_face")
    assert sum(tensor.numel() for tensor in model.weights.values()) == 38_294_330
    face = np.random.default_rng(1).random((96, 96, 3))
    for ours, theirs in zip(swapped(model, face), fake.swap(face), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    FakeDfl("df-ud", 64, 12, 6, 4, 6).write(tmp_path / "m")
    return tmp_path / "m"


class Evil:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self._path}",)


@pytest.mark.parametrize("file", ["new_SAEHD_data.dat", "new_SAEHD_inter.npy"])
def test_a_model_that_would_run_code_is_refused_and_runs_nothing(folder: Path, file: str) -> None:
    sign = folder / "ran"
    (folder / file).write_bytes(pickle.dumps({"options": Evil(sign)}, 4))
    with pytest.raises(Refused, match=rf"{file} is refused: it names (posix|os|nt)\.system"):
        read_dfl_model(folder)
    assert not sign.exists()


def test_a_missing_part_is_named(folder: Path) -> None:
    (folder / "new_SAEHD_decoder_dst.npy").unlink()
    with pytest.raises(NotFound, match=r"new_SAEHD_decoder_dst\.npy is missing"):
        read_dfl_model(folder)


def test_a_zero_filled_part_is_damaged(folder: Path) -> None:
    path = folder / "new_SAEHD_inter.npy"
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises((Damaged, Refused), match="inter"):
        read_dfl_model(folder)


def change(folder: Path, part: str, **changes: object) -> None:
    path = folder / f"new_SAEHD_{part}.npy"
    tensors = pickle.loads(path.read_bytes())
    for name, value in changes.items():
        if value is None:
            del tensors[name]
        else:
            tensors[name] = value
    path.write_bytes(pickle.dumps(tensors, 4))


def test_every_tensor_that_does_not_fit_is_named(folder: Path) -> None:
    change(folder, "inter", **{"dense1/bias:0": np.zeros(13, np.float32)})
    with pytest.raises(Damaged, match=r"inter\.dense1\.bias is \(13,\), expected \(12,\)"):
        read_dfl_model(folder)
    change(folder, "inter", **{"dense1/bias:0": np.full(12, np.nan, np.float32)})
    with pytest.raises(Damaged, match=r"inter\.dense1\.bias is not finite"):
        read_dfl_model(folder)
    change(folder, "inter", **{"dense1/bias:0": None})
    with pytest.raises(Damaged, match="has no tensor dense1/bias:0"):
        read_dfl_model(folder)
    change(folder, "encoder", **{"down9/conv1/bias:0": np.zeros(3)})
    with pytest.raises(Damaged, match=r"has tensors that .* does not: down9/conv1/bias:0"):
        read_dfl_model(folder)


def test_of_several_models_one_is_named(folder: Path) -> None:
    FakeDfl("liae-ud", 64, 12, 6, 4, 6).write(folder, name="other")
    with pytest.raises(BadSettings, match=r"several models.*new \(SAEHD\), other \(SAEHD\)"):
        read_dfl_model(folder)
    assert read_dfl_model(folder, "other").architecture == "liae"
    with pytest.raises(NotFound, match=r"there are: new \(SAEHD\)"):
        read_dfl_model(folder, "nobody")


def test_what_has_no_counterpart_is_refused(tmp_path: Path) -> None:
    fake = FakeDfl("df-ud", 64, 12, 6, 4, 6)
    fake.write(tmp_path / "m", options={"archi": "dfhd", "resolution": 64})
    with pytest.raises(BadSettings, match="'dfhd' has no counterpart"):
        read_dfl_model(tmp_path / "m")
    fake.write(tmp_path / "m", options={"archi": "df-ud", "resolution": 64})
    with pytest.raises(Damaged, match="does not say its ae_dims, e_dims, d_dims, d_mask_dims"):
        read_dfl_model(tmp_path / "m")
    with pytest.raises(NotFound, match="is no folder"):
        read_dfl_model(tmp_path / "nothing")
    with pytest.raises(NotFound, match="there are: none"):
        read_dfl_model(tmp_path)
