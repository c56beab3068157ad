import shutil

import numpy as np
import pytest
import torch
from face_alignment.detection.sfd import FaceDetector
from face_alignment.detection.sfd.net_s3fd import s3fd

from faceplate.detect import load_detector
from faceplate.detect.s3fd import S3FD
from faceplate.errors import BadShape, Damaged, WeightsMissing
from faceplate.models.store import WeightStore


@pytest.fixture(scope="module")
def synthetic_weights(tmp_path_factory):
    """A correctly shaped state dict: it answers one face, in the cell that a bright spot lights."""
    torch.manual_seed(0)
    state = {name: torch.zeros_like(value) for name, value in s3fd().state_dict().items()}
    state["conv3_3_norm_mbox_conf.bias"][:] = torch.tensor([0.0, 0.0, 0.0, -8.0])
    for layer in ("conv4_3_norm", "conv5_3_norm", "fc7", "conv6_2", "conv7_2"):
        state[f"{layer}_mbox_conf.bias"][:] = torch.tensor([8.0, -8.0])
    # brightness runs through the middle taps up to conv3_3, where it raises the face's logit
    state["conv1_1.weight"][0, :, 1, 1] = 1.0
    for layer in ("conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3"):
        state[f"{layer}.weight"][0, 0, 1, 1] = 1.0
    state["conv3_3_norm.weight"][:] = 10.0
    state["conv3_3_norm_mbox_conf.weight"][3, 0, 1, 1] = 2.0
    path = tmp_path_factory.mktemp("s3fd") / "s3fd.pth"
    torch.save(state, path)
    return path


def test_a_synthetic_state_dict_goes_through_the_real_loading_network_and_decoding(
    synthetic_weights,
):
    image = np.zeros((96, 128, 3), np.float32)
    image[41, 61] = 1.0
    faces = S3FD(synthetic_weights)(image)
    assert len(faces) == 1
    # stride 4: the cell of pixel (61, 41) is centred at edge (62, 42), its anchor is 16 wide
    np.testing.assert_allclose(faces[0].box, np.array([54, 34, 70, 50]) - 0.5, atol=1e-4)
    assert faces[0].points5 is None
    assert 0.9 < faces[0].score <= 1


def test_the_library_s_own_detector_sees_the_same(synthetic_weights):
    # Oracle: face_alignment 1.5.0, SFDDetector.detect_from_image, which counts from edges.
    image = np.zeros((96, 128, 3), np.float32)
    image[41, 61] = image[70, 100] = 1.0
    library = FaceDetector("cpu", path_to_detector=str(synthetic_weights))
    theirs = np.array(library.detect_from_image((image * 255).astype(np.uint8)))
    ours = np.array([[*face.box, face.score] for face in S3FD(synthetic_weights)(image)])
    assert len(theirs) == 2
    theirs[:, :4] -= 0.5
    np.testing.assert_allclose(np.sort(ours, axis=0), np.sort(theirs, axis=0), atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_boxes_stay_in_every_number_format(synthetic_weights, dtype):
    image = np.zeros((96, 128, 3), np.float32)
    image[41, 61] = 1.0
    (face,) = S3FD(synthetic_weights, dtype=dtype)(image)
    np.testing.assert_allclose(face.box, np.array([54, 34, 70, 50]) - 0.5, atol=0.1)
    assert face.score > 0.9


def test_our_store_is_a_cache_that_the_library_takes_its_weights_from(
    synthetic_weights, tmp_path, monkeypatch
):
    # The file's name in our store is the one the library looks for before it downloads.
    store = WeightStore(tmp_path / "checkpoints")
    store.root.mkdir()
    shutil.copy(synthetic_weights, store.root / store.card("s3fd").file)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    cached = FaceDetector("cpu").face_detector.state_dict()
    ours = torch.load(store.path("s3fd"), weights_only=True)
    assert all(torch.equal(cached[name], value) for name, value in ours.items())


def test_a_dark_frame_has_no_face_with_a_synthetic_state_dict(synthetic_weights):
    assert S3FD(synthetic_weights)(np.zeros((96, 128, 3), np.float32)) == []


@pytest.mark.parametrize("image", [np.zeros((1, 1, 3)), np.full((70, 70, 3), np.nan)])
def test_a_pixel_and_a_frame_of_nan_have_no_face(synthetic_weights, image):
    assert S3FD(synthetic_weights)(image.astype(np.float32)) == []


def test_another_image_is_refused(synthetic_weights):
    with pytest.raises(BadShape):
        S3FD(synthetic_weights)(np.zeros((96, 128), np.float32))


@pytest.mark.parametrize("content", [b"", b"junk", b"\x80\x02cos\nsystem\n."])
def test_a_file_that_holds_no_state_dict_is_damaged_and_never_run(tmp_path, content):
    path = tmp_path / "s3fd.pth"
    path.write_bytes(content)
    with pytest.raises(Damaged, match="S3FD"):
        S3FD(path)


def test_weights_of_another_network_are_damaged(tmp_path):
    path = tmp_path / "other.pth"
    torch.save({"layer.weight": torch.zeros(3)}, path)
    with pytest.raises(Damaged, match="S3FD"):
        S3FD(path)


def test_without_weights_nothing_is_downloaded(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a download was tried")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", refuse)
    with pytest.raises(WeightsMissing, match="faceplate models fetch s3fd"):
        load_detector("s3fd", WeightStore(tmp_path).path)
