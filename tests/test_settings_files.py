"""Settings files as editors write them, and values that would only fail hours later."""

import sys

import pytest
from typer.testing import CliRunner

import launch
from scarcegan.cli import app
from scarcegan.problems import SettingsProblem
from scarcegan.settings import load, parse, text_of


def test_a_byte_order_mark_is_no_part_of_the_settings(tmp_path):
    file = tmp_path / "own.toml"
    file.write_bytes("seed = 3\n".encode("utf-8-sig"))
    assert parse(file.read_text())["seed"] == parse(text_of(file))["seed"] == 3


@pytest.mark.reliability(
    case="The configuration is no UTF-8",
    sees="which file; to save it as UTF-8",
    resume="not needed: nothing was started",
)
def test_a_file_that_is_no_utf8_is_refused_in_words_by_commands_and_flows(tmp_path, monkeypatch):
    file = tmp_path / "own.toml"
    file.write_bytes("# café\n".encode("latin-1"))
    done = CliRunner().invoke(app, ["models", "list", "--config", str(file)])
    assert (done.exit_code, done.stderr.startswith(f"expected UTF-8 in {file}, got: ")) == (1, True)
    monkeypatch.setattr(sys, "argv", ["retrain_flow.py", "--config", "config", str(file), "run"])
    with pytest.raises(SystemExit, match=f"expected UTF-8 in {file}, got: .*save it as UTF-8"):
        launch.launch(object)


@pytest.mark.reliability(
    case="A setting would fail hours later: a counter twice, the id as a counter, noise without limit",
    sees="the key and what is allowed",
    resume="not needed: nothing was started",
)
@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ({"telemetry": {"counters": ["bets", "bets"]}}, r"expected different telemetry.counters, got \['bets'\]"),
        ({"telemetry": {"cutoffs": ["2026-01-01", "20260101"]}}, r"different telemetry.cutoffs, got \['2026-01-01'\]"),
        ({"telemetry": {"counters": ["bets", "player_id"]}}, r"got \['player_id'\]: the player and the day are none"),
        ({"telemetry": {"counters": ["date", ""]}}, r"got \['', 'date'\]"),
        ({"model": {"noise": 10**9}}, "model.noise: expected a number less than or equal to 16384"),
        ({"model": {"trunk": [10**9]}}, r"model.trunk.0: expected a number less than or equal to 16384"),
        ({"model": {"generator": [10**9]}}, r"model.generator.0: expected a number less than or equal to 16384"),
        ({"train": {"batch": 10**9}}, "train.batch: expected a number less than or equal to 65536"),
    ],
)
def test_what_would_fail_later_is_refused_when_settings_are_read(tree, told):
    with pytest.raises(SettingsProblem, match=told):
        load(tree)
