import hashlib
from pathlib import Path

import numpy as np
import PyOpenColorIO
import pytest

from faceplate.color.ocio import BUILTIN_CONFIG, OcioConfig, load_config
from faceplate.errors import BadSettings, BadShape, NotFound, UnknownColorSpace

# AP1 to Rec.709 linear, D60 to D65 by CAT02 as the ACES configs have it; from colour-science:
#   colour.matrix_RGB_to_RGB(RGB_COLOURSPACES["ACEScg"], RGB_COLOURSPACES["sRGB"], "CAT02")
AP1_TO_REC709 = np.array(
    [
        [1.70505099, -0.62179212, -0.08325887],
        [-0.13025642, 1.14080474, -0.01054832],
        [-0.02400336, -0.12896898, 1.15297233],
    ]
)


@pytest.fixture(scope="module")
def config() -> OcioConfig:
    return load_config()


def config_file(path: Path, *, roles: str, spaces: str) -> Path:
    path.write_text(
        "ocio_profile_version: 2\n"
        "roles:\n" + roles + "file_rules:\n  - !<Rule> {name: Default, colorspace: raw}\n"
        "displays:\n  d:\n    - !<View> {name: v, colorspace: raw}\n"
        "colorspaces:\n  - !<ColorSpace> {name: raw, isdata: true}\n" + spaces
    )
    return path


HOUSE = (
    "  - !<ColorSpace>\n    name: house_lin\n    aliases: [hl]\n"
    "    to_scene_reference: !<MatrixTransform> {matrix: [2,0,0,0, 0,2,0,0, 0,0,2,0, 0,0,0,1]}\n"
    "  - !<ColorSpace>\n    name: ap0\n"
)


def test_the_built_in_config_is_fixed_by_name(config: OcioConfig) -> None:
    assert config.name == BUILTIN_CONFIG == "studio-config-v2.2.0_aces-v1.3_ocio-v2.4"
    text = PyOpenColorIO.Config.CreateFromBuiltinConfig(BUILTIN_CONFIG).serialize()
    assert config.hash == hashlib.sha256(text.encode()).hexdigest()


def test_the_request_comes_before_the_environment_and_that_before_our_own(tmp_path: Path) -> None:
    first = config_file(tmp_path / "a.ocio", roles="  default: raw\n", spaces=HOUSE)
    second = config_file(tmp_path / "b.ocio", roles="  default: raw\n", spaces="")
    environment = {"OCIO": str(second)}
    assert load_config(first, environment).name == str(first)
    assert load_config(None, environment).name == str(second)
    assert load_config(None, {}).name == load_config(None, {"OCIO": ""}).name == BUILTIN_CONFIG
    assert load_config(first).hash == hashlib.sha256(first.read_bytes()).hexdigest()


def test_another_config_than_the_callers_is_refused(tmp_path: Path) -> None:
    path = config_file(tmp_path / "a.ocio", roles="  default: raw\n", spaces=HOUSE)
    seen = hashlib.sha256(path.read_bytes()).hexdigest()
    assert load_config(path, sha256=seen).hash == seen
    with pytest.raises(BadSettings, match="another one here"):
        load_config(path, sha256="0" * 64)


def test_the_process_environment_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCIO", "/nowhere/config.ocio")
    assert load_config().name == BUILTIN_CONFIG


@pytest.mark.parametrize(
    "request_", ["ocio://default", "ocio://studio-config-latest", "ocio://" + BUILTIN_CONFIG]
)
def test_moving_names_are_recorded_as_what_they_mean_today(request_: str) -> None:
    name = load_config(request_).name
    assert "default" not in name
    assert "latest" not in name
    assert "_ocio-v" in name
    assert load_config(name).name == name


@pytest.mark.parametrize(
    ("name", "resolved"),
    [
        ("ACEScg", "ACEScg"),
        ("acescg", "ACEScg"),
        ("lin_ap1_scene", "ACEScg"),
        ("scene_linear", "ACEScg"),
        ("compositing_log", "ACEScct"),
        ("srgb_rec709_scene", "sRGB Encoded Rec.709 (sRGB)"),
        ("lin_rec709_scene", "Linear Rec.709 (sRGB)"),
        ("lin_ap0_scene", "ACES2065-1"),
        ("lin_rec2020_scene", "Linear Rec.2020"),
        ("lin_p3d65_scene", "Linear P3-D65"),
    ],
)
def test_names_aliases_roles_and_interop_ids_resolve(
    config: OcioConfig, name: str, resolved: str
) -> None:
    assert config.resolve(name) == resolved


def test_an_unknown_space_lists_near_names(config: OcioConfig) -> None:
    with pytest.raises(
        UnknownColorSpace, match=r"no colour space 'ACESgc'.*did you mean"
    ) as caught:
        config.resolve("ACESgc")
    assert "ACEScg" in caught.value.near
    assert BUILTIN_CONFIG in str(caught.value)
    with pytest.raises(UnknownColorSpace):
        config.apply(np.zeros((1, 1, 3), np.float32), "ACEScg", "Nikon N-Log")
    with pytest.raises(UnknownColorSpace):
        config.resolve("")


def test_apply_follows_the_published_matrix_and_does_not_clip(config: OcioConfig) -> None:
    rgb = np.array([[[-0.05, 0.18, 64.0], [1.0, 1.0, 1.0]], [[12.0, 0.0, -0.01], [0, 0, 0]]], "f4")
    converted = config.apply(rgb, "lin_ap1_scene", "lin_rec709_scene")
    np.testing.assert_allclose(converted, rgb @ AP1_TO_REC709.T, atol=2e-5)
    assert converted.dtype == np.float32
    assert converted.flags.c_contiguous


