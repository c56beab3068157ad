import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.dfl import face_jpeg, face_record
from tests.support.masks import VISIBLE, mini_faceset, true_crop

from faceplate.context import Context
from faceplate.errors import BadImage, BadSettings, BadShape, NotFound
from faceplate.geometry.points import invert, transform
from faceplate.geometry.polygons import draw_polygons
from faceplate.io.facelabels import Polygon
from faceplate.io.faceset import Face, Faceset
from faceplate.masks.labels import LabelsJob, labels
from faceplate.segment.agreement import mask_iou

SIZE = 96


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mini_faceset(tmp_path_factory.mktemp("shot") / "b.faceset", SIZE)


@pytest.fixture
def faceset(shot: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(shot, tmp_path / "b.faceset"))


@pytest.fixture
def run(tmp_path: Path, faceset: Path):
    def done(action: str, **settings: object):
        return labels(LabelsJob(action, str(faceset), **settings), Context(tmp_path / "home"))

    return done


def faces_of(faceset: Path) -> list[tuple[Face, tuple[Polygon, ...]]]:
    with Faceset.open(faceset, readonly=True) as opened:
        return [(opened.read(id), opened.labels(id)) for id in opened.ids()]


def drawn(face: Face, polygons: tuple[Polygon, ...]) -> np.ndarray:
    kinds = [
        [one.points for one in polygons if one.kind == kind] for kind in ("include", "exclude")
    ]
    return draw_polygons(kinds[0], kinds[1], face.size, face.mask)


def test_mattes_of_the_plate_become_the_labels_of_its_faces(run, faceset) -> None:
    result = run("import", source=VISIBLE, form="plate")
    assert (result.labelled, result.changed, result.without) == (11, 11, 0)
    for face, polygons in faces_of(faceset):
        assert mask_iou(drawn(face, polygons), true_crop(face)) > 0.97
    with Faceset.open(faceset) as opened:
        opened.undo()
        assert opened.labelled() == []


def test_some_frames_are_taken_and_labels_that_are_there_stay(run, faceset) -> None:
    assert run("import", source=VISIBLE, form="plate", frames="1001,1003").changed == 2
    again = run("import", source=VISIBLE, form="plate")
    assert (again.changed, again.kept, again.labelled) == (9, 2, 11)
    assert run("import", source=VISIBLE, form="plate", replace=True).kept == 0


def test_labels_go_out_as_pictures_and_come_back(run, faceset, tmp_path) -> None:
    run("import", source=VISIBLE, form="plate", frames="1003-1005")
    before = faces_of(faceset)
    assert len(run("export", out=str(tmp_path / "png")).written) == 3
    run("clear")
    result = run("import", source=str(tmp_path / "png"))
    assert (result.changed, result.without) == (3, 8)
    for (face, old), (_, new) in zip(before, faces_of(faceset), strict=True):
        assert bool(old) == bool(new)
        assert mask_iou(drawn(face, new), drawn(face, old)) > 0.98


def test_labels_go_out_as_labelme_json_and_come_back(run, faceset, tmp_path) -> None:
    run("import", source=VISIBLE, form="plate", frames="1003-1005")
    before = faces_of(faceset)
    run("export", out=str(tmp_path / "json"), form="labelme")
    run("clear")
    assert run("import", source=str(tmp_path / "json"), form="labelme").changed == 3
    for (_, old), (_, new) in zip(before, faces_of(faceset), strict=True):
        assert [one.kind for one in old] == [one.kind for one in new]
        for one, other in zip(old, new, strict=True):
            assert np.abs(np.clip(one.points, -0.5, SIZE - 0.5) - other.points).max() < 0.01


def labelme(path: Path, points: list, size=(384, 216), label="face", **changes: object) -> None:
    shape = {"label": label, "points": points, "shape_type": "polygon", **changes}
    values = {"imageWidth": size[0], "imageHeight": size[1], "shapes": [shape]}
    path.write_text(json.dumps(values))


def test_labelme_polygons_of_whole_frames_are_brought_to_the_crop(run, faceset, tmp_path) -> None:
    triangle = [[150.0, 60.0], [220.0, 60.0], [185.0, 140.0]]
    labelme(tmp_path / "b.1001.json", triangle)
    assert run("import", source=str(tmp_path), form="labelme").changed == 1
    ((face, polygons),) = [entry for entry in faces_of(faceset) if entry[1]]
    wanted = transform(np.array(triangle) - 0.5, face.plate_to_crop)
    assert polygons[0].points == pytest.approx(wanted, abs=1e-9)


def test_shapes_of_a_frame_that_are_of_somebody_else_are_left_to_him(
    run, faceset, tmp_path
) -> None:
    mine, other = [[150.0, 60.0], [220.0, 60.0], [185.0, 140.0]], [[2, 2], [9, 2], [5, 9]]
    labelme(tmp_path / "b.1001.json", mine)
    values = json.loads((tmp_path / "b.1001.json").read_text())
    values["shapes"].append(values["shapes"][0] | {"points": other})
    (tmp_path / "b.1001.json").write_text(json.dumps(values))
    labelme(tmp_path / "b.1002.json", other)
    result = run("import", source=str(tmp_path), form="labelme")
    assert (result.changed, result.without) == (1, 10)
    ((face, polygons),) = [entry for entry in faces_of(faceset) if entry[1]]
    assert (face.frame, len(polygons)) == (1001, 1)


