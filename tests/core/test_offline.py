"""The main job with the network cut."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.paths import MINI, REPO
from tests.support.swaps import consent_file, tiny_model, truth_track

from faceplate.commands.verify import VerifyJob, verify
from faceplate.config import OFFLINE
from faceplate.context import Context
from faceplate.provenance.keys import new_key

SCRIPT = """
import os, socket, sys
from pathlib import Path

how, home, out = sys.argv[1:4]
if how == "guard":
    def refuse(self, address):
        if self.family != socket.AF_UNIX:
            raise OSError(f"the network is cut: {address}")
    socket.socket.connect = socket.socket.connect_ex = refuse
for family, address in ((socket.AF_INET, ("192.0.2.1", 80)), (socket.AF_INET, ("127.0.0.1", 9))):
    try:
        with socket.socket(family) as probe:
            probe.connect(address)
        sys.exit(f"{address} was reached: the network is not cut")
    except OSError as error:
        print(f"{address[0]}: {error}")

from faceplate.cli import main

plate, model, consent = sys.argv[4:7]
every = ["--home", home, "--device", "cpu", "--threads", "1"]
swapped = f"{out}/s.%04d.exr"
for words in (
    ["keys", "new", "House"],
    ["analyse", f"--plate={plate}", f"--out={out}/track.json", "--frames=1001-1003"],
    ["swap", f"--plate={plate}", f"--track={out}/track.json", f"--model={model}",
     f"--consent={consent}", f"--out={swapped}", "--frames=1001-1003"],
    ["review", "movie", swapped, f"--out={out}/m.mov", f"--poster={out}/m.png"],
    ["review", "publish", swapped, f"--movie={out}/m.mov"],
    ["verify", out],
    ["verify", f"{out}/m.mov"],
    ["verify", f"{out}/m.png"],
    ["consent", "log"],
):
    code = main([*words, *every])
    if code:
        sys.exit(f"{' '.join(words)} ended with {code}")
print("all of it is done")
"""

SERVE = """
"$0/faceplate" serve --address "$1" --roots "$2" "$3" &
server=$!
"$0/faceplate-client" --server "$1" --patience 120 health
"$0/faceplate-client" --server "$1" submit swap --json "$4"
code=$?
kill $server; wait $server; exit $code
"""


def cut() -> tuple[list[str], str]:
    """Return how a program is run without a network, and what that is called."""
    unshare = shutil.which("unshare")
    if unshare:
        words = [unshare, "-rn", "--"]
        if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
            return words, "namespace"
    return [], "guard"


@pytest.mark.slow
def test_a_shot_is_analysed_swapped_and_verified_with_the_network_cut(
    tmp_path: Path, weights: Callable[[str], Path]
) -> None:
    """In a network namespace of its own, where not even the loopback is up; else by a guard."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "weights").symlink_to(weights("facemesh-468").parent)
    words, how = cut()
    done = subprocess.run(
        [*words, sys.executable, "-c", SCRIPT, how, str(tmp_path / "home"), str(tmp_path / "out"),
         str(MINI / "B" / "B.%04d.exr"), str(REPO / "examples" / "demo_model"),
         str(MINI / "consent.json")],
        capture_output=True, text=True, check=False,
        env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all of it is done" in done.stdout
    assert done.stdout.count("as it was signed") == 3


@pytest.mark.slow
def test_the_server_and_its_helper_work_with_the_network_cut(tmp_path: Path) -> None:
    """Over a unix socket, in a network namespace where not even the loopback is up."""
    words, how = cut()
    if how != "namespace":
        pytest.skip("no network namespace can be made here")
    tiny_model(tmp_path / "model")
    truth_track(tmp_path / "track.json")
    consent = consent_file(tmp_path / "consent.json")
    new_key(tmp_path / "home", "House")
    settings = {
        "plate": str(MINI / "B" / "B.%04d.exr"), "track": str(tmp_path / "track.json"),
        "model": str(tmp_path / "model"), "consent": str(consent), "frames": "1001-1002",
        "out": str(tmp_path / "out" / "s.%04d.exr"),
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="faceplate-") as short:  # a socket's path must be
        address = f"unix:{short}/s.sock"
        done = subprocess.run(
            [*words, "sh", "-c", SERVE, str(Path(sys.executable).parent), address,
             str(tmp_path), str(MINI), json.dumps(settings)],
            capture_output=True, text=True, check=False,
            env={**os.environ, "FACEPLATE_HOME": str(tmp_path / "home")},
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"signed_by": "House"' in done.stdout
    assert verify(VerifyJob(str(tmp_path / "out")), Context(home=tmp_path / "home")).exit_code == 0


def test_libraries_are_told_to_look_for_nothing_on_a_network() -> None:
    code = "import os\nfrom faceplate.cli import main\nmain(['--version'])\nprint(dict(os.environ))"
    bare = {name: value for name, value in os.environ.items() if name not in OFFLINE}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=bare
    )
    assert all(f"'{name}': '{value}'" in done.stdout for name, value in OFFLINE.items())
