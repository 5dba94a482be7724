"""Watching snapshots in the store: reports, recall on later labels, records that are written once."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scarcegan.aws.model_monitor import model_monitor_files
from scarcegan.data.scaling import Scaler
from scarcegan.monitoring import measures
from scarcegan.monitoring.measures import scored_players, two_sample_test
from scarcegan.monitoring.watch import Watch
from scarcegan.registry import ModelVersion
from scarcegan.serving.forward import Layer
from scarcegan.serving.model import Model
from scarcegan.serving.networks import Networks
from scarcegan.settings import Monitoring, Populations
from scarcegan.snapshots import open_snapshots
from scarcegan.snapshots.labels import read_labels

COLUMNS = ("spare", "level", "night", "losses")
FEATURES = ("losses", "level", "night")  # the champion's own order, without a column that it does not know
MONTHS = tuple(f"2026-{month:02d}-01" for month in range(1, 8))
ALL = {"features", "classifier", "score"}


def risk_by_losses(features=FEATURES):
    """A model whose risk grows with losses and that flags one player in ten."""
    weights = np.zeros((1, 3, 3), np.float32)
    weights[0, 0] = [-1, 2, 0]
    knots, values = (np.tile(np.linspace(*ends, 9, dtype=np.float32), (3, 1)) for ends in ((0, 30), (-2, 2)))
    layer = Layer(weights, np.zeros((1, 3), np.float32))
    part = Networks(Scaler("quantile_normal", knots, values), (layer,), 0.2)
    return Model(("normal", "risky", "unknown"), 1, features, 0.9, "review_budget", (part,))


def champion(snapshot=MONTHS[3], version=1, **facts):
    """What the registry says of it: it promises to find nearly all risky players."""
    names = ("release_id", "origin_run_id", "run_pathspec", "description", "location", "sha256", "token", "created_at")
    return ModelVersion(
        version=version,
        group="shelf",
        definition="review_budget",
        status="Approved",
        is_champion=True,
        threshold=0.9,
        release_size=1,
        metrics={"recall": 0.95},
        metadata={"snapshot": f"players-{snapshot}"} | facts if snapshot else facts,
        **dict.fromkeys(names, ""),
    )


@pytest.fixture(scope="module", autouse=True)
def one_classifier_for_each_pair():
    """Most tests compare the same months: train the classifier of the drift check once for each pair of tables."""
    known = {}

    def remembered(before, now, **how):
        key = (before.shape, before.tobytes(), now.tobytes(), *how.items())
        if key not in known:
            known[key] = two_sample_test(before, now, **how)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measures, "two_sample_test", remembered)
        yield


@pytest.fixture
def store(tmp_path):
    return open_snapshots(str(tmp_path / "snapshots"))


@pytest.fixture
def month(store, publish_snapshot):
    """Publish a month's 1,200 players; the losses of the first 120 are high."""

    def publish(cutoff, seed, factor=1.0):
        features = (np.random.default_rng(seed).gamma(2, 3, (1_200, len(COLUMNS))) * factor).astype(np.float32)
        features[:120, 3] += 20 * factor
        publish_snapshot(store, f"players-{cutoff}", cutoff, features, COLUMNS, shards=3)

    for number, cutoff in enumerate(MONTHS):  # from the fifth on, everything is two and a half times as large
        publish(cutoff, number, 2.5 if number > 3 else 1.0)
    return publish


@pytest.fixture
def watch(month, store):
    """Watch the snapshot of a month, with or without labels; further arguments are `[monitoring]`."""

    def watch(number, version=champion(), labels=None, model=risk_by_losses(), scored=None, **rule):  # noqa: B008
        known = read_labels(str(labels), Populations()) if labels else None
        snapshot = f"players-2026-{number:02d}-01"
        return Watch(model, version, store, Monitoring(**rule), 7, known, scored=scored).watch(snapshot)

    return watch


