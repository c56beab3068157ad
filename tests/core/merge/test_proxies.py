"""One shot in several sizes: a track of the plate swaps its proxy, and the other way round."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.swaps import consent_file, mini_frame, tiny_model, truth_track

from faceplate.context import Context
from faceplate.errors import BadSettings
from faceplate.io.frame import Frame, Window
from faceplate.io.image import read_frame, write_frame
from faceplate.io.trackfile import Track
from faceplate.merge.measure import MeasureJob, measure
from faceplate.merge.swap import SwapJob, swap

FRAME = 1004


def proxy(folder: Path, width: int, height: int) -> str:
    """Write a frame of the rendered plate in another size; returns its pattern."""
    folder.mkdir()
    frame = mini_frame("B", FRAME)
    small = cv2.resize(frame.rgb(), (width, height), interpolation=cv2.INTER_AREA)
    window = Window(0, 0, width, height)
    attributes = frame.attributes
    made = Frame(FRAME, np.asarray(small), ("R", "G", "B"), window, window, 1.0, attributes)
    write_frame(made, folder / f"B.{FRAME}.exr")
    return str(folder / "B.%04d.exr")


@pytest.fixture
def job(tmp_path: Path) -> SwapJob:
    tiny_model(tmp_path / "model")
    truth_track(tmp_path / "track.json")
    consent_file(tmp_path / "consent.json")
    (tmp_path / "recipe.json").write_text('{"matte": "hull"}')
    return SwapJob(
        plate=proxy(tmp_path / "full", 384, 216),
        track=str(tmp_path / "track.json"),
        model=str(tmp_path / "model"),
        consent=str(tmp_path / "consent.json"),
        recipe=str(tmp_path / "recipe.json"),
        out=str(tmp_path / "out" / "s.%04d.exr"),
        frames=str(FRAME),
    )


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path, device="cpu")


def swapped(job: SwapJob, context: Context) -> Frame:
    swap(job, context)
    return read_frame(Path(job.out % FRAME))


@pytest.mark.parametrize(("width", "height", "scale"), [(192, 108, "0.5"), (768, 432, "2")])
def test_a_proxy_is_swapped_where_its_plate_is(
    job: SwapJob, context: Context, tmp_path: Path, width: int, height: int, scale: str
) -> None:
    full = swapped(job, context)
    other = replace(
        job, plate=proxy(tmp_path / "proxy", width, height), out=str(tmp_path / "p" / "s.%04d.exr")
    )
    small = swapped(other, context)
    assert small.attribute("faceplate:proxyScale") == scale
    assert "faceplate:proxyScale" not in full.attributes
    mattes = [full.channel("fp_mask.A"), small.channel("fp_mask.A")]
    expected = cv2.resize(mattes[0], (width, height), interpolation=cv2.INTER_AREA)
    assert expected.max() > 0.5
    assert np.abs(mattes[1] - expected).mean() / expected.mean() < 0.04


def test_a_track_of_another_picture_is_refused(
    job: SwapJob, context: Context, tmp_path: Path
) -> None:
    with pytest.raises(BadSettings, match="of another shape"):
        swap(replace(job, plate=proxy(tmp_path / "cut", 384, 180)), context)


def test_what_is_measured_on_a_proxy_leaves_the_points_of_the_track(
    job: SwapJob, context: Context, tmp_path: Path
) -> None:
    plate = proxy(tmp_path / "proxy", 192, 108)
    there = {name: getattr(job, name) for name in ("track", "model", "consent", "frames")}
    out = tmp_path / "measured.json"
    measure(MeasureJob(plate=plate, out=str(out), **there), context)
    before, after = Track.load(Path(job.track)), Track.load(out)
    face, measured = (one.people[0].at(FRAME) for one in (before, after))
    assert face is not None
    assert measured is not None
    np.testing.assert_array_equal(measured.landmarks, face.landmarks)
    assert measured.swap_colors
    assert after.plate == before.plate
