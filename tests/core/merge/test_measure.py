import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.colors import cloud, disc
from tests.support.swaps import (
    consent_file,
    face_of,
    mini_frame,
    mini_landmarks,
    tiny_model,
)

from faceplate.color.statistics import ColorStatistics, measure_color
from faceplate.context import Context
from faceplate.errors import BadSettings, Cancelled, ConsentRefused, NotReady
from faceplate.io.image import read_frame, write_frame
from faceplate.io.tracked import PersonTrack, PlateInfo
from faceplate.io.trackfile import Track
from faceplate.merge.measure import MeasureJob, measure, smooth_colors
from faceplate.merge.swap import swap
from faceplate.merge.trackmattes import measured_mattes
from faceplate.merge.writing import SwapJob
from faceplate.progress import Progress

FRAMES = range(1001, 1010)


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    """A face that stands still in a plate whose colours flutter and whose noise is strong."""
    folder = tmp_path_factory.mktemp("measure")
    still = mini_frame("B", 1002)
    random = np.random.default_rng(4)
    for number in FRAMES:
        gain = np.exp(random.normal(0, 0.05, 3))
        grain = random.normal(0, 0.03, still.rgb().shape) * np.sqrt(np.maximum(still.rgb(), 0))
        pixels = (still.rgb() * gain + grain).astype(np.float32)
        jittery = replace(still, number=number, pixels=pixels)
        write_frame(jittery, folder / f"p.{number}.exr", pixel_type="float")
    model = tiny_model(folder / "model")
    consent_file(folder / "consent.json")
    return folder, model


def write_track(path, frames=FRAMES, **changes):
    faces = tuple(face_of(mini_landmarks(1002), number) for number in frames)
    info = PlateInfo("p.%04d.exr", 384, 216, 1001, 1009, 24.0, 1.0, "ACEScg")
    person = PersonTrack(1, faces, "Ann", **changes)
    Track(info, tuple(FRAMES), (person,), {"every": 8}).save(path)


def settings(shot, **changes):
    folder, model = shot
    return {
        "plate": str(folder / "p.%04d.exr"),
        "track": str(folder / "none.json"),
        "model": str(model.path),
        "consent": str(folder / "consent.json"),
        "color_space": "ACEScg",
        **changes,
    }


@pytest.fixture
def context(shot):
    return Context(home=shot[0] / "home")


@pytest.fixture
def track(tmp_path):
    write_track(tmp_path / "t.json")
    return str(tmp_path / "t.json")


def flicker(pattern):
    """Mean second difference in time of the result, where the face was laid in."""
    frames = [read_frame(pattern % number) for number in FRAMES]
    inside = np.min([frame.channel("fp_mask.A") for frame in frames], axis=0) > 0.9
    # the plate's own flutter is the same in both: the swap that is laid over it is looked at
    faces = np.array([np.log(np.maximum(frame.pixels[..., :3][inside], 1e-3)) for frame in frames])
    return float(np.abs(faces[:-2] - 2 * faces[1:-1] + faces[2:]).mean())


def swapped(shot, context, track, tmp_path, name, statistics):
    recipe = tmp_path / f"{name}.json"
    recipe.write_text(
        json.dumps({"matte": "hull", "transfer": "mkl", "transfer_statistics": statistics})
    )
    out = str(tmp_path / name / "s.%04d.exr")
    swap(SwapJob(**settings(shot, track=track, recipe=str(recipe), out=out)), context)
    return flicker(out)


def test_measured_statistics_calm_the_flicker_of_a_jittery_plate(shot, context, track, tmp_path):
    recipe = tmp_path / "hull.json"
    recipe.write_text('{"matte": "hull"}')
    result = measure(
        MeasureJob(**settings(shot, track=track, out=track, recipe=str(recipe))), context
    )
    assert result.faces == len(FRAMES)
    assert result.network_runs == len(FRAMES)
    assert result.jitter_smoothed < 0.1 * result.jitter
    by_frame = swapped(shot, context, track, tmp_path, "frame", "frame")
    by_shot = swapped(shot, context, track, tmp_path, "shot", "track")
    assert by_shot < 0.5 * by_frame


