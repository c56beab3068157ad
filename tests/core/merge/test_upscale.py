import hashlib

import numpy as np
import pytest
from tests.support.onnxnets import doubling_upscaler, xseg_of_green

from faceplate.errors import BadSettings, BadShape, Damaged, UnknownComponent, WeightsMissing
from faceplate.merge.upscale import UPSCALERS, OnnxUpscaler, load_upscaler, super_resolve
from faceplate.models.cards import load_cards
from faceplate.models.store import WeightStore


def ramp(size=48, low=0.0, high=1.0):
    row = np.linspace(low, high, size, dtype=np.float32)
    return np.repeat(np.repeat(row[None, :, None], size, 0), 3, 2)


def imported(tmp_path, **network):
    """A store into which a network was brought the way a studio would bring it."""
    file = doubling_upscaler(tmp_path / "brought.onnx", **network)
    store = WeightStore(tmp_path / "weights")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    store.import_file(file, name="upscaler-own", sha256=digest)
    return store


def test_an_imported_network_is_loaded_by_its_card_and_run(tmp_path):
    upscaler = load_upscaler("own", imported(tmp_path).path)
    finer = super_resolve(ramp(), upscaler, "own", 100)
    assert np.array_equal(finer, ramp().repeat(2, 0).repeat(2, 1))


def test_power_mixes_with_a_cubic_enlargement(tmp_path):
    upscaler = load_upscaler("own", imported(tmp_path).path)
    none, half, whole = (super_resolve(ramp(), upscaler, "own", p) for p in (0, 50, 100))
    assert np.allclose(half, (none + whole) / 2, atol=1e-6)
    assert np.abs(none - whole).max() > 0.003


def test_values_beyond_0_and_1_go_around_the_network(tmp_path):
    upscaler = load_upscaler("own", imported(tmp_path).path)
    finer = super_resolve(ramp(low=-0.5, high=3.0), upscaler, "own", 100)
    assert finer.max() == pytest.approx(3, abs=0.1)
    assert finer.min() == pytest.approx(-0.5, abs=0.1)


def test_a_network_of_a_fixed_size_takes_faces_of_any(tmp_path):
    upscaler = load_upscaler("own", imported(tmp_path, side=64).path)
    assert super_resolve(ramp(48), upscaler, "own", 100).shape == (128, 128, 3)


@pytest.mark.parametrize("name", UPSCALERS.names())
def test_absent_weights_are_an_error_that_says_what_to_do(tmp_path, name):
    card = UPSCALERS.load(name).card
    assert load_cards()[card].role == "upscaling"
    with pytest.raises(WeightsMissing, match=f"faceplate models fetch {card}"):
        load_upscaler(name, WeightStore(tmp_path).path)


def test_a_recipe_that_asks_for_none_gets_the_face_as_it_is(tmp_path):
    assert load_upscaler("none", WeightStore(tmp_path).path) is None
    face = ramp()
    assert super_resolve(face, None, "none", 100) is face


def test_an_upscaler_that_was_not_loaded_is_never_left_out_in_silence():
    with pytest.raises(BadSettings, match="no upscaler was loaded"):
        super_resolve(ramp(), None, "realesrgan", 100)


def test_unknown_names_list_those_that_there_are(tmp_path):
    with pytest.raises(UnknownComponent, match="own, realesrgan"):
        load_upscaler("magic", WeightStore(tmp_path).path)


def test_another_network_is_damaged(tmp_path):
    with pytest.raises(Damaged, match="no upscaler"):
        OnnxUpscaler(xseg_of_green(tmp_path / "xseg.onnx"))
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(Damaged, match="not the ONNX network"):
        OnnxUpscaler(tmp_path / "text.onnx")


def test_a_face_that_is_not_square_is_refused(tmp_path):
    upscaler = OnnxUpscaler(doubling_upscaler(tmp_path / "net.onnx"))
    with pytest.raises(BadShape, match="SxSx3"):
        super_resolve(np.zeros((4, 5, 3), np.float32), upscaler, "own", 100)
