"""Attributes of players are planted; what a retraining makes and stores is searched for their values."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from scarcegan.problems import DataProblem, RegistryProblem
from scarcegan.registry.release import Lineage
from scarcegan.serving.model import Model
from scarcegan.settings import load
from scarcegan.workflow.retraining.judge import judge_models
from scarcegan.workflow.retraining.prepare import prepare
from scarcegan.workflow.retraining.release import register_models
from scarcegan.workflow.retraining.review import groups_of

LINEAGE = Lineage(
    "RetrainFlow/12", "11", "0a1b2c3", "d" * 16, "5" * 16, "config/retrain.toml", "RetrainFlow/12/evaluate/7"
)
PLANTED = ("planted-north", "planted-south")


def with_attributes(settings, ids, folder, column="region"):
    """Settings with a table that gives every second player another value, and its last tenth none."""
    rows = pd.DataFrame({"player_id": ids, column: np.where(np.arange(len(ids)) % 2, *PLANTED)})
    rows[: int(0.9 * len(rows))].to_csv(folder / "attributes.csv", index=False)
    tree = settings.model_dump(mode="json")
    own = {"attributes": str(folder / "attributes.csv"), "attribute_columns": [column], "smallest_group": 10}
    return load(tree | {"evaluate": tree["evaluate"] | own})


@pytest.fixture
def measured(selected, challengers, rivals, prepared, registry, settings, tmp_path):
    asked = with_attributes(settings, prepared.players.ids, tmp_path)
    return judge_models(prepared, *selected, challengers, rivals, registry, asked)


def test_the_headline_model_is_measured_by_attributes_on_the_first_test_set(measured):
    found = measured.attribute_groups
    assert (found.definition, found.test_set, found.smallest) == ("review_budget", "later", 10)
    groups = {" ".join(group.values): group for group in found.tables[0].groups}
    assert set(groups) == {*PLANTED, "unknown"}
    whole = measured.on_first_test_set("review_budget")
    assert sum(group.players for group in groups.values()) == whole.players
    flagged = sum(group.players * group.flagged_share.value for group in groups.values())
    assert flagged / whole.players == pytest.approx(whole.flagged_share.value)
    assert type(measured).from_plain(measured.to_plain()) == measured


def test_neither_the_archives_nor_the_versions_know_an_attribute_but_a_report_beside_them_does(
    measured, selected, registry, tmp_path
):
    versions = register_models(selected[0], measured, LINEAGE, registry)
    assert any(value in repr(measured.to_plain()) for value in PLANTED), "there is something to be found"
    for version in versions:
        archive = registry.fetch(version.sha256)
        assert "planted" not in repr(vars(Model.load(archive, version.sha256)))
        assert "planted" not in repr(version)
    stored = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "attributes.csv"]
    [report] = [path for path in stored if b"planted" in path.read_bytes()]
    assert report.parent.name == "reports"
    # As text: what could not be measured is NaN, which nothing equals.
    kept = {json.dumps(groups_of(version, registry).to_plain()) for version in versions}
    assert kept == {json.dumps(measured.attribute_groups.to_plain())}


def test_a_report_of_groups_that_is_gone_or_was_changed_is_refused(measured, selected, registry, tmp_path):
    version = register_models(selected[0], measured, LINEAGE, registry)[0]
    [report] = tmp_path.rglob("reports/*.json")
    report.write_text(report.read_text().replace("planted-north", "planted-south"))
    with pytest.raises(RegistryProblem, match=r"got another one at .*restore the file"):
        groups_of(version, registry)
    report.unlink()
    with pytest.raises(RegistryProblem, match="got none"):
        groups_of(version, registry)


def test_a_release_has_the_same_name_whatever_its_players_attributes(measured, selected, registry):
    first = register_models(selected[0], measured, LINEAGE, registry)
    again = register_models(selected[0], replace(measured, attribute_groups=None), LINEAGE, registry)
    assert [one.version for one in first] == [one.version for one in again]


@pytest.fixture(scope="module")
def simulated():
    sizes = {"players": 600, "days": 60, "risky_share": 0.05, "labeled_risky": 20, "labeled_negatives": 40}
    return load({"simulated": sizes, "folds": {"k": 2}})


def test_what_preprocess_makes_and_prints_is_the_same_with_attributes_and_without(simulated, tmp_path, capsys, caplog):
    plain, told = prepare(simulated)
    asked = with_attributes(simulated, plain.players.ids, tmp_path)
    assert asked.fingerprint() == simulated.fingerprint()
    again, report = prepare(asked)
    assert (again.fingerprint, report) == (plain.fingerprint, told)
    assert b"planted" not in pickle.dumps((again.to_plain(), report.to_plain()))
    assert "planted" not in "".join([*capsys.readouterr(), caplog.text])


def test_an_attribute_that_is_an_input_stops_the_run_before_the_training(simulated, tmp_path):
    plain, _ = prepare(simulated)
    feature = plain.players.feature_names[0]
    with pytest.raises(DataProblem, match="to be no inputs") as refused:
        prepare(with_attributes(simulated, plain.players.ids, tmp_path, feature))
    assert "planted" not in str(refused.value)
