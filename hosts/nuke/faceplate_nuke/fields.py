"""The knobs of a FP_FaceSwap node: which there are, and making them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nuke

from faceplate_nuke.schema import KnobSpec

__all__ = ["SHOWS", "add_fixed_knobs", "add_recipe_knobs", "refresh_choices"]

SHOWS = (
    "result", "blend by hand", "plate", "raw swap", "matte", "learned matte", "occlusion",
    "confidence", "ST map", "preview",
)  # fmt: skip
"""What the node can show, in the order of its Switch."""

_BUTTONS = (
    ("fp_preview", "Preview frame", "preview", "Swap the current frame only and show it."),
    ("fp_swap", "Swap range", "swap", "Swap the range into a new version and show it."),
    ("fp_cancel", "Cancel", "cancel", "Stop what this node is doing. Finished frames are kept."),
    ("fp_reload", "Reload", "reload", "Ask the server for its models and settings again."),
    ("fp_unpack", "Blend graph", "unpack", "Lay the layers out beside the node, so that the blend "
     "can be redone by hand."),
)  # fmt: skip

_IMPORT = "import faceplate_nuke.actions; faceplate_nuke.actions.{}(nuke.thisNode())"


def add_fixed_knobs(node: Any) -> None:
    """Give a new node everything that no server has to tell."""
    for knob in [*_work_knobs(), *_range_knobs(), *_file_knobs(), *_button_knobs()]:
        node.addKnob(knob)
    show = nuke.Enumeration_Knob("fp_show", "show", list(SHOWS))
    text = "Which layer comes out of the node; with `result`, all layers are among its channels."
    node.addKnob(_shown(show, text, animatable=True))
    status = _shown(nuke.String_Knob("fp_status", "status", "new"), "What it does, or did.")
    status.setEnabled(False)
    node.addKnob(status)
    for knob in [*_farm_knobs(), *_log_knobs(), *_hidden_knobs()]:
        node.addKnob(knob)


def add_recipe_knobs(node: Any, specs: Sequence[KnobSpec]) -> None:
    """Give a node a knob for each setting of the recipe that it has not; values are kept."""
    known = node.knobs()
    if not any(spec.name in known for spec in specs):
        node.addKnob(nuke.Tab_Knob("fp_tab_recipe", "Recipe"))
    for spec in specs:
        if spec.name in known:
            _refresh(known[spec.name], spec)
            continue
        if spec.section:
            node.addKnob(nuke.Text_Knob(f"fp_section_{spec.setting}", f"<b>{spec.section}</b>", ""))
        node.addKnob(_recipe_knob(spec))


def refresh_choices(knob: Any, choices: Sequence[str]) -> None:
    """Change what can be chosen; what is chosen stays, even where it is no choice any more."""
    chosen = str(knob.value() or "")
    names = list(choices)
    if chosen and chosen not in names:
        names.append(chosen)
    knob.setValues(names)
    if chosen:
        knob.setValue(chosen)


def _recipe_knob(spec: KnobSpec) -> Any:
    if spec.kind == "choice":
        knob = nuke.Enumeration_Knob(spec.name, spec.label, list(spec.choices))
    elif spec.kind == "bool":
        knob = nuke.Boolean_Knob(spec.name, spec.label, bool(spec.default))
        knob.setFlag(nuke.STARTLINE)
    elif spec.kind == "int":
        knob = nuke.Int_Knob(spec.name, spec.label)
    elif spec.kind == "float":
        knob = nuke.Double_Knob(spec.name, spec.label)
    else:
        knob = nuke.String_Knob(spec.name, spec.label)
    if spec.kind == "float" and spec.low != spec.high:
        knob.setRange(spec.low, spec.high)
    if spec.kind != "bool":
        knob.setValue(spec.default)
    return _shown(knob, spec.tooltip, animatable=spec.animatable)


def _refresh(knob: Any, spec: KnobSpec) -> None:
    knob.setTooltip(spec.tooltip)
    if spec.kind == "choice" and list(knob.values()) != list(spec.choices):
        refresh_choices(knob, spec.choices)


def _work_knobs() -> list[Any]:
    return [
        nuke.Tab_Knob("fp_tab", "Faceplate"),
        _shown(nuke.Enumeration_Knob("fp_model", "model", ["(press Reload)"]),
               "The swap model, of those that the server can reach."),
        _shown(nuke.String_Knob("fp_identity", "identity", ""),
               "Whose face goes in: an id that the model knows. Empty takes the model's likeness, "
               "which Reload shows in the status."),
        _shown(nuke.File_Knob("fp_consent", "consent record"),
               "The record (JSON) that allows the use of this likeness. Without a valid one the "
               "server refuses."),
        _shown(nuke.String_Knob("fp_shot", "shot", ""),
               "Name of the shot, for consent that is limited to shots and for names of files. "
               "Empty takes the script's name."),
        _shown(nuke.String_Knob("fp_person", "person", "0"),
               "Who of the plate: number or name in the track, FRAME:X,Y, largest, left or right; "
               "0 is who has most face in the shot."),
    ]  # fmt: skip


def _range_knobs() -> list[Any]:
    knobs = [
        _shown(nuke.Enumeration_Knob("fp_range", "range", ["input", "global", "custom"]),
               "Frames to swap: those of the input, of the project settings, or first to last."),
        _shown(nuke.Int_Knob("fp_first", "first"), "First frame of a custom range."),
        _shown(nuke.Int_Knob("fp_last", "last"), "Last frame of a custom range."),
        _shown(nuke.Int_Knob("fp_handles", "handles"),
               "Frames more at both ends, where the input has them; 0 to 1000."),
        _shown(nuke.Enumeration_Knob("fp_color_space", "colour space", ["from input"]),
               "Space of the plate in the OCIO config. `from input`: that of an unmodified Read, "
               "else the script's working space."),
    ]  # fmt: skip
    knobs[1].setValue(1)
    knobs[2].setValue(100)
    knobs[2].clearFlag(nuke.STARTLINE)
    return knobs


def _file_knobs() -> list[Any]:
    return [
        _shown(nuke.File_Knob("fp_output", "output"),
               "Folder of the versions fp_v001, fp_v002 ...; none is ever written twice. Empty: "
               "faceplate/NODE beside the script."),
        _shown(nuke.File_Knob("fp_track", "track"),
               "Track file of the plate, as `faceplate analyse` writes it. Empty: made, and kept "
               "beside the versions; faces that were corrected in it stay."),
        _shown(nuke.File_Knob("fp_mattes", "mattes"),
               "Files of mattes for the recipe's `external` matte. Empty: the plate's own layers."),
        _shown(nuke.Boolean_Knob("fp_analyse_again", "analyse again", False),
               "Follow the faces anew although there is a track that has all frames."),
        _shown(nuke.Boolean_Knob("fp_render", "render the input", False),
               "Render the input even where it is an unmodified Read, whose files are sent as they "
               "are otherwise."),
        _shown(nuke.Enumeration_Knob("fp_channels", "render channels", ["rgba", "all"]),
               "What is rendered where the input is: `all` brings mattes among its layers along."),
    ]  # fmt: skip


def _button_knobs() -> list[Any]:
    return [_button(*words) for words in _BUTTONS]


def _farm_knobs() -> list[Any]:
    chunk = _shown(nuke.Int_Knob("fp_chunk", "frames of a task"), "1 to 100000.")
    chunk.setValue(20)
    return [
        nuke.Tab_Knob("fp_tab_farm", "Farm and server"),
        _shown(nuke.Enumeration_Knob("fp_scheduler", "scheduler",
                                     ["openjd", "opencue", "deadline"]),
               "What the job is written for."),
        chunk,
        _button("fp_farm", "Send to farm", "farm", "Write the job of the range: analyse, swap in "
                "chunks, movie. What to type to submit it is in the status and the log."),
        _shown(nuke.String_Knob("fp_submit", "submit with", ""),
               "Command that is run with the job's folder behind it, such as `deadline bundle "
               "submit`. Empty: only write the job."),
        _shown(nuke.String_Knob("fp_server", "server", ""),
               "Address, such as unix:/path or 127.0.0.1:50551. Empty: $FACEPLATE_SERVER, else the "
               "server of this user."),
        _shown(nuke.File_Knob("fp_client", "faceplate-client"),
               "The helper. Empty: $FACEPLATE_CLIENT, else on PATH."),
        _shown(nuke.File_Knob("fp_program", "faceplate"),
               "The command line, for the farm. Empty: $FACEPLATE_PROGRAM, else beside the helper, "
               "else on PATH."),
    ]  # fmt: skip


def _log_knobs() -> list[Any]:
    log = _shown(
        nuke.Multiline_Eval_String_Knob("fp_log", "log", ""), "What happened, newest last."
    )
    return [nuke.Tab_Knob("fp_tab_log", "Log"), log]


def _hidden_knobs() -> list[Any]:
    """Return what the node must remember: paths of models, the schema, the version shown."""
    found = []
    for name in ("fp_models", "fp_schema", "fp_version"):
        knob = nuke.String_Knob(name, name, "")
        knob.setFlag(nuke.INVISIBLE)
        found.append(knob)
    return found


def _button(name: str, label: str, action: str, tooltip: str) -> Any:
    knob = nuke.PyScript_Knob(name, label, _IMPORT.format(action))
    knob.setTooltip(tooltip)
    return knob


def _shown(knob: Any, tooltip: str, animatable: bool = False) -> Any:
    knob.setTooltip(tooltip)
    if not animatable:
        knob.setFlag(nuke.NO_ANIMATION)
    return knob
