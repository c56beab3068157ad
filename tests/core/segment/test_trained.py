import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.support.masks import untrained_model

from faceplate.errors import BadSettings, BadShape, Damaged, NotFound, UnknownComponent
from faceplate.segment import framing_of, is_mask_path, load_segmenter
from faceplate.segment.maskfile import MASK_FILE, mask_sha256
from faceplate.segment.maskmodel import MaskModelConfig, open_mask_model, write_mask_model
from faceplate.segment.masknet import MaskNetConfig
from faceplate.segment.ternausnet import TernausNet


def no_weights(card):
    raise AssertionError(card)


@pytest.fixture
def model(tmp_path):
    return untrained_model(tmp_path / "m.safetensors", face_type="whole_face")


def test_a_mask_model_is_a_segmenter_by_its_path(model):
    segmenter = load_segmenter(str(model), no_weights)
    matte = segmenter(np.random.default_rng(1).random((96, 96, 3), np.float32))
    assert matte.shape == (96, 96)
    assert matte.min() >= 0
    assert matte.max() <= 1
    assert framing_of(segmenter) == "whole_face"


def test_a_folder_stands_for_the_model_in_it(model, tmp_path):
    folder = tmp_path / "training"
    folder.mkdir()
    model.rename(folder / MASK_FILE)
    assert is_mask_path(str(folder))
    view = np.full((64, 64, 3), 0.5, np.float32)
    assert load_segmenter(str(folder), no_weights)(view).shape == (64, 64)


def test_the_matte_is_what_the_network_says(model):
    _, net = open_mask_model(model)
    view = np.random.default_rng(1).random((64, 64, 3), np.float32)
    with torch.inference_mode():
        wanted = torch.sigmoid(net(torch.from_numpy(view.transpose(2, 0, 1)[None])))[0, 0].numpy()
    found = load_segmenter(str(model), no_weights)(view)
    assert found == pytest.approx(np.where(wanted < 0.1, 0, wanted), abs=1e-5)


def test_nan_counts_as_black_and_no_square_is_refused(model):
    segmenter = load_segmenter(str(model), no_weights)
    assert np.isfinite(segmenter(np.full((64, 64, 3), np.nan, np.float32))).all()
    with pytest.raises(BadShape, match="square"):
        segmenter(np.zeros((64, 60, 3), np.float32))


def test_half_precision_weights_are_read(model, tmp_path):
    config, net = open_mask_model(model)
    small = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in net.state_dict().items()
    }
    write_mask_model(tmp_path / "half.safetensors", config, small)
    view = np.random.default_rng(1).random((64, 64, 3), np.float32)
    own = load_segmenter(str(model), no_weights)(view)
    assert load_segmenter(str(tmp_path / "half.safetensors"), no_weights)(view) == pytest.approx(
        own, abs=0.01
    )


def test_the_same_model_has_the_same_hash_wherever_it_lies(model, tmp_path):
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(model.read_bytes())
    assert mask_sha256(copy) == mask_sha256(model)


def test_what_is_no_mask_model_says_so(tmp_path, model):
    with pytest.raises(NotFound, match="no mask model"):
        load_segmenter(str(tmp_path / "gone.safetensors"), no_weights)
    with pytest.raises(UnknownComponent) as caught:
        load_segmenter("magic", no_weights)
    assert "named by its path" in caught.value.__notes__[0]
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="train it first"):
        load_segmenter(str(tmp_path / "empty"), no_weights)
    (tmp_path / "text.safetensors").write_text("no weights")
    with pytest.raises(Damaged, match="no mask model"):
        load_segmenter(str(tmp_path / "text.safetensors"), no_weights)
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(Damaged, match="no mask model of Faceplate"):
        load_segmenter(str(tmp_path / "other.safetensors"), no_weights)
    model.write_bytes(model.read_bytes()[:-100])
    with pytest.raises(Damaged, match="broken"):
        load_segmenter(str(model), no_weights)


def test_weights_of_another_network_and_a_newer_format_are_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    weights = TernausNet(MaskNetConfig(64, 8)).state_dict()
    write_mask_model(path, MaskModelConfig("ternausnet", MaskNetConfig(64, 4)), weights)
    with pytest.raises(Damaged, match="do not fit"):
        load_segmenter(str(path), no_weights)
    write_mask_model(path, MaskModelConfig("ternausnet", MaskNetConfig(64, 8), format=9), weights)
    with pytest.raises(BadSettings, match="format 9"):
        load_segmenter(str(path), no_weights)
