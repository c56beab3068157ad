import numpy as np
import pytest
from tests.support.crowd import crowd_of

from faceplate.detect import Detection, load_detector
from faceplate.detect.tiled import Tiled, tile_starts
from faceplate.errors import BadSettings, BadShape


class Spots:
    """Sees the bright rectangles of an image, also the part of one that is in it."""

    card = "spots"

    def __init__(self, largest: int = 1000) -> None:
        self.largest, self.looks = largest, 0

    def __call__(self, view):
        self.looks += 1
        bright = view[:, :, 0] > 0.5
        rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
        found = []
        for row in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
            for column in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1):
                if row.size and column.size and bright[row[0], column[0]]:
                    box = (column[0] - 0.5, row[0] - 0.5, column[-1] + 0.5, row[-1] + 0.5)
                    if row.size <= self.largest:
                        score = 1 - 1 / (row.size * column.size)
                        points = np.full((5, 2), [column[0], row[0]], float)
                        found.append(Detection(tuple(map(float, box)), score, points))
        return sorted(found, key=lambda one: -one.score)


@pytest.fixture
def detector(weights):
    return load_detector("retinaface", weights, threads=1)


def borders(side, tile):
    starts = tile_starts(side, tile, int(tile * 0.7))
    return sorted({edge for start in starts for edge in (start, start + tile) if 0 < edge < side})


@pytest.mark.parametrize("face", [44, 80])
def test_faces_on_the_borders_of_tiles_are_all_found_once(detector, face):
    crowd = crowd_of(960, 540, face, (borders(960, 320), borders(540, 320)), seed=face)
    assert len(crowd.centres) >= 5
    found = Tiled(detector, tile=320)(crowd.image)
    assert crowd.missed_and_doubled(found) == (0, 0)
    assert len(found) == len(crowd.centres)


def test_tiny_faces_that_are_missed_whole_are_found_in_enlarged_tiles(detector):
    crowd = crowd_of(640, 360, 22, (borders(640, 160), borders(360, 160)))
    assert len(crowd.centres) > 20
    missed, _ = crowd.missed_and_doubled(detector(crowd.image))
    assert missed > len(crowd.centres) / 3
    found = Tiled(detector, tile=320, zoom=2)(crowd.image)
    assert crowd.missed_and_doubled(found) == (0, 0)
    assert len(found) == len(crowd.centres)


@pytest.mark.slow
@pytest.mark.parametrize("face", [48, 90, 150, 220, 600])
def test_a_crowd_in_a_uhd_frame_is_found_once_each(detector, face):
    lines = borders(3840, 640), borders(2160, 640)
    crowd = crowd_of(3840, 2160, face, lines if face < 600 else ([900, 2600], [1000]), seed=face)
    found = Tiled(detector)(crowd.image)
    assert crowd.missed_and_doubled(found) == (0, 0)
    assert len(found) == len(crowd.centres)


def test_a_face_cut_by_every_tile_is_the_one_of_the_whole_frame():
    image = np.zeros((300, 400, 3), np.float32)
    image[50:250, 60:340] = 1
    found = Tiled(Spots(), tile=100)(image)
    assert [one.box for one in found] == [(59.5, 49.5, 339.5, 249.5)]


def test_parts_stay_where_nothing_whole_is_seen():
    image = np.zeros((100, 400, 3), np.float32)
    image[20:80, 60:340] = 1
    found = Tiled(Spots(largest=0), tile=100)(image)
    assert found == []
    parts = Tiled(_Blind(), tile=100)(image)
    assert parts
    assert all(one.box[2] - one.box[0] <= 100 for one in parts)


class _Blind(Spots):
    """Sees nothing in an image wider than a tile."""

    def __call__(self, view):
        return [] if view.shape[1] > 100 else super().__call__(view)


@pytest.mark.parametrize("zoom", [1.0, 2.0])
def test_boxes_and_points_are_in_pixels_of_the_frame(zoom):
    image = np.zeros((240, 500, 3), np.float32)
    image[200:220, 430:450] = 1
    found = Tiled(_Blind(), tile=100, zoom=zoom)(image)
    assert len(found) == 1
    np.testing.assert_allclose(found[0].box, [429.5, 199.5, 449.5, 219.5], atol=0.51)
    np.testing.assert_allclose(found[0].points5[0], [430, 200], atol=0.51)


def test_an_image_no_larger_than_a_tile_is_looked_at_once():
    spots = Spots()
    Tiled(spots, tile=100)(np.zeros((100, 100, 3), np.float32))
    assert spots.looks == 1


@pytest.mark.parametrize(
    ("side", "tile", "step"), [(3840, 640, 448), (1000, 640, 10), (641, 640, 1)]
)
def test_tiles_reach_from_edge_to_edge_in_even_steps(side, tile, step):
    starts = tile_starts(side, tile, step)
    assert starts[0] == 0
    assert starts[-1] == side - tile
    assert max(np.diff(starts)) <= step + 1


def test_nan_in_an_enlarged_tile_stays_where_it_is():
    image = np.zeros((100, 300, 3), np.float32)
    image[40:60, 140:160] = 1
    image[10, 10] = np.nan
    assert len(Tiled(_Blind(), tile=100, zoom=2)(image)) == 1
    image[:] = np.nan
    assert Tiled(_Blind(), tile=100, zoom=2)(image) == []


@pytest.mark.parametrize(
    "settings", [{"tile": 16}, {"overlap": 0.0}, {"overlap": 1}, {"zoom": 0.5}]
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(BadSettings):
        Tiled(Spots(), **settings)


def test_another_image_is_refused():
    with pytest.raises(BadShape):
        Tiled(Spots())(np.zeros((20, 20), np.float32))
