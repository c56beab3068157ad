"""What a model's weights have been through, kept in every save."""

from dataclasses import dataclass, field

__all__ = ["Growth", "Origin"]


@dataclass(frozen=True)
class Growth:
    """A doubling of the resolution."""

    step: int
    """Steps that the model had seen."""
    resolution: int
    """Side of the face in pixels from then on."""
    fade_steps: int
    """Steps over which the new outer levels faded in."""


@dataclass(frozen=True)
class Origin:
    """The model that another one started from."""

    model: str
    """Its folder, as it was named."""
    sha256: str
    """Of its weights."""
    step: int
    """Steps that they had seen."""
    likeness: str
    """Id of its likeness."""
    performer: str
    """Id of its performer."""
    consent_id: str = ""
    """Consent record under which it was trained; empty where the policy let it pass without."""
    initialised: list[str] = field(default_factory=list)
    """Tensors that were not taken over but began afresh."""
    unused: list[str] = field(default_factory=list)
    """Its tensors that had no place."""
