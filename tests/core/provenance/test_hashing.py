from pathlib import Path

import pytest

from faceplate.errors import BadImage, NotFound
from faceplate.provenance.hashing import sha256_file


def test_the_hash_is_that_of_fips_180(tmp_path: Path) -> None:
    # FIPS 180-2, appendix B.1: the message "abc"
    path = tmp_path / "abc"
    path.write_bytes(b"abc")

    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_file(path) == expected


def test_a_file_longer_than_one_piece_is_read_whole(tmp_path: Path) -> None:
    # printf 'a%.0s' $(seq 1000000) | sha256sum   (FIPS 180-2, appendix B.3)
    path = tmp_path / "million"
    path.write_bytes(b"a" * 1_000_000)

    expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    assert sha256_file(path) == expected


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        sha256_file(tmp_path / "no.exr")
    with pytest.raises(BadImage, match="is a folder"):
        sha256_file(tmp_path)
