"""Settings: a file that is written at the first run, and errors that say what to edit."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.hosts.resolve.conftest import PLUGIN, Stage, python_plugin
from tests.hosts.resolve.fake_media import FakeItem
from tests.hosts.resolve.lua_bridge import Lua

TABLE = json.loads((PLUGIN / "faceplate_resolve" / "settings.json").read_text())


def path_of(stage: Stage) -> Path:
    return stage.home / "resolve" / "settings.json"


def test_the_first_run_writes_all_defaults_and_says_what_to_edit(
    stage: Stage, clip: FakeItem
) -> None:
    path_of(stage).unlink()

    assert not stage()
    assert json.loads(path_of(stage).read_text()) == {one["name"]: one["default"] for one in TABLE}
    assert stage.lines[-1] == (
        'Faceplate: A file of settings was written. Set "model" to the folder of a swap model, and '
        f'"consent" to its consent record, in {path_of(stage)}, then run the script again.'
    )


def test_a_project_and_the_environment_overrule_the_file(stage: Stage, clip: FakeItem) -> None:
    projects = path_of(stage).parent / "projects"
    projects.mkdir()
    (projects / "Feature_One.json").write_text('{"handles": 1, "bring_back": "track"}')
    stage.environ["FACEPLATE_RESOLVE_BRING_BACK"] = "bin"
    stage.environ["FACEPLATE_RESOLVE_VERIFY"] = "false"

    assert stage()
    assert stage.submitted("swap")["frames"] == "1002-1011"
    assert stage.resolve.project.timeline.tracks == [[clip]]
    assert stage.resolve.trouble.called("ExportCurrentFrameAsStill") == []


def test_another_file_may_be_named(stage: Stage, clip: FakeItem, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(path_of(stage).read_text().replace("}", ', "shot": "S7", "work": "w"}'))
    stage.environ["FACEPLATE_RESOLVE_SETTINGS"] = str(other)

    assert stage()
    assert (tmp_path / "w" / "Feature_One" / "S7" / "v001").is_dir()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"handles": -1}, '"handles" must be a number from 0 to 1000, got -1: edit'),
        ({"handles": True}, '"handles" must be a number from 0 to 1000, got true: edit'),
        ({"bring_back": "clip"}, "must be one of take, track, fusion, bin, got"),
        ({"verify": "no"}, '"verify" must be true or false, got "no": edit'),
        ({"swap": 3}, '"swap" must be an object, got 3: edit'),
        ({"shot": 10}, '"shot" must be a text, got 10: edit'),
        ({"colour": "x"}, "names a setting 'colour' that there is not; there are: analyse, "),
    ],
)
def test_a_wrong_value_says_what_it_should_be_and_where(
    stage: Stage, clip: FakeItem, changes: dict[str, Any], said: str
) -> None:
    stage.set(**changes)

    assert not stage()
    assert said in stage.said
    assert str(path_of(stage)) in stage.said
    assert stage.resolve.trouble.called("OpenPage") == []


def test_a_file_that_is_no_json_is_said(stage: Stage, clip: FakeItem) -> None:
    path_of(stage).write_text('{"model": "x",\n "handles": }')

    assert not stage()
    assert f"{path_of(stage)} is not JSON: " in stage.said
    assert "line 2" in stage.said
    assert "correct it or delete it" in stage.said

    path_of(stage).write_text("[1]")
    assert not stage()


def test_every_setting_has_a_text_and_a_default_of_its_type() -> None:
    types = {"text": str, "choice": str, "number": int, "switch": bool, "object": dict}
    for one in TABLE:
        assert isinstance(one["default"], types[one["type"]]), one["name"]
        assert one["text"].endswith(".")
        assert one["default"] in one.get("choices", [one["default"]])


def test_the_documentation_has_every_setting() -> None:
    text = (PLUGIN.parents[1] / "docs" / "resolve.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", text, flags=re.MULTILINE))

    for one in TABLE:
        shown = rows[one["name"]]
        assert shown == (json.dumps(one["default"]).strip('"') or "empty"), one["name"]


def test_the_free_edition_is_told_its_limits_in_one_sentence(stage: Stage, clip: FakeItem) -> None:
    stage.resolve.studio, stage.resolve.trouble.free = False, True

    assert stage()
    assert stage.lines[0].startswith(
        "DaVinci Resolve (free) 21.0.3: it renders 3840 x 2160 at most"
    )
    assert stage.lines[0].count(". ") == 0
    assert stage.resolve.trouble.modal is False


def test_python_on_the_free_edition_from_21_1_on_points_to_lua(
    stage: Stage, clip: FakeItem
) -> None:
    stage.resolve.studio, stage.resolve.trouble.free = False, True
    stage.resolve.number = (21, 1, 0)

    assert stage() is (stage.language == "lua")
    if stage.language == "python":
        assert "use Faceplate Swap in Lua" in stage.said


def test_the_free_edition_renders_no_more_than_uhd(stage: Stage, clip: FakeItem) -> None:
    stage.resolve.studio, stage.resolve.trouble.free = False, True
    stage.resolve.project.settings["timelineResolutionWidth"] = "4096"
    assert stage()  # a file needs no render

    stage.set(plate="render")
    assert not stage()
    assert "The timeline is 4096 x 1080, and the free edition renders at most" in stage.said
    assert stage.resolve.trouble.called("AddRenderJob") == []


def test_an_old_resolve_is_said(stage: Stage, clip: FakeItem) -> None:
    stage.resolve.number = (18, 6, 6)

    assert not stage()
    assert "Resolve 18.6 is too old: Faceplate needs 19 or later." in stage.said


def test_outside_of_resolve_it_says_so(tmp_path: Path, language: str) -> None:
    environ, lines = {"FACEPLATE_HOME": str(tmp_path)}, []
    if language == "python":
        assert not python_plugin("swap").main(None, lines.append, environ)
    else:
        assert not Lua(environ, lines).run(PLUGIN / "Faceplate Swap.lua")

    assert "Resolve does not answer: run this from its menu" in lines[0]
