import errno
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faceplate.errors import DiskFull, NotFound
from faceplate.io.atomic import atomic_file, check_room, is_no_room, write_bytes, write_text


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    with atomic_file(target) as part:
        part.write_bytes(b"half")
        assert not target.exists()
        assert part.suffix == ".part"
        assert part.parent == tmp_path
    assert target.read_bytes() == b"half"
    assert names(tmp_path) == ["a.bin"]


def test_an_error_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")

    def fail(part: Path) -> None:
        part.write_text("new")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), atomic_file(target) as part:
        fail(part)
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_two_writers_of_one_file_do_not_share_a_part(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with atomic_file(target) as first, atomic_file(target) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert target.read_text() == "first"  # the outer one was renamed last
    assert names(tmp_path) == ["a.txt"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"the folder .*nowhere does not exist"):
        write_text(tmp_path / "nowhere" / "a.txt", "x")


def test_no_room_for_a_file_keeps_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    write_bytes(target, b"old")
    with pytest.raises(DiskFull, match="free some room"), file_size_limit(1 << 16):
        write_bytes(target, bytes(1 << 20))
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_no_room_found_out_by_the_sync_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)  # network disks report a full quota only here
    with pytest.raises(DiskFull, match="No space left on device"):
        write_text(tmp_path / "a.txt", "x")
    assert names(tmp_path) == []


def test_other_errors_of_the_system_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_file(tmp_path / "a.txt"):
        pass  # nothing was written, so there is nothing to rename


def test_room_is_told_by_trying(tmp_path: Path) -> None:
    part = tmp_path / "x.part"
    check_room(part)
    with pytest.raises(OSError, match=r"File too large") as caught, file_size_limit(1 << 16):
        check_room(part)
    assert is_no_room(caught.value)
    assert not is_no_room(OSError(errno.EACCES, "no"))


def test_a_killed_writer_leaves_the_old_file_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from faceplate.io.atomic import atomic_file\n"
        "with atomic_file(Path(sys.argv[1])) as part:\n"
        "    part.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(target)], check=False)
    assert done.returncode == -9
    assert target.read_text() == "old"


FULL_DISK = """
import sys, numpy as np
from pathlib import Path
from faceplate.errors import DiskFull
from faceplate.io.frame import Frame, Window
from faceplate.io.image import write_frame
folder, window = Path(sys.argv[1]), Window(0, 0, 256, 256)
pixels = np.random.default_rng(0).random((256, 256, 3), np.float32)
try:
    write_frame(Frame(1, pixels, ("R", "G", "B"), window, window), folder / "a.exr")
except DiskFull as error:
    assert "No space left on device" in str(error), error
    assert list(folder.iterdir()) == [], list(folder.iterdir())
    print("disk full, nothing kept")
"""


def test_a_full_disk_is_told_when_an_image_is_written(tmp_path: Path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare (Linux) to mount a tiny disk")
    mount = 'mount -t tmpfs -o size=64k none "$0" && exec "$1" -c "$2" "$0"'
    command = ["unshare", "-rm", "sh", "-c", mount, str(tmp_path), sys.executable, FULL_DISK]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"may not mount a tiny disk here: {done.stderr.strip()}")
    assert done.stdout.strip() == "disk full, nothing kept", done.stderr
