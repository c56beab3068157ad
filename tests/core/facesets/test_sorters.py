import itertools
import sqlite3
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from tests.support.facesets import a_face, drawn_face

from faceplate.context import Context
from faceplate.facesets.opened import ranked
from faceplate.facesets.sorters import SORTERS, SortName, turned
from faceplate.io.facefeatures import histograms
from faceplate.io.faceset import Faceset


def frames(faceset: Faceset, context: Context, sort: SortName, **how: object) -> list[int]:
    table, ranking = ranked(faceset, sort, context, **how)
    return [int(frame) for frame in table["frame"][ranking.order]]


def test_every_order_has_a_name_and_every_name_an_order() -> None:
    assert set(SORTERS) == set(get_args(SortName))


@pytest.mark.parametrize("sort", get_args(SortName))
def test_every_order_has_every_face_once_and_backwards_too(
    faceset: Faceset, context: Context, sort: SortName
) -> None:
    there = frames(faceset, context, sort, target=5)
    assert sorted(there) == list(range(1, 13))
    assert frames(faceset, context, sort, target=5, reverse=True) == there[::-1]


def test_columns_sort_as_their_texts_say(faceset: Faceset, context: Context) -> None:
    assert frames(faceset, context, "brightness") == list(range(1, 13))
    assert frames(faceset, context, "yaw") == list(range(1, 13))
    assert frames(faceset, context, "pitch")[:4] == [1, 4, 7, 10]


def test_likest_colours_lie_side_by_side(faceset: Faceset, context: Context) -> None:
    # the faces get darker from one to the next: a walk along them never jumps
    order = frames(faceset, context, "histogram-similar")
    assert max(abs(a - b) for a, b in itertools.pairwise(order)) <= 3


def test_rarest_is_the_one_with_the_largest_mean_squared_distance(
    faceset: Faceset, context: Context
) -> None:
    table, ranking = ranked(faceset, "histogram-dissimilar", context)
    vectors = histograms(faceset, table.ids.tolist()).astype(float) / 3**0.5
    apart = ((vectors[:, None] - vectors[None]) ** 2).sum(axis=-1).mean(axis=1)
    assert ranking.values == pytest.approx(apart, abs=1e-4)
    assert ranking.order[0] == apart.argmax()


def test_faces_that_share_a_frame_are_counted_by_plate(faceset: Faceset, context: Context) -> None:
    faceset.add(drawn_face(3, person=2))
    faceset.add(drawn_face(5, source="b.%04d.exr"))
    table, ranking = ranked(faceset, "one-face", context)
    assert ranking.values is not None
    assert sorted(ranking.values) == [1] * 12 + [2, 2]
    assert set(table["frame"][ranking.order[-2:]]) == {3}


def test_original_order_is_that_of_adding(faceset: Faceset, context: Context) -> None:
    faceset.add(a_face(0))
    assert frames(faceset, context, "original")[-1] == 0
    assert frames(faceset, context, "source")[0] == 0


def test_a_damaged_face_comes_last_in_both_directions(
    path: Path, context: Context, faceset: Faceset
) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE faces SET image = ? WHERE frame = 6", [b"no png"])
    connection.commit()
    connection.close()
    assert frames(faceset, context, "blur")[-1] == 6
    assert frames(faceset, context, "blur", reverse=True)[-1] == 6


def test_turning_keeps_distances_and_puts_what_varies_most_first() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 20)).astype(np.float32)
    vectors[:, 13] *= 30
    there = turned(vectors)
    before = np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)
    after = np.linalg.norm(there[:, None] - there[None], axis=-1)
    assert after == pytest.approx(before, abs=1e-2)
    assert there.std(axis=0).argmax() == 0


def test_an_empty_faceset_sorts_to_nothing(faceset: Faceset, context: Context) -> None:
    faceset.set_keep(faceset.ids(), False)
    for sort in get_args(SortName):
        assert frames(faceset, context, sort) == []
