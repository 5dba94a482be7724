"""`scarcegan new`: questions with guesses, options instead of answers, and what is said when something is wrong."""

import json
import subprocess
import tomllib

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from scarcegan.cli import app

COUNTS = {"dormant": 30, "heavy": 30, "night": 30, "steady": 30, "fraud": 30, "unlabeled": 200}


@pytest.fixture
def tables(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "cards").mkdir()
    for number, (name, count) in enumerate(COUNTS.items()):
        table = pd.DataFrame({"account": np.arange(count) + 1000 * number, "stakes": rng.normal(size=count)})
        table.to_parquet(tmp_path / "cards" / f"{name}.parquet")
    return tmp_path / "cards"


class Trials(list):
    """The small retrainings that were started; none is really run."""

    code = 0

    def run(self, command, *, stdout, **_):
        self.append(command)
        stdout.write("2026-11-01 10:00:00.000 [1/start/1 (pid 7)] DataProblem in step start:\n")
        stdout.write("2026-11-01 10:00:00.000 [1/start/1 (pid 7)] expected players, got none: add some\n")
        stdout.flush()
        return subprocess.CompletedProcess(command, self.code)


@pytest.fixture
def trials(monkeypatch):
    trials = Trials()
    monkeypatch.setattr("scarcegan.cli.new.subprocess.run", trials.run)
    return trials


@pytest.fixture
def new(tables, tmp_path, trials):
    def new(*options, **given):
        return CliRunner().invoke(app, ["new", str(tmp_path / "ours"), "--from", str(tables), *options], **given)

    return new


def config(tmp_path):
    return tomllib.loads((tmp_path / "ours" / "config" / "retrain.toml").read_text())


def test_with_yes_every_guess_is_taken_a_trial_is_run_and_three_commands_follow(new, tmp_path, trials):
    result = new("--yes")
    assert result.exit_code == 0, result.output
    assert config(tmp_path)["populations"]["rare"] == "fraud"
    [command] = trials
    assert command[-2:] == ["--tag", "trial"]
    after = result.stdout.partition("Next:\n")[2].splitlines()
    assert [line.split()[-1 if number == 0 else 1] for number, line in enumerate(after)] == [
        "run",
        "models",
        "snapshots",
    ]
    assert after[2].endswith("--name first && scarcegan score --snapshot first")


def test_six_questions_at_most_are_asked_and_enter_takes_the_guess(new, tmp_path):
    result = new(input="\nheavy\n\n\n\n")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("?") <= 6
    assert "[account]" in result.stderr
    assert config(tmp_path)["populations"]["rare"] == "heavy"


def test_scripts_get_one_object_and_nothing_else_on_stdout(new, tmp_path):
    made = json.loads(new("--yes", "--json").stdout)
    assert made["folder"] == str(tmp_path / "ours")
    assert made["answers"]["rare"] == "fraud"
    assert len(made["next"]) == 3


def test_an_option_answers_its_question(new, tmp_path):
    options = ["--id-column", "account", "--rare", "night", "--unlabeled", "unlabeled", "--test", "none"]
    result = new(*options, "--row", "player", input="")
    assert result.exit_code == 0, result.output
    assert config(tmp_path)["populations"]["rare"] == "night"


def test_without_anybody_to_answer_the_option_is_named(new, tmp_path):
    result = new("--id-column", "account", input="")
    assert result.exit_code == 1
    assert "give it with --rare, or take every guess with --yes" in result.stderr
    assert not (tmp_path / "ours").exists()


def test_what_a_row_is_called_goes_into_the_settings_with_the_rare_class(new, tmp_path):
    assert new("--yes", "--row", "card").exit_code == 0
    assert config(tmp_path)["words"] == {"row": "card", "who": "which", "rare": "fraud"}


def test_a_word_that_settings_do_not_take_is_refused_before_anything_is_written(new, tmp_path):
    result = new("--yes", "--row", "card/account")
    assert result.exit_code == 1
    assert "words.row" in result.stderr
    assert not (tmp_path / "ours").exists()


def test_all_mistakes_are_told_at_once_and_nothing_is_written(new, tmp_path, trials):
    result = new("--yes", "--id-column", "card", "--rare", "fruad")
    assert result.exit_code == 1
    assert "--id-column" in result.stderr
    assert "got 'fruad': name one with --rare" in result.stderr
    assert "Nothing was written." in result.stderr
    assert not (tmp_path / "ours").exists()
    assert not trials


def test_what_a_run_would_refuse_is_told_before_the_trial(new, tables, tmp_path, trials):
    pd.read_parquet(tables / "night.parquet").head(3).to_parquet(tables / "night.parquet")
    result = new("--yes")
    assert result.exit_code == 1
    assert "at least 5 'night' accounts for 5 folds" in " ".join(result.stderr.split())
    assert "is half made: mend config/retrain.toml there or the tables" in result.stderr
    assert not trials


def test_a_trial_that_fails_tells_its_problem_and_the_project_can_be_made_again(new, tmp_path, trials):
    trials.code = 1
    result = new("--yes")
    assert "DataProblem in step start:\nexpected accounts, got none: add some\n" in result.stderr
    assert "(pid" not in result.stderr
    trials.code = 0
    changed = tmp_path / "ours" / "README.md"
    changed.write_text("Ours.")
    result = new("--yes")
    assert result.exit_code == 0, result.stderr
    assert "Left as you have changed them: README.md" in result.stderr
    assert changed.read_text() == "Ours."
    again = new("--yes")
    assert again.exit_code == 1
    assert "name another folder, or go on there" in again.stderr


def test_a_folder_that_is_taken_and_tables_that_are_not_there_are_told_together(tmp_path, tables):
    result = CliRunner().invoke(app, ["new", str(tables), "--from", str(tmp_path / "nowhere"), "--yes"])
    assert result.exit_code == 1
    told = " ".join(result.stderr.split())
    assert "expected a new or empty folder for the project" in told
    assert "check --from" in told


def test_of_a_table_in_which_every_row_has_a_label_it_is_said_what_0_is_taken_for(tables, tmp_path, trials):
    labels = np.arange(3_000) % 30 == 0
    table = pd.DataFrame({"card_id": np.arange(3_000) + 10_000, "amount": np.arange(3_000.0), "is_fraud": labels * 1})
    table.to_csv(tmp_path / "cards.csv", index=False)
    command = ["new", str(tmp_path / "ours"), "--from", str(tmp_path / "cards.csv"), "--yes"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "for rare 1 (fraud); unlabelled 0 (unlabeled)" in result.stderr
    assert "966 of the unlabelled ones, drawn by lot, count as such (data.assumed_harmless)" in result.stderr
    assert config(tmp_path)["data"]["labels"] == {"unlabeled": "0", "fraud": "1"}


def test_that_no_labels_are_found_is_said_once(tables, tmp_path, trials):
    one = str(tables / "fraud.parquet")
    told = CliRunner().invoke(app, ["new", str(tmp_path / "ours"), "--from", one, "--label-column", "kind", "--yes"])
    assert told.stderr.count("Found no populations") == 1
    assert "no such column 'kind'" in told.stderr


def test_files_that_are_passed_over_are_named(new, tables, trials):
    (tables / "stolen.xlsx").write_bytes(b"PK\3\4")
    assert "Passed over, being neither parquet nor CSV: stolen.xlsx\n" in new("--yes").output
