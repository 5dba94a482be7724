"""What is refused is told in the words of the team, wherever it arises: code that refuses knows no settings."""

from types import SimpleNamespace

import pandas as pd
import pytest
from typer.testing import CliRunner

from project_flow import NothingStarted, refuse_wrong_overrides, refuses_plainly
from scarcegan.cli import app
from scarcegan.problems import DataProblem
from scarcegan.settings import load
from scarcegan.settings.words_section import USUAL, Words

FRAUD = Words(row="account", who="which", rare="fraudulent", reviewer="analyst")
CONFIG = SimpleNamespace(to_dict=lambda: load({"words": {"row": "card", "rare": "fraud"}}).model_dump(mode="json"))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("expected players, got none", "expected accounts, got none"),
        ("Players who stay: 3 of 5 players).", "Accounts which stay: 3 of 5 accounts)."),
        ("a player, A risky player, a labelled player", "an account, A fraudulent account, a labelled account"),
        ("a moderator's or moderators' reading", "an analyst's or analysts' reading"),
        ("the player's row, in two players' names", "the account's row, in two accounts' names"),
    ],
)
def test_rows_the_rare_and_reviewers_are_called_as_the_team_calls_them(said, told):
    assert FRAUD.retell(said) == told
    assert USUAL.retell(said) == said


@pytest.mark.parametrize(
    ("row", "rows"), [("card", "cards"), ("company", "companies"), ("day", "days"), ("batch", "batches")]
)
def test_more_than_one_row_is_the_plural(row, rows):
    assert Words(row=row).rows == rows
    assert Words(row=row, rows="others").rows == "others"


def test_rows_are_counted_in_the_words_of_the_team():
    assert [USUAL.counted(number) for number in (1, 2000)] == ["1 player", "2,000 players"]
    assert [FRAUD.counted(number, "flagged") for number in (1, 0)] == ["1 flagged account", "0 flagged accounts"]


@pytest.mark.parametrize(
    "name",
    [
        *("player_id", "truth_risky", "data.players", "players.parquet", "players-2026-01-01", "--player", "player="),
        *("/data/players", "s3://bucket/players/x", "players/2026", "C:\\players", "[players, 5 features]", "$players"),
        *("'risky'", "'the players of May'", '"risky"', '["risky", "players"]', "`scarcegan forget player`"),
        *("SageMaker", "riskyness", "players2", "~players", "PLAYER_ID"),
    ],
)
def test_files_settings_options_and_what_is_quoted_keep_their_names(name):
    assert FRAUD.retell(f"expected {name}, got 2 players") == f"expected {name}, got 2 accounts"


def test_a_refused_step_of_a_fraud_team_speaks_of_cards(capsys):
    around = refuses_plainly()
    tried = SimpleNamespace(decorators=[SimpleNamespace(name="retry", attributes={"times": "2"})])
    flow = SimpleNamespace(name="RetrainFlow", config=CONFIG, _graph={"start": tried})
    around.pre_step("start", flow, None)
    with pytest.raises(SystemExit):
        around.post_step("start", flow, DataProblem("expected risky players in 'risky', got none"))
    assert capsys.readouterr().err == "DataProblem in step start:\nexpected fraud cards in 'risky', got none\n"


def test_so_does_a_refused_override():
    with pytest.raises(NothingStarted) as told:
        refuse_wrong_overrides(CONFIG, ["--set", "data={source='tables',label_column='kind',tables={risky='x'}}"])
    assert "has all cards, but data.tables names others" in str(told.value)


def test_and_a_refused_command_of_a_project_whatever_its_options_are(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "retrain.toml").write_text('[words]\nrow = "card"\n')
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"player_id": ["a", "a"], "stake": [1.0, 2.0]}).to_parquet("players.parquet")
    refused = CliRunner().invoke(app, ["snapshots", "publish", "players.parquet"])
    assert refused.exit_code == 1
    assert f"expected each card once in {tmp_path}/players.parquet, got 1 more often" in refused.stderr