def test_nothing_is_smoothed_across_a_cut(shot, context, tmp_path):
    path = tmp_path / "t.json"
    write_track(path)
    replace(Track.load(path), cuts=(1005,)).save(path)
    measure(MeasureJob(**settings(shot, track=str(path), out=str(path), smoothing=1000)), context)
    alone = tmp_path / "alone.json"
    write_track(alone)
    first = settings(shot, track=str(alone), out=str(alone), smoothing=1000, frames="1001-1004")
    measure(MeasureJob(**first), context)
    means, alone_means = plate_means(path), plate_means(alone)
    assert len(means) == len(FRAMES)
    np.testing.assert_allclose(means[:4], alone_means, atol=1e-6)
    assert np.ptp(means[:4], axis=0).max() < 1e-5
    assert np.ptp(means[4:], axis=0).max() < 1e-5
    assert np.abs(means[3] - means[4]).max() > 1e-3


def plate_means(path):
    faces = Track.load(path).people[0].faces
    return np.array([one["plate_mean"] for face in faces for one in face.swap_colors.values()])


def test_the_swap_takes_the_predictions_that_measuring_kept(shot, context, track, tmp_path):
    job = MeasureJob(**settings(shot, track=track, out=track))
    measure(job, context)
    assert measure(job, context).network_runs == 0


def test_only_colours_are_added_to_the_track_and_corrections_stay(shot, context, tmp_path):
    path, out = tmp_path / "t.json", tmp_path / "out.json"
    write_track(path, frames=list(FRAMES)[1:], boxes={1001: (10.0, 20.0, 90.0, 110.0)})
    before = Track.load(path)
    moved = before.people[0].faces[2].corrected(mini_landmarks(1002) + 0.5)
    faces = (*before.people[0].faces[:2], moved, *before.people[0].faces[3:])
    replace(before, people=(replace(before.people[0], faces=faces),)).save(path)
    measure(MeasureJob(**settings(shot, track=str(path), out=str(out))), context)
    plain, measured = json.loads(path.read_text()), json.loads(out.read_text())
    kept = measured["people"][0]["faces"]
    assert [len(face.pop("swap_colors", {})) for face in kept] == [0] + [1] * 8
    assert measured == plain
    assert [face["source"] for face in kept].count("corrected") == 2


def test_learned_mattes_are_smoothed_on_demand_and_calm_the_swap(shot, context, track, tmp_path):
    job = MeasureJob(**settings(shot, track=track, out=track, matte_smoothing=3.0))
    measure(job, context)
    (person,) = Track.load(Path(track)).people
    (model,) = person.faces[0].swap_mattes
    smooth = np.array([measured_mattes(face, model) for face in person.faces])
    steps = {}
    for source in ("frame", "track"):
        recipe = tmp_path / f"{source}.json"
        recipe.write_text(json.dumps({"matte": "learned", "learned_from": source}))
        out = str(tmp_path / source / "s.%04d.exr")
        swap(SwapJob(**settings(shot, track=track, recipe=str(recipe), out=out)), context)
        mattes = np.array([read_frame(out % n).channel("fp_learned.A") for n in FRAMES])
        steps[source] = np.abs(np.diff(mattes, n=2, axis=0)).mean()
    assert smooth.shape[1] == 2
    assert steps["track"] < 0.5 * steps["frame"]


def test_what_another_model_measured_stays(shot, context, track):
    loaded = Track.load(Path(track))
    other = {"ff" * 32: measure_color(cloud(1), cloud(2), disc()).numbers()}
    faces = tuple(replace(face, swap_colors=other) for face in loaded.people[0].faces)
    replace(loaded, people=(replace(loaded.people[0], faces=faces),)).save(Path(track))
    measure(MeasureJob(**settings(shot, track=track, out=track)), context)
    first = Track.load(Path(track)).people[0].faces[0]
    assert len(first.swap_colors) == 2
    ColorStatistics.from_numbers(first.swap_colors["ff" * 32])


