"""A launch that fails or is ended says what to type next; refusals come without Metaflow's internals."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from metaflow.exception import MetaflowException, MetaflowInternalError
from metaflow.plugins import cards

import endings
import launch

FLOW = Path(__file__).resolve().parents[2] / "flows" / "retrain_flow.py"


@pytest.fixture
def cli(monkeypatch):
    """A command line that keeps what it is told to print; run 17 is launched."""
    told = []
    monkeypatch.setattr(endings, "current", SimpleNamespace(get=lambda _: "17"))
    return SimpleNamespace(print_metaflow_exception=told.append, TaskDataStoreSet=None, told=told)


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["run"], "resume --origin-run-id 17"),
        (["--config", "config", "our.toml", "run", "--seed", "3"], "resume --origin-run-id 17"),
        (["run", "--with", "batch", "--max-workers=2"], "resume --origin-run-id 17 --with batch --max-workers=2"),
        (["--datastore", "s3", "run", "--tag", "a b"], "--datastore s3 resume --origin-run-id 17 --tag 'a b'"),
        (["resume", "--origin-run-id", "16"], "resume --origin-run-id 17"),
    ],
)
def test_a_run_that_fails_or_is_ended_says_how_it_is_resumed(cli, capsys, monkeypatch, arguments, command):
    monkeypatch.setattr(sys, "argv", ["flows/retrain_flow.py"])
    for ending in (SystemExit(1), KeyboardInterrupt()):
        with pytest.raises(type(ending)), endings.plain_endings(cli, arguments):
            raise ending
        assert capsys.readouterr().err.splitlines()[-1].endswith(f" flows/retrain_flow.py {command}")


@pytest.mark.parametrize("ending", [SystemExit(0), SystemExit(None)])
def test_a_run_that_succeeds_says_nothing(cli, capsys, ending):
    with pytest.raises(SystemExit), endings.plain_endings(cli, ["run"]):
        raise ending
    assert capsys.readouterr().err == ""


def test_metaflows_echo_of_a_failed_step_is_not_shown_and_all_else_is(cli):
    echo = MetaflowInternalError("The terminal step *end* was not successful by the end of flow.")
    other = MetaflowException("Step *train* failed.")
    with endings.plain_endings(cli, ["run"]):
        for error in (echo, other):
            cli.print_metaflow_exception(error)
    assert cli.told == [other]


def test_a_refusal_is_shown_to_the_letter_its_asterisks_too(cli, capsys):
    with endings.plain_endings(cli, ["run"]):
        cli.print_metaflow_exception(endings.NothingStarted("expected text of the pattern '^a*b*$'\ngot 'c'"))
    assert capsys.readouterr().err == (
        "    Nothing was started:\n    expected text of the pattern '^a*b*$'\n    got 'c'\n\n"
    )


def resumed(folder, *arguments):
    (folder / ".metaflow").mkdir(exist_ok=True)
    command = [sys.executable, str(FLOW), "resume", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_an_unknown_run_is_refused_in_one_message(tmp_path):
    done = resumed(tmp_path, "--origin-run-id", "12345")
    assert done.returncode == 1
    assert f"got RetrainFlow/12345, which the local datastore at {tmp_path}/.metaflow does not have" in done.stderr
    assert "METAFLOW_PROFILE" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Internal error" not in done.stderr


def test_a_finished_run_that_is_resumed_says_that_nothing_is_left(capsys):
    class Store:
        flow_name, TYPE, datastore_root, ca_store = "RetrainFlow", "local", "/here", None

        def get_task_datastores(self, run_id, steps=None, **_):
            return [SimpleNamespace(pathspec="a", pathspec_index="b")]

    endings.KnownRun(Store(), "17", steps=["_parameters"])
    assert "RetrainFlow/17 is finished" in capsys.readouterr().err


def test_cards_are_served_to_this_machine_alone(monkeypatch):
    bound = []
    card_server = SimpleNamespace(ThreadingHTTPServer=lambda address, _: bound.append(address))
    monkeypatch.setattr(cards, "card_server", card_server, raising=False)
    launch.keep_cards_private(["card", "server", "--port", "8324"])
    card_server.ThreadingHTTPServer(("", 8324), None)
    assert bound == [("127.0.0.1", 8324)]
