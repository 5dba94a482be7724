import signal
import socket
import sys
import time

import pytest

from localaws.twin import Server, TwinProblem

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def test_a_server_that_does_not_end_when_asked_is_made_to(tmp_path):
    server = Server("deaf", [sys.executable, "-c", DEAF], tmp_path)
    while "up" not in (tmp_path / "deaf.log").read_text():
        assert server._process.poll() is None
        time.sleep(0.02)
    server.stop(patience=0.1)
    assert server._process.returncode == -signal.SIGKILL


def test_a_server_that_ends_at_once_is_told_with_what_it_said(tmp_path):
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    server = Server("broken", [sys.executable, "-c", "print('no disk'); raise SystemExit(1)"], tmp_path, listening)
    with pytest.raises(TwinProblem, match=r"(?s)broken did not answer at http://127.*no disk"):
        server.wait_until_up(url)
    server.stop()
