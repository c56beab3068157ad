from pathlib import Path
from typing import Any

import pytest
from tests.support.farms import farm_job
from tests.support.paths import MINI

from faceplate.context import Context
from faceplate.errors import BadSettings, MissingFrames, NotFound
from faceplate.farm.shot import Place, Words, farm_shot, steps


def written(tmp_path: Path, **settings: Any) -> dict[str, list[str]]:
    """Return the words of each step by its name."""
    shot = farm_shot(farm_job(tmp_path, **settings), Context(home=tmp_path))
    words = Words(lambda place: f"<{place.name}>{place.tail}", "<frames>", "<chunk>", "plain")
    return {step.name: list(step.words) for step in steps(shot, words)}


def test_a_shot_is_analysed_swapped_in_chunks_and_shown(tmp_path: Path) -> None:
    made = written(tmp_path, options="--layers=beside --require-face")
    assert list(made) == ["Analyse", "Swap", "Seal", "Movie", "Timeline"]
    assert made["Analyse"][:3] == ["faceplate", "analyse", "--plate=<Plate>B.%04d.exr"]
    assert {"--frames=<chunk>", "--layers=beside", "--require-face", "--model=<Model>"} <= set(
        made["Swap"]
    )
    assert made["Seal"][:3] == ["faceplate", "seal", "--out=<Out>s.%04d.exr"]
    assert {"--frames=<frames>", "--model=<Model>", "--consent=<Consent>"} <= set(made["Seal"])
    assert "--out=<Out>s.mov" in made["Movie"]
    assert "--movie=<Out>s.mov" in made["Timeline"]


def test_steps_wait_for_each_other(tmp_path: Path) -> None:
    shot = farm_shot(farm_job(tmp_path), Context(home=tmp_path))
    words = Words(lambda place: str(place.path), "1-2", "1", "plain")
    after = [step.after for step in steps(shot, words)]
    assert after == [None, "Analyse", "Swap", "Seal", "Movie"]


def test_a_track_that_is_there_need_not_be_made(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="--no-analyse"):
        written(tmp_path, analyse=False)
    (tmp_path / "t.json").write_text("{}")
    made = written(tmp_path, analyse=False, movie=False, track=str(tmp_path / "t.json"))
    assert list(made) == ["Swap", "Seal"]
    made = written(tmp_path, analyse=False, movie=False, seal=False, track=str(tmp_path / "t.json"))
    assert list(made) == ["Swap"]


def test_a_version_is_published_in_the_end_where_somebody_asks_for_it(tmp_path: Path) -> None:
    assert "Publish" not in written(tmp_path)
    config = tmp_path / "publish.json"
    config.write_text('{"command": ["tell", "{record}"]}')
    more = {"publish": str(config), "publish_options": "--status=ip --notes='a b'"}
    made = written(tmp_path, **more)
    assert list(made)[-2:] == ["Timeline", "Publish"]
    assert made["Publish"] == [
        "faceplate", "review", "publish", "--result=<Out>s.%04d.exr", "--shot=s",
        "--frames=<frames>", "--movie=<Out>s.mov", "--timeline=<Out>s.otio", "--config=<Publish>",
        "--status=ip", "--notes=a b", "--progress=plain",
    ]  # fmt: skip
    assert not any("tell" in word for words in made.values() for word in words)
    made = written(tmp_path, movie=False, **more)
    assert list(made)[-2:] == ["Seal", "Publish"]
    assert not any(word.startswith("--movie") for word in made["Publish"])


def test_mattes_are_found_where_the_farm_has_them(tmp_path: Path) -> None:
    mattes = str(MINI / "B" / "B.%04d.exr")
    assert "--mattes=<Mattes>B.%04d.exr" in written(tmp_path, mattes=mattes)["Swap"]
    with pytest.raises(BadSettings, match="names its own"):
        written(tmp_path, mattes=mattes, model=None, cast="cast.json")


def test_an_ocio_config_is_a_path_only_where_it_is_a_file(tmp_path: Path) -> None:
    config = tmp_path / "show.ocio"
    config.write_text("")
    assert "--ocio=<Ocio>" in written(tmp_path, ocio=str(config))["Swap"]
    assert "--ocio=ocio://default" in written(tmp_path, ocio="ocio://default")["Swap"]


def test_every_step_that_looks_at_colours_is_held_to_the_config(tmp_path: Path) -> None:
    steps = written(tmp_path, ocio="ocio://default", ocio_sha256="ab" * 32)
    pinned = f"--ocio-sha256={'ab' * 32}"
    assert {name for name, words in steps.items() if pinned in words} == {"Analyse", "Swap"}
    assert not any("sha256" in word for words in written(tmp_path).values() for word in words)


def test_places_say_what_is_read_and_what_is_written(tmp_path: Path) -> None:
    shot = farm_shot(farm_job(tmp_path), Context(home=tmp_path))
    flows = {place.name: (place.kind, place.flow) for place in shot.places}
    assert flows["Plate"] == ("DIRECTORY", "IN")
    assert flows["Out"] == ("DIRECTORY", "OUT")
    assert flows["Track"] == ("FILE", "OUT")
    assert flows["Consent"] == ("FILE", "IN")
    assert isinstance(shot.places[0], Place)
    assert (shot.range, shot.tasks) == ("1001-1006", 3)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"chunk": 0}, BadSettings, "chunk"),
        ({"model": None}, BadSettings, "model or a cast"),
        ({"options": "layers=beside"}, BadSettings, "--name=value"),
        ({"options": "--shot='a"}, BadSettings, "closing quot"),
        ({"publish_options": "--status=ip"}, BadSettings, "need --publish"),
        ({"publish": "nowhere.json"}, NotFound, "nowhere.json"),
        ({"publish": "p.json", "publish_options": "ip"}, BadSettings, "--name=value"),
        ({"shot": 'a"; rm -rf x; "'}, BadSettings, "shot: expected letters"),
        ({"shot": "a\nPlugin=Other"}, BadSettings, "shot: expected letters"),
        ({"out": "one.exr"}, BadSettings, "pattern"),
        ({"out": "s.%04d.png"}, BadSettings, "pattern"),
        ({"frames": "1001-1030"}, MissingFrames, "1013"),
        ({"model": "nowhere"}, NotFound, "nowhere"),
        ({"plate": "nowhere.%04d.exr"}, NotFound, "nowhere"),
    ],
)
def test_what_a_farm_would_find_out_hours_later_is_told_now(
    tmp_path: Path, settings: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        written(tmp_path, **settings)
