"""The fixed knobs of a FP_FaceSwap node as data: made by `fields`, written into the gizmo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["IMPORT", "KIND", "LABEL", "PANEL", "SHOWS", "Field"]

KIND = "FP_FaceSwap"
"""Nodes are called so, with a number; they carry a knob `fp_kind` to be known by."""
LABEL = "[value fp_show]\n[string range [value fp_status] 0 59]"
"""What is written on the node; an error is read in full in its panel."""

SHOWS = (
    "result", "blend by hand", "plate", "raw swap", "matte", "learned matte", "occlusion",
    "confidence", "ST map", "preview",
)  # fmt: skip
"""What the node can show, in the order of its Switch."""

IMPORT = "import faceplate_nuke.actions; faceplate_nuke.actions.{}(nuke.thisNode())"
"""What a button runs."""


@dataclass(frozen=True)
class Field:
    """One knob."""

    kind: str
    """tab, line, text, file, int, choice, bool, button or log."""
    name: str
    label: str
    tooltip: str = ""
    default: Any = None
    choices: tuple[str, ...] = ()
    action: str = ""
    """Of a button: its function in `actions`."""
    animatable: bool = False
    visible: bool = True
    enabled: bool = True
    new_line: bool | None = None
    """Whether it begins a line; None leaves it to Nuke, which begins one for all but buttons."""

    @property
    def has_value(self) -> bool:
        """Whether it holds something."""
        return self.kind not in ("tab", "line", "button")

    @property
    def starts_with(self) -> Any:
        """Value of a new node."""
        empty = {"int": 0, "bool": False, "choice": (*self.choices, "")[0]}
        return empty.get(self.kind, "") if self.default is None else self.default


def _line(name: str) -> Field:
    return Field("line", name, "", new_line=True)


def _hidden(name: str, default: str = "") -> Field:
    return Field("text", name, name, default=default, visible=False)


PANEL = (
    Field("tab", "fp_tab", "Faceplate"),
    Field("choice", "fp_model", "model", "The swap model, of those that the server can reach.",
          choices=("(press Reload)",)),
    Field("text", "fp_identity", "identity",
          "Whose face goes in: an id that the model knows. Empty takes the model's likeness, "
          "which stands behind its name in the list."),
    Field("file", "fp_consent", "consent record",
          "The record (JSON) that allows the use of this likeness. Without a valid one the "
          "server refuses."),
    Field("text", "fp_shot", "shot",
          "Name of the shot, for consent that is limited to shots and for names of files. "
          "Empty takes the script's name."),
    Field("text", "fp_person", "person",
          "Who of the plate: number or name in the track, FRAME:X,Y, largest, left or right; "
          "0 is who has most face in the shot.", default="0"),
    _line("fp_line_range"),
    Field("choice", "fp_range", "range",
          "Frames to swap: those of the input, of the project settings, or first to last.",
          choices=("input", "global", "custom")),
    Field("int", "fp_first", "first", "First frame of a custom range.", default=1),
    Field("int", "fp_last", "last", "Last frame of a custom range.", default=100, new_line=False),
    Field("int", "fp_handles", "handles",
          "Frames more at both ends, where the input has them; 0 to 1000."),
    Field("choice", "fp_color_space", "colour space",
          "Space of the plate in the OCIO config. `from input`: that of an unmodified Read, "
          "else the script's working space.", choices=("from input",)),
    Field("file", "fp_output", "output",
          "Folder of the versions fp_v001, fp_v002 ...; none is ever written twice. Tcl in "
          "brackets is worked out. Empty: faceplate/NODE beside the script."),
    Field("file", "fp_track", "track",
          "Track file of the plate, as `faceplate analyse` writes it. Empty: made, and kept "
          "beside the versions; faces that were corrected in it stay."),
    Field("file", "fp_mattes", "mattes",
          "Files of mattes for the recipe's `external` matte. Empty: the plate's own layers."),
    Field("bool", "fp_analyse_again", "analyse again",
          "Follow the faces anew although there is a track that has all frames.", new_line=True),
    Field("bool", "fp_render", "render the input",
          "Render the input even where it is an unmodified Read, whose files are sent as they "
          "are otherwise.", new_line=True),
    Field("choice", "fp_channels", "render channels",
          "What is rendered where the input is: `all` brings mattes among its layers along.",
          choices=("rgba", "all")),
    _line("fp_line_work"),
    Field("button", "fp_preview", "Preview frame", "Swap the current frame only and show it.",
          action="preview", new_line=True),
    Field("button", "fp_swap", "Swap range", "Swap the range into a new version and show it.",
          action="swap"),
    Field("button", "fp_cancel", "Cancel",
          "Stop what this node is doing. Finished frames are kept.", action="cancel"),
    Field("button", "fp_reload", "Reload", "Ask the server for its models and settings again.",
          action="reload"),
    _line("fp_line_shown"),
    Field("choice", "fp_shown", "version",
          "The version that the node shows, of all in its folder: choose one, then Show version.",
          choices=("(none)",)),
    Field("button", "fp_show_version", "Show version", "Show the version that is chosen.",
          action="show_version"),
    Field("button", "fp_unpack", "Blend graph",
          "Lay the layers out beside the node, so that the blend can be redone by hand.",
          action="unpack"),
    Field("choice", "fp_show", "show",
          "Which layer comes out of the node; with `result`, all layers are among its channels.",
          default="plate", choices=SHOWS, animatable=True),  # plate until there is anything else
    Field("text", "fp_status", "status", "What it does, or did.", default="new", enabled=False),
    Field("tab", "fp_tab_farm", "Farm and server"),
    Field("choice", "fp_scheduler", "scheduler", "What the job is written for.",
          choices=("openjd", "opencue", "deadline")),
    Field("int", "fp_chunk", "frames of a task", "1 to 100000.", default=20),
    Field("button", "fp_farm", "Send to farm",
          "Write the job of the range: analyse, swap in chunks, movie. What to type to submit it "
          "is in the status and the log.", action="farm", new_line=True),
    Field("text", "fp_submit", "submit with",
          "Command that is run with the job's folder behind it, such as `deadline bundle submit`. "
          "Empty: only write the job."),
    Field("text", "fp_server", "server",
          "Address, such as unix:/path or 127.0.0.1:50551. Empty: $FACEPLATE_SERVER, else the "
          "server of this user."),
    Field("file", "fp_client", "faceplate-client",
          "The helper. Empty: $FACEPLATE_CLIENT, else on PATH."),
    Field("file", "fp_program", "faceplate",
          "The command line, for the farm. Empty: $FACEPLATE_PROGRAM, else beside the helper, "
          "else on PATH."),
    Field("tab", "fp_tab_log", "Log"),
    Field("log", "fp_log", "log", "What happened, newest last."),
    # what the node must remember: models' folders, the schema, the version shown, what it is
    _hidden("fp_models"),
    _hidden("fp_schema"),
    _hidden("fp_version"),
    _hidden("fp_kind", KIND),
)  # fmt: skip
"""Every knob that no server has to tell, in order."""
