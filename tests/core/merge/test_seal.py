import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.paths import MINI
from tests.support.sealed import write_frames
from tests.support.swaps import consent_file, tiny_model, truth_track

from faceplate.commands.verify import VerifyJob, verify
from faceplate.context import Context
from faceplate.errors import BadSettings, Damaged, FramesFailed, MissingFrames, NotFound, NotReady
from faceplate.io.image import read_frame
from faceplate.merge.seal import SealJob, seal
from faceplate.merge.sealing import sidecar_path
from faceplate.merge.swap import SwapJob, swap
from faceplate.merge.writing import SwapShot
from faceplate.provenance.hashing import sha256_file
from faceplate.provenance.keys import new_key
from faceplate.provenance.sidecar import Sidecar, parse_sidecar


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    tiny_model(folder / "model")
    truth_track(folder / "track.json")
    consent_file(folder / "consent.json")
    new_key(folder / "home", "House")
    return folder


@pytest.fixture
def context(shelf: Path) -> Context:
    return Context(home=shelf / "home", device="cpu")


@pytest.fixture
def job(shelf: Path, tmp_path: Path) -> SwapJob:
    return SwapJob(
        plate=str(MINI / "B" / "B.%04d.exr"),
        track=str(shelf / "track.json"),
        model=str(shelf / "model"),
        consent=str(shelf / "consent.json"),
        out=str(tmp_path / "out" / "s.%04d.exr"),
        frames="1003-1004",
        shot="mini",
    )


def read(path: str) -> Sidecar:
    return parse_sidecar(Path(path).read_bytes(), path)


def check(job: SwapJob, context: Context) -> list[str]:
    return [f"{each.file} {each.wrong}" for each in verify(
        VerifyJob(str(Path(job.out).parent)), context
    ).findings]  # fmt: skip


def test_a_swap_seals_what_it_wrote_and_what_it_was_made_from(
    job: SwapJob, shelf: Path, context: Context
) -> None:
    result = swap(job, context)

    sidecar = read(str(result.sidecar))
    assert result.signed_by == "House"
    assert [frame.frame for frame in sidecar.frames] == [1003, 1004]
    assert sidecar.frames[0].files[0].sha256 == sha256_file(Path(job.out % 1003))
    (making,) = sidecar.makings
    assert making.track is not None
    assert making.track.sha256 == sha256_file(shelf / "track.json")
    assert (making.models[0].step, making.models[0].likeness) == (1, "p1A")
    assert making.consents[0].consent_id == "C-1"
    assert making.consents[0].sha256 == sha256_file(shelf / "consent.json")
    assert making.versions["numpy"]
    assert making.shot == "mini"
    assert check(job, context) == []


def test_layers_beside_are_sealed_too(job: SwapJob, context: Context) -> None:
    swap(replace(job, layers="beside", frames="1003"), context)

    (frame,) = read(str(sidecar_path(SwapShot(job, context).out))).frames
    assert [file.name for file in frame.files] == ["s.1003.exr", "s_fp.1003.exr"]
    assert check(job, context) == []
    Path(job.out).with_name("s_fp.1003.exr").unlink()
    assert check(job, context) == ["s_fp.1003.exr missing"]


def test_a_swap_without_a_sidecar_leaves_none_and_the_same_frames(
    job: SwapJob, context: Context
) -> None:
    result = swap(replace(job, sidecar=False), context)
    assert result.sidecar is None
    assert {path.suffix for path in Path(job.out).parent.iterdir()} == {".exr"}
    before = sha256_file(Path(job.out % 1003))
    swap(replace(job, overwrite=True), context)
    assert sha256_file(Path(job.out % 1003)) == before


def test_frames_that_tasks_have_written_are_sealed_at_the_end(
    job: SwapJob, shelf: Path, context: Context
) -> None:
    for number in ("1004", "1003"):
        swap(replace(job, sidecar=False, frames=number), context)
    named = SealJob(
        job.out, plate=job.plate, track=job.track, model=job.model, consent=job.consent, shot="mini"
    )

    result = seal(named, context)

    (making,) = read(result.sidecar).makings
    assert (result.frames, result.signed_by) == ("1003-1004", "House")
    assert (making.models[0].step, making.consents[0].consent_id) == (1, "C-1")
    assert making.versions == {}
    assert check(job, context) == []


