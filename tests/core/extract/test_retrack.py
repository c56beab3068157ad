"""Corrections by hand and what they do to their neighbours, on tracks without any picture."""

from dataclasses import replace

import numpy as np
import pytest
from tests.support.shots import known_landmarks

from faceplate.errors import BadSettings
from faceplate.extract.refit import check_reach, pull
from faceplate.extract.retrack import apply_points, refit
from faceplate.io.tracked import PersonTrack, PlateInfo, Pose, TrackedFace
from faceplate.io.trackfile import Track

PLATE = PlateInfo("b.%04d.exr", 384, 216, 1001, 1040, 24.0)
FACE = known_landmarks("A", 1004)


def a_track(frames: range = range(1001, 1041), cuts: tuple[int, ...] = ()) -> Track:
    faces = []
    for frame in frames:
        points = (FACE + np.array([0.5 * (frame - 1001), 0])).astype(np.float32)
        box = (0.0, 0.0, 9.0, 9.0)
        faces.append(TrackedFace(1, frame, box, points, points, Pose(0, 0, 0), 0.9, 0.9, "tracked"))
    person = PersonTrack(1, tuple(faces))
    return refit(Track(PLATE, tuple(range(1001, 1041)), (person,), {"reach": 6}, cuts=cuts))


def corrected(track: Track, shifts: dict[int, tuple[float, float]]) -> Track:
    person = track.people[0]
    faces = [
        face.corrected(face.landmarks + np.float32(shifts[face.frame]))
        if face.frame in shifts
        else face
        for face in person.faces
    ]
    return replace(track, people=(replace(person, faces=tuple(faces)),))


def shifts_of(before: Track, after: Track) -> dict[int, float]:
    pairs = zip(before.people[0].faces, after.people[0].faces, strict=True)
    return {
        one.frame: round(float((other.landmarks - one.landmarks)[:, 1].mean()), 2)
        for one, other in pairs
    }


def test_one_correction_pulls_its_neighbours_and_fades_out() -> None:
    track = a_track()
    after = refit(corrected(track, {1020: (0, 8)}))
    moved = shifts_of(track, after)
    assert moved[1020] == 8
    assert [moved[n] for n in (1013, 1027)] == [0, 0]
    rise = [moved[n] for n in range(1014, 1021)]
    assert rise == sorted(rise)
    assert 0 < rise[0] < 1
    assert 7 < moved[1019] == moved[1021] < 8
    assert after.people[0].at(1020).source == "corrected"
    assert {after.people[0].at(n).source for n in (1019, 1021)} == {"tracked"}


def test_between_two_corrections_the_pull_goes_linearly() -> None:
    track = a_track()
    moved = shifts_of(track, refit(corrected(track, {1010: (0, 4), 1030: (0, 8)})))
    assert [moved[n] for n in (1010, 1015, 1020, 1025, 1030)] == [4, 5, 6, 7, 8]
    assert moved[1003] == moved[1038] == 0


def test_no_correction_reaches_over_a_cut() -> None:
    track = a_track(cuts=(1022,))
    moved = shifts_of(track, refit(corrected(track, {1020: (0, 8)})))
    assert moved[1021] > 7
    assert moved[1022] == moved[1023] == 0


def test_the_pull_grows_with_the_head() -> None:
    points = np.array([FACE, (FACE - FACE.mean(axis=0)) * 2 + FACE.mean(axis=0)])
    pulled = pull(points, [1, 2], {0: points[0] + np.array([0, 3])}, 10_000)
    assert pulled[1] - points[1] == pytest.approx(np.array([[0, 6.0]] * 68), abs=1e-3)


def test_a_second_fit_changes_nothing() -> None:
    once = refit(corrected(a_track(), {1020: (0, 8), 1024: (2, 0)}))
    assert refit(once).text() == once.text()


def test_a_correction_that_is_taken_back_leaves_no_trace() -> None:
    track = a_track()
    changed = refit(corrected(track, {1020: (0, 8)}))
    person = changed.people[0]
    faces = [
        replace(face, source="tracked") if face.source == "corrected" else face
        for face in person.faces
    ]
    back = refit(replace(changed, people=(replace(person, faces=tuple(faces)),)))
    assert max(map(abs, shifts_of(track, back).values())) < 0.01


def test_a_reach_of_0_pulls_nothing_and_less_is_refused() -> None:
    track = a_track()
    moved = shifts_of(track, refit(corrected(track, {1010: (0, 8), 1020: (0, 8)}), reach=0))
    assert {n for n, shift in moved.items() if shift} == {1010, 1020}
    with pytest.raises(BadSettings, match="reach"):
        check_reach(-1)


def places(frames: dict[int, float], indexes: range | tuple[int, ...] = range(68)):
    track = a_track()
    return {
        frame: {
            i: tuple((track.people[0].at(frame).landmarks[i] + np.array([0, shift])).tolist())
            for i in indexes
        }
        for frame, shift in frames.items()
    }


def test_only_points_that_were_moved_become_corrections() -> None:
    track = a_track()
    applied = apply_points(track, track.people[0], places({1010: 0, 1020: 5, 1021: 0.001}))
    assert (applied.corrected, applied.unchanged, applied.drawn) == ((1020,), 2, ())
    assert applied.person.at(1020).source == "corrected"
    assert applied.person.at(1010) is track.people[0].at(1010)


def test_frames_may_be_chosen() -> None:
    track = a_track()
    moved = places({1010: 5, 1020: 5})
    assert apply_points(track, track.people[0], moved, frozenset({1020})).corrected == (1020,)


def test_the_other_points_follow_a_few_that_were_moved() -> None:
    track = a_track()
    few = (27, 30, 36, 45, 48, 54)
    face = apply_points(track, track.people[0], places({1020: 6}, few)).person.at(1020)
    moved = face.landmarks - track.people[0].at(1020).landmarks
    assert moved == pytest.approx(np.array([[0, 6.0]] * 68), abs=1e-3)
    x0, y0, x1, y1 = face.box
    assert (face.landmarks >= [x0 - 1e-3, y0]).all()
    assert (face.landmarks <= [x1 + 1e-3, y1 + 1e-3]).all()


def test_a_frame_without_the_person_gets_a_box_for_the_next_analysis() -> None:
    track = a_track(range(1001, 1031))
    points = {1035: {i: tuple(FACE[i].tolist()) for i in range(68)}}
    applied = apply_points(track, track.people[0], points)
    assert applied.drawn == (1035,)
    x0, y0, x1, y1 = applied.person.boxes[1035]
    assert x0 < FACE[:, 0].min() < FACE[:, 0].max() < x1
    assert y0 < FACE[:, 1].min() < FACE[:, 1].max() < y1


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        ({1099: {30: (10.0, 10.0)}}, "frame 1099 .* not among"),
        ({1010: {30: (10.0, 9999.0)}}, "person 1, frame 1010: point 30 .* far outside"),
    ],
)
def test_points_outside_track_or_plate_are_refused(moved, said: str) -> None:
    track = a_track()
    with pytest.raises(BadSettings, match=said):
        apply_points(track, track.people[0], moved)
