"""Embedders: the ONNX ones on small networks with a known answer, dlib's with its real weights."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from tests.support.mini import true_points, view

from faceplate.embed import EMBEDDERS, first_present, load_embedder
from faceplate.embed.onnxface import aligned_face, five_points
from faceplate.errors import BadShape, Damaged, NotFound, UnknownComponent, WeightsMissing
from faceplate.models.cards import load_cards
from faceplate.models.store import WeightStore


def mean_of_colors(path: Path, channels: int = 3) -> Path:
    """Write a network whose answer is the mean of each channel, and a 1 beside them."""
    kind = onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("GlobalAveragePool", ["data"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Concat", ["flat", "one"], ["out"], axis=1),
    ]
    graph = helper.make_graph(
        nodes, "net",
        [helper.make_tensor_value_info("data", kind, [1, channels, 112, 112])],
        [helper.make_tensor_value_info("out", kind, [1, channels + 1])],
        [numpy_helper.from_array(np.ones((1, 1), np.float32), "one")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def test_the_five_points_come_to_the_template() -> None:
    picture, points = view("A", "1004"), true_points("A", "1004")
    face = aligned_face(picture, points)
    assert face.shape == (112, 112, 3)
    assert 0.05 < face.mean() < 0.9
    # upright and in the middle: the left eye of the picture is left of the nose, which is above
    # the mouth
    five = five_points(points)
    assert five[0, 0] < five[2, 0] < five[1, 0]


@pytest.mark.parametrize(("name", "black", "white"), [("sface", 0, 255), ("arcface", -1, 1)])
def test_a_network_gets_its_own_levels_and_gives_a_direction(
    name: str, black: float, white: float, tmp_path: Path
) -> None:
    path = mean_of_colors(tmp_path / "n.onnx")
    embedder = load_embedder(name, lambda card: path, threads=1)
    picture, points = view("A", "1004"), true_points("A", "1004")
    mean = aligned_face(picture, points).mean(axis=(0, 1)) * (white - black) + black
    wanted = np.array([*mean, 1.0])
    assert embedder(picture, points) == pytest.approx(wanted / np.linalg.norm(wanted), abs=1e-4)


def test_other_networks_and_shapes_are_refused(tmp_path: Path) -> None:
    path = mean_of_colors(tmp_path / "n.onnx", channels=4)
    with pytest.raises(Damaged, match="SFace"):
        load_embedder("sface", lambda card: path)
    right = mean_of_colors(tmp_path / "r.onnx")
    with pytest.raises(BadShape, match="68 x 2"):
        load_embedder("sface", lambda card: right)(view("A", "1004"), np.zeros((5, 2)))
    with pytest.raises(UnknownComponent, match="arcface, dlib, sface"):
        load_embedder("facenet", lambda card: path)


def test_automatic_takes_what_is_here_and_may_be_used_in_paid_work(tmp_path: Path) -> None:
    here = {"arcface-r50": tmp_path}

    def weights(card: str) -> Path:
        if card not in here:
            raise WeightsMissing(card, "store")
        return here[card]

    assert first_present(weights) is None
    here["dlib-resnet"] = tmp_path
    assert first_present(weights) == "dlib"
    here["sface"] = tmp_path
    assert first_present(weights) == "sface"
    cards = load_cards()
    assert all(EMBEDDERS.load(name).card in cards for name in EMBEDDERS.names())


def test_dlib_tells_two_rendered_people_apart(tmp_path: Path) -> None:
    pytest.importorskip("dlib", reason="needs the extra 'identity'")
    store = WeightStore(tmp_path)
    try:
        store.fetch("dlib-resnet")
    except NotFound as error:
        pytest.skip(str(error))
    embedder = load_embedder("dlib", store.path)
    known = {
        (shot, frame): embedder(view(shot, frame), true_points(shot, frame))
        for shot, frame in (("A", "1002"), ("A", "1008"), ("B", "1002"), ("B", "1006"))
    }
    apart = {
        (one, other): float(np.linalg.norm(known[one] - known[other]))
        for one in known
        for other in known
    }
    same = max(far for (one, other), far in apart.items() if one[0] == other[0])
    others = min(far for (one, other), far in apart.items() if one[0] != other[0])
    assert same < 0.75 * embedder.same < others


def test_a_file_that_is_no_network_of_dlib_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("dlib", reason="needs the extra 'identity'")
    (tmp_path / "x.dat").write_bytes(b"nothing")
    with pytest.raises(Damaged, match="dlib"):
        load_embedder("dlib", lambda card: tmp_path / "x.dat")
