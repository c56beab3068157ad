import numpy as np
import pytest

from faceplate.merge.noise import white_noise

BOX = (0, 0, 400, 300)


def together(first, second):
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_the_noise_is_normal_and_white():
    noise = white_noise(BOX, 1001, 0)
    assert noise.mean() == pytest.approx(0, abs=0.01)
    assert noise.std() == pytest.approx(1, abs=0.01)
    assert (noise**4).mean() == pytest.approx(3, abs=0.1)
    for lagged in (noise[1:] * noise[:-1], noise[:, 1:] * noise[:, :-1], noise[2:] * noise[:-2]):
        assert abs(lagged.mean()) < 0.015


@pytest.mark.parametrize("part", [(0, 0, 50, 50), (130, 20, 260, 290), (-30, -20, 400, 300)])
def test_a_pixel_has_its_noise_whatever_box_is_asked_for(part):
    whole = white_noise((-50, -50, 450, 350), 7, 2)
    x0, y0, x1, y1 = part
    assert np.array_equal(white_noise(part, 7, 2), whole[y0 + 50 : y1 + 50, x0 + 50 : x1 + 50])


def test_frames_layers_and_seeds_have_noises_of_their_own():
    first = white_noise(BOX, 1001, 0)
    for other in (
        white_noise(BOX, 1002, 0), white_noise(BOX, 1001, 1), white_noise(BOX, 1001, 0, seed=1),
        white_noise(BOX, -1001, 0),
    ):  # fmt: skip
        assert abs(together(first, other)) < 0.012
    assert np.array_equal(first, white_noise(BOX, 1001, 0))


def test_the_values_are_these_on_every_machine():
    """Whoever changes them changes every rendered frame: made with this code, on purpose fixed."""
    found = white_noise((0, 0, 3, 1), 1001, 0)[0]
    assert found == pytest.approx(EXPECTED, abs=1e-5)


EXPECTED = [1.366072, 0.04356, 0.469326]