def test_frames_are_signed_one_by_one_where_that_is_asked_for(
    job: SwapJob, context: Context, tmp_path: Path
) -> None:
    swap(replace(job, seal_frames=True), context)
    claims = sorted(path.name for path in Path(job.out).parent.glob("s.1*.c2pa"))
    assert claims == ["s.1003.c2pa", "s.1004.c2pa"]
    assert check(job, context) == []

    swap(replace(job, overwrite=True, pixel_type="float"), context)
    assert list(Path(job.out).parent.glob("s.1*.c2pa")) == []
    with pytest.raises(NotReady, match="keys new"):
        swap(replace(job, seal_frames=True), Context(home=tmp_path, device="cpu"))


def test_a_shot_with_a_failed_frame_seals_the_others(
    job: SwapJob, context: Context, tmp_path: Path
) -> None:
    plate = shutil.copytree(MINI / "B", tmp_path / "B")
    spoilt = plate / "B.1003.exr"
    spoilt.write_bytes(spoilt.read_bytes()[:3000])
    broken = replace(job, plate=str(plate / "B.%04d.exr"))
    with pytest.raises(FramesFailed):
        swap(broken, context)
    assert check(job, context) == []

    shutil.copy(MINI / "B" / "B.1003.exr", spoilt)
    result = swap(broken, context)
    assert (result.kept, result.swapped) == (1, 1)
    assert [frame.frame for frame in read(str(result.sidecar)).frames] == [1003, 1004]
    assert check(job, context) == []


def test_only_what_made_the_frames_can_be_named(
    job: SwapJob, shelf: Path, context: Context, tmp_path: Path
) -> None:
    swap(replace(job, sidecar=False), context)
    other = consent_file(tmp_path / "other.json", consent_id="C-2")
    tiny_model(tmp_path / "other", resolution=96)

    with pytest.raises(BadSettings, match="not under C-2"):
        seal(SealJob(job.out, consent=str(other)), context)
    with pytest.raises(BadSettings, match="holds no save"):
        seal(SealJob(job.out, model=str(tmp_path / "other")), context)


def test_what_faceplate_did_not_make_is_not_sealed(tmp_path: Path, context: Context) -> None:
    out = write_frames(tmp_path, range(1, 4))
    pattern = out.pattern
    with pytest.raises(NotFound, match="no frames to seal"):
        seal(SealJob(str(tmp_path / "t.%04d.exr")), context)
    with pytest.raises(MissingFrames, match="1 frame"):
        seal(SealJob(pattern, frames="1-4"), context)
    assert seal(SealJob(pattern, frames="1-2"), context).frames == "1-2"
    assert seal(SealJob(pattern, frames="3"), context).frames == "1-3"

    out.path(3).write_bytes(out.path(2).read_bytes())
    with pytest.raises(Damaged, match="is not frame 3 of Faceplate: its header says 2"):
        seal(SealJob(pattern), context)
    out.path(3).write_bytes((MINI / "B" / "B.1001.exr").read_bytes())
    with pytest.raises(Damaged, match="its header says nothing"):
        seal(SealJob(pattern), context)


def test_a_single_file_is_sealed_under_the_number_that_it_has(
    tmp_path: Path, context: Context
) -> None:
    out = write_frames(tmp_path, range(1001, 1002))
    for name in ("a.exr", "b.7.exr"):
        (tmp_path / name).write_bytes(out.path(1001).read_bytes())
        result = seal(SealJob(str(tmp_path / name)), context)
        assert result.frames == "1001"
        assert result.sidecar == str(tmp_path / name).replace(".exr", ".provenance.json")
        assert verify(VerifyJob(result.sidecar), context).exit_code == 0


@pytest.mark.parametrize("layers", ["inside", "beside"])
def test_a_swap_of_a_result_names_the_swaps_before_it_and_nothing_else_of_them(
    job: SwapJob, context: Context, tmp_path: Path, layers: str
) -> None:
    first = replace(job, layers="none", job_id="7", out=str(tmp_path / "first" / "f.%04d.exr"))
    swap(first, context)
    before = read_frame(Path(first.out % 1003))
    again = replace(job, plate=first.out, layers=layers)
    swap(again, context)
    after = read_frame(Path(again.out % 1003))
    assert before.attribute("faceplate:jobId") == "7"
    assert "faceplate:earlier" not in before.attributes
    assert "faceplate:jobId" not in after.attributes
    said = after.attribute("faceplate:earlier")
    assert said == f"p1A | C-1 | {before.attribute('faceplate:modelSha256')}"
    assert after.attribute("Software").count("Faceplate") == 2
    assert check(again, context) == []
    assert swap(again, context).kept == 2
    third = replace(again, plate=again.out, out=str(tmp_path / "third" / "t.%04d.exr"))
    swap(third, context)
    assert read_frame(Path(third.out % 1003)).attribute("faceplate:earlier").count(" | C-1 | ") == 2
    assert check(third, context) == []
