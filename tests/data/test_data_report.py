import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from scarcegan.data import records
from scarcegan.data.columns import describe_column
from scarcegan.data.folds import split
from scarcegan.data.players import fingerprint
from scarcegan.data.report import data_report
from scarcegan.data.scaling import fit_scaler
from scarcegan.words import percent


@pytest.fixture
def report(players, settings):
    """Split the players after a change, and report on them."""

    def make(change=lambda everyone: None, **sections):
        everyone = players()
        change(everyone)
        kept, fold = split(everyone, settings(**sections))
        return kept, fold, data_report(kept, fold, settings(**sections))

    return make


def test_the_report_is_json_and_names_its_players(report):
    kept, _, result = report()
    assert records.DataReport.from_plain(json.loads(json.dumps(result.to_plain(), allow_nan=False))) == result
    assert (result.source, result.cutoff, result.fingerprint) == ("tables", "", fingerprint(kept))
    assert (result.players, result.features) == (317, 3)


def test_populations_are_counted_in_pool_test_and_folds(report):
    kept, fold, result = report(folds={"k": 2})
    names = dict(zip((0, 1, 2, 3, -1), ("dormant", "normal", "heavy", "risky", "unlabeled"), strict=True))

    def count(rows):
        return {name: int(np.sum(kept.labels[rows] == label)) for label, name in names.items()}

    assert {one.name: one.pool for one in result.populations} == count(fold >= 0)
    assert {one.name: one.test for one in result.populations} == count(fold == -1)
    sides = [count(fold == number) for number in (0, 1)]
    assert result.folds == [
        records.FoldCount(number, train=sides[1 - number], validation=sides[number]) for number in (0, 1)
    ]
    [tested] = result.test_sets
    assert tested == records.TestSetCount(
        "test", players=sum(count(fold == -1).values()), risky=count(fold == -1)["risky"]
    )


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


def test_missing_values_are_named_with_their_share_and_left_out_of_all_other_figures(report):
    def change(everyone):
        everyone.features[(np.arange(317) % 4 == 0) & (everyone.labels == -1), 1] = np.nan

    kept, fold, result = report(change)
    column = kept.features[(fold >= 0) & (kept.labels == -1), 1]
    row, there = result.feature_table[1], column[~np.isnan(column)]
    share = np.isnan(column).mean()
    assert row.missing_share == pytest.approx(share)
    assert (row.mean, row.high) == (describe_column(there).mean, there.max())
    assert sum(row.histogram.unlabeled) == pytest.approx(1)
    assert (
        f"missing values, which the median fills: burst {percent(share)} of the unlabelled players" in result.warnings
    )
    assert result.feature_table[0].missing_share == 0
    json.dumps(result.to_plain(), allow_nan=False)


@pytest.mark.parametrize(("label", "name"), [(2, "heavy"), (3, "risky"), (-1, "unlabeled")])
def test_a_feature_that_one_population_lacks_altogether_is_suspected(report, label, name):
    def change(everyone):
        everyone.features[everyone.labels == label, 1] = np.nan

    _, _, result = report(change)
    assert f"all players of '{name}' lack 'burst', which others have: that alone sets them apart; " in "".join(
        result.warnings
    )
    json.dumps(result.to_plain(), allow_nan=False)


def test_a_feature_that_hardly_anybody_has_is_not_suspected_where_few_players_lack_it_by_chance(report):
    def change(everyone):
        everyone.features[(np.arange(317) % 40 != 0) | (everyone.labels == 2), 1] = np.nan

    _, _, result = report(change)
    assert not any(line.startswith("all players of") for line in result.warnings)


def test_a_feature_that_a_test_set_lacks_altogether_is_suspected(players, settings):
    apart = (np.arange(317) % 9 == 0).astype(np.int8)
    tested = replace(players(), test_set=apart, test_sets=("later",))
    tested.features[apart == 1, 1:] = np.nan
    tested.features[0, 1] = 0.5
    report = data_report(*split(tested, settings()), settings())
    [lacked] = [line for line in report.warnings if line.startswith("all players of")]
    assert lacked.startswith("all players of 'later' lack 'night', which others have")


def test_a_feature_that_gives_the_label_away_is_suspected(report):
    def change(everyone):
        everyone.features[:, 2] = (everyone.labels != 3) + everyone.features[:, 2] / 100

    _, _, result = report(change)
    assert result.warnings[0].startswith(
        "a single feature tells 'risky' from unlabelled players: 'night' (AUC 1.000): a "
    )


def test_features_that_give_the_label_away_are_named_in_one_line(report):
    def change(everyone):
        everyone.features[:, 1:3] = (everyone.labels != 3)[:, None] + everyone.features[:, 1:3] / 100

    _, _, result = report(change)
    [told] = [line for line in result.warnings if "a likely leak" in line]
    assert told.count("(AUC 1.000)") == 2


@pytest.mark.parametrize(("totals", "is_told"), [(0, False), (1, True), (5, True), (7, False)])
def test_a_row_of_sums_is_suspected_by_its_id(players, settings, totals, is_told):
    everyone = players()
    ids = everyone.ids.astype(str)
    ids[:totals] = [f"total {number}" for number in range(totals)]
    kept, fold = split(replace(everyone, ids=ids), settings())
    told = [one for one in data_report(kept, fold, settings()).warnings if "a row of sums" in one]
    assert [one.partition(" with")[0] for one in told] == [f"{totals} of 317 players"] * is_told
    assert "total" not in str(told)


@pytest.mark.parametrize(("bearers", "is_seen"), [(4, False), (5, True)])
def test_a_mark_that_the_scaler_takes_away_is_named(players, settings, bearers, is_seen):
    everyone = players({"dormant": 30, "normal": 40, "heavy": 35, "risky": 12, "unlabeled": 2_883})
    everyone.features[:, 1] = np.arange(3_000) < bearers
    told = data_report(everyone, (np.arange(3_000) % 2).astype(np.int8), settings(folds={"k": 2}))
    assert [one for one in told.warnings if "burst" in one] == [
        "hardly any players differ from the others in their values of a feature, too few for the models to see: "
        "burst (4); join such features into one in which more players do"
    ] * (not is_seen)
    scaled = fit_scaler(everyone.features, settings().scaling).apply(everyone.features)
    assert (len(np.unique(scaled[:, 1])) > 1) == is_seen


def test_few_risky_players_and_unknown_truth_are_warned_of(report):
    _, _, result = report()
    few, unknown = result.warnings
    assert few.startswith("a fold validates on 1 'risky' players: its recall moves in steps of 100\N{NO-BREAK SPACE}%")
    assert unknown.startswith("test set 'test' has no known truth: recall is measured on its labelled 'risky'")


@pytest.mark.parametrize(("k", "advice"), [(2, "; label more players"), (3, "; lower folds.k or label more players")])
def test_fewer_folds_are_advised_where_there_can_be_fewer(report, k, advice):
    _, _, result = report(folds={"k": k})
    assert result.warnings[0].endswith(advice)


def test_enough_players_and_known_truth_need_no_warning(report):
    def change(everyone):
        everyone.labels[150:220] = 3
        everyone.truth[:] = everyone.labels == 3

    _, _, result = report(change)
    assert result.warnings == []
