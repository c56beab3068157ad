from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest

from faceplate.config import default_home, from_dict, from_json, settings_hash, to_dict, to_json
from faceplate.errors import BadSettings, NotFound


@dataclass(frozen=True)
class Inner:
    radius: float = 12.0


@dataclass(frozen=True)
class Outer:
    name: str
    kind: Literal["one", "two"] = "one"
    inner: Inner = field(default_factory=Inner)
    many: tuple[Inner, ...] = ()
    day: date | None = None
    named: dict[str, Inner] = field(default_factory=dict)


def test_settings_survive_their_file(tmp_path: Path) -> None:
    settings = Outer(
        "a", "two", Inner(3.5), (Inner(1.0), Inner()), date(2026, 1, 2), {"any": Inner()}
    )
    path = tmp_path / "settings.json"
    path.write_text(to_json(settings))

    assert from_json(Outer, path) == settings


def test_plain_values_are_json() -> None:
    assert to_dict(Outer("a", day=date(2026, 1, 2))) == {
        "name": "a",
        "kind": "one",
        "inner": {"radius": 12.0},
        "many": [],
        "day": "2026-01-02",
        "named": {},
    }


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "settings: name: Field required"),
        ({"name": 3}, "settings: name: .*valid string, got 3"),
        ({"name": "a", "kind": "three"}, "kind: Input should be 'one' or 'two', got 'three'"),
        ({"name": "a", "nmae": 1}, "unknown key 'nmae'; did you mean 'name'"),
        ({"name": "a", "zzzzzz": 1}, "unknown key 'zzzzzz'; known: name, kind"),
        ({"name": "a", "inner": {"radius": "wide"}}, r"inner\.radius: .*got 'wide'"),
        (
            {"name": "a", "inner": {"radus": 1}},
            r"inner: unknown key 'radus'; did you mean 'radius'",
        ),
        ({"name": "a", "many": [{}, {"radus": 1}]}, r"many\.1: unknown key 'radus'"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        from_dict(Outer, values)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        from_json(Outer, tmp_path / "no.json")


@pytest.mark.parametrize(
    ("text", "message"), [("{", "is not JSON"), ("[]", "expected an object, got list")]
)
def test_a_file_that_holds_no_settings_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(text)

    with pytest.raises(BadSettings, match=message):
        from_json(Outer, path)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(BadSettings, match="is not JSON"):
        from_json(Outer, path)


def test_the_hash_depends_on_values_and_not_on_the_order_of_fields() -> None:
    @dataclass(frozen=True)
    class Turned:
        named: dict[str, Inner] = field(default_factory=dict)
        day: date | None = None
        many: tuple[Inner, ...] = ()
        inner: Inner = field(default_factory=Inner)
        kind: Literal["one", "two"] = "one"
        name: str = "a"

    assert settings_hash(Outer("a")) == settings_hash(Turned())
    assert settings_hash(Outer("a")) != settings_hash(Outer("b"))


def test_the_home_folder_is_the_named_one_or_hidden_in_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FACEPLATE_HOME", str(tmp_path))
    assert default_home() == tmp_path

    monkeypatch.delenv("FACEPLATE_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "me")
    assert default_home() == tmp_path / "me" / ".faceplate"
