import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from faceplate.commands.consent import (
    CheckLog,
    ConsentSchema,
    NewConsent,
    RevokeConsent,
    ShowConsent,
    TryConsent,
    check_log,
    new_consent,
    revoke_consent,
    show_consent,
    show_schema,
    try_consent,
)
from faceplate.context import Context
from faceplate.errors import BadSettings, ConsentRefused, NotFound
from faceplate.provenance.consent import ConsentRecord, check_consent
from faceplate.provenance.hashing import sha256_file


@pytest.fixture
def terms(tmp_path: Path) -> dict[str, Any]:
    document = tmp_path / "release.pdf"
    document.write_bytes(b"signed")
    return {
        "out": str(tmp_path / "p1A.json"),
        "likeness": "p1A",
        "rights_holder": "nobody: a rendered head",
        "production": "The demo",
        "scope": "The person does not exist.",
        "signed_by": "the makers",
        "document": str(document),
        "valid_from": date(2026, 1, 1),
        "valid_until": date(2036, 1, 1),
    }


def test_a_new_record_hashes_the_document_and_the_sources(
    terms: dict[str, Any], tmp_path: Path
) -> None:
    source = tmp_path / "A.1001.exr"
    source.write_bytes(b"pixels")
    context = Context(tmp_path)
    new = new_consent(NewConsent(**terms, uses=("train", "swap"), sources=(str(source),)), context)
    record = show_consent(ShowConsent(terms["out"]), context)

    assert new.consent_id == record.consent_id == "The_demo-p1A-20260101"
    assert record.training_allowed
    assert record.document_sha256 == sha256_file(Path(terms["document"]))
    assert record.sources[0].sha256 == sha256_file(source)


def test_a_record_allows_no_training_unless_it_says_so(
    terms: dict[str, Any], tmp_path: Path
) -> None:
    new_consent(NewConsent(**terms), Context(tmp_path))

    assert try_consent(TryConsent(terms["out"]), Context(tmp_path)).allowed
    with pytest.raises(ConsentRefused, match="allows swap, not train"):
        try_consent(TryConsent(terms["out"], use="train"), Context(tmp_path))


def test_a_record_without_a_first_day_begins_today(terms: dict[str, Any], tmp_path: Path) -> None:
    before = datetime.now(UTC).date()
    new_consent(NewConsent(**{**terms, "valid_from": None}), Context(tmp_path))
    record = show_consent(ShowConsent(terms["out"]), Context(tmp_path))

    assert before <= record.valid_from <= datetime.now(UTC).date()


def test_a_record_is_never_overwritten(terms: dict[str, Any], tmp_path: Path) -> None:
    new_consent(NewConsent(**terms), Context(tmp_path))
    before = Path(terms["out"]).read_bytes()

    with pytest.raises(BadSettings, match="never overwritten"):
        new_consent(NewConsent(**{**terms, "scope": "anything"}), Context(tmp_path))
    assert Path(terms["out"]).read_bytes() == before


def test_a_record_needs_its_document(terms: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no\.pdf"):
        new_consent(
            NewConsent(**{**terms, "document": str(tmp_path / "no.pdf")}), Context(tmp_path)
        )
    assert not Path(terms["out"]).exists()


def test_trying_a_record_logs_nothing_and_knows_the_policy(
    terms: dict[str, Any], tmp_path: Path
) -> None:
    new_consent(NewConsent(**terms), Context(tmp_path))
    question = TryConsent(terms["out"], likeness="p1B", on=date(2026, 6, 1))

    assert try_consent(question, Context(tmp_path, consent_policy="warn")).warned
    assert not (tmp_path / "consent.log").exists()


def test_the_log_of_the_home_folder_is_checked(terms: dict[str, Any], tmp_path: Path) -> None:
    context = Context(tmp_path)
    new_consent(NewConsent(**terms), context)
    record: ConsentRecord = show_consent(ShowConsent(terms["out"]), context)
    for _ in range(3):
        check_consent(
            record,
            use="swap",
            likeness="p1A",
            shot=None,
            on=date(2026, 6, 1),
            policy="refuse",
            log=tmp_path / "consent.log",
        )

    assert check_log(CheckLog(), context).lines == 3
    assert check_log(CheckLog(str(tmp_path / "consent.log")), context).lines == 3


def test_a_consent_is_revoked_in_its_record_and_in_the_log(
    terms: dict[str, Any], tmp_path: Path
) -> None:
    context = Context(tmp_path)
    new = new_consent(NewConsent(**terms), context)
    older = tmp_path / "older copy.json"
    older.write_bytes(Path(terms["out"]).read_bytes())

    revoked = revoke_consent(RevokeConsent(terms["out"], "asked for by the agent"), context)

    assert revoked.consent_id == new.consent_id
    assert show_consent(ShowConsent(terms["out"]), context).revoked == revoked.revoked
    with pytest.raises(ConsentRefused, match="was revoked"):
        try_consent(TryConsent(str(older)), context)
    assert "asked for by the agent" in (tmp_path / "consent.log").read_text()
    assert check_log(CheckLog(), context).lines == 1
    with pytest.raises(BadSettings, match="revoked already"):
        revoke_consent(RevokeConsent(terms["out"], "again"), context)
    with pytest.raises(BadSettings, match="say why"):
        revoke_consent(RevokeConsent(str(older), " "), context)


def test_the_fields_of_a_record_are_told_and_its_schema_is_written(tmp_path: Path) -> None:
    schema = show_schema(ConsentSchema(str(tmp_path / "schema.json")), Context(tmp_path))

    needed = {row.field for row in schema.fields if row.needed}
    assert {"consent_id", "scope", "document_sha256"} <= needed
    assert json.loads((tmp_path / "schema.json").read_text())["additionalProperties"] is False


def test_a_new_record_holds_what_narrows_it(terms: dict[str, Any], tmp_path: Path) -> None:
    narrow = {"characters": ("The Twin",), "agent": "an agent", "replaces": ("C-0",)}
    new_consent(NewConsent(**terms, **narrow), Context(tmp_path))
    record = show_consent(ShowConsent(terms["out"]), Context(tmp_path))

    assert (record.characters, record.agent, record.replaces) == tuple(narrow.values())
    with pytest.raises(ConsentRefused, match="name the character"):
        try_consent(TryConsent(terms["out"]), Context(tmp_path))
    assert try_consent(TryConsent(terms["out"], character="The Twin"), Context(tmp_path)).allowed
