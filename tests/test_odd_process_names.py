"""The kernel cuts a process's name at 15 bytes, perhaps inside a letter: it is alive all the same."""

import os
from pathlib import Path

import pytest

from scarcegan.machine import is_alive, this_process

_NAME = Path(f"/proc/{os.getpid()}/comm")


@pytest.mark.skipif(not _NAME.exists(), reason="only Linux tells it so")
def test_a_process_with_a_name_that_is_no_text_is_known():
    before, known = _NAME.read_bytes(), this_process()
    _NAME.write_bytes("Überwachung-für".encode()[:15])
    try:
        assert this_process() == known
        assert is_alive(known)
    finally:
        _NAME.write_bytes(before)


@pytest.mark.parametrize("name", ["", "somebody", "{here} x 12", "{here} -1 12", "{here} 99999999999999999999 12"])
def test_a_name_that_is_none_of_ours_tells_nothing(name):
    assert is_alive(name.format(here=this_process().split()[0])) is None
