from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.farms import farm_job
from tests.support.swaps import consent_file

from faceplate.context import Context
from faceplate.errors import ConsentRefused
from faceplate.farm.shot import farm_shot
from faceplate.provenance.consent import today

YESTERDAY = today() - timedelta(days=2)


def asked(folder: Path, record: dict[str, Any], **settings: Any) -> None:
    job = farm_job(folder, **settings)
    consent_file(folder / "consent.json", **record)
    farm_shot(job, Context(home=folder))


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"valid_from": YESTERDAY, "valid_until": YESTERDAY}, "expired on"),
        ({"likeness": "p9Z"}, "is for the likeness 'p9Z'"),
        ({"shots": ("other*",)}, "covers the shots other"),
        ({"characters": ("the double",)}, "name the character"),
        ({"uses": ("train",), "training_allowed": True}, "not swap"),
    ],
)
def test_a_shot_whose_tasks_would_be_refused_is_refused_now(
    tmp_path: Path, record: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConsentRefused, match=words):
        asked(tmp_path, record)
    assert not (tmp_path / "consent.log").exists()


def test_a_shot_without_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConsentRefused, match="no consent record"):
        asked(tmp_path, {}, consent=None)


def test_what_the_tasks_are_told_counts(tmp_path: Path) -> None:
    limited = {"characters": ("the double",)}
    asked(tmp_path, limited, options="--character='the double'")
    asked(tmp_path, limited, options="--consent-policy=warn")
    with pytest.raises(ConsentRefused, match="not 'the hero'"):
        asked(tmp_path, limited, options="--character='the hero'")


def test_a_recipe_that_turns_the_swap_round_is_left_to_the_tasks(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"direction": "performer"}')
    asked(tmp_path, {"likeness": "p1B"}, recipe=str(tmp_path / "r.json"))
