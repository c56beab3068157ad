"""Whether the swap of a shot is allowed, asked before a farm has worked for hours.

A question only: each task asks again, as it is then, and logs the decision.
"""

from collections.abc import Mapping
from pathlib import Path

from faceplate.context import Context
from faceplate.merge.animated import load_recipe
from faceplate.merge.cast import CastMember
from faceplate.models.folder import ModelFolder
from faceplate.provenance.consent import check_consent, load_consent, today
from faceplate.provenance.decisions import revocations

__all__ = ["require_allowed"]


def require_allowed(
    members: tuple[CastMember, ...], shot: str, options: Mapping[str, str], context: Context
) -> None:
    """Raise ConsentRefused where a shot's tasks would be refused today.

    Args:
        members: Of the cast, or the one person.
        shot: Its name.
        options: Further options of the tasks, by name.
        context: Home folder with the log of revocations, and policy.
    """
    if options.get("consent-policy", context.consent_policy) == "warn":
        return
    for member in members:
        recipe = load_recipe(Path(member.recipe) if member.recipe else None)
        if recipe.base.direction != "likeness" or "direction" in recipe.keys:
            continue  # somebody else's face goes in, or now and then: the tasks find out whose
        model = ModelFolder(Path(member.model)).config
        likeness = member.likeness or options.get("likeness") or model.likeness
        check_consent(
            load_consent(Path(member.consent)) if member.consent else None,
            use="swap",
            likeness=likeness,
            shot=shot,
            on=today(),
            policy="refuse",
            log=None,
            character=member.character or options.get("character"),
            trained_under=model.consent_of(model.number_of(likeness)),
            revoked=revocations(context.home / "consent.log"),
        )
