import json
import logging
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.support.paths import REPO

from faceplate.config import from_dict, to_dict, to_json
from faceplate.errors import BadSettings, ConsentRefused, Damaged, NotFound
from faceplate.provenance.consent import (
    ConsentRecord,
    Decision,
    SourceFile,
    check_consent,
    consent_schema,
    load_consent,
)
from faceplate.provenance.decisions import append_decision, revocations, verify_log

RECORD = ConsentRecord(
    consent_id="C-001",
    likeness="p1A",
    rights_holder="nobody: a rendered head",
    production="demo",
    scope="The person does not exist: a rendered head, swapped into rendered plates.",
    valid_from=date(2026, 1, 1),
    valid_until=date(2026, 12, 31),
    signed_by="the makers of the demo",
    document_sha256="a" * 64,
    uses=("train", "swap"),
    training_allowed=True,
    shots=("SQ010_*", "mini"),
    sources=(SourceFile("A.1001.exr", "b" * 64),),
)


def asked(**changes: Any) -> dict[str, Any]:
    return {
        "use": "swap",
        "likeness": "p1A",
        "shot": "SQ010_0040",
        "on": date(2026, 6, 1),
        "policy": "refuse",
        "log": None,
        **changes,
    }


def changed(**values: Any) -> ConsentRecord:
    return from_dict(ConsentRecord, {**to_dict(RECORD), **values})


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "p1A.json"
    path.write_text(to_json(RECORD))

    assert load_consent(path) == RECORD


def test_a_record_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"p1A\.json does not exist"):
        load_consent(tmp_path / "p1A.json")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"document_sha256": "12"}, "sha256: expected 64 hex digits"),
        ({"sources": [{"name": "a", "sha256": "no"}]}, "sha256: expected 64 hex digits"),
        ({"consent_id": "two words"}, "consent_id: expected letters"),
        ({"scope": "  "}, "scope: expected some text"),
        ({"scope": "All media and any purpose whatsoever"}, "scope: expected a reasonably spec"),
        ({"scope": "a film"}, "scope: expected a reasonably specific description"),
        ({"replaces": ["two words"]}, "replaces: expected ids of records"),
        ({"valid_until": "2025-01-01"}, "lies before valid_from"),
        ({"training_allowed": False}, "contradict"),
        ({"uses": ["sell"]}, r"uses\.0: Input should be 'train' or 'swap'"),
        ({"valid_from": "soon"}, "valid_from: .*got 'soon'"),
        ({"version": 2}, "version 2 is not known"),
        ({"expires": "2027-01-01"}, "unknown key 'expires'"),
    ],
)
def test_a_wrong_record_is_refused_with_the_name_of_the_field(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadSettings, match=message):
        changed(**values)


def test_a_valid_record_allows_both_of_its_uses() -> None:
    swap = check_consent(RECORD, **asked())
    train = check_consent(RECORD, **asked(use="train", shot=None))

    assert swap == Decision(True, "swap of p1A is allowed", "C-001", False)
    assert train == Decision(True, "train of p1A is allowed", "C-001", False)


@pytest.mark.parametrize("day", [date(2026, 1, 1), date(2026, 12, 31)])
def test_the_first_and_the_last_day_are_valid(day: date) -> None:
    assert check_consent(RECORD, **asked(on=day)).allowed


@pytest.mark.parametrize(
    ("record", "question", "reason"),
    [
        (None, {}, "no consent record was given to swap 'p1A'.*consent new"),
        (RECORD, {"likeness": "p1B"}, "is for the likeness 'p1A', not for 'p1B'"),
        (RECORD, {"on": date(2025, 12, 31)}, "valid from 2026-01-01, not yet on 2025-12-31"),
        (RECORD, {"on": date(2027, 1, 1)}, "expired on 2026-12-31: ask the rights holder"),
        (changed(revoked="2026-06-01"), {}, "was revoked on 2026-06-01: stop"),
        (
            changed(uses=["swap"], training_allowed=False),
            {"use": "train"},
            "allows swap, not train",
        ),
        (RECORD, {"shot": "SQ020_0010"}, r"covers the shots SQ010_\*, mini, not 'SQ020_0010'"),
        (RECORD, {"shot": None}, "name the shot"),
    ],
)
def test_each_lack_is_refused_with_its_reason(
    record: ConsentRecord | None, question: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConsentRefused, match=reason):
        check_consent(record, **asked(**question))


