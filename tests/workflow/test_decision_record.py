"""`scarcegan explain`: the decision on one player as it was made, for when it is contested."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from scarcegan import settings as settings_module
from scarcegan.cli import app
from scarcegan.outcomes.forgetting import erase
from scarcegan.outcomes.store import open_outcomes
from scarcegan.workflow.scoring.records import DecisionRecord

SNAPSHOT = "players-2026-01-01"


@pytest.fixture
def chosen(scoring, registry, tmp_path):
    """Settings with a registry, outcomes and words of the test's own."""
    places = {"outcomes": {"folder": str(tmp_path / "outcomes")}, "registry": {"path": str(tmp_path / "registry")}}
    definition = {"definitions": [{"name": "balanced", "maximise": "f2"}]}
    return settings_module.load(scoring.model_dump(mode="json") | places | definition)


@pytest.fixture
def explain(chosen, tmp_path, monkeypatch):
    """Run `scarcegan explain`."""
    monkeypatch.setattr("scarcegan.cli.commands.settings_of", lambda _: chosen)

    def explain(player, *arguments, snapshot=SNAPSHOT):
        return CliRunner().invoke(app, ["explain", str(player), "--snapshot", snapshot, *arguments])

    return explain


@pytest.fixture
def record(explain):
    """The record of one player, as JSON tells it."""

    def record(player, *arguments):
        result = explain(player, "--json", *arguments)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return record


def test_the_record_has_what_the_decision_was_made_of(snapshot, score, record, champion, model):
    report, _, frame = score()
    player = frame["risk_score"].idxmax()
    found = record(player)
    assert found["plan"]["model"]["version"] == champion.version
    assert found["plan"]["model"]["release_id"] == "release-11"
    assert found["plan"]["model"]["sha256"] == champion.sha256
    assert (found["plan"]["run"], found["plan"]["snapshot"]["fingerprint"]) == ("ScoreFlow/21", snapshot.fingerprint)
    assert found["plan"]["folder"] == report.plan.folder
    assert (found["is_flagged"], found["score_kind"]) == (True, "relative")
    assert found["score"] == pytest.approx(frame.loc[player, "risk_score"], abs=1e-6)
    assert found["recorded_score"] == pytest.approx(found["score"], abs=1e-6)
    assert found["threshold"] == pytest.approx(model.threshold)
    assert DecisionRecord.from_plain(found).player_id == str(player)


def test_inputs_and_markers_add_up_to_the_score(snapshot, score, record, prepared):
    _, _, frame = score()
    player = int(frame["risk_score"].idxmax())
    found = record(player)
    inputs = {one["feature"]: one["value"] for marker in found["markers"] for one in marker["features"]}
    row = prepared.players.features[len(prepared.players.features) - player]
    assert inputs == pytest.approx(dict(zip(prepared.players.feature_names, row.tolist(), strict=True)))
    total = sum(marker["attribution"] for marker in found["markers"])
    assert total == pytest.approx(found["score"] - found["typical_score"], abs=0.05)
    assert {marker["name"] for marker in found["markers"]} == {"time of day", "spend", "other"}


def test_what_would_have_to_change_makes_the_flag_fall(snapshot, score, record, model, prepared):
    _, _, frame = score()
    told = 0
    for player in frame.index[frame["is_flagged"]][:8]:
        found = record(player)["counterfactual"]
        if found is None:
            continue
        row = prepared.players.features[len(prepared.players.features) - player].copy()
        for change in found["changes"]:
            row[model.feature_names.index(change["feature"])] = change["wanted"]
        assert not model.flags(model.risk(row[None, :]))[0]
        told += 1
    assert told


def test_whoever_is_not_flagged_is_told_so(snapshot, score, record, explain):
    _, _, frame = score()
    player = frame["risk_score"].idxmin()
    found = record(player)
    assert (found["is_flagged"], found["counterfactual"]) == (False, None)
    assert "The player is not flagged." in explain(player).stdout


