"""The verbs that run as jobs, for the command line, the server and the farm alike.

A verb is one dataclass of settings and one function; both are named here as text and imported on
first use, so that a process that only forwards jobs stays light.
"""

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Literal

from faceplate.config import from_dict, to_dict
from faceplate.context import Context
from faceplate.errors import UnknownComponent

__all__ = ["JOBS", "JobPath", "Verb", "parse_job", "run_job", "run_verb"]


@dataclass(frozen=True)
class JobPath:
    """A path that a job names."""

    field: str
    """Name of the setting."""
    path: str
    """As the job gives it."""
    access: Literal["in", "out"]
    """Whether the job reads or writes there."""


@dataclass(frozen=True)
class Verb:
    """One kind of work."""

    name: str
    """As it is typed."""
    summary: str
    """One line for a list of verbs."""
    settings: str
    """``module:Dataclass`` of its settings."""
    function: str
    """``module:function`` that takes the settings and a `Context` and returns a dataclass."""
    reads: tuple[str, ...] = ()
    """Settings that are paths which the job reads."""
    writes: tuple[str, ...] = ()
    """Settings that are paths where the job writes."""
    commands: tuple[str, ...] = ("pause", "resume")
    """What it can be told while it runs, besides to stop: some of `faceplate.control.COMMANDS`."""
    summary_line: bool = False
    """Whether the last line of output is always JSON, for an error too: a farm reads it."""
    grace_s: float | None = None
    """Seconds after a request to stop when the work at hand is dropped; None: never. Only for work
    whose files are whole or not there at all."""

    def settings_type(self) -> type[Any]:
        """Import and return the dataclass of settings."""
        kind: type[Any] = _imported(self.settings)
        return kind

    def load(self) -> Callable[[Any, Context], Any]:
        """Import and return the function."""
        function: Callable[[Any, Context], Any] = _imported(self.function)
        return function

    def paths(self, job: Any) -> list[JobPath]:
        """Return the paths that a job names, for whoever must check them against allowed roots.

        The name of a built-in OCIO config is no path, nor is that of a segmenter.
        """
        named: list[tuple[str, Literal["in", "out"]]] = [
            *((field, "in") for field in self.reads),
            *((field, "out") for field in self.writes),
        ]
        return [
            JobPath(field, path, access)
            for field, access in named
            for path in _texts(getattr(job, field))
            if _NAMED.get(field, _is_path)(path)
        ]


JOBS: Mapping[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb(
            "analyse",
            "find and follow the people of a plate; writes a track file",
            "faceplate.extract.analyse:AnalyseJob",
            "faceplate.extract.analyse:analyse",
            reads=("plate", "reference", "ocio"),
            writes=("out",),
        ),
        Verb(
            "extract",
            "cut the aligned faces of one person out of a plate; writes a faceset",
            "faceplate.extract.faces:ExtractJob",
            "faceplate.extract.faces:extract",
            reads=("plate", "track", "mattes", "segmenter", "ocio"),
            writes=("out",),
        ),
        Verb(
            "faceset features",
            "measure the faces of a faceset, so that they can be sorted",
            "faceplate.facesets.features:FeaturesJob",
            "faceplate.facesets.features:features",
            writes=("faceset",),
        ),
        Verb(
            "faceset merge",
            "join facesets into one",
            "faceplate.facesets.gather:MergeJob",
            "faceplate.facesets.gather:merge",
            reads=("facesets",),
            writes=("out",),
        ),
        Verb(
            "faceset split",
            "take a faceset apart by plate, person or flag",
            "faceplate.facesets.gather:SplitJob",
            "faceplate.facesets.gather:split",
            reads=("faceset",),
            writes=("out",),
        ),
        Verb(
            "faceset recrop",
            "cut the faces of a faceset anew to a narrower face type",
            "faceplate.facesets.recrop:RecropJob",
            "faceplate.facesets.recrop:recrop",
            reads=("faceset",),
            writes=("out",),
        ),
        Verb(
            "faceset resize",
            "make the faces of a faceset smaller or larger",
            "faceplate.facesets.recrop:ResizeJob",
            "faceplate.facesets.recrop:resize",
            reads=("faceset",),
            writes=("out",),
        ),
        Verb(
            "faceset enhance",
            "make the faces of a faceset finer with a learned upscaler",
            "faceplate.facesets.recrop:EnhanceJob",
            "faceplate.facesets.recrop:enhance",
            reads=("faceset",),
            writes=("out",),
        ),
        Verb(
            "faceset export",
            "write a faceset as PNG and JSON, or as DeepFaceLab reads it",
            "faceplate.facesets.export:ExportFacesJob",
            "faceplate.facesets.export:export_faces",
            reads=("faceset",),
            writes=("out",),
        ),
        Verb(
            "faceset import",
            "take the faces of an exported folder, or of a DeepFaceLab faceset or pack",
            "faceplate.facesets.dflimport:ImportFacesJob",
            "faceplate.facesets.dflimport:import_faces",
            reads=("source",),
            writes=("out",),
        ),
        Verb(
            "train",
            "train a swap model from a likeness and a performer faceset",
            "faceplate.train.job:TrainJob",
            "faceplate.train.trainer:train",
            reads=(
                "likeness",
                "performer",
                "others",
                "consent",
                "other_consents",
                "start_from",
            ),
            writes=("out",),
            commands=("pause", "resume", "save", "preview"),
        ),
        Verb(
            "swap",
            "put the likeness into a plate; writes EXR layers",
            "faceplate.merge.writing:SwapJob",
            "faceplate.merge.swap:swap",
            reads=("plate", "track", "model", "cast", "consent", "recipe", "mattes", "ocio"),
            writes=("out",),
        ),
        Verb(
            "measure",
            "measure colours and mattes of a shot and write them, smoothed, into its track",
            "faceplate.merge.measure:MeasureJob",
            "faceplate.merge.measure:measure",
            reads=("plate", "track", "model", "cast", "consent", "recipe", "mattes", "ocio"),
            writes=("out", "plot"),
        ),
        Verb(
            "tweak",
            "look at one frame with changed recipe values; the network need not run",
            "faceplate.merge.tweak:TweakJob",
            "faceplate.merge.tweak:tweak",
            reads=("plate", "track", "model", "cast", "consent", "recipe", "mattes", "ocio"),
            writes=("out", "view"),
        ),
        Verb(
            "mask apply",
            "make mattes of a plate or in a faceset with a mask model",
            "faceplate.masks.apply:ApplyJob",
            "faceplate.masks.apply:apply",
            reads=("segmenter", "faceset", "plate", "track", "ocio"),
            writes=("faceset", "out", "sheet"),
        ),
        Verb(
            "mask labels",
            "import, export, show or clear the hand-drawn masks of a faceset",
            "faceplate.masks.labels:LabelsJob",
            "faceplate.masks.labels:labels",
            reads=("faceset", "source"),
            writes=("faceset", "out"),
        ),
        Verb(
            "mask train",
            "train a mask model from labelled faces; it tells a face from what covers it",
            "faceplate.train.maskjob:MaskTrainJob",
            "faceplate.train.masktrainer:train_mask",
            reads=("faceset", "start_segmenter"),
            writes=("out",),
            commands=("pause", "resume", "save", "preview"),
        ),
    )
}
"""Verb name to verb."""