def test_apply_follows_the_published_acescct_curve(config: OcioConfig) -> None:
    # S-2016-001: y = 10.5402377416545 x + 0.0729055341958355 for x <= 0.0078125, else
    # y = (log2 x + 9.72) / 17.52.
    grey = np.array([-0.05, 0.0, 0.0078125, 0.18, 1.0, 64.0, 222.86])
    expected = np.where(
        grey <= 0.0078125,
        10.5402377416545 * grey + 0.0729055341958355,
        (np.log2(np.maximum(grey, 1e-9)) + 9.72) / 17.52,
    )
    rgb = np.repeat(grey[None, :, None], 3, axis=-1).astype(np.float32)
    converted = config.apply(rgb, "ACEScg", "ACEScct")
    np.testing.assert_allclose(converted[0, :, 1], expected, atol=2e-6)


def test_apply_leaves_its_input_alone_and_takes_any_layout(config: OcioConfig) -> None:
    rgb = np.random.default_rng(0).random((6, 4, 3), np.float32)
    before = rgb.copy()
    whole = config.apply(rgb, "ACEScg", "ACEScct")
    assert (rgb == before).all()
    flipped = config.apply(rgb[::-1, ::2], "ACEScg", "ACEScct")
    assert (flipped == whole[::-1, ::2]).all()
    assert (config.apply(rgb[0, 0], "ACEScg", "ACEScct") == whole[0, 0]).all()
    assert config.apply(rgb[:0], "ACEScg", "ACEScct").shape == (0, 4, 3)
    with pytest.raises(BadShape, match=r"float32 \(\.\.\., 3\)"):
        config.apply(rgb[..., :2], "ACEScg", "ACEScct")
    with pytest.raises(BadShape, match="float64"):
        config.apply(rgb.astype(np.float64), "ACEScg", "ACEScct")  # type: ignore[arg-type] # on purpose


def test_there_and_back_is_exact_to_a_few_millionths(config: OcioConfig) -> None:
    rgb = np.random.default_rng(0).uniform(-0.05, 64, (50, 50, 3)).astype(np.float32)
    back = config.apply(config.apply(rgb, "ACEScg", "ACEScct"), "ACEScct", "ACEScg")
    assert (np.abs(back - rgb) / np.maximum(np.abs(rgb), 0.1)).max() < 1e-5


def test_a_config_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no OCIO config .*studio-config-v2\.2\.0"):
        load_config("studio-config-v2.2.0")
    (tmp_path / "bad.ocio").write_text("these are not colours")
    with pytest.raises(BadSettings, match="no valid OCIO config"):
        load_config(tmp_path / "bad.ocio")
    with pytest.raises(NotFound):
        load_config("ocio://no-such-config")


def test_a_standard_space_is_reached_over_the_interchange_role(
    tmp_path: Path, config: OcioConfig
) -> None:
    roles = "  default: raw\n  aces_interchange: ap0\n"
    house = load_config(config_file(tmp_path / "h.ocio", roles=roles, spaces=HOUSE))
    rgb = np.random.default_rng(0).uniform(-0.05, 30, (8, 8, 3)).astype(np.float32)
    log = house.to_standard(rgb, "hl", "ACEScct")
    # house_lin is AP0 at half the value.
    np.testing.assert_allclose(log, config.apply(2 * rgb, "ACES2065-1", "ACEScct"), atol=1e-5)
    np.testing.assert_allclose(house.from_standard(log, "ACEScct", "hl"), rgb, atol=1e-4)


def test_a_config_with_neither_the_space_nor_the_role_is_told(tmp_path: Path) -> None:
    house = load_config(config_file(tmp_path / "h.ocio", roles="  default: raw\n", spaces=HOUSE))
    with pytest.raises(
        BadSettings, match=r"cannot convert 'house_lin' to 'ACEScct': .*interchange"
    ):
        house.to_standard(np.zeros((1, 1, 3), np.float32), "hl", "ACEScct")


def test_a_standard_space_of_the_config_itself_is_taken(tmp_path: Path) -> None:
    own = (
        "  - !<ColorSpace>\n    name: ACES - ACEScct\n"  # its name in the ACES 1.2 configs
        "    from_scene_reference: !<MatrixTransform> {offset: [0.25,0.25,0.25,0]}\n"
    )
    house = load_config(
        config_file(tmp_path / "h.ocio", roles="  default: raw\n", spaces=HOUSE + own)
    )
    rgb = np.ones((1, 1, 3), np.float32)
    assert house.to_standard(rgb, "house_lin", "ACEScct").tolist() == [[[2.25, 2.25, 2.25]]]


def test_missing_files_of_a_config_are_told(tmp_path: Path) -> None:
    lut = (
        "  - !<ColorSpace>\n    name: lutted\n"
        "    to_scene_reference: !<FileTransform> {src: x.cube}\n"
    )
    roles = "  default: raw\nsearch_path: luts\n"
    house = load_config(config_file(tmp_path / "h.ocio", roles=roles, spaces=HOUSE + lut))
    with pytest.raises(BadSettings, match=r"cannot convert 'lutted' to 'house_lin': .*x\.cube"):
        house.apply(np.zeros((1, 1, 3), np.float32), "lutted", "hl")