@pytest.fixture
def kept(store):
    """Read the records of all periods, by file name."""

    def kept():
        files = sorted(Path(store.folder, "_drift", "shelf", "review_budget").glob("*.json"))
        return {file.name: json.loads(file.read_text()) for file in files}

    return kept


@pytest.fixture
def labels(tmp_path):
    """Write labels of risky players that describe them from April on."""

    def write(players, known_at="2026-04-20", since="2026-04-01"):
        table = pd.DataFrame({"player_id": players, "population": "risky", "since": since, "source": "review"})
        table.assign(known_at=known_at).to_parquet(tmp_path / "labels.parquet")
        return tmp_path / "labels.parquet"

    return write


def test_a_moved_snapshot_is_watched_first_and_retrained_on_when_it_stays(watch):
    first, second = watch(5), watch(6)
    assert [one.decision.action for one in (first, second)] == ["watch", "retrain"]
    assert set(second.decision.causes) <= {"classifier", "score"}
    assert set(first.drift.beyond) >= ALL
    assert first.drift.reference.name == "players-2026-04-01"
    assert {feature.name for feature in first.drift.features} == set(FEATURES)


def test_what_the_champion_was_trained_on_has_not_drifted(watch):
    watched = watch(4)
    assert (watched.drift.beyond, watched.decision.action) == ([], "no action")


def test_limits_come_from_the_pairs_before_the_reference(watch):
    assert watch(5).drift.pairs == 3
    assert watch(5, champion(MONTHS[2], 2)).drift.pairs == 0


def test_snapshots_that_are_published_late_set_limits_from_then_on(watch, month):
    assert watch(4, champion(MONTHS[2], 2)).drift.pairs == 0
    month("2025-12-01", 9)
    assert watch(5, champion(MONTHS[2], 2)).drift.pairs == 3


def test_the_pair_across_which_the_players_moved_is_not_what_is_usual(watch, month):
    """Six pairs end with July; the one from April to May is left out, May to June is as stable as any."""
    watch(5), watch(6)
    month("2026-08-01", 9)
    watched = watch(8, champion(MONTHS[6], 2))
    assert watched.drift.pairs == 5
    assert set(watched.drift.beyond) >= ALL


def test_watching_again_gives_what_is_on_record(watch):
    assert watch(5) == watch(5)


@pytest.mark.parametrize(
    ("changed", "measured"),
    [
        ({"reference": "players-2026-03-01"}, lambda drift: drift.reference.name == "players-2026-03-01"),
        ({"false_alarms": 0.2}, lambda drift: drift.false_alarms == 0.2),
        ({"rows": 300}, lambda drift: drift.current.compared == drift.reference.compared == 300),
        ({"pairs": 0}, lambda drift: drift.pairs == 0),
        ({"version": replace(champion(), sha256="b" * 64)}, lambda drift: drift.pairs == 3),
    ],
)
def test_what_a_record_depends_on_measures_again_in_its_place(watch, kept, changed, measured):
    watch(5)
    [(name, before)] = kept().items()
    watched = watch(5, **changed)
    assert measured(watched.drift)
    [(again, after)] = kept().items()
    assert again == name
    assert after["basis"] != before["basis"]
    assert watch(5, **changed) == watched


def test_labels_that_come_later_are_used(watch, labels, kept):
    assert watch(5).drift.recall is None
    players = [*range(1, 11), *range(700, 730)]
    assert watch(5, labels=labels(players)).drift.recall.risky == 40
    assert watch(5, labels=labels(players[:39])).drift.recall.risky == 39
    assert len(kept()) == 1


def test_limits_of_past_pairs_replace_those_of_chance_once_they_are_known(watch, month, kept):
    assert watch(4, champion(MONTHS[2], 2)).drift.pairs == 0
    month("2025-12-01", 9)
    assert watch(4, champion(MONTHS[2], 2)).drift.pairs == 3
    assert len(kept()) == 1


