from pathlib import Path

import cv2
import numpy as np
import pytest

from faceplate.errors import BadSettings
from faceplate.train.events import Events

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def read(folder: Path) -> object:
    found = accumulator.EventAccumulator(str(folder / "events"))
    found.Reload()
    return found


def scalars(folder: Path, name: str) -> list[tuple[int, float]]:
    return [(event.step, round(event.value, 5)) for event in read(folder).Scalars(name)]


def test_scalars_are_means_over_their_steps_and_read_back(tmp_path: Path) -> None:
    events = Events(tmp_path, 0, every=2)
    for step in range(1, 7):
        events.scalars(step, {"loss/likeness": float(step), "speed/it_per_s": 3.0})
    events.close()
    assert scalars(tmp_path, "loss/likeness") == [(2, 1.5), (4, 3.5), (6, 5.5)]
    assert scalars(tmp_path, "speed/it_per_s") == [(2, 3.0), (4, 3.0), (6, 3.0)]


def test_what_lies_behind_a_return_is_hidden(tmp_path: Path) -> None:
    events = Events(tmp_path, 0, every=1)
    for step in (1, 2, 3):
        events.scalars(step, {"loss": float(step)})
    events.restart(1)
    events.note(1, "went back from step 3 to 1")
    events.scalars(2, {"loss": 20.0})
    events.close()
    assert scalars(tmp_path, "loss") == [(1, 1.0), (2, 20.0)]
    assert "events/text_summary" in read(tmp_path).Tags()["tensors"]


def test_preview_pictures_keep_their_colours(tmp_path: Path) -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[..., 2] = 200  # red, as OpenCV writes it
    path = tmp_path / "p.png"
    cv2.imwrite(str(path), picture)
    events = Events(tmp_path, 0, every=1)
    events.picture(7, path)
    events.close()
    image = read(tmp_path).Images("preview")[0]
    back = cv2.imdecode(np.frombuffer(image.encoded_image_string, np.uint8), cv2.IMREAD_COLOR)
    assert image.step == 7
    assert np.array_equal(back, picture)


def test_nothing_is_written_where_nothing_is_wanted(tmp_path: Path) -> None:
    events = Events(tmp_path, 0, every=0)
    events.scalars(1, {"loss": 1.0})
    events.note(1, "x")
    events.close()
    assert not (tmp_path / "events").exists()
    with pytest.raises(BadSettings, match="events_every -1"):
        Events(tmp_path, 0, every=-1)
