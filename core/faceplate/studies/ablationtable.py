"""The table of an ablation as Markdown, in the order of the paper's Table 2."""

from collections.abc import Sequence

from faceplate.studies.ablationjob import AblationJob, AblationRow

__all__ = ["markdown"]

_COLUMNS = (
    ("trial", "model", ""),
    ("ssim", "SSIM ↑", ".3f"),
    ("identity_distance", "identity distance ↓", ".3f"),
    ("landmarks", "landmarks ↓ %", ".2f"),
    ("pose", "pose ↓ °", ".2f"),
    ("identity", "identity transfer ↑", ".3f"),
    ("light", "light ↓", ".4f"),
    ("detail", "detail ↑", ".3f"),
    ("tone", "tone ↓", ".3f"),
    ("seam", "seam ↓", ".4f"),
    ("flicker", "flicker ↓", ".3f"),
    ("outside", "outside", ".0f"),
    ("loss_likeness", "loss likeness", ".3f"),
    ("loss_performer", "loss performer", ".3f"),
    ("parameters", "parameters M", ".2f"),
    ("train_s", "training s", ".0f"),
)


def markdown(job: AblationJob, rows: Sequence[AblationRow], frames: str) -> str:
    """Return the table with a line above it that says how it came about.

    Args:
        job: What was asked.
        rows: The plate, the trials, the truth.
        frames: What was measured.
    """
    lines = [
        f"{job.resolution} px, {job.steps} steps of {job.batch} faces a side, seed {job.seed}, "
        f"ae {job.ae_dims}, e {job.e_dims}, d {job.d_dims}, mask {job.d_mask_dims}, "
        f"learning rate {job.learning_rate:g}, GAN {job.gan_power:g}, "
        f"TrueFace {job.true_face_power:g}; frames {frames}.",
        "",
        "| " + " | ".join(title for _, title, _ in _COLUMNS) + " |",
        "|" + "---|" * len(_COLUMNS),
    ]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cells(row: AblationRow) -> list[str]:
    return [_text(getattr(row, name), form, name) for name, _, form in _COLUMNS]


def _text(value: str | float | None, form: str, name: str) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return format(value / 1e6 if name == "parameters" else value, form)
