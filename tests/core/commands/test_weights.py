import hashlib
from pathlib import Path

import pytest

from faceplate.commands import weights as module
from faceplate.commands.weights import (
    FetchWeights,
    ImportWeights,
    ListWeights,
    VerifyWeights,
    fetch_weights,
    import_weights,
    list_weights,
    verify_weights,
)
from faceplate.context import Context
from faceplate.errors import (
    BadSettings,
    Damaged,
    HashMismatch,
    InvalidInput,
    NotFound,
    UnknownComponent,
    WeightsMissing,
)
from faceplate.models.cards import DEFAULTS, Card
from faceplate.models.store import WeightStore

BYTES = b"weights of a small network"
CARD = Card(
    name="small",
    role="detection",
    title="A small network",
    file="small.onnx",
    licence_code="Apache-2.0",
    licence_weights="CC0-1.0",
    commercial_use="yes",
    trained_on="nothing",
    bytes=len(BYTES),
    sha256=hashlib.sha256(BYTES).hexdigest(),
)


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A home whose store knows one card."""
    monkeypatch.setattr(
        module, "WeightStore", lambda root: WeightStore(root, cards={"small": CARD})
    )
    return Context(tmp_path / "home")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "brought in.onnx"
    file.write_bytes(BYTES)
    return file


def test_every_card_is_listed_with_its_state_and_licence(tmp_path: Path) -> None:
    listed = list_weights(ListWeights(), Context(tmp_path))
    rows = {weight.name: weight for weight in listed.weights}

    assert set(DEFAULTS) <= set(rows)
    assert {name for name, weight in rows.items() if weight.state != "missing"} == {"occlusion"}
    assert rows["retinaface-mobilenet0.25"].licence == "MIT"


def test_a_role_narrows_the_list_and_a_wrong_one_names_the_roles(tmp_path: Path) -> None:
    listed = list_weights(ListWeights(role="pose"), Context(tmp_path))

    assert {weight.role for weight in listed.weights} == {"pose"}
    with pytest.raises(BadSettings, match="no card has the role 'posse'; there are: detection"):
        list_weights(ListWeights(role="posse"), Context(tmp_path))


def test_a_file_is_imported_found_and_verified(context: Context, file: Path) -> None:
    imported = import_weights(ImportWeights(str(file)), context)

    assert [(row.name, row.state) for row in imported.weights] == [("small", "verified")]
    assert list_weights(ListWeights(), context).weights[0].state == "present"
    assert verify_weights(VerifyWeights(), context).weights == imported.weights


def test_a_wrong_file_is_refused_and_not_kept(context: Context, file: Path) -> None:
    file.write_bytes(BYTES + b"!")

    with pytest.raises(InvalidInput, match="is no file of any card"):
        import_weights(ImportWeights(str(file)), context)
    with pytest.raises(HashMismatch):
        import_weights(ImportWeights(str(file), card="small"), context)
    assert list_weights(ListWeights(), context).weights[0].state == "missing"


def test_damaged_weights_are_named(context: Context, file: Path) -> None:
    import_weights(ImportWeights(str(file)), context)
    (context.home / "weights" / "small.onnx").write_bytes(BYTES[::-1])

    with pytest.raises(Damaged, match=r"small\.onnx; delete and fetch"):
        verify_weights(VerifyWeights(), context)


def test_named_weights_must_be_here(context: Context) -> None:
    assert verify_weights(VerifyWeights(), context).weights == ()
    with pytest.raises(WeightsMissing, match="models fetch small"):
        verify_weights(VerifyWeights(("small",)), context)


def test_a_fetch_says_what_it_needs(context: Context) -> None:
    with pytest.raises(BadSettings, match="say --defaults"):
        fetch_weights(FetchWeights(), context)
    with pytest.raises(BadSettings, match="2 cards are named"):
        fetch_weights(FetchWeights(("small", "other"), sha256="0" * 64), context)
    with pytest.raises(UnknownComponent, match="no model card is called 'smal'"):
        fetch_weights(FetchWeights(("smal",)), context)


def test_what_is_here_and_right_is_not_fetched_again(context: Context, file: Path) -> None:
    import_weights(ImportWeights(str(file)), context)

    assert fetch_weights(FetchWeights(("small",)), context).weights[0].state == "verified"


def test_a_file_that_is_not_there_is_not_found(context: Context, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        import_weights(ImportWeights(str(tmp_path / "no.onnx")), context)
