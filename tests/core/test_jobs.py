import dataclasses
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

import pytest

from faceplate import jobs
from faceplate.context import Context
from faceplate.errors import BadSettings, UnknownComponent
from faceplate.jobs import JOBS, JobPath, Verb, parse_job, run_job, run_verb

NO_PATHS = {
    "analyse": {
        "ocio_sha256",
        "frames", "color_space", "detector", "landmarker", "landmarker_3d", "embedder",
        "cuts", "at",
    },
    "extract": {"frames", "color_space", "encoding", "name", "consent_id", "person"},
    "faceset features": set(),
    "faceset merge": {"name"},
    "faceset split": set(),
    "faceset recrop": set(),
    "faceset resize": set(),
    "faceset enhance": {"upscaler"},
    "faceset export": set(),
    "faceset import": {"name", "consent_id"},
    "mask apply": {"frames", "color_space"},
    "mask labels": {"frames", "layer"},
    "mask train": {"network"},
    "train": {"options", "architecture", "initialise"},
    "swap": {"frames", "color_space", "ocio_sha256", "shot", "compression", "likeness", "performer",
             "person", "character", "job_id"},
    "measure": {"frames", "color_space", "ocio_sha256", "shot", "likeness", "performer", "person",
                "character"},
    "tweak": {"set", "color_space", "ocio_sha256", "shot", "likeness", "performer", "person",
              "character"},
}  # fmt: skip
"""Settings that hold free text and are no path, by verb."""

NEEDED: dict[str, dict[str, Any]] = {
    "faceset merge": {"facesets": ("x",)},
    "faceset recrop": {"face_type": "half_face"},
    "faceset resize": {"size": 64},
    "mask apply": {"faceset": "x"},
    "mask labels": {"action": "import", "source": "x"},
    "mask train": {"faceset": ("x",)},
    "swap": {"model": "x"},
    "measure": {"model": "x", "plot": "x.png"},
    "tweak": {"model": "x", "frame": 1, "view": "x.png"},
}
"""Settings without which a job means nothing, although each may be left out."""


@dataclass(frozen=True)
class CountJob:
    plate: str
    out: str = ""
    extras: tuple[str, ...] = ()
    ocio: str | None = None
    factor: float = 2.0


@dataclass(frozen=True)
class CountResult:
    seconds: float
    files: tuple[str, ...] = ()
    figures: dict[str, float] = field(default_factory=dict)


def count(job: CountJob, context: Context) -> CountResult:
    context.progress.report("count", 1, 1)
    return CountResult(float("nan"), (job.plate,), {"factor": job.factor, "peak": float("inf")})


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Verb:
    module = ModuleType("faceplate_counting")
    vars(module).update(CountJob=CountJob, count=count)
    monkeypatch.setitem(sys.modules, "faceplate_counting", module)
    verb = Verb(
        "count",
        "count frames",
        "faceplate_counting:CountJob",
        "faceplate_counting:count",
        reads=("plate", "extras", "ocio"),
        writes=("out",),
    )
    monkeypatch.setattr(jobs, "JOBS", {**JOBS, "count": verb})
    return verb


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path)


def test_a_job_is_parsed_from_plain_values_and_run_to_plain_values(
    verb: Verb, context: Context
) -> None:
    job = parse_job("count", {"plate": "a.%04d.exr", "factor": 3})

    assert job == CountJob("a.%04d.exr", factor=3.0)
    assert run_job("count", job, context) == {
        "seconds": None,
        "files": ["a.%04d.exr"],
        "figures": {"factor": 3.0, "peak": None},
    }
    assert run_verb(verb, job, context) == run_job("count", job, context)


def test_an_unknown_verb_lists_the_verbs() -> None:
    with pytest.raises(UnknownComponent, match=f"there are: {', '.join(sorted(JOBS))}"):
        parse_job("swop", {})


def test_a_wrong_setting_names_job_and_setting(verb: Verb) -> None:
    with pytest.raises(BadSettings, match="count job: unknown key 'plat'; did you mean 'plate'"):
        parse_job("count", {"plat": "a"})


def test_the_paths_of_a_job_are_told_with_their_access(verb: Verb) -> None:
    job = CountJob("a.exr", "out", ("b.exr", ""), "ocio://cg-config-v1.0.0_aces-v1.3_ocio-v2.1")

    assert verb.paths(job) == [
        JobPath("plate", "a.exr", "in"),
        JobPath("extras", "b.exr", "in"),
        JobPath("out", "out", "out"),
    ]
    assert verb.paths(dataclasses.replace(job, ocio="config.ocio"))[2].path == "config.ocio"


def test_a_job_without_an_ocio_config_is_given_that_of_the_context(
    verb: Verb, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[CountJob] = []
    monkeypatch.setattr(
        sys.modules["faceplate_counting"],
        "count",
        lambda job, _: seen.append(job) or CountResult(0.0),
    )
    studio = dataclasses.replace(context, ocio="studio.ocio")
    run_verb(verb, CountJob("a"), studio)
    run_verb(verb, CountJob("a", ocio="own.ocio"), studio)
    run_verb(verb, CountJob("a"), context)

    assert [job.ocio for job in seen] == ["studio.ocio", "own.ocio", None]


def test_the_threads_of_a_job_limit_the_libraries_that_it_loaded(
    verb: Verb, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []
    torch = ModuleType("torch")
    vars(torch)["set_num_threads"] = counts.append
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.delitem(sys.modules, "OpenImageIO", raising=False)
    run_verb(verb, CountJob("a"), context)
    run_verb(verb, CountJob("a"), dataclasses.replace(context, threads=3))

    assert counts == [3]
    assert "cv2" not in sys.modules


@pytest.mark.parametrize("name", JOBS)
def test_the_parts_of_every_verb_are_there(name: str) -> None:
    verb = JOBS[name]
    kind = verb.settings_type()
    field_names = {entry.name for entry in dataclasses.fields(kind)}

    assert callable(verb.load())
    assert set(verb.reads) | set(verb.writes) <= field_names
    values = dict.fromkeys(required(kind), "x") | NEEDED.get(name, {})
    with pytest.raises(dataclasses.FrozenInstanceError):
        parse_job(name, values).out = "elsewhere"


def required(kind: type[Any]) -> list[str]:
    return [
        entry.name
        for entry in dataclasses.fields(kind)
        if entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
    ]


@pytest.mark.parametrize("name", JOBS)
def test_every_text_of_a_job_is_known_as_a_path_or_as_none(name: str) -> None:
    # a path that nobody knows of would escape the server's allowed roots
    hints = get_type_hints(JOBS[name].settings_type())
    texts = {field for field, hint in hints.items() if hint is str or str in get_args(hint)}

    assert texts == {*JOBS[name].reads, *JOBS[name].writes, *NO_PATHS[name]}
