import builtins

import numpy as np
import pytest
from tests.support.swaps import encodings, mini_frame, mini_landmarks

from faceplate.errors import BadShape, ExtraMissing
from faceplate.evaluate import identity
from faceplate.evaluate.identity import identity_transfer, load_descriptor

dlib = pytest.importorskip("dlib", reason="the extra `identity` is not installed")


@pytest.fixture(scope="module")
def descriptor():
    return load_descriptor()


def describe(descriptor, actor, number):
    view = encodings().to_view(mini_frame(actor, number).rgb())
    return descriptor(view, mini_landmarks(number))


def test_a_descriptor_is_128_numbers_of_length_about_one_and_a_half(descriptor):
    numbers = describe(descriptor, "B", 1001)
    assert numbers.shape == (128,)
    assert 1.0 < np.linalg.norm(numbers) < 2.0


def test_one_person_is_nearer_to_herself_than_to_another(descriptor):
    plates = [describe(descriptor, "B", number) for number in (1001, 1012)]
    truths = [describe(descriptor, "S", number) for number in (1001, 1012)]
    within = max(np.linalg.norm(pair[0] - pair[1]) for pair in (plates, truths))
    between = min(np.linalg.norm(plate - truth) for plate in plates for truth in truths)
    assert within < between


def test_the_same_picture_gives_the_same_numbers(descriptor):
    first, second = (describe(descriptor, "B", 1001) for _ in range(2))
    assert np.array_equal(first, second)


def test_exposure_hardly_changes_who_it_is(descriptor):
    """dlib's chip is found by points, so brightness alone moves a descriptor only a little."""
    frame, points = mini_frame("B", 1001), mini_landmarks(1001)
    plain = descriptor(encodings().to_view(frame.rgb()), points)
    brighter = descriptor(encodings().to_view(frame.rgb() * np.float32(1.3)), points)
    truth = describe(descriptor, "S", 1001)
    assert np.linalg.norm(plain - brighter) < 0.5 * np.linalg.norm(plain - truth)


def test_transfer_is_zero_for_the_plate_one_for_the_truth_and_half_way_between():
    plate, truth = np.zeros(128), np.full(128, 0.05)
    assert identity_transfer(plate, plate, truth) == 0
    assert identity_transfer(truth, plate, truth) == 1
    assert identity_transfer((plate + truth) / 2, plate, truth) == pytest.approx(0.5)
    assert identity_transfer(-truth, plate, truth) == pytest.approx(-1)


def test_transfer_between_equal_faces_means_nothing():
    assert identity_transfer(np.ones(128), np.ones(128), np.ones(128)) is None


def test_a_picture_without_colours_is_refused(descriptor):
    with pytest.raises(BadShape):
        descriptor(np.zeros((8, 8), np.float32), mini_landmarks(1001))


def test_without_the_weights_the_extra_is_named(monkeypatch):
    load_descriptor.cache_clear()
    monkeypatch.setattr(identity, "find_spec", lambda name: None)
    with pytest.raises(ExtraMissing, match=r"faceplate\[identity\]"):
        load_descriptor()
    load_descriptor.cache_clear()


def test_without_dlib_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "dlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    load_descriptor.cache_clear()
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ExtraMissing, match="dlib"):
        load_descriptor()
    load_descriptor.cache_clear()
