from pathlib import Path

import cv2
import numpy as np

from faceplate.extract.sheet import Cell, write_sheet


def cells_of(*colors: tuple[float, float, float], shape: tuple[int, int] = (30, 40)) -> list[Cell]:
    return [Cell(np.full((*shape, 3), color, np.float32), "caption") for color in colors]


def test_pictures_stand_in_reading_order_in_their_colours(tmp_path: Path) -> None:
    cells = cells_of((1, 0, 0), (0, 1, 0), (0, 0, 1))
    (page,) = write_sheet(tmp_path / "s.png", cells, (40, 30), columns=2, rows=2)
    picture = cv2.imread(str(page))[..., ::-1]
    places = [(20, 20), (64, 20), (20, 72)]
    assert [picture[y, x].tolist() for x, y in places] == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    assert picture[72, 64].tolist() == [40, 40, 40]


def test_what_does_not_fit_goes_to_further_pages(tmp_path: Path) -> None:
    pages = write_sheet(tmp_path / "s.png", cells_of(*[(1, 1, 1)] * 5), (40, 30), 2, 1)
    assert [page.name for page in pages] == ["s.png", "s.2.png", "s.3.png"]
    assert all(page.exists() for page in pages)


def test_no_picture_makes_no_page(tmp_path: Path) -> None:
    assert write_sheet(tmp_path / "s.png", [], (40, 30), 2, 1) == []
    assert list(tmp_path.iterdir()) == []


def test_a_picture_of_another_shape_is_fitted_and_nan_is_black(tmp_path: Path) -> None:
    tall = Cell(np.full((90, 20, 3), np.nan, np.float32), "")
    (page,) = write_sheet(tmp_path / "s.png", [tall], (40, 30), 1, 1)
    assert cv2.imread(str(page)).shape == (30 + 18 + 8, 48, 3)


def test_a_note_stands_below_the_page_and_moves_no_picture(tmp_path: Path) -> None:
    cells = cells_of((1, 0, 0), (0, 1, 0))
    (plain,) = write_sheet(tmp_path / "p.png", cells, (200, 30), columns=2, rows=1)
    (noted,) = write_sheet(tmp_path / "n.png", cells, (200, 30), 2, 1, note="green: found")
    one, two = cv2.imread(str(plain)), cv2.imread(str(noted))
    assert np.array_equal(two[: len(one) - 4], one[:-4])
    assert two[len(one) :].max() > 150
