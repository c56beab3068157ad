from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tests.support.training import TINY, tiny_faceset

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.models.df import DF
from faceplate.train.checkpoint import History
from faceplate.train.faces import FaceBank
from faceplate.train.preview import Preview, plot_losses


@pytest.fixture
def banks(tmp_path: Path) -> Iterator[tuple[FaceBank, FaceBank]]:
    paths = [
        tiny_faceset(tmp_path / f"{name}.faceset", name, count=count, seed=count)
        for name, count in (("amy", 6), ("bob", 2))
    ]
    pair = FaceBank(paths[0], 32, 2**20), FaceBank(paths[1], 32, 2**20)
    yield pair
    for bank in pair:
        bank.close()


def test_a_preview_is_five_columns_and_as_many_rows_as_there_are_faces(
    banks: tuple[FaceBank, FaceBank], tmp_path: Path
) -> None:
    path = Preview(banks, 32).write(DF(TINY), torch.device("cpu"), tmp_path, 40)
    assert path == tmp_path / "previews" / "000000040.png"
    assert cv2.imread(str(path)).shape == (18 + 2 * 32, 5 * 32, 3)


def test_the_first_column_is_the_likeness_in_view_colours(
    banks: tuple[FaceBank, FaceBank], tmp_path: Path
) -> None:
    path = Preview(banks, 32).write(DF(TINY), torch.device("cpu"), tmp_path, 1)
    shown = cv2.imread(str(path))[18:50, :32, ::-1] / 255
    encodings = Encodings(load_config(), "ACEScg")
    views = []
    for index in range(len(banks[0])):
        small = cv2.resize(banks[0].get(index).image, (32, 32), interpolation=cv2.INTER_AREA)
        views.append(encodings.to_view(encodings.from_working(small.astype(np.float32) / 65535)))
    assert min(np.abs(view - shown).max() for view in views) < 1 / 255


def test_a_plot_of_losses_is_a_picture_even_before_the_first_point(tmp_path: Path) -> None:
    path = plot_losses(History(), tmp_path / "losses.png")
    assert cv2.imread(str(path)).shape == (400, 800, 3)
