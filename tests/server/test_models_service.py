"""Models and Likenesses over the wire, with a fake engine room that checks records for real."""

import json
from pathlib import Path

import pytest
from tests.support.calls import fails
from tests.support.servers import Client
from tests.support.swaps import consent_file

from faceplate.provenance.decisions import append_decision
from faceplate_protos.v1 import likenesses_pb2, models_pb2, status_pb2


def test_a_model_is_described(server: Client) -> None:
    request = models_pb2.DescribeModelRequest(model="m1")
    answer = server(server.models.DescribeModel, request)

    assert (answer.model.likeness, answer.resolution, answer.architecture) == ("anna", 64, "df")
    assert list(answer.people) == ["anna", "berta"]
    assert json.loads(answer.details_json)["saves"] == [{"step": 1200}]


def test_a_model_is_loaded_once_shown_in_the_status_and_unloaded(server: Client) -> None:
    request = models_pb2.LoadModelRequest(model="m1")
    answers = [server(server.models.LoadModel, request) for _ in range(2)]
    status = server(server.server.GetStatus, status_pb2.GetStatusRequest())
    gone = models_pb2.UnloadModelRequest(model="m1")

    assert [answer.was_read for answer in answers] == [True, False]
    assert [(model.path, model.bytes) for model in status.models] == [("m1", 1024)]
    assert server(server.models.UnloadModel, gone).was_loaded
    assert not server(server.models.UnloadModel, gone).was_loaded


def test_a_model_is_imported_from_inside_the_roots_only(server: Client, root: Path) -> None:
    request = models_pb2.ImportModelRequest(source="given", out=str(root / "new"))
    assert server(server.models.ImportModel, request).model.path == str(root / "new")

    for outside in ({"source": "/etc"}, {"out": "/x"}):
        bad = models_pb2.ImportModelRequest(**{"source": "given", "out": "new", **outside})
        fails("PERMISSION_DENIED", server, server.models.ImportModel, bad)


@pytest.mark.parametrize("name", ["NotFound", "Damaged"])
def test_errors_of_models_have_their_status(server: Client, name: str) -> None:
    status = {"NotFound": "NOT_FOUND", "Damaged": "DATA_LOSS"}[name]
    request = models_pb2.LoadModelRequest(model=name)

    assert fails(status, server, server.models.LoadModel, request).code == name


def test_consent_records_are_imported_listed_and_shown(server: Client, root: Path) -> None:
    record = consent_file(root / "new.json", consent_id="C-7").read_text()
    taken = likenesses_pb2.ImportConsentRequest(record_json=record)
    path = server(server.likenesses.ImportConsent, taken).consent.path
    again = server(server.likenesses.ImportConsent, taken).consent
    (root / "new.json").unlink()
    (root / "broken.json").write_text('{"consent_id": "x", "rights_holder": 3}')
    listed = server(server.likenesses.ListConsents, likenesses_pb2.ListConsentsRequest()).consents
    shown = likenesses_pb2.ShowConsentRequest(
        consent="C-7", use=likenesses_pb2.Use(use="train", on="2020-01-01")
    )
    consent = server(server.likenesses.ShowConsent, shown).consent

    assert path == again.path == str(root / "home" / "consents" / "C-7.json")
    assert [(each.consent_id, each.valid) for each in listed] == [("", False), ("C-7", True)]
    assert "broken.json" in listed[0].path
    assert listed[0].reason
    assert not consent.valid
    assert "not yet on 2020-01-01" in consent.reason
    assert json.loads(consent.record_json)["likeness"] == "p1A"


def test_a_record_that_was_revoked_is_not_valid_whatever_its_copies_say(
    server: Client, root: Path
) -> None:
    consent_file(root / "old.json", consent_id="C-8")
    revoked = {"use": "revoke", "consent_id": "C-8", "revoked_from": "2026-01-01"}
    append_decision(root / "home" / "consent.log", revoked)
    listed = server(server.likenesses.ListConsents, likenesses_pb2.ListConsentsRequest()).consents

    (found,) = [each for each in listed if each.consent_id == "C-8"]
    assert not found.valid
    assert "revoked" in found.reason


def test_a_record_is_never_overwritten_and_none_leaves_its_folder(
    server: Client, root: Path
) -> None:
    method = server.likenesses.ImportConsent
    record = json.loads(consent_file(root / "one.json", consent_id="C-8").read_text())
    server(method, likenesses_pb2.ImportConsentRequest(record_json=json.dumps(record)))

    for change in ({"scope": "another"}, {"consent_id": "../../x"}, {"consent_id": "x" * 200}):
        text = json.dumps({**record, **change})
        request = likenesses_pb2.ImportConsentRequest(record_json=text)
        assert fails("INVALID_ARGUMENT", server, method, request).code == "BadSettings"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"consent": "nobody"}, "NOT_FOUND"),
        ({"consent": "/etc/passwd"}, "PERMISSION_DENIED"),
        ({"consent": ""}, "INVALID_ARGUMENT"),
        ({"consent": "C-7", "use": {"use": "sell"}}, "INVALID_ARGUMENT"),
        ({"consent": "C-7", "use": {"on": "tomorrow"}}, "INVALID_ARGUMENT"),
    ],
)
def test_bad_questions_about_consent_are_answered(
    server: Client, asked: dict[str, object], status: str
) -> None:
    fails(status, server, server.likenesses.ShowConsent, likenesses_pb2.ShowConsentRequest(**asked))
