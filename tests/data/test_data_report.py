import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from scarcegan.data import records
from scarcegan.data.columns import describe_column
from scarcegan.data.fingerprint import fingerprint
from scarcegan.data.folds import split
from scarcegan.data.report import data_report


@pytest.fixture
def report(players, settings):
    """Split the players after a change, and report on them."""

    def make(change=lambda everyone: None, **sections):
        everyone = players()
        change(everyone)
        kept, fold = split(everyone, settings(**sections), np.random.default_rng(0))
        return kept, fold, data_report(kept, fold, settings(**sections))

    return make


def test_the_report_is_json_and_names_its_players(report):
    kept, _, result = report()
    assert records.DataReport.from_plain(json.loads(json.dumps(result.to_plain(), allow_nan=False))) == result
    assert (result.source, result.cutoff, result.fingerprint) == ("tables", "", fingerprint(kept))
    assert (result.players, result.features) == (317, 3)


def test_populations_are_counted_in_pool_test_and_folds(report):
    _, _, result = report(folds={"k": 2})
    assert [(one.name, one.pool, one.test) for one in result.populations] == [
        ("dormant", 24, 6),
        ("normal", 32, 8),
        ("heavy", 28, 7),
        ("risky", 10, 2),
        ("unlabeled", 160, 40),
    ]
    half = {"dormant": 12, "normal": 16, "heavy": 14, "risky": 5, "unlabeled": 64}
    assert result.folds == [records.FoldCount(fold, train=half, validation=half) for fold in (0, 1)]
    assert result.test_sets == [records.TestSetCount("test", players=63, risky=2)]


def test_features_are_described_over_the_unlabelled_players_of_the_pool(report):
    kept, fold, result = report()
    unlabeled = (fold >= 0) & (kept.labels == -1)
    row, column = result.feature_table[1], kept.features[unlabeled, 1]
    described = describe_column(column)
    assert row.name == "burst"
    assert {key: getattr(row, key) for key in described.to_plain()} == described.to_plain()
    assert row.p99 == np.sort(column)[int(0.99 * len(column))]


def test_a_feature_tells_how_well_it_separates_the_rare_class_from_the_unlabelled(report):
    kept, fold, result = report()
    compared = (fold >= 0) & ((kept.labels == 3) | (kept.labels == -1))
    auc = roc_auc_score(kept.labels[compared] == 3, kept.features[compared, 1])
    assert result.feature_table[1].auc == pytest.approx(max(auc, 1 - auc))


def test_histograms_share_edges_and_count_everybody(report):
    def change(everyone):
        everyone.features[5, 0] = 1e6

    _, _, result = report(change)
    histogram = result.feature_table[0].histogram
    assert len(histogram.edges) == 21
    assert histogram.edges[-1] <= 1
    for shares in (histogram.rare, histogram.unlabeled):
        assert len(shares) == 20
        assert sum(shares) == pytest.approx(1)


def test_a_feature_that_only_other_populations_have_has_a_histogram(report):
    def change(everyone):
        everyone.features[:, 2] = everyone.labels == 0

    _, _, result = report(change)
    row = result.feature_table[2]
    assert row.auc == 0.5
    assert sum(row.histogram.rare) == pytest.approx(1)


def test_a_feature_that_gives_the_label_away_is_suspected(report):
    def change(everyone):
        everyone.features[:, 2] = (everyone.labels != 3) + everyone.features[:, 2] / 100

    _, _, result = report(change)
    assert "feature 'night' alone tells 'risky' from unlabelled players (AUC 1.000)" in result.warnings[0]


def test_few_risky_players_and_unknown_truth_are_warned_of(report):
    _, _, result = report()
    few, unknown = result.warnings
    assert few.startswith("a fold validates on 2 'risky' players: its recall moves in steps of 50%")
    assert unknown.startswith("test set 'test' has no known truth: recall is measured on its labelled 'risky'")


def test_enough_players_and_known_truth_need_no_warning(report):
    def change(everyone):
        everyone.labels[150:200] = 3
        everyone.truth[:] = everyone.labels == 3

    _, _, result = report(change)
    assert result.warnings == []