def test_frames_that_are_not_measured_keep_what_they_have(shot, context, track, tmp_path):
    job = MeasureJob(
        **settings(
            shot, track=track, out=track, frames="1003-1005", plot=str(tmp_path / "plot.png")
        )
    )
    assert measure(job, context).faces == 3
    with_colors = [bool(face.swap_colors) for face in Track.load(Path(track)).people[0].faces]
    assert with_colors == [False, False, True, True, True, False, False, False, False]
    assert cv2.imread(str(tmp_path / "plot.png")).std() > 5


def test_a_stopped_measuring_leaves_the_track_alone(shot, track):
    before = Path(track).read_bytes()
    context = Context(home=shot[0] / "home", progress=Progress(None, lambda: True))
    with pytest.raises(Cancelled):
        measure(MeasureJob(**settings(shot, track=track, out=track)), context)
    assert Path(track).read_bytes() == before


def test_without_consent_nothing_is_measured(shot, context, track):
    with pytest.raises(ConsentRefused):
        measure(MeasureJob(**settings(shot, track=track, out=track, consent=None)), context)


def test_a_shot_without_a_face_is_told(shot, context, tmp_path):
    write_track(tmp_path / "t.json", frames=())
    track = str(tmp_path / "t.json")
    with pytest.raises(NotReady, match="no frame"):
        measure(MeasureJob(**settings(shot, track=track, out=track)), context)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"smoothing": -1.0}, "smoothing"),
        ({"matte_smoothing": 2000.0}, "matte"),
        ({"plot": "p.jpg"}, "plot"),
    ],
)
def test_settings_that_cannot_be_right_are_told(shot, change, named):
    with pytest.raises(BadSettings, match=named):
        MeasureJob(**settings(shot, out="t.json", **change))


def statistics(offset=0.0, weight=1000.0):
    one = measure_color(cloud(1), cloud(2), disc())
    return replace(one, weight=weight, plate_mean=(offset, offset, offset))


def test_smoothing_has_no_lag_and_keeps_a_steady_change():
    found = {n: statistics(0.01 * n) for n in range(40)}
    smooth = smooth_colors(found, 3.0)
    # away from the ends a ramp is its own average
    assert [smooth[n].plate_mean[0] for n in range(13, 27)] == pytest.approx(
        [0.01 * n for n in range(13, 27)], abs=1e-9
    )


def test_smoothing_is_the_gaussian_average_and_none_with_0():
    # oracle: the weights written out
    found = {n: statistics(value) for n, value in zip((1, 2, 4), (0.0, 1.0, 3.0), strict=True)}
    weights = np.exp(-0.5 * (np.array([1, 0, 2]) / 2.0) ** 2)
    expected = weights @ [0.0, 1.0, 3.0] / weights.sum()
    assert smooth_colors(found, 2.0)[2].plate_mean[0] == pytest.approx(expected)
    assert smooth_colors(found, 0.0) == found


def test_a_hidden_face_takes_its_neighbours_colours_and_lends_none():
    found = {n: statistics(0.4) for n in range(9)}
    found[4] = statistics(9.0, weight=0.5)  # less than a pixel under the matte
    found[5] = statistics(0.5, weight=10.0)  # a hundredth of the others
    smooth = smooth_colors(found, 2.0)
    assert smooth[4].plate_mean[0] == pytest.approx(0.4, abs=2e-3)
    assert max(one.plate_mean[0] for one in smooth.values()) < 0.403


def test_a_lone_hidden_face_is_left_out():
    assert smooth_colors({1: statistics(weight=0.0)}, 5.0) == {}