def parse_job(verb: str, values: Mapping[str, Any]) -> Any:
    """Build the settings of a job from plain JSON values.

    Raises:
        UnknownComponent: No such verb; the message lists those that there are.
        BadSettings: A setting is unknown, missing or wrong; the message names it.
    """
    return from_dict(_verb(verb).settings_type(), values, f"{verb} job")


def run_job(verb: str, job: Any, context: Context) -> dict[str, Any]:
    """Run a job to its end and return its result as plain JSON values.

    Raises:
        UnknownComponent: No such verb.
        FaceplateError: Whatever the verb raises; Cancelled where somebody asked it to stop.
    """
    return run_verb(_verb(verb), job, context)


def run_verb(verb: Verb, job: Any, context: Context) -> dict[str, Any]:
    """Run any verb, of `JOBS` or not, and return its result as plain JSON values.

    A job that names no OCIO config is given that of the context. Figures that are not finite become
    None, which JSON can hold.
    """
    if context.ocio and getattr(job, "ocio", context.ocio) is None:
        job = replace(job, ocio=context.ocio)
    function = verb.load()
    _limit_threads(context.threads)
    values: dict[str, Any] = _json_safe(to_dict(function(job, context)))
    return values


def _verb(name: str) -> Verb:
    if name not in JOBS:
        raise UnknownComponent("verb", name, sorted(JOBS))
    return JOBS[name]


def _imported(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def _texts(value: Any) -> list[str]:
    """Return the non-empty texts of a setting that is a text, None or a sequence of texts."""
    values = value if isinstance(value, tuple | list) else [value]
    return [text for text in values if isinstance(text, str) and text]


def _limit_threads(count: int) -> None:
    """Limit the libraries that a verb has loaded; the others stay unloaded."""
    setters: dict[str, Callable[[Any], object]] = {
        "torch": lambda torch: torch.set_num_threads(count),
        "cv2": lambda cv2: cv2.setNumThreads(count),
        "OpenImageIO": lambda oiio: oiio.attribute("threads", count),
    }
    for name, limit in setters.items():
        if count > 0 and name in sys.modules:
            limit(sys.modules[name])


def _is_config_file(text: str) -> bool:
    """Return whether an OCIO config is named by its file. No built-in name looks like one."""
    return not text.startswith("ocio://") and ("/" in text or text.endswith((".ocio", ".ocioz")))


def _is_path(text: str) -> bool:
    return bool(text)


def _is_mask_path(text: str) -> bool:
    from faceplate.segment import is_mask_path  # brings numpy, which a forwarder does not need

    return is_mask_path(text)


_NAMED: Mapping[str, Callable[[str], bool]] = {
    "ocio": _is_config_file,
    "segmenter": _is_mask_path,
    "start_segmenter": _is_mask_path,
}
"""Settings that are the name of something, or a path: whether a text of theirs is a path."""


def _json_safe(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(name): _json_safe(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_json_safe(entry) for entry in value]
    return value
