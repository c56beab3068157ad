import numpy as np
import pytest
from tests.support.onnxnets import bisenet_of_brightness, xseg_of_green

from faceplate.errors import BadShape, Damaged, UnknownComponent, WeightsMissing
from faceplate.models.cards import load_cards
from faceplate.models.store import WeightStore
from faceplate.segment import SEGMENTERS, load_segmenter


def crop(size=128):
    view = np.zeros((size, size, 3), np.float32)
    view[:, : size // 2, 1] = 0.75
    view[:, size // 2 :, 0] = 1
    return view


@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("size", [96, 256, 300])
def test_xseg_gives_the_matte_of_its_network_at_the_size_of_the_crop(
    tmp_path, channels_first, size
):
    path = xseg_of_green(tmp_path / "xseg.onnx", channels_first=channels_first)
    matte = load_segmenter("xseg", lambda card: path)(crop(size))
    assert matte.shape == (size, size)
    assert matte[:, : size // 2 - 4] == pytest.approx(0.75, abs=1e-5)
    assert matte[:, size // 2 + 4 :] == pytest.approx(0, abs=1e-5)


def test_bisenet_adds_the_regions_of_the_face(tmp_path):
    path = bisenet_of_brightness(tmp_path / "bisenet.onnx")
    matte = load_segmenter("bisenet", lambda card: path)(crop())
    assert matte[:, 68:] == pytest.approx(1, abs=1e-4)
    assert matte[:, :60] == pytest.approx(0, abs=1e-4)


def test_nan_in_a_crop_stays_where_it_is(tmp_path):
    path = xseg_of_green(tmp_path / "xseg.onnx")
    view = crop(256)
    view[10, 10] = np.nan
    matte = load_segmenter("xseg", lambda card: path)(view)
    assert np.isfinite(matte).all()
    assert matte[10, 10] == 0
    assert matte[10, 12] == pytest.approx(0.75)


def test_every_segmenter_has_a_card_and_says_how_to_get_its_weights(tmp_path):
    store = WeightStore(tmp_path)
    for name in SEGMENTERS.names():
        card = SEGMENTERS.load(name).card
        assert load_cards()[card].role == "segmentation"
        if name == "occlusion":  # comes with Faceplate
            continue
        with pytest.raises(WeightsMissing, match=f"faceplate models fetch {card}"):
            load_segmenter(name, store.path)


def test_an_unknown_segmenter_lists_those_that_there_are(tmp_path):
    with pytest.raises(UnknownComponent, match="bisenet, occlusion, xseg"):
        load_segmenter("magic", lambda card: tmp_path)


def test_a_file_that_is_no_such_network_is_damaged(tmp_path):
    text = tmp_path / "text.onnx"
    text.write_text("not a network")
    with pytest.raises(Damaged, match="XSeg"):
        load_segmenter("xseg", lambda card: text)
    other = xseg_of_green(tmp_path / "xseg.onnx")
    with pytest.raises(Damaged, match="19 regions"):
        load_segmenter("bisenet", lambda card: other)


def test_a_crop_that_is_not_square_is_refused(tmp_path):
    path = xseg_of_green(tmp_path / "xseg.onnx")
    with pytest.raises(BadShape, match="square"):
        load_segmenter("xseg", lambda card: path)(np.zeros((4, 5, 3), np.float32))
