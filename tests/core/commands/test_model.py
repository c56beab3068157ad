from pathlib import Path

import pytest
import torch

from faceplate.commands.model import (
    ExportModel,
    SaveInfo,
    ShowModel,
    export_model,
    show_model,
)
from faceplate.context import Context
from faceplate.errors import NotFound
from faceplate.models.folder import ModelFolder, SwapModelConfig

CONFIG = SwapModelConfig(likeness="p1A", performer="p1B", face_type="full_face", encoding="acescct")


def test_a_model_is_shown_with_its_saves_and_damage(tmp_path: Path) -> None:
    folder = ModelFolder.create(tmp_path / "model", CONFIG)
    good = folder.write_save(100, {"a": torch.zeros(3)}, None, {})
    bad = folder.write_save(200, {"a": torch.ones(3)}, None, {})
    (bad.path / "weights.safetensors").write_bytes(b"torn")
    info = show_model(ShowModel(str(tmp_path / "model")), Context(tmp_path))

    assert info.config == CONFIG
    assert info.saves == (SaveInfo(100, "whole", good.sha256()), SaveInfo(200, "damaged", ""))


def test_a_folder_that_is_no_model_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="is not a swap model"):
        show_model(ShowModel(str(tmp_path)), Context(tmp_path))


def test_an_export_holds_the_newest_weights_in_half_the_room(tmp_path: Path) -> None:
    folder = ModelFolder.create(tmp_path / "model", CONFIG)
    weights = {"a": torch.linspace(0, 1, 50_000)}
    folder.write_save(100, weights, {"a.square": torch.ones(50_000)}, {"step": 100})
    result = export_model(
        ExportModel(str(tmp_path / "model"), str(tmp_path / "small")), Context(tmp_path)
    )

    copied = ModelFolder(tmp_path / "small").latest()
    assert (result.step, result.sha256) == (100, copied.sha256())
    assert 0.1 < result.size_mb < 0.11
    assert torch.allclose(copied.weights()["a"].float(), weights["a"], atol=5e-4)
