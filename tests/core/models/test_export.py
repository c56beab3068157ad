from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from tests.support.paths import REPO

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import BUILTIN_CONFIG, load_config
from faceplate.errors import BadSettings, Damaged, NotFound
from faceplate.models import ARCHITECTURES
from faceplate.models import export as export_module
from faceplate.models.export import DfmNet, export_network
from faceplate.models.folder import ModelFolder, SwapModelConfig

SIDE = 64
NETS: dict[str, dict[str, Any]] = {
    "df": {"options": "ud"},
    "liae": {"options": "udt"},
    "amp": {"options": "udtc", "inter_dims": 32},
}


def model(folder: Path, architecture: str = "df", encoding: str = "srgb") -> ModelFolder:
    kind = ARCHITECTURES.load(architecture)
    shape = {"resolution": SIDE, "ae_dims": 12, "e_dims": 6, "d_dims": 6, "d_mask_dims": 4}
    config = SwapModelConfig(
        "amy",
        "bob",
        "full_face",
        encoding,
        architecture,
        kind.Config(**shape, **NETS[architecture]),
    )
    made = ModelFolder.create(folder / "model", config)
    weights = kind(config.net, seed=5).state_dict()
    # pictures with some contrast
    made.write_save(7, {name: tensor * 1.5 for name, tensor in weights.items()}, None, {})
    return made


def net_of(folder: ModelFolder) -> Any:
    net = ARCHITECTURES.load(folder.config.architecture)(folder.config.net).eval()
    net.load_state_dict(folder.latest().weights())
    return net


def faces(count: int) -> np.ndarray:
    return np.random.default_rng(2).random((count, SIDE, SIDE, 3), dtype=np.float32)


@pytest.mark.parametrize("architecture", ["df", "liae", "amp"])
def test_a_dfm_has_the_names_and_shapes_of_the_format_and_gives_what_torch_gives(
    tmp_path: Path, architecture: str
) -> None:
    folder = model(tmp_path, architecture)
    path = tmp_path / "amy_model.dfm"
    assert export_network(folder, path, "dfm") < 1e-5

    session = onnxruntime.InferenceSession(str(path))
    shapes = {value.name: value.shape for value in session.get_inputs()}
    assert shapes["in_face:0"] == ["N", SIDE, SIDE, 3]
    assert list(shapes) == ["in_face:0", *(["morph_value:0"] if architecture == "amp" else [])]
    assert shapes.get("morph_value:0", [1]) == [1]
    assert [(value.name, value.shape) for value in session.get_outputs()] == [
        ("out_face_mask:0", ["N", SIDE, SIDE, 1]),
        ("out_celeb_face:0", ["N", SIDE, SIDE, 3]),
        ("out_celeb_face_mask:0", ["N", SIDE, SIDE, 1]),
    ]
    assert onnx.load(str(path)).opset_import[0].version == 12
    assert session.get_modelmeta().custom_metadata_map["faceplate:likeness"] == "amy"

    batch = faces(3)
    values = [0.0, 0.3, 1.0] if architecture == "amp" else [None]
    for morph in values:
        feed = {"in_face:0": batch}
        arguments: list[Any] = [torch.from_numpy(batch[..., ::-1].copy()).permute(0, 3, 1, 2)]
        if morph is not None:
            feed["morph_value:0"] = np.array([morph], np.float32)
            arguments.append(morph)
        mask, face, celeb_mask = session.run(None, feed)
        with torch.inference_mode():
            image, likeness, performer = net_of(folder)(*arguments)
        assert image.std() > 0.01
        np.testing.assert_allclose(face[..., ::-1], image.permute(0, 2, 3, 1), atol=1e-5)
        np.testing.assert_allclose(mask[..., 0], performer[:, 0], atol=1e-5)
        np.testing.assert_allclose(celeb_mask[..., 0], likeness[:, 0], atol=1e-5)


def test_the_morph_value_of_an_amp_changes_the_face(tmp_path: Path) -> None:
    path = tmp_path / "a.dfm"
    export_network(model(tmp_path, "amp"), path, "dfm")
    session = onnxruntime.InferenceSession(str(path))
    low, high = (
        session.run(None, {"in_face:0": faces(1), "morph_value:0": np.array([v], np.float32)})[1]
        for v in (0.0, 1.0)
    )
    assert np.abs(low - high).max() > 0.01


class Same(torch.nn.Module):
    """A network that gives its input back."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return x, x[:, :1], x[:, :1]


def test_a_model_of_acescct_takes_and_gives_srgb() -> None:
    wrapped = DfmNet(Same(), "acescct")  # type: ignore[arg-type]
    values = np.linspace(0, 1, SIDE * SIDE * 3, dtype=np.float32).reshape(1, SIDE, SIDE, 3)
    values = values[..., [0, 2, 1]]
    with torch.inference_mode():
        _, out, matte = wrapped(torch.from_numpy(values))
    np.testing.assert_allclose(out.numpy(), values, atol=2e-5)  # there and back
    encodings = Encodings(load_config(BUILTIN_CONFIG), "srgb_rec709_scene", "acescct")
    wanted = encodings.to_working(values[0, ..., ::-1])
    np.testing.assert_allclose(matte[0, ..., 0].numpy(), wanted[..., 0], atol=1e-5)


def test_the_demo_model_which_is_of_acescct_survives_the_exporter(tmp_path: Path) -> None:
    folder = ModelFolder(REPO / "examples/demo_model")
    assert folder.config.encoding == "acescct"
    assert export_network(folder, tmp_path / "a.onnx", "dfm") < 5e-5


@pytest.mark.parametrize("architecture", ["df", "liae", "amp"])
def test_torchscript_gives_what_torch_gives(tmp_path: Path, architecture: str) -> None:
    folder = model(tmp_path, architecture)
    path = tmp_path / "amy.pt"
    assert export_network(folder, path, "torchscript") < 1e-5
    extra = {"faceplate:likeness": ""}
    # TorchScript is old, and what studios' hosts load
    with pytest.warns(DeprecationWarning, match=r"torch\.jit\.load"):
        loaded = torch.jit.load(str(path), _extra_files=extra)
    assert extra["faceplate:likeness"] == b"amy"
    picture = torch.from_numpy(faces(1)).permute(0, 3, 1, 2)
    arguments = (picture, torch.tensor([0.25])) if architecture == "amp" else (picture,)
    with torch.inference_mode():
        for got, wanted in zip(loaded(*arguments), net_of(folder)(*arguments), strict=True):
            torch.testing.assert_close(got, wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("format", ["dfm", "torchscript"])
def test_a_file_that_differs_from_torch_is_not_kept(
    tmp_path: Path, format: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_module, "_WORST", -1.0)
    with pytest.raises(Damaged, match="differs from torch by"):
        export_network(model(tmp_path), tmp_path / ("a.dfm" if format == "dfm" else "a.pt"), format)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_where_it_goes_is_checked_first(tmp_path: Path) -> None:
    folder = model(tmp_path)
    with pytest.raises(BadSettings, match=r"a dfm file ends in \.dfm or \.onnx"):
        export_network(folder, tmp_path / "a.pt", "dfm")
    with pytest.raises(NotFound, match="does not exist"):
        export_network(folder, tmp_path / "no/a.pt", "torchscript")
