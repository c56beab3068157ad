"""Faceplate: face replacement for visual-effects artists.

Importing the package loads nothing heavy; see `docs/architecture.md` for where everything lives.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
