"""Hashes of files: what a header, a card or a manifest says that a file is."""

import hashlib
from pathlib import Path

from faceplate.errors import BadImage, NotFound

__all__ = ["sha256_file"]


def sha256_file(path: Path) -> str:
    """Return the sha256 (64 hex digits) of a file, read in pieces.

    Raises:
        NotFound: There is no such file.
        BadImage: It is a folder.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise NotFound(f"{path} does not exist, so it has no sha256; check the path") from error
    except IsADirectoryError as error:
        raise BadImage(f"{path} is a folder; a sha256 is taken of one file") from error
