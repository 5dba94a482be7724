"""Commands in terminals of other encodings, and where nothing can be written: what is done is done, in words."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scarcegan.cli import app
from scarcegan.registry.local import LocalRegistry


@pytest.fixture
def folder(tmp_path, make_release):
    LocalRegistry(tmp_path / "registry", "scarcegan-risky-players").register_release(make_release())
    return tmp_path / "registry"


@pytest.mark.reliability(
    case="The terminal, or the log of a CI, is of another encoding than UTF-8",
    sees="a question mark where a character has no place in it",
    resume="not needed",
)
@pytest.mark.parametrize("charset", ["ascii", "latin-1"])
@pytest.mark.parametrize("command", ["list", "compare", "approve 1 --force --reason good", "decisions"])
def test_a_decision_is_taken_and_shown_in_any_encoding(folder, charset, command):
    LocalRegistry(folder, "scarcegan-risky-players").approve(2, who="rita", why="a dash \N{EN DASH}", force=True)
    arguments = ["models", *command.split(), "--registry-folder", str(folder)]
    done = CliRunner(charset=charset).invoke(app, arguments)
    assert (done.exception, done.exit_code) == (None, 0)
    assert len(done.stdout.splitlines()) > 2


@pytest.mark.parametrize(
    "command",
    [
        "explain \udcff --snapshot one",
        "forget \udcff",
        "outcomes list --snapshot \udcff",
        "outcomes add --player \udcff",
    ],
)
def test_what_is_no_text_in_the_terminals_encoding_is_refused(project_apart, publish_snapshot, command):
    import numpy as np

    from scarcegan.settings import Settings
    from scarcegan.snapshots import open_snapshots

    store = open_snapshots(Settings().own_snapshots.folder)
    publish_snapshot(store, "one", "2026-01-01", np.zeros((2, 1), np.float32), ["nights"])
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == 1
    assert "expected text in utf-8" in done.stderr
    assert r"'\udcff': type it in that encoding" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_decision_whose_answer_cannot_be_written_is_said_to_be_taken(folder):
    start = [sys.executable, "-c", "from scarcegan.cli import app; app()", "models", "approve", "1", "--force"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*start, "--reason", "good", "--registry-folder", str(folder)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cannot write the answer: No space left on device; what the command does is done" in done.stderr
    assert LocalRegistry(folder, "scarcegan-risky-players").champion("recall_first").version == 1


@pytest.mark.parametrize("command", ["models list", "runs list", "run", "new project --from tables"])
def test_a_terminal_whose_folder_is_gone_is_told_so(tmp_path, monkeypatch, command):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    done = CliRunner().invoke(app, command.split())
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("expected a working directory, the one of this terminal is gone (")
