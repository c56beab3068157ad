"""What `evaluate extract` measured, as pictures: one for each measure."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from faceplate.studies.extractionmasks import MaskError, mask_figures
from faceplate.studies.extractionmatch import Match, Switch
from faceplate.studies.extractionmeasures import BANDS, Jolts, face_errors

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PlottedShot", "plots_of"]

_INKS = {"found": "tab:green", "missed": "tab:red", "false": "tab:orange", "no face": "0.85"}
_LINES = {"raw": ("0.65", "landmarker"), "track": ("tab:blue", "track"),
          "truth": ("tab:green", "truth")}  # fmt: skip
_LEAST_DOUBT = 1e-4
_ANGLES = {"yaw": "tab:blue", "pitch": "tab:orange", "roll": "tab:green"}


@dataclass(frozen=True, eq=False)
class PlottedShot:
    """What the pictures are made of."""

    name: str
    frames: Sequence[int]
    matches: Sequence[Match]
    known: bool
    """There is a truth."""
    aspect: float
    jolts: Sequence[Jolts]
    switches: Sequence[Switch]
    masks: Sequence[MaskError]


def plots_of(shots: Sequence[PlottedShot]) -> Mapping[str, bytes]:
    """Return the pictures (PNG) by name; those that no shot has anything for are left out."""
    true = [shot for shot in shots if shot.known]
    masked = [shot for shot in shots if shot.masks]
    steady = [shot for shot in shots if shot.jolts]
    drawn: dict[str, tuple[Callable[[Figure, Sequence[PlottedShot]], None], Sequence[PlottedShot]]]
    drawn = {
        "recall": (_draw_recall, shots),
        "identity": (_draw_identity, shots),
        "presence": (_draw_presence, shots),
        "landmarks": (_draw_landmarks, true),
        "jitter": (_draw_jitter, steady),
        "pose": (_draw_pose, true),
        "masks": (_draw_masks, masked),
    }
    return {name: _png(draw, some) for name, (draw, some) in drawn.items() if some}


def _png(draw: "Callable[[Figure, Sequence[PlottedShot]], None]", shots: Any) -> bytes:
    # a quarter of a second that nobody else needs to spend
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(dpi=100, layout="constrained")
    draw(canvas, shots)
    target = io.BytesIO()
    canvas.savefig(target, format="png")
    return target.getvalue()


def _draw_recall(canvas: "Figure", shots: Sequence[PlottedShot]) -> None:
    canvas.set_size_inches(11, 1.2 + 0.45 * len(shots))
    axes = canvas.add_subplot()
    for row, shot in enumerate(shots):
        for kind, ink in _INKS.items():
            frames = [frame - shot.frames[0] for frame in _of_kind(shot, kind)]
            axes.broken_barh([(frame, 1) for frame in frames], (row - 0.4, 0.8), color=ink)
    axes.set_yticks(range(len(shots)), [_titled(shot) for shot in shots], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("frames from the first")
    axes.set_title("faces found (no truth: found says only that there was an answer)", fontsize=9)
    handles = [axes.barh(-9, 0, color=ink, label=kind) for kind, ink in _INKS.items()]
    axes.set_ylim(len(shots) - 0.5, -0.5)
    canvas.legend(handles=handles, loc="outside right upper", fontsize=8)


def _of_kind(shot: PlottedShot, kind: str) -> list[int]:
    """Return the frames of a kind; where several hold, the later in `_INKS` is drawn over."""
    if kind == "no face":
        return sorted(set(shot.frames) - {one.frame for one in shot.matches})
    if kind == "false":
        return [one.frame for one in shot.matches if shot.known and one.true is None]
    wanted = kind == "found"
    return [
        one.frame
        for one in shot.matches
        if (one.true is not None or not shot.known) and (one.found is not None) == wanted
    ]


def _titled(shot: PlottedShot) -> str:
    true = [one for one in shot.matches if one.true is not None]
    if not shot.known or not true:
        there = len({one.frame for one in shot.matches if one.found is not None})
        return f"{shot.name}: {there} of {len(shot.frames)} frames"
    found = sum(one.found is not None for one in true)
    return f"{shot.name}: {found} of {len(true)} faces"


def _draw_identity(canvas: "Figure", shots: Sequence[PlottedShot]) -> None:
    for axes, shot in zip(_rows(canvas, len(shots), 1.2), shots, strict=True):
        found = [one.found for one in shot.matches if one.found is not None]
        axes.plot([face.frame for face in found], [face.person for face in found], ".", ms=3)
        for switch in shot.switches:
            axes.axvline(switch.frame, color="tab:red", lw=1)
        axes.set_yticks(sorted({face.person for face in found}) or [1])
        axes.set_xlim(shot.frames[0] - 1, shot.frames[-1] + 1)
        told = f", {len(shot.switches)} switches" if shot.known else ""
        axes.set_title(f"{shot.name}: number of the person{told}", fontsize=9)
        axes.set_ylabel("person", fontsize=8)
    axes.set_xlabel("frame", fontsize=8)


def _draw_presence(canvas: "Figure", shots: Sequence[PlottedShot]) -> None:
    """Draw what is missing to 1: presence and confidence are all but 1 nearly always."""
    for axes, shot in zip(_rows(canvas, len(shots), 1.7), shots, strict=True):
        found = [one.found for one in shot.matches if one.found is not None]
        frames = [face.frame for face in found]
        for name in ("presence", "confidence"):
            doubts = [max(1 - getattr(face, name), _LEAST_DOUBT) for face in found]
            axes.plot(frames, doubts, ".", ms=3, label=f"1 - {name}")
        axes.set_yscale("log")
        axes.set_ylim(_LEAST_DOUBT / 2, 2)
        axes.set_xlim(shot.frames[0] - 1, shot.frames[-1] + 1)
        axes.set_title(f"{shot.name}: doubt that there is a face", fontsize=9)
        axes.set_ylabel("doubt, 0..1", fontsize=8)
        axes.legend(fontsize=7, loc="upper left")
    axes.set_xlabel("frame", fontsize=8)


def _draw_landmarks(canvas: "Figure", shots: Sequence[PlottedShot]) -> None:
    canvas.set_size_inches(13, 5)
    bars, dots = canvas.subplots(1, 2)
    width = 0.8 / max(len(shots), 1)
    for index, shot in enumerate(shots):
        free = [(one.true, face_errors(one, shot.aspect)) for one in shot.matches if one.found
                and one.true and not one.true.occluder]  # fmt: skip
        color = f"C{index}"
        for at, (low, high) in enumerate(BANDS):
            here = [errors for true, errors in free if low <= abs(true.yaw) < high]
            for part, alpha in (("jaw", 0.25), ("inner", 1.0)):
                mean = float(np.mean([errors[part] for errors in here])) if here else 0.0
                label = f"{shot.name}, {part}" if at == 0 else None
                bars.bar(at + (index + 0.5) * width - 0.4, mean, width * 0.95, color=color,
                         alpha=alpha, label=label)  # fmt: skip
        inner = [errors["inner"] for _, errors in free]
        dots.plot([true.yaw for true, _ in free], inner, ".", ms=4, color=color, label=shot.name)
    bars.set_xticks(range(len(BANDS)), [f"{low}-{high}°" for low, high in BANDS])
    bars.set_title("mean error by yaw; pale: jaw", fontsize=9)
    bars.set_ylabel("% of the eye distance")
    bars.legend(fontsize=7)
    dots.set_title("inner points, each face that nothing covers", fontsize=9)
    dots.set_xlabel("true yaw, degrees")
    dots.set_yscale("log")
    dots.yaxis.set_major_formatter("{x:g}")
    dots.yaxis.set_minor_formatter("{x:g}")
    dots.legend(fontsize=7)


def _draw_jitter(canvas: "Figure", shots: Sequence[PlottedShot]) -> None:
    for axes, shot in zip(_rows(canvas, len(shots), 1.8), shots, strict=True):
        for line in shot.jolts:
            color, label = _LINES[line.name]
            gaps = np.flatnonzero(np.diff(line.frames) > 1) + 1
            frames = np.insert(line.frames.astype(float), gaps, np.nan)
            values = np.insert(line.values, gaps, np.nan)
            axes.plot(frames, values, ".-", ms=2, lw=0.8, color=color, label=label)
        highest = max(float(np.percentile(line.values, 97)) for line in shot.jolts)
        axes.set_ylim(0, 1.3 * highest)
        axes.set_title(f"{shot.name}: second difference of the inner points", fontsize=9)
        axes.set_ylabel("% of the eye distance", fontsize=8)
        axes.legend(fontsize=7, loc="upper right")
    axes.set_xlabel("frame", fontsize=8)


def _draw_pose(canvas: "Figure", shots: Sequence[PlottedShot]) -> None:
    for axes, shot in zip(_rows(canvas, len(shots), 2.4), shots, strict=True):
        both = [(one.true, face_errors(one, shot.aspect)) for one in shot.matches if one.found
                and one.true and one.true.whole and not one.true.occluder]  # fmt: skip
        for angle, color in _ANGLES.items():
            errors = [errors[angle] for _, errors in both]
            axes.plot([true.yaw for true, _ in both], errors, ".", ms=4, color=color, label=angle)
        axes.axhline(3, color="0.6", lw=0.8, label="3 degrees")
        axes.axvspan(-45, 45, color="0.95", zorder=-1)
        axes.set_title(f"{shot.name}: error of the head turn", fontsize=9)
        axes.set_ylabel("error, degrees", fontsize=8)
        axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.set_xlabel("true yaw, degrees", fontsize=8)


def _draw_masks(canvas: "Figure", shots: Sequence[PlottedShot]) -> None:
    canvas.set_size_inches(4.5 * len(shots) + 1, 4.5)
    for index, shot in enumerate(shots, 1):
        axes = canvas.add_subplot(1, len(shots), index)
        figures = mask_figures(shot.masks)
        names = list(dict.fromkeys(name for name, _ in figures))
        kinds = list(dict.fromkeys(kind for _, kind in figures))
        width = 0.8 / len(names)
        for at, name in enumerate(names):
            places = np.arange(len(kinds)) + (at + 0.5) * width - 0.4
            means = [figures[name, kind][0] for kind in kinds]
            axes.bar(places, means, width * 0.9, color=f"C{at}", alpha=0.5, label=name)
            for place, kind in zip(places, kinds, strict=True):
                ious = [
                    one.iou for one in shot.masks if (one.segmenter, one.occluder) == (name, kind)
                ]
                axes.plot([place] * len(ious), ious, ".", ms=3, color=f"C{at}")
        counts = [figures[names[0], kind][1] for kind in kinds]
        labels = [f"{kind}\n{count} faces" for kind, count in zip(kinds, counts, strict=True)]
        axes.set_xticks(range(len(kinds)), labels, fontsize=8)
        axes.set_ylim(0, 1)
        axes.set_ylabel("IoU, 0..1", fontsize=8)
        axes.set_title(f"{shot.name}: mask IoU by what is before the face", fontsize=9)
        axes.legend(fontsize=7, loc="lower left")


def _rows(canvas: "Figure", count: int, height: float) -> Sequence[Any]:
    canvas.set_size_inches(11, 0.4 + height * count)
    return list(canvas.subplots(count, 1, squeeze=False)[:, 0])
