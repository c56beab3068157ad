from pathlib import Path

import pytest

from faceplate.cli import main


def test_a_key_is_made_shown_and_trusted_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = str(tmp_path / "ours"), str(tmp_path / "theirs")
    assert main(["keys", "show", "--home", ours]) == 6
    assert "keys new" in capsys.readouterr().err
    assert main(["keys", "new", "The Example House", "--home", ours]) == 0
    assert main(["keys", "show", "--home", ours]) == 0
    assert "The Example House" in capsys.readouterr().out
    assert main(["keys", "new", "Another", "--home", ours]) == 6

    (root,) = (tmp_path / "ours/keys/trusted").glob("*.pem")
    assert main(["keys", "trust", str(root), "--home", theirs]) == 0
    assert [path.name for path in (tmp_path / "theirs/keys/trusted").glob("*")] == [root.name]
    assert main(["keys", "trust", str(root) + "x", "--home", theirs]) == 6


def test_a_key_is_taken_over(tmp_path: Path) -> None:
    main(["keys", "new", "Studio", "--home", str(tmp_path / "a")])
    keys = tmp_path / "a/keys"
    words = ["keys", "import", str(keys / "signing.key.pem"), "--home", str(tmp_path / "b")]
    assert main([*words, "--chain", str(keys / "signing.chain.pem")]) == 0
    assert main(["keys", "show", "--home", str(tmp_path / "b")]) == 0
