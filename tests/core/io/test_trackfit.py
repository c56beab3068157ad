from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.swaps import face_of, frontal_landmarks

from faceplate.errors import BadSettings
from faceplate.io.frame import Frame, Window
from faceplate.io.image import write_frame
from faceplate.io.plate import Plate, open_plate
from faceplate.io.tracked import PersonTrack, PlateInfo
from faceplate.io.trackfile import Track
from faceplate.io.trackfit import fit_track


def plate_of(
    folder: Path, width: int, height: int, origin: tuple[int, int] = (0, 0), aspect: float = 1.0
) -> Plate:
    x0, y0 = origin
    window = Window(x0, y0, x0 + width, y0 + height)
    pixels = np.zeros((height, width, 3), np.float32)
    frame = Frame(1, pixels, ("R", "G", "B"), window, window, aspect, {})
    write_frame(frame, folder / "p.0001.exr")
    return open_plate(folder / "p.%04d.exr")


@pytest.fixture
def track() -> Track:
    face = face_of(frontal_landmarks((99.5, 49.5), 40))
    face = replace(face, iris=np.array([[199.5, 99.5]], np.float32))
    person = PersonTrack(1, (face,), boxes={2: (0.0, 0.0, 199.0, 99.0)})
    return Track(PlateInfo("p.%04d.exr", 200, 100, 1, 2), (1, 2), people=(person,))


def test_the_plate_of_the_track_changes_nothing(tmp_path: Path, track: Track) -> None:
    assert fit_track(track, plate_of(tmp_path, 200, 100)) == (track, 1.0)


def test_corners_of_the_picture_stay_its_corners(tmp_path: Path, track: Track) -> None:
    fitted, scale = fit_track(track, plate_of(tmp_path, 100, 50, origin=(10, -20)))
    assert scale == 0.5
    # the corner at -0.5, -0.5 is that of a pixel; the last centre, 199, lies half a pixel inside
    person = fitted.people[0]
    assert person.boxes[2] == (-0.25 + 10, -0.25 - 20, 99.25 + 10, 49.25 - 20)
    face = person.faces[0]
    assert face.iris is not None
    assert face.iris.tolist() == [[99.5 + 10, 49.5 - 20]]
    before = track.people[0].faces[0].landmarks
    np.testing.assert_allclose(face.landmarks, (before + 0.5) / 2 - 0.5 + (10, -20), atol=1e-4)
    assert (fitted.plate.width, fitted.plate.height, fitted.plate.origin) == (100, 50, (10, -20))


def test_a_proxy_s_track_fits_the_full_plate(tmp_path: Path, track: Track) -> None:
    small, _ = fit_track(track, plate_of(tmp_path, 50, 25))
    full, scale = fit_track(small, plate_of(tmp_path, 200, 100))
    assert scale == 4.0
    before, after = (one.people[0].faces[0].landmarks for one in (track, full))
    np.testing.assert_allclose(after, before, atol=1e-4)


@pytest.mark.parametrize("size", [(67, 33), (67, 34), (66, 33), (683, 341)])
def test_rounded_sizes_are_the_same_picture(
    tmp_path: Path, track: Track, size: tuple[int, int]
) -> None:
    fitted, _ = fit_track(track, plate_of(tmp_path, *size))
    assert (fitted.plate.width, fitted.plate.height) == size


def test_a_squeezed_proxy_is_the_same_picture(tmp_path: Path, track: Track) -> None:
    fitted, scale = fit_track(track, plate_of(tmp_path, 50, 50, aspect=2.0))
    assert (scale, fitted.plate.pixel_aspect) == (0.5, 2.0)
    assert fitted.people[0].boxes[2][2] == pytest.approx(199.5 / 4 - 0.5)


@pytest.mark.parametrize("size", [(200, 110), (220, 100), (100, 56), (400, 180)])
def test_another_picture_is_refused(tmp_path: Path, track: Track, size: tuple[int, int]) -> None:
    with pytest.raises(BadSettings, match=r"track was made of 200 x 100 of another shape"):
        fit_track(track, plate_of(tmp_path, *size))
