"""Names of colour spaces on the way out and on the way back."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.hosts.resolve.conftest import PLUGIN, Stage
from tests.hosts.resolve.fake_media import FakeItem

from faceplate.color.ocio import load_config

SPACES = json.loads((PLUGIN / "faceplate_resolve" / "spaces.json").read_text())


def test_every_space_of_the_table_is_one_of_the_engines_config() -> None:
    config = load_config(None, {})

    assert [config.resolve(entry["ocio"]) for entry in SPACES] == [one["ocio"] for one in SPACES]


def test_no_name_of_resolves_means_two_spaces() -> None:
    names = [name for entry in SPACES for name in {*entry["combined"], *entry["aces"]}]
    pairs = [(entry["gamut"], entry["gamma"]) for entry in SPACES]

    assert len(names) == len(set(names))
    assert len(pairs) == len(set(pairs))


def color_space(stage: Stage) -> str | None:
    """Run, and return the space with which the swap was submitted."""
    assert stage(), stage.said
    return stage.submitted("swap").get("color_space")


@pytest.mark.parametrize(
    ("name", "space"),
    [
        ("ACEScg", "ACEScg"),
        ("ARRI LogC4", "ARRI LogC4"),
        ("Project", "Gamma 2.4 Encoded Rec.709"),
        ("Project - Rec.709 (Scene)", "Camera Rec.709"),
        ("Same as Timeline", "DaVinci Intermediate WideGamut"),
    ],
)
def test_a_managed_project_says_the_space_of_a_file(
    stage: Stage, clip: FakeItem, name: str, space: str
) -> None:
    clip.media.properties["Input Color Space"] = name

    assert color_space(stage) == space
    back = clip.takes[1].properties
    named = next(entry["combined"][0] for entry in SPACES if entry["ocio"] == space)
    assert back["Input Color Space"] == named
    assert f"Input Color Space of the result: {named}." in stage.said


def test_space_and_gamma_apart(stage: Stage, clip: FakeItem) -> None:
    stage.resolve.project.settings["separateColorSpaceAndGamma"] = "1"
    clip.media.properties.update(
        {"Input Color Space": "ARRI Wide Gamut 4", "Input Gamma": "ARRI LogC4"}
    )

    assert color_space(stage) == "ARRI LogC4"
    assert clip.takes[1].properties["Input Gamma"] == "ARRI LogC4"


def test_an_aces_project_says_its_input_transform(stage: Stage, clip: FakeItem) -> None:
    stage.resolve.project.settings.update(colorScienceMode="acescct", colorAcesIDT="ACEScct")
    clip.media.properties["IDT"] = "ACEScg - CSC"

    assert color_space(stage) == "ACEScg"
    assert clip.takes[1].properties["IDT"] == "ACEScg - CSC"


def test_without_management_the_file_says_it(stage: Stage, clip: FakeItem) -> None:
    stage.resolve.project.settings["colorScienceMode"] = "davinciYRGB"

    assert color_space(stage) is None
    assert "The result has the colours of the plate" in stage.said
    assert stage.resolve.trouble.called("SetClipProperty") == []


def test_the_settings_overrule_resolve(stage: Stage, clip: FakeItem) -> None:
    clip.media.properties["Input Color Space"] = "GoPro Protune"
    stage.set(plate_space="Linear BMD WideGamut Gen5")

    assert color_space(stage) == "Linear BMD WideGamut Gen5"
    assert "Set the result's Input Color Space by hand: it is Linear BMD" in stage.said


def test_a_name_without_a_space_says_what_to_edit(stage: Stage, clip: FakeItem) -> None:
    clip.media.properties["Input Color Space"] = "GoPro Protune"

    assert not stage()
    assert 'the clip\'s input colour space "GoPro Protune"' in stage.said
    assert f'set "plate_space" in {stage.home}/resolve/settings.json' in stage.said


@pytest.mark.parametrize(
    ("settings", "space", "tags"),
    [
        ({}, "ACEScg", ("ACES (AP1)", "Linear")),
        ({"colorSpaceOutput": "Same as Timeline"}, "DaVinci Intermediate WideGamut",
         ("DaVinci WG", "DaVinci Intermediate")),
        ({"colorScienceMode": "acescct", "colorAcesODT": "No Output Transform"}, "ACES2065-1",
         ("ACES (AP0)", "Linear")),
        ({"colorScienceMode": "davinciYRGB", "colorSpaceTimeline": "Rec.709 Gamma 2.4"},
         "Gamma 2.4 Encoded Rec.709", ("Rec.709", "Gamma 2.4")),
    ],
)  # fmt: skip
def test_a_render_is_tagged_with_the_space_that_the_job_is_told(
    stage: Stage, clip: FakeItem, settings: dict[str, str], space: str, tags: tuple[str, str]
) -> None:
    stage.resolve.project.settings.update(settings)
    stage.set(plate="render")

    assert color_space(stage) == space
    values = stage.resolve.trouble.called("SetRenderSettings")[0][0]
    assert (values["ColorSpaceTag"], values["GammaTag"]) == tags


def test_an_unknown_output_is_said_before_anything_is_rendered(
    stage: Stage, clip: FakeItem
) -> None:
    stage.resolve.project.settings["colorSpaceOutput"] = "Rec.2100 ST2084"
    stage.set(plate="render")

    assert not stage()
    assert 'the colour space that it renders in "Rec.2100 ST2084"' in stage.said
    assert stage.resolve.trouble.called("AddRenderJob") == []


def test_a_property_that_does_not_read_back_is_said(
    stage: Stage, clip: FakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = type(clip.media)
    monkeypatch.setattr(media, "SetClipProperty", lambda self, name, value: True)

    assert stage()
    assert "did not take Input Color Space = ACEScg for the result: set it by hand" in stage.said


def test_tags_of_an_unknown_space_leave_the_choice_to_resolve(plugin: Any, tmp_path: Path) -> None:
    assert set(plugin("spaces").tags("My Own").values()) == {"Same as Project"}