def test_outcomes_of_the_player_are_told_and_nobody_elses(snapshot, score, record, chosen):
    _, _, frame = score()
    player, other = frame["risk_score"].nlargest(2).index
    store = open_outcomes(chosen.outcomes, chosen.registry.group)
    when = pd.Timestamp("2026-01-20", tz="UTC").as_unit("us")
    rows = pd.DataFrame({"player_id": [str(player), str(other)], "decision": ["harmless", "risky"]})
    store.add(rows.assign(snapshot=SNAPSHOT, reviewer="rita", when=when, reason="called", recorded_at=when))
    found = record(player)
    assert [(one["decision"], one["reviewer"]) for one in found["outcomes"]] == [("harmless", "rita")]
    assert found["label"] == "harmless"


def test_a_terminal_and_a_page_tell_the_same(snapshot, score, explain, tmp_path):
    _, _, frame = score()
    page = tmp_path / "record.html"
    shown = explain(frame["risk_score"].idxmax(), "--html", str(page))
    assert shown.exit_code == 0
    for told in (
        "flagged",
        "version 1",
        "release-11",
        "ScoreFlow/21",
        "time of day",
        "usually",
        "would have to change",
    ):
        assert told in shown.stdout
    assert "Decision record" in page.read_text()


def test_a_version_that_has_not_scored_tells_what_it_would_decide(snapshot, champion, record):
    found = record(1)
    assert (found["plan"]["run"], found["recorded_score"]) == ("", None)
    assert found["plan"]["model"]["version"] == champion.version


def test_the_decision_is_told_after_the_champion_was_replaced(
    snapshot, score, record, registry, publish, model, tmp_path
):
    _, _, frame = score()
    registry.reject(1, who="rita", why="too many")
    assert record(frame["risk_score"].idxmax())["plan"]["model"]["version"] == 1


def test_an_unknown_player_is_refused_in_one_message_that_names_nobody(snapshot, score, explain):
    score()
    refused = explain("p-4711-unknown")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert f"expected a player of snapshot '{SNAPSHOT}' (820 players)" in refused.stderr
    assert "check the id" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


def test_an_unknown_snapshot_is_answered_with_the_known_ones(snapshot, champion, explain):
    refused = explain(1, snapshot="players-2031-01-01")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert SNAPSHOT in refused.stderr


def test_a_snapshot_that_was_replaced_since_is_refused(snapshot, score, explain, publish, model, chosen):
    score()
    folder = Path(chosen.snapshots.folder, SNAPSHOT)
    for file in folder.iterdir():
        file.unlink()
    publish(np.ones((50, len(model.feature_names)), np.float32), model.feature_names)
    assert "it was replaced since" in explain(1).stderr


def test_ids_are_found_as_text_too(publish, prepared, model, score, record):
    publish(prepared.players.features, model.feature_names, text=True)
    _, _, frame = score()
    player = frame["risk_score"].idxmax()
    assert record(f" {player}")["player_id"] == player


def test_a_team_reads_its_own_words(snapshot, score, explain, chosen, monkeypatch):
    _, _, frame = score()
    their = settings_module.load(chosen.model_dump(mode="json") | {"words": {"row": "card", "rare": "fraud"}})
    monkeypatch.setattr("scarcegan.cli.commands.settings_of", lambda _: their)
    shown = explain(frame["risk_score"].idxmin()).stdout
    assert "The card is not flagged." in shown
    assert "player is" not in shown


@pytest.mark.usefixtures("project_apart")
def test_whoever_else_was_forgotten_since_a_decision_is_still_told(snapshot, score, record, explain, champion, chosen):
    _, _, frame = score()
    whom, other = frame.index[0], frame["risk_score"].idxmax()
    before = record(other)
    erase(chosen, str(whom), "rita", "2026-03-01T09:00:00Z", [])
    after = record(f"{other}.0")  # an id as some table has it
    told = ("player_id", "score", "recorded_score", "threshold", "is_flagged")
    assert [after[name] for name in told] == [before[name] for name in told]
    assert "got an id that none of them has" in explain(whom).stderr