def test_a_decision_follows_the_rule_and_the_earlier_periods_of_today(watch, kept):
    """What is measured stays: a decision is quickly made."""
    watch(6)
    assert watch(6).decision.action == "watch"
    watch(5)
    assert watch(6).decision.action == "retrain"
    assert watch(6, retrain_after={"classifier": 3}).decision.action == "watch"
    assert [one["decision"]["signals"]["classifier"]["periods"] for one in kept().values()] == [1, 2]


def test_a_retraining_that_was_asked_for_rests_the_next_though_its_record_is_replaced(watch):
    watch(5), watch(6)
    assert watch(6, retrain_after={"classifier": 3}).decision.has_asked
    decision = watch(7).decision
    assert decision.action == "watch"
    assert "a retraining was asked for at 2026-06-01" in decision.reasons[-1]


def test_measures_of_older_code_are_measured_again_and_their_periods_count(watch, kept, store):
    watch(5)
    [(name, plain)] = kept().items()
    old = {"drift": {"flags": ["score"]}, "decision": plain["decision"]}
    Path(store.folder, "_drift", "shelf", "review_budget", name).write_text(json.dumps(old))
    assert watch(6).decision.signals["classifier"].periods == 2
    assert "cannot be read" not in " ".join(watch(5).decision.reasons)
    assert kept()[name]["drift"] == plain["drift"]


def test_shares_are_those_of_everyone_scored_though_few_are_drawn(watch):
    scored = scored_players(1_200, 130, 240, [0.1, 0.9])
    drift = watch(5, scored=scored, rows=300).drift
    assert drift.score.now == scored
    assert drift.unknown_share.now.value == 0.2
    assert (drift.current.compared, drift.score.before.players) == (300, 300)


def test_a_later_period_does_not_change_an_earlier_decision(watch):
    """A snapshot that is scored late counts the periods before its own cut-off, none after it."""
    watch(6)
    assert watch(5).decision.action == "watch"


def test_another_champion_counts_its_own_periods(watch):
    watch(5)
    decision = watch(6, champion(version=2)).decision
    assert (decision.action, decision.signals["classifier"].periods) == ("watch", 1)


def test_a_record_that_cannot_be_read_is_left_out_and_named(watch, store):
    watch(5)
    [record] = Path(store.folder, "_drift", "shelf", "review_budget").glob("2026-05-01_*.json")
    plain = json.loads(record.read_text())
    record.write_text(json.dumps(plain | {"decision": {"action": "watch"}}))
    for number, least in ((6, 1), (5, 1)):  # as an earlier period, and as the one that is watched
        decision = watch(number).decision
        assert (decision.action, decision.signals["classifier"].periods) == ("watch", least)
        assert f"{record.name} cannot be read and is left out" in decision.reasons[-1]
    record.write_text(json.dumps(plain | {"drift": plain["drift"] | {"flags": ["what older code kept, too"]}}))
    assert watch(7).decision.signals["classifier"].periods == 3


@pytest.mark.parametrize("damage", [lambda pairs: pairs[:1], lambda pairs: [pairs[0] | {"psi": [0.1]}, *pairs[1:]]])
def test_limits_of_pairs_that_somebody_has_damaged_are_measured_again(watch, store, damage):
    before = watch(5).drift
    [limits] = Path(store.folder, "_drift", "shelf", "review_budget", "limits").glob("*.json")
    whole = limits.read_text()
    limits.write_text(json.dumps({"pairs": damage(json.loads(whole)["pairs"])}))
    after = watch(6).drift
    assert (after.pairs, after.score.limit) == (before.pairs, before.score.limit)
    assert limits.read_text() == whole


