"""The files of a new project, and that nothing is ever written over what others wrote."""

import subprocess
import sys
import tomllib

import pytest

from scarcegan.problems import SettingsProblem
from scarcegan.settings import load, resolve
from scarcegan.settings.data_sections import RoleNames
from scarcegan.starting.configuration import TRIAL, configuration, left_out, to_toml
from scarcegan.starting.guesses import Answers, populations_of
from scarcegan.starting.project import open_project
from scarcegan.starting.tables import look

ANSWERS = Answers("account", "", "fraud", "pool", "none", "player")


def described(place, answers=ANSWERS):
    tables = look(str(place))
    return configuration("fraud-cards", tables, answers, populations_of(tables, answers.label_column))


@pytest.fixture
def plain_tables(own_tables):
    """Tables whose names say it all."""
    (own_tables / "holdout.parquet").unlink()
    (own_tables / "pool").rename(own_tables / "unlabeled")
    return own_tables


@pytest.fixture
def written(plain_tables, tmp_path):
    """A project, and a function that writes it again."""

    def write():
        project = open_project(tmp_path / "fraud-cards")
        return project, project.write(described(plain_tables, UNLABELED), str(plain_tables))

    write()
    return tmp_path / "fraud-cards", write


UNLABELED = Answers("account", "", "fraud", "unlabeled", "none", "card")


def test_the_configuration_has_only_what_differs_from_the_defaults(plain_tables):
    assert described(plain_tables, UNLABELED) == {
        "populations": {"negatives": ["dormant", "heavy", "night", "steady"], "rare": "fraud"},
        "data": {"source": "tables", "path": str(plain_tables), "id_column": "account"},
        "monitoring": {"reference": "first"},
        "registry": {"group": "fraud-cards"},
        "deployment": {"project": "fraud_cards"},
        "words": {"row": "card", "who": "which", "rare": "fraud"},
    }


def test_tables_called_otherwise_are_named_one_by_one_and_truth_by_its_column(own_tables):
    answers = Answers("account", "", "fraud", "pool", "holdout", "card")
    (own_tables / "night.parquet").rename(own_tables / "Night-time.parquet")
    tree = described(own_tables, answers)
    assert tree["populations"]["negatives"] == ["night_time", "dormant", "heavy", "steady"]
    assert tree["data.tables"] == {
        "night_time": f"{own_tables}/Night-time.parquet",
        "test": {"path": f"{own_tables}/holdout.parquet", "columns": {"truth_risky": "is_fraud"}},
    }
    assert tree["words"] == {"row": "card", "who": "which", "rare": "fraud"}


def test_columns_that_are_no_numbers_or_not_everywhere_are_no_features(own_tables):
    import pandas as pd

    pd.read_parquet(own_tables / "fraud.parquet").assign(city="Ulm", closed=1).to_parquet(own_tables / "fraud.parquet")
    assert left_out(look(str(own_tables)), ANSWERS) == ["city", "closed", "is_fraud"]


def test_one_table_is_named_with_its_label_column(one_table):
    tree = described(one_table, Answers("account", "kind", "fraud", "no label", "", "player"))
    assert tree["data"] == {
        "source": "tables",
        "path": str(one_table),
        "label_column": "kind",
        "id_column": "account",
        "ignore_columns": ["city"],
    }
    assert tree["populations"] == {"negatives": ["dormant", "heavy", "night", "steady"], "rare": "fraud"}


def test_telemetry_is_cut_off_after_its_last_day_and_keeps_the_roles_that_it_has(telemetry):
    tree = described(telemetry, Answers(rare="risky", row="player"))
    assert tree["data"]["snapshot"] == "players-2026-01-01"
    assert tree["telemetry"] == {"path": f"{telemetry}/daily.parquet", "cutoffs": ["2026-01-01"]}
    roles = load(tomllib.loads(to_toml(tree))).telemetry.roles
    assert roles == RoleNames(activity="sessions")
    assert tree["populations"] == {"negatives": ["normal"]}
    assert left_out(look(str(telemetry)), Answers(rare="risky")) == []


def test_a_project_has_settings_scripts_and_words_of_its_own(written):
    folder, _ = written
    assert {path.name for path in folder.iterdir()} == {
        *("config", "README.md", ".gitignore", ".scarcegan"),
        *("retrain_flow.py", "score_flow.py", "features_flow.py"),
    }
    assert load(tomllib.loads((folder / "config" / "retrain.toml").read_text())).data.id_column == "account"
    told = (folder / "README.md").read_text()
    assert "the few fraud cards among many" in told
    assert "$ scarcegan snapshots publish TABLE --name first  # " in told
    assert "$ scarcegan score --snapshot first  " in told


def test_the_readme_of_telemetry_makes_a_snapshot_before_it_retrains(telemetry, tmp_path):
    open_project(tmp_path / "ours").write(described(telemetry, Answers(rare="risky", row="player")), str(telemetry))
    told = (tmp_path / "ours" / "README.md").read_text()
    commands = [line.split("  ")[0] for line in told.splitlines() if line.startswith("$ scarcegan")]
    assert commands[:2] == ["$ scarcegan features", "$ scarcegan run"]
    assert commands[-1] == "$ scarcegan score"


def test_the_trial_changes_what_makes_it_short_and_where_its_models_are(plain_tables):
    tree = tomllib.loads(to_toml(described(plain_tables, UNLABELED)))
    short, full = resolve(tree, TRIAL), load(tree)
    assert (short.folds.k, short.registry.path) == (2, ".scarcegan/trial")
    assert (short.populations, short.data.path, short.registry.group) == (
        *(full.populations, full.data.path, full.registry.group),
    )


def test_its_scripts_start_the_flows_of_the_package(written):
    command = [sys.executable, "retrain_flow.py", "show"]
    done = subprocess.run(command, cwd=written[0], capture_output=True, text=True, check=False)
    assert "Step preprocess" in done.stdout, done.stderr


def test_a_half_made_project_is_made_again_and_keeps_what_was_changed(written):
    folder, write = written
    config = folder / "config" / "retrain.toml"
    config.write_text(config.read_text().replace("[registry]", "[folds]\nk = 3\n\n[registry]"))
    (folder / "README.md").unlink()
    project, kept = write()
    assert kept == ["config/retrain.toml"]
    assert project.settings().folds.k == 3
    assert (folder / "README.md").exists()


def test_a_finished_project_is_refused_with_the_way_on(written):
    folder, write = written
    open_project(folder).finish()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(SettingsProblem, match="name another folder, or go on there with `scarcegan run`; nothing was"):
        write()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["notes.txt", ".env"])
def test_a_folder_with_files_of_others_is_refused(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(SettingsProblem, match=rf"expected a new or empty folder .* with .*{name}"):
        open_project(tmp_path)
    with pytest.raises(SettingsProblem, match="with a file"):
        open_project(tmp_path / name)


def test_settings_that_cannot_be_are_refused_before_anything_is_written(plain_tables, tmp_path):
    (plain_tables / "night.parquet").rename(plain_tables / "unknown.parquet")
    project = open_project(tmp_path / "new")
    with pytest.raises(SettingsProblem, match=r"'unknown'.*taken"):
        project.write(described(plain_tables, UNLABELED), str(plain_tables))
    assert not (tmp_path / "new").exists()
