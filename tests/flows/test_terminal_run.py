"""A real launch in a terminal, refused in its first step: what a person sees from the first line to the last."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

FLOW = Path(__file__).resolve().parents[2] / "flows" / "retrain_flow.py"


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Return what a terminal is sent by a launch on tables that are not there, and the exit code."""
    folder = tmp_path_factory.mktemp("terminal")
    (folder / "own.toml").write_text(f'[data]\nsource = "tables"\npath = "{folder}/nothing"\n')
    command = [sys.executable, str(FLOW), "--config", "config", "own.toml", "run", "--tag", "nightly"]
    ours, theirs = pty.openpty()
    environment = dict(os.environ, TERM="xterm", USERNAME="tester", COLUMNS="200", LINES="40")
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=theirs, stderr=theirs) as launched:
        os.close(theirs)
        text = "".join(iter(lambda: read(ours), ""))
    os.close(ours)
    return text, launched.returncode


def read(terminal):
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError:  # nobody writes to it any more
        return ""


def test_a_line_moves_while_a_step_works(shown):
    assert "starting · " in shown[0]
    assert "start · " in shown[0]
    assert "\x1b[1F\x1b[J" in shown[0]


def test_a_refusal_is_told_in_one_message_without_metaflows_internals(shown):
    text, code = shown
    assert code == 1
    assert "PreflightProblem in step start:" in text
    assert "Internal error" not in text
    assert "Traceback" not in text


def test_the_last_line_is_the_command_that_resumes_the_run(shown):
    last = shown[0].strip().splitlines()[-1]
    assert f"{FLOW} resume --origin-run-id " in last
    assert last.endswith(" --tag nightly")
