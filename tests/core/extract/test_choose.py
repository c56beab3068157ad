"""Who is kept: on tracks without any picture, and with the real networks on joined shots."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.shots import CALM, head, plate_of, write_plate

from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound
from faceplate.extract.analyse import AnalyseJob, analyse
from faceplate.extract.appearance import Gallery, Signature
from faceplate.extract.choose import Choice, Likeness, choose
from faceplate.extract.people import Person
from faceplate.io.frame import Frame, Window
from faceplate.io.image import write_frame
from faceplate.io.tracked import PersonTrack, PlateInfo, Pose, TrackedFace
from faceplate.io.trackfile import Track

LOOKS = {1: 0.0, 2: 0.3, 3: 0.6}


def look(value: float) -> Signature:
    return Signature(np.full((8, 8, 3), value, np.float32), 0.0)


def person(number: int, x: float, side: float) -> PersonTrack:
    points = np.random.default_rng(number).uniform(0, 9, (68, 2))
    box = (x, 20.0, x + side, 20.0 + side)
    face = TrackedFace(number, 1001, box, points, points, Pose(0, 0, 0), 1, 1, "tracked")
    return PersonTrack(number, (face,))


TRACK = Track(
    PlateInfo("b.%04d.exr", 384, 216, 1001, 1001), (1001,),
    (person(1, 200, 40), person(2, 20, 90), person(3, 100, 60)),
)  # fmt: skip


def known(identities: bool = False) -> dict[int, Person]:
    found = {}
    for number, value in LOOKS.items():
        found[number] = Person(gallery=Gallery({0: look(value)}))
        if identities:
            found[number].identities[0] = np.array([10.0 * value])
    return found


def kept(choice: Choice, corrected: frozenset[int] = frozenset(), identities: bool = False):
    people = choose(TRACK, choice, known(identities), corrected)
    return [(one.person, round(one.faces[0].box[0]), one.name) for one in people]


def test_people_are_numbered_in_the_order_that_is_asked_for() -> None:
    assert kept(Choice(order="largest")) == [(1, 20, ""), (2, 100, ""), (3, 200, "")]
    assert kept(Choice(order="right")) == [(1, 200, ""), (2, 100, ""), (3, 20, "")]
    assert all(one.faces[0].person == one.person
               for one in choose(TRACK, Choice(order="right"), known(), frozenset()))  # fmt: skip


def test_only_those_clicked_on_are_kept() -> None:
    assert kept(Choice(at=("1001:110,30", "1001:210,40"))) == [(1, 100, ""), (2, 200, "")]
    with pytest.raises(NotFound, match="person 2 in 20,20 to 110,110"):
        kept(Choice(at=("1001:5,5",)))
    with pytest.raises(BadSettings, match="FRAME:X,Y"):
        kept(Choice(at=("5,5",)))


def test_a_reference_is_found_by_its_colours_where_there_is_no_embedder(caplog) -> None:
    choice = Choice(references=(Likeness("ref/ben.png", look(0.35)),))
    assert kept(choice) == [(1, 20, "ben")]
    assert "no embedder" in caplog.text
    with pytest.raises(NotFound, match=r"nobody looks like x.png by appearance .*person 1 1\.00"):
        kept(Choice(references=(Likeness("x.png", look(-1.0)),)))


def test_an_embedder_decides_where_there_is_one() -> None:
    # by colours it would be 1
    ben = Likeness("ben.png", look(0.0), np.array([5.8]), same=0.6)
    assert kept(Choice(references=(ben,)), identities=True) == [(1, 100, "ben")]
    far = replace(ben, identity=np.array([90.0]))
    with pytest.raises(NotFound, match="by embedding"):
        kept(Choice(references=(far,)), identities=True)


def test_whom_an_artist_corrected_is_kept_under_the_same_number() -> None:
    choice = Choice(at=("1001:110,30",))
    assert kept(choice, frozenset({1})) == [(1, 200, ""), (2, 100, "")]


def joined(folder: Path, back: float) -> str:
    """Two people side by side, a cut to another background, and each where the other one stood."""
    folder.mkdir()
    before = [plate_of(640, [("A", n, 150), ("B", m, 480)])
              for n, m in zip(CALM["A"][:5], CALM["B"][:5], strict=True)]  # fmt: skip
    after = [plate_of(640, [("B", m, 150), ("A", n, 480)], back=back)
             for n, m in zip(CALM["A"][:5], CALM["B"][:5], strict=True)]  # fmt: skip
    return write_plate(folder, before + after)


@pytest.mark.parametrize("embedder", ["none", "dlib"])
def test_people_who_change_places_at_a_cut_keep_their_numbers(
    context: Context, tmp_path: Path, embedder: str
) -> None:
    if embedder == "dlib":
        pytest.importorskip("dlib", reason="needs the extra 'identity'")
        from faceplate.models.store import WeightStore

        store = WeightStore(tmp_path / "home" / "weights")
        try:
            store.fetch("dlib-resnet")
        except NotFound as error:
            pytest.skip(str(error))
        for file in (context.home / "weights").iterdir():
            (store.root / file.name).symlink_to(file)
        context = replace(context, home=tmp_path / "home")
    # colours see the background too: they are good for another camera on the same set
    plate = joined(tmp_path / "plate", 0.9 if embedder == "dlib" else 0.15)
    reference = tmp_path / "amy.exr"
    pixels = head("A", 1002)
    window = Window(0, 0, pixels.shape[1], pixels.shape[0])
    write_frame(Frame(1, pixels, ("R", "G", "B"), window, window), reference)
    job = AnalyseJob(
        plate, str(tmp_path / "t.json"), color_space="ACEScg", sheet=False, every=20,
        embedder=embedder, reference=(str(reference),),
        cuts="auto" if embedder == "dlib" else "1006",
    )  # fmt: skip
    result = analyse(job, context)
    track = Track.load(tmp_path / "t.json")
    assert (result.cuts, track.cuts) == ("1006", (1006,))
    assert result.embedder == ("dlib-resnet" if embedder == "dlib" else "")
    (amy,) = track.people
    assert (amy.person, amy.name) == (1, "amy")
    middles = [(face.box[0] + face.box[2]) / 2 for face in amy.faces]
    assert np.abs(np.array(middles) - np.repeat([150, 480], 5)).max() < 25