def test_a_record_that_is_limited_to_characters_covers_no_others() -> None:
    record = changed(characters=["The Twin*"])

    assert check_consent(record, **asked(character="The Twins")).allowed
    assert check_consent(record, **asked(use="train", shot=None)).allowed
    with pytest.raises(ConsentRefused, match=r"limited to the characters The Twin\*: name the ch"):
        check_consent(record, **asked())
    with pytest.raises(ConsentRefused, match="not 'The Villain'"):
        check_consent(record, **asked(character="The Villain"))


def test_a_model_of_another_consent_is_refused() -> None:
    with pytest.raises(
        ConsentRefused, match=r"trained under consent C-000.*neither is nor replaces"
    ):
        check_consent(RECORD, **asked(trained_under="C-000"))
    assert check_consent(RECORD, **asked(trained_under="C-001")).allowed
    assert check_consent(changed(replaces=["C-000"]), **asked(trained_under="C-000")).allowed


def test_a_model_that_names_no_consent_is_told_of() -> None:
    decision = check_consent(RECORD, **asked(trained_under=""))

    assert decision.reason == "swap of p1A is allowed; its model names no consent record"


def revoke(log: Path, consent_id: str, day: str) -> None:
    append_decision(log, {"use": "revoke", "consent_id": consent_id, "revoked_from": day})


def test_a_revocation_in_the_log_holds_against_an_older_copy_of_the_record(tmp_path: Path) -> None:
    log = tmp_path / "consent.log"
    revoke(log, "C-001", "2026-05-01")
    revoke(log, "C-001", "2026-07-01")

    assert revocations(log) == {"C-001": date(2026, 5, 1)}
    with pytest.raises(ConsentRefused, match="was revoked on 2026-05-01"):
        check_consent(RECORD, **asked(log=log))
    assert check_consent(RECORD, **asked(log=log, on=date(2026, 4, 30))).allowed
    assert verify_log(log).lines == 4


def test_a_model_that_was_trained_under_a_revoked_consent_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "consent.log"
    revoke(log, "C-000", "2026-05-01")

    with pytest.raises(ConsentRefused, match="C-000, which was revoked on 2026-05-01"):
        check_consent(changed(replaces=["C-000"]), **asked(trained_under="C-000", log=log))


def test_a_line_that_revokes_and_cannot_be_read_stops_everything(tmp_path: Path) -> None:
    log = tmp_path / "consent.log"
    revoke(log, "C-001", "2026-05-01")
    log.write_text(log.read_text().replace("2026-05-01", "some day"))

    with pytest.raises(Damaged, match="revokes a consent was changed"):
        check_consent(RECORD, **asked(log=log))


def test_a_record_of_the_first_days_still_loads(tmp_path: Path) -> None:
    values = to_dict(RECORD)
    for later in ("characters", "agent", "replaces"):
        del values[later]
    path = tmp_path / "old.json"
    path.write_text(json.dumps(values))

    assert load_consent(path) == RECORD


def test_the_schema_that_is_handed_out_is_that_of_the_code() -> None:
    committed = json.loads((REPO / "docs" / "consent.schema.json").read_text())

    assert committed == json.loads(json.dumps(consent_schema()))
    assert set(committed["required"]) >= {"consent_id", "likeness", "scope", "document_sha256"}
    assert all(values["description"] for values in committed["properties"].values())


def test_a_revocation_holds_from_its_day_and_not_before() -> None:
    record = changed(revoked="2026-06-01")

    assert check_consent(record, **asked(on=date(2026, 5, 31))).allowed


def test_a_record_without_shots_covers_all_shots() -> None:
    assert check_consent(changed(shots=[]), **asked(shot=None)).allowed


def test_policy_warn_goes_on_but_never_silently(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = tmp_path / "consent.log"

    with caplog.at_level(logging.WARNING):
        decision = check_consent(None, **asked(policy="warn", log=log))

    assert decision.allowed
    assert decision.warned
    assert "without valid consent" in caplog.text
    assert '"warned": true' in log.read_text()


def test_refusals_are_logged_as_well(tmp_path: Path) -> None:
    log = tmp_path / "home" / "consent.log"
    check_consent(RECORD, **asked(log=log))
    with pytest.raises(ConsentRefused):
        check_consent(RECORD, **asked(likeness="p1B", log=log))

    assert verify_log(log).lines == 2
    allowed, refused = log.read_text().splitlines()
    assert '"allowed": true' in allowed
    assert '"allowed": false' in refused
    assert "not for 'p1B'" in refused
