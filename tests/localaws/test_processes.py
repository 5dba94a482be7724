import signal
import sys
import time

from localaws.processes import Server

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def test_a_server_that_does_not_end_when_asked_is_made_to(tmp_path):
    server = Server("deaf", [sys.executable, "-c", DEAF], tmp_path)
    while "up" not in (tmp_path / "deaf.log").read_text():
        assert server._process.poll() is None
        time.sleep(0.02)
    server.stop(patience=0.1)
    assert server._process.returncode == -signal.SIGKILL
