import cv2
import numpy as np

from faceplate.evaluate.pictures import CELL
from faceplate.studies.contactsheet import Cell, contact_sheet


def cells(count, value):
    return [Cell(f"n{i}", np.full((CELL, CELL, 3), value, np.uint8)) for i in range(count)]


def test_each_frame_begins_a_row_and_eight_cells_fill_one():
    png = contact_sheet([cells(9, 200), cells(2, 100)])
    sheet = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    height, width = sheet.shape[0] // 3, sheet.shape[1] // 8
    assert sheet.shape[0] == 3 * height

    def shown(row, column):
        return int(sheet[row * height + height // 2, column * width + width // 2, 0])

    assert [shown(0, 7), shown(1, 0), shown(1, 1), shown(2, 1), shown(2, 2)] == [
        200, 200, 0, 100, 0,
    ]  # fmt: skip