def test_recall_is_measured_on_labels_that_came_after_the_scoring(watch, labels, store):
    """Of 40 players labelled in May, the champion had flagged most of the 10 with high losses in April."""
    players = [*range(1, 11), *range(700, 730)]
    watched = watch(5, labels=labels(players))
    recall = watched.drift.recall
    assert (recall.snapshot, recall.risky, recall.registered) == ("players-2026-04-01", 40, 0.95)
    april = store.read("players-2026-04-01")
    rows = np.flatnonzero(np.isin(april.ids, players))
    columns = [COLUMNS.index(name) for name in FEATURES]
    found = np.count_nonzero(risk_by_losses().risk(april.features[np.ix_(rows, columns)]) >= 0.9)
    assert 0 < recall.found == found < 15
    assert (watched.decision.action, watched.decision.causes) == ("retrain", ["recall"])


@pytest.mark.parametrize(
    ("known_at", "facts"),
    [
        ("2026-05-20", {}),  # not known yet
        ("2026-04-20", {"labels_known_by": "2026-04-25"}),  # the champion was trained on it
    ],
)
def test_labels_of_another_time_tell_nothing_of_recall(watch, labels, known_at, facts):
    assert watch(5, champion(**facts), labels(range(1, 40), known_at)).drift.recall is None


def test_a_player_known_before_is_no_discovery(watch, labels):
    again, since = [*range(1, 40), *range(1, 40)], ["2026-03-15"] * 39 + ["2026-04-01"] * 39
    assert watch(5, labels=labels(again, since=since, known_at=since)).drift.recall is None


@pytest.mark.parametrize(
    ("snapshot", "features", "reason"),
    [
        ("", FEATURES, "was not trained on a snapshot; name one in monitoring.reference"),
        ("2020-01-01", FEATURES, "there is no snapshot 'players-2020-01-01'"),
        (MONTHS[3], ("stakes", *FEATURES[1:]), "lacks 1 feature of the champion, such as 'stakes'"),
    ],
)
def test_without_a_reference_a_person_should_look(watch, snapshot, features, reason):
    """Scores are written by now: they must not be lost for it."""
    watched = watch(5, champion(snapshot), model=risk_by_losses(features))
    assert (watched.drift, watched.decision.action) == (None, "watch")
    assert reason in watched.decision.reasons[0]
    assert model_monitor_files(watched)["constraints"] == ""


def test_another_snapshot_of_the_same_name_is_no_reference_until_someone_names_it(watch, store, month):
    """What the champion has seen is gone: another one's players would hide what has moved since, or make it up."""
    trained_on = champion(snapshot_origin=store.describe("players-2026-04-01").origin)
    assert watch(5, trained_on).drift is not None
    shutil.rmtree(Path(store.folder, "players-2026-04-01"))
    month("2026-04-01", 11)
    [reason] = watch(5, trained_on).decision.reasons
    assert "is not the one that version 1 was trained on" in reason
    assert watch(5, trained_on, reference="players-2026-04-01").drift is not None


def test_features_that_only_the_reference_has_are_not_compared(watch, store, publish_snapshot):
    renamed = np.ones((300, 3), np.float32)
    publish_snapshot(store, "players-2026-08-01", "2026-08-01", renamed, ("level", "night", "lost"), shards=1)
    [reason] = watch(8).decision.reasons
    assert "snapshot 'players-2026-08-01' lacks 1 feature of the champion, such as 'losses'" in reason


def test_a_reference_can_be_named_afterwards(watch):
    assert watch(5, champion(snapshot="")).drift is None
    watched = watch(5, champion(snapshot=""), reference="players-2026-03-01")
    assert watched.drift.reference.name == "players-2026-03-01"


def test_model_monitors_files_are_those_of_the_snapshot_and_its_reference(watch):
    files = model_monitor_files(watch(5))
    assert json.loads(files["statistics"])["dataset"]["item_count"] == 1_200
    assert len(json.loads(files["constraints"])["features"]) == len(COLUMNS)


def test_only_so_many_players_are_compared(watch):
    drift = watch(5, rows=500).drift
    assert (drift.current.compared, drift.current.players, drift.reference.compared) == (500, 1_200, 500)
