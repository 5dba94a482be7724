from dataclasses import replace

import card_samples
import pytest

from cards.preprocess_card import preprocess_card

NAMES = ("unlabeled", "risky")


def test_warnings_come_before_the_numbers(data_report, read):
    text = read(preprocess_card(data_report, None))
    order = ("2 things to look at", "a likely leak", "test set 'test' has no known truth", '"6,000"', "## Features")
    assert sorted(order, key=text.index) == list(order)


def test_a_clean_report_says_so_and_without_a_snapshot_has_no_part_on_it(data_report, read):
    text = read(preprocess_card(replace(data_report, warnings=[]), None))
    assert "Nothing to worry about" in text
    assert "## Snapshot" not in text


def test_markup_in_a_name_stays_text(data_report, read):
    marked = replace(data_report, warnings=["feature '<b>loud</b>' is constant", "share <= 1 %"])
    text = read(preprocess_card(marked, None))
    assert "\\\\<b>loud\\\\</b>" in text
    assert "share <= 1 %" in text


def test_the_end_bars_of_a_histogram_say_whom_they_hold(data_report, read):
    text = read(preprocess_card(data_report, None))
    assert "the first and the last bar hold everybody beyond" in text
    unlabeled, risky = (next(one.pool for one in data_report.populations if one.name == name) for name in NAMES)
    assert f"the pool's {unlabeled:,} unlabelled players; beside them stand its {risky} risky ones" in text


def test_populations_and_folds_are_counted(data_report, read):
    text = read(preprocess_card(data_report, None))
    risky = data_report.populations[3]
    assert f'["risky", "{risky.pool}", "{risky.test}", "120"]' in text
    fold = data_report.folds[0]
    assert f"{fold.train['unlabeled']:,} / {fold.validation['unlabeled']}" in text
    assert f"{risky.test} of them risky" in text


def test_features_are_ranked_by_how_well_they_separate(data_report, read, drawn):
    card = preprocess_card(data_report, None)
    ranked = sorted(data_report.feature_table, key=lambda row: -row.auc)
    bars = drawn(card)["Which features alone tell risky players from the unlabelled?"]
    assert [bar["name"] for bar in bars] == [row.name for row in ranked[:15]]
    assert [bar["series"] for bar in bars[:2]] == ["likely leak", "feature"]
    listed = read(card).rpartition("99th percentile")[2]
    assert listed.index(f'"{ranked[0].name}"') < listed.index(f'"{ranked[-1].name}"')


def test_the_share_of_missing_values_stands_with_each_feature(data_report, read):
    first, *others = data_report.feature_table
    text = read(
        preprocess_card(replace(data_report, feature_table=[replace(first, missing_share=0.29), *others]), None)
    )
    assert '"Missing", "Zero"' in text
    assert f'["{first.name}", "{first.auc:.3f}", "29 %", ' in text


def test_hundreds_of_features_do_not_flood_the_card(data_report, read):
    table = [replace(row, name=f"{row.name}_{copy}") for row in data_report.feature_table for copy in range(20)]
    assert "and 500 more" in read(preprocess_card(replace(data_report, feature_table=table), None))


def test_the_last_step_of_a_distribution_ends_at_the_last_edge(data_report, drawn):
    lines = drawn(preprocess_card(data_report, None))["Where do risky players differ from the unlabelled?"]
    edges = {row.name: row.histogram.edges for row in data_report.feature_table}
    for line in lines:
        assert line["x"] == pytest.approx(edges[line["panel"].split("\n")[0]], rel=1e-4)
        assert line["y"][-1] == line["y"][-2]


def test_bars_that_hold_everyone_beyond_them_say_so(data_report, drawn):
    lowest = replace(data_report.feature_table[1], name="lowest", auc=0.999, low=0.0)
    bins = replace(lowest.histogram, edges=[0.0, *lowest.histogram.edges[1:]])
    report = replace(data_report, feature_table=[*data_report.feature_table, replace(lowest, histogram=bins)])
    lines = drawn(preprocess_card(report, None))["Where do risky players differ from the unlabelled?"]
    panels = [line["panel"].split("\n") for line in lines]
    assert ["deposit_level", "first bar: 914 and below", "last bar: 14,634 and above"] in panels
    assert next(told[1:] for told in panels if told[0] == "lowest") == ["last bar: 14,436 and above"]


def test_a_snapshot_with_a_predecessor_shows_what_moved(data_report, read, drawn):
    card = preprocess_card(data_report, card_samples.snapshot())
    text = read(card)
    assert "`players-2024-06-30`, 60 days, missing for everyone: 2024-05-03, 2024-05-04; code 0a1b2c3d." in text
    assert "1 feature of 3 moved far** since `players-2024-05-31` (cut-off 2024-05-31)" in text
    assert "Mean days without play, of 60" in text
    assert '"12.2"]' in text
    moved = drawn(card)["Which features have moved since the previous snapshot?"]
    assert [row["series"] for row in moved] == ["moved far", "near where it was", "near where it was"]


def test_the_first_snapshot_says_that_drift_is_not_known(data_report, read):
    first = replace(card_samples.snapshot(), previous="", moves=[], missing_days=[], quiet_days={})
    text = read(preprocess_card(data_report, first))
    assert "no day is missing for everyone" in text
    assert "drift is not known yet" in text
    assert "Days without play" not in text
    assert "moved far" not in text
