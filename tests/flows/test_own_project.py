"""Another domain, from files to a scored list, by the commands of docs/own_project.md: a bank's campaign.

Its tables are those of $SCARCEGAN_DATA/tabular/campaign with another id column, other classes, and four negative ones.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
CAMPAIGN = Path(os.environ.get("SCARCEGAN_DATA", "/nowhere")) / "tabular" / "campaign"
CALLED = {"risky": "subscribed", "dormant": "quiet", "heavy": "busy"}
# Seconds instead of minutes; nothing else differs from what the page says.
QUICK = (
    "folds.k=2,train.members=2,train.iterations=100,train.round_iterations=50,evaluate.bootstrap=50,"
    "train.families=['small_extra_trees'],evaluate.rivals=['logistic_regression']"
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CAMPAIGN.is_dir(), reason="needs $SCARCEGAN_DATA/tabular")]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the bank's tables in `customers/`."""
    folder = tmp_path_factory.mktemp("bank") / "customers"
    folder.mkdir()
    tables = {path.stem: pd.read_parquet(path) for path in CAMPAIGN.glob("*.parquet")}
    normal = tables.pop("normal")
    is_brief = normal["x0"] > normal["x0"].median()
    tables |= {"brief": normal[is_brief], "steady": normal[~is_brief]}
    for name, table in tables.items():
        ours = table.rename(columns={"player_id": "account"})
        if name == "brief":
            ours.to_csv(folder / "brief.csv", index=False)
        else:
            ours.to_parquet(folder / f"{CALLED.get(name, name)}.parquet", index=False)
    later = tables["test"].rename(columns={"player_id": "account"})
    later.to_parquet(folder.parent / "december.parquet", index=False)
    return folder.parent


@pytest.fixture(scope="module")
def printed(place):
    """What each command of the page prints, typed one after the other, by its first two words."""
    block, later = re.findall(r"```console\n(.*?)```", (ROOT / "docs" / "own_project.md").read_text(), re.DOTALL)
    commands = [line.removeprefix("$ ") for line in block.splitlines()]
    assert len(commands) <= 8
    printed, here = {}, place
    for command in [*commands, *(line.removeprefix("$ ") for line in later.splitlines())]:
        words = shlex.split(command)
        if words[0] == "cd":
            here = here / words[1]
            continue
        if words[:2] == ["scarcegan", "new"]:
            command += " --yes"
        if words[:2] == ["scarcegan", "run"]:
            command += f' --set "{QUICK}"'
        printed[" ".join(words[:2])] = typed(command, here)
    return printed


def typed(command, folder):
    """Run a command line as a terminal would, `scarcegan` being this checkout's."""
    scarcegan = f"{sys.executable} -c 'from scarcegan.cli import app; app()'"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    line = re.sub(r"^scarcegan", scarcegan, command)
    done = subprocess.run(["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_tables_are_told_apart_without_a_word(printed, place):
    config = (place / "campaign" / "config" / "retrain.toml").read_text()
    assert 'negatives = ["brief", "busy", "quiet", "steady"]' in config
    assert 'rare = "subscribed"' in config
    assert 'id_column = "account"' in config
    assert "It works: a small retraining took" in printed["scarcegan new"]


def test_the_trials_models_are_kept_apart(printed):
    assert "Registered versions 1, 2, 3, 4" in printed["scarcegan run"]


def test_the_approved_model_scores_the_published_table(printed, place):
    assert "champion" in printed["scarcegan models"]
    [review] = (place / "campaign" / ".scarcegan" / "scores" / "campaign" / "first").glob("*/review.csv")
    listed = pd.read_csv(review)
    assert len(listed) == pytest.approx(213, abs=1)  # the review budget: one in a hundred of 21,296
    known = pd.read_parquet(place / "customers" / "unlabeled.parquet")["account"].astype(str)
    assert set(listed.iloc[:, 0].astype(str)) <= set(known)
    assert any(account in printed["head .scarcegan/scores/campaign/first/*/review.csv"] for account in known)


def test_a_later_table_is_measured_against_the_first(printed):
    assert "december scored with version 3" in printed["scarcegan score"]
    assert "not measured" not in printed["scarcegan score"]
    assert "Drift: " in printed["scarcegan score"]