def test_a_face_that_is_wholly_covered_has_a_label_too(run, faceset, tmp_path) -> None:
    cv2.imwrite(str(tmp_path / "1001.png"), np.zeros((SIZE, SIZE), np.uint8))
    run("import", source=str(tmp_path))
    ((face, polygons),) = [entry for entry in faces_of(faceset) if entry[1]]
    assert face.frame == 1001
    assert drawn(face, polygons).max() == 0


def test_labels_of_deepfacelab_faces_are_taken_by_frame(run, faceset, tmp_path) -> None:
    (face, _), *_ = faces_of(faceset)
    to_theirs = face.plate_to_crop * 1.3 + [[0, 0, 2.5], [0, 0, -1.5]]
    inside = transform(face.plate_landmarks, to_theirs)
    outline = [[30.0, 20.0], [90.0, 25.0], [60.0, 100.0]]
    record = face_record(
        inside, face.frame, source_landmarks=face.plate_landmarks.tolist(),
        image_to_face_mat=to_theirs,
        seg_ie_polys={"polys": [{"type": 1, "pts": np.array(outline, np.float32)}]},
    )  # fmt: skip
    (tmp_path / "a.jpg").write_bytes(face_jpeg(np.full((128, 128, 3), 0.5), record))
    assert run("import", source=str(tmp_path), form="dfl").changed == 1
    ((face, polygons),) = [entry for entry in faces_of(faceset) if entry[1]]
    wanted = transform(transform(np.array(outline), invert(to_theirs)), face.plate_to_crop)
    assert polygons[0].points == pytest.approx(wanted, abs=1e-4)


def test_the_picture_shows_what_is_left_out_dark(run, tmp_path) -> None:
    run("import", source=VISIBLE, form="plate")
    (written,) = run("show", out=str(tmp_path / "labels.png")).written
    picture = cv2.imread(written)
    assert picture.shape == (2 * (192 + 18), 8 * 192, 3)
    green = (picture[..., 1] > 200) & (picture[..., 0] < 120) & (picture[..., 2] < 120)
    assert green.sum() > 1000


def test_mattes_of_the_wrong_size_are_refused(run, faceset, tmp_path) -> None:
    cv2.imwrite(str(tmp_path / "1001.png"), np.zeros((50, 50), np.uint8))
    with pytest.raises(BadShape, match="96 x 96, as the crops"):
        run("import", source=str(tmp_path))
    with pytest.raises(BadShape, match="as the plate") as caught:
        run("import", source=str(tmp_path / "%04d.png"), form="plate")
    assert "frame 1001" in caught.value.__notes__[0]
    assert not any(polygons for _, polygons in faces_of(faceset))


@pytest.mark.parametrize(
    ("points", "changes", "error", "text"),
    [
        ([[1, 1], [9, 1]], {}, BadShape, "at least 3"),
        ([], {}, BadShape, "N x 2"),
        ([[1, 1], [900, 1], [5, 5]], {}, BadShape, "inside the picture of 384 x 216"),
        ([[1, 1], [-4, 1], [5, 5]], {}, BadShape, "inside the picture"),
        ([["a", 1], [4, 1], [5, 5]], {}, BadImage, "no numbers"),
        ([[1, 1], [9, 1], [5, 5]], {"label": "hand"}, BadSettings, "include, face, exclude"),
        ([[1, 1], [9, 1]], {"shape_type": "circle"}, BadSettings, "only polygons"),
        ([[1, 1], [9, 1], [5, 5]], {"size": (50, 60)}, BadShape, "as the crops"),
    ],
)
def test_polygons_that_cannot_be_right_are_refused(
    run, tmp_path, points, changes, error, text
) -> None:
    labelme(tmp_path / "1001.json", points, **changes)
    with pytest.raises(error, match=text):
        run("import", source=str(tmp_path), form="labelme")


def test_sources_that_hold_nothing_are_told(run, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="named after a frame"):
        run("import", source=str(tmp_path / "empty"))
    with pytest.raises(NotFound, match="does not exist"):
        run("import", source=str(tmp_path / "gone"))
    cv2.imwrite(str(tmp_path / "empty" / "77.png"), np.zeros((SIZE, SIZE), np.uint8))
    with pytest.raises(NotFound, match="nothing for any of the 11 faces"):
        run("import", source=str(tmp_path / "empty"))
    (tmp_path / "empty" / "1001.json").write_text("{}")
    with pytest.raises(BadImage, match="no JSON of labelme"):
        run("import", source=str(tmp_path / "empty"), form="labelme")
    with pytest.raises(NotFound, match="no face has labels"):
        run("show", out=str(tmp_path / "x.png"))


@pytest.mark.parametrize(
    "settings",
    [
        {"action": "import"},
        {"action": "export"},
        {"action": "show"},
        {"action": "export", "out": "x", "form": "plate"},
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings) -> None:
    with pytest.raises(BadSettings, match="mask labels"):
        LabelsJob(faceset="x", **settings)
