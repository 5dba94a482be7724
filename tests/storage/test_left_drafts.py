"""What a killed process leaves half-written is cleaned up by the next one that writes there."""

import os
import subprocess
import sys

import pytest

from scarcegan.storage import SCRATCH, contents, draft_beside, write_bytes

KILLED = """
import os, sys
from scarcegan.storage import draft_beside
with draft_beside(sys.argv[1]) as draft:
    draft.write_bytes(b"half")
    os.kill(os.getpid(), 9)
"""


@pytest.mark.reliability(
    case="A process is killed while it writes a file",
    sees="a hidden draft, until something is written there again",
    resume="writes the file anew",
)
def test_the_draft_of_a_killed_process_is_gone_after_the_next_writing(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=os.environ, check=False)
    assert done.returncode == -9
    [left] = tmp_path.iterdir()
    assert left.name.startswith(SCRATCH)
    write_bytes(str(tmp_path / "whole"), b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]


def test_drafts_of_the_living_and_of_other_machines_stay(tmp_path):
    elsewhere = tmp_path / f"{SCRATCH}box-4026531836_7_12_abcdefgh"
    elsewhere.mkdir()
    with draft_beside(str(tmp_path)) as draft:
        draft.write_bytes(b"half")
        write_bytes(str(tmp_path / "whole"), b"x")
        assert draft.read_bytes() == b"half"
    assert sorted(path.name for path in tmp_path.iterdir()) == [elsewhere.name, "whole"]


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_contents_are_all_files_with_their_bytes(tmp_path, kind, request):
    if kind == "s3":
        request.getfixturevalue("bucket")
    folder = "s3://models/out" if kind == "s3" else str(tmp_path / "out")
    assert contents(folder) == []
    for name in ("a/1", ".hidden/2", "_SUCCESS"):
        write_bytes(f"{folder}/{name}", b"four")
    found = contents(folder)
    assert {(one.name, one.size) for one in found} == {("a/1", 4), (".hidden/2", 4), ("_SUCCESS", 4)}
    assert all(one.written > 1e9 for one in found)
