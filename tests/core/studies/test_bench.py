import numpy as np
import pytest
from tests.support.paths import MINI, shared_data
from tests.support.swaps import encodings, model_config

from faceplate.evaluate.truthset import TruthSet
from faceplate.geometry.warp import warp_back
from faceplate.merge.face import CastFace
from faceplate.merge.frame import swap_cast
from faceplate.merge.recipe import Recipe
from faceplate.studies.bench import IdealPredictor, face_of_truth

PLAIN = Recipe(mode="overlay", transfer="none", matte="learned-likeness", feather=0)

# working encoding; a face of 40 px between the brows needs a crop of about 100 to be kept
MOST = {96: 0.006, 128: 0.005, 192: 0.0035, 256: 0.0025, 384: 0.0013, 512: 0.0013}


def shot_of(root):
    return TruthSet(
        result=str(root / "B" / "B.%04d.exr"), plate=str(root / "B" / "B.%04d.exr"),
        truth=str(root / "S" / "S.%04d.exr"), masks=str(root / "B_masks" / "visible"),
        truth_json=str(root / "truth_B.json"), frames=None,
    )  # fmt: skip


def errors(shot, number, size):
    """Return how far the merge and the bare resampling are from S, inside the matte."""
    frame, enc = shot.read(number), encodings()
    face = face_of_truth(frame.face, number, (0, 0))
    blank = IdealPredictor(
        model_config(size), size, np.zeros((size, size, 3), np.float32),
        np.zeros((size, size), np.float32),
    )  # fmt: skip
    cast = CastFace(face, blank, PLAIN, enc)
    ideal = IdealPredictor.of(frame, cast, size, enc)
    layers = swap_cast(frame.plate, [CastFace(face, ideal, PLAIN, enc)])
    inside = (layers.matte > 0.999) & (frame.visible > 0.999)
    height, width = inside.shape
    crop = ideal.predict(np.zeros((1, size, size, 3), np.float32)).face[0]
    matrix = cast.crop_matrix(size, 1.0)
    back = warp_back(crop, matrix, (0, 0, width, height), interpolation="cubic",
                     border="replicate")  # fmt: skip
    truth, out = frame.truth.rgb()[inside], layers.rgb[inside]
    resampled = enc.from_working(back)[inside]
    assert inside.sum() > 1000
    working = enc.to_working(np.ascontiguousarray(truth))
    return (
        np.abs(enc.to_working(np.ascontiguousarray(out)) - working),
        np.abs(enc.to_working(np.ascontiguousarray(resampled)) - working),
    )


def assert_within_resampling(root, number):
    shot = shot_of(root)
    for size in (96, 128, 192, 256, 384, 512):
        merged, resampled = errors(shot, number, size)
        # the delta of two decoded floats rounds once more than the resampling alone
        assert merged.mean() <= 1.001 * resampled.mean() + 1e-6
        assert (merged <= resampled + 1e-4).mean() > 0.999
        assert merged.mean() < MOST[size]


@pytest.mark.parametrize("number", [1002, 1012])
def test_overlay_without_colour_returns_the_truth_within_the_error_of_resampling(number):
    assert_within_resampling(MINI, number)


@pytest.mark.slow
def test_on_a_larger_face_overlay_without_colour_returns_the_truth_too():
    assert_within_resampling(shared_data("pair1"), 1051)
