"""The occlusion model that comes with Faceplate, on heads that it has never seen."""

from pathlib import Path

import numpy as np
import pytest
from tests.support.masks import mini_faces, true_crop
from tests.support.swaps import encodings, mini_truth

from faceplate.models.cards import find_card
from faceplate.models.store import WeightStore
from faceplate.segment import load_segmenter
from faceplate.segment.agreement import mask_iou


def test_its_weights_are_small_and_need_not_be_fetched(tmp_path: Path) -> None:
    card = find_card("occlusion")
    assert card.bytes is not None
    assert card.bytes <= 8_000_000
    assert card.commercial_use == "yes"
    assert WeightStore(tmp_path).verify(card).state == "verified"


@pytest.mark.parametrize("face_type", ["full_face", "whole_face"])
def test_it_finds_what_is_seen_of_a_face_better_than_its_landmarks_do(
    face_type: str, tmp_path: Path
) -> None:
    segmenter = load_segmenter("occlusion", WeightStore(tmp_path).path, threads=1)
    truth = mini_truth("B")["frames"]
    found, hulls = [], []
    for face in mini_faces(128, face_type):
        if truth[str(face.frame)]["partly_out"]:
            continue
        matte = segmenter(encodings().to_view(encodings().from_working(face.image)))
        found.append(mask_iou(matte, true_crop(face)))
        hulls.append(mask_iou(face.mask, true_crop(face)))
    assert np.mean(found) > 0.88
    assert np.mean(found) > np.mean(hulls) + 0.05
