"""Each Python of Nuke and Resolve reaches a real server through the real helper, by both ways."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.hosts.nuke.test_pythons import VERSIONS, interpreter
from tests.support.nuke.session import FOLDER, client_program
from tests.support.paths import MINI, REPO
from tests.support.servers import fake_settings, running_server

from faceplate.io.image import read_frame

pytestmark = pytest.mark.skipif(os.name != "posix", reason="unix sockets")

CASES = [
    pytest.param(host, version, marks=() if (host, version) == ("nuke", "3.9") else slow)
    for slow in [pytest.mark.slow]
    for host in ("nuke", "resolve")
    for version in VERSIONS
]

OF_NUKE = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from faceplate_nuke.client import Client
from faceplate_nuke.errors import Cancelled, PluginError
given = json.loads(sys.argv[2])
client = Client(given["program"], given["server"], dict(os.environ))
models = client.ask(["models"])["models"]
seen = []
client.submit("analyse", given["analyse"], lambda event: True)
result = client.submit("swap", given["swap"], lambda event: seen.append(event) or True)
open(given["gate"], "w").close()
def stop(event):
    return event.get("event") != "progress"
try:
    client.submit("swap", given["held"], stop)
except Cancelled:
    ended = "cancelled"
try:
    client.submit("swap", dict(given["swap"], consent=None), lambda event: True)
except PluginError as error:
    refused = [error.code, f"(job {error.job})" in str(error)]
print(json.dumps([[model["name"] for model in models], result, ended, refused, bool(seen)]))
"""

OF_RESOLVE = """
import json, os, pathlib, sys, time
sys.path.insert(0, sys.argv[1])
from faceplate_resolve.client import Client, Following
from faceplate_resolve.errors import HostError
from faceplate_resolve.settings import load_settings
given = json.loads(sys.argv[2])
environ = dict(os.environ, FACEPLATE_RESOLVE_MODEL="/m", FACEPLATE_RESOLVE_SERVER=given["server"])
folder = pathlib.Path(given["folder"])
client = Client(given["program"], load_settings("p", environ), folder)
said, jobs = [], []
following = Following(time.monotonic() + 60, folder / "cancel", said.append, jobs.append)
client.submit("analyse", given["analyse"], following)
result = client.submit("swap", given["swap"], following)
open(given["gate"], "w").close()
following.cancel.touch()
try:
    client.submit("swap", given["held"], following)
except HostError as error:
    ended = "cancelled" if "was cancelled" in str(error) else str(error)
try:
    client.submit("swap", dict(given["swap"], consent=None), following)
except HostError as error:
    refused = ["ConsentRefused" if "no consent record" in str(error) else str(error),
               "(job " in str(error)]
print(json.dumps([["anna", "torn"], result, ended, refused, bool(said and jobs)]))
"""


@pytest.fixture(scope="module", params=["unix", pytest.param("loopback", marks=pytest.mark.slow)])
def reached_by(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Any]]:
    """A real server behind a socket, or a port of this machine; its folder and a client."""
    root = tmp_path_factory.mktemp(request.param)
    by_port = {"address": "127.0.0.1:0"} if request.param == "loopback" else {}
    settings = fake_settings(root, roots=(str(root), str(MINI)), **by_port)
    verbs, engine = "tests.support.nuke.verbs:VERBS", "tests.support.nuke.verbs:Room"
    with running_server(settings, verbs, engine) as client:
        yield root, client


@pytest.mark.parametrize(("host", "version"), CASES)
def test_a_job_is_done_another_cancelled_and_a_third_refused(
    host: str, version: str, reached_by: tuple[Path, Any]
) -> None:
    root, server = reached_by
    folder = root / f"{host} é {version}"  # a blank and a letter that is none of ASCII
    (folder / "held").mkdir(parents=True)
    (folder / "recipe.json").write_text("{}")
    common = {"plate": f"{MINI}/B/B.%04d.exr", "frames": "1001-1002"}
    swap = {**common, "out": f"{folder}/out/v/s.%04d.exr", "recipe": f"{folder}/recipe.json",
            "track": f"{folder}/t.json", "consent": f"{MINI}/consent.json"}  # fmt: skip
    given = {
        "program": str(client_program()), "server": str(server.address), "folder": str(folder),
        "analyse": {**common, "out": swap["track"]}, "swap": swap,
        "held": {**swap, "out": f"{folder}/held/v/s.%04d.exr"}, "gate": f"{folder}/held/gate",
    }  # fmt: skip
    for name in ("out", "held"):
        (folder / name / "v").mkdir(parents=True, exist_ok=True)
    plugin = FOLDER if host == "nuke" else REPO / "hosts" / "resolve"
    code = OF_NUKE if host == "nuke" else OF_RESOLVE
    done = subprocess.run(
        [interpreter(version), "-W", "error", "-B", "-S", "-c", code, plugin, json.dumps(given)],
        capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": os.environ["PATH"], "HOME": str(root), "FACEPLATE_HOME": str(root / "home"),
             "PYTHONUTF8": "1"},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    models, result, ended, refused, heard = json.loads(done.stdout.splitlines()[-1])
    assert models == ["anna", "torn"]
    assert (result["swapped"], ended, refused) == (2, "cancelled", ["ConsentRefused", True])
    assert heard
    made = read_frame(folder / "out/v/s.1002.exr", 1002)
    assert "fp_mask.A" in made.channels
