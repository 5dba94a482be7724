import card_samples
import pytest
from metaflow.cards import VegaChart

from cards.preprocess_card import preprocess_card


def test_warnings_come_before_the_numbers(data_report, read):
    text = read(preprocess_card(data_report))
    assert text.index("2 things to look at") < text.index("20,000") < text.index("Features")
    assert "a fold validates on 19 'risky' players" in text


def test_a_suspect_is_named_once(data_report, read):
    assert read(preprocess_card(data_report)).count("a likely leak") == 1
    assert read(preprocess_card(data_report | {"warnings": []})).count("a likely leak") == 1


def test_a_clean_report_says_so(data_report, read):
    assert "Nothing to worry about" in read(preprocess_card(data_report | {"warnings": [], "suspects": []}))


def test_populations_and_folds_are_counted(data_report, read):
    text = read(preprocess_card(data_report))
    for number in ("14,416", "4,264", "18,680", "76 / 20", "77 / 19", "11,533 / 2,883", "4,528", "46 of them risky"):
        assert number in text


def test_features_are_ranked_by_how_well_they_separate(data_report, read):
    text = read(preprocess_card(data_report))
    listed = text[text.rindex("99th percentile") :]
    assert listed.index("support_contacts_after_cutoff") < listed.index("deposit_mean") < listed.index("stake_mean")
    assert "0.82" in listed


def test_hundreds_of_features_do_not_flood_the_card(data_report, read):
    features = [row | {"name": f"{row['name']}_{copy}"} for row in data_report["feature_table"] for copy in range(20)]
    assert "and 500 more" in read(preprocess_card(data_report | {"feature_table": features}))


def test_a_risky_step_ends_at_the_last_edge(data_report):
    charts = [part for part in preprocess_card(data_report) if isinstance(part, VegaChart)]
    rows = charts[-1].render()["spec"]["data"]["values"]
    risky = [row for row in rows if row["players"] == "risky" and row["feature"] == "deposit_mean"]
    histogram = next(row["histogram"] for row in data_report["feature_table"] if row["name"] == "deposit_mean")
    assert len(risky) == 21
    assert risky[-1]["low"] == pytest.approx(histogram["edges"][-1], rel=1e-4)


def test_a_population_without_test_players_has_no_point_on_the_logarithmic_axis(data_report):
    data_report["populations"][0]["test"] = 0
    charts = [part for part in preprocess_card(data_report) if isinstance(part, VegaChart)]
    rows = charts[0].render()["spec"]["data"]["values"]
    assert len(rows) == 9
    assert all(row["players"] > 0 for row in rows)


def test_a_snapshot_with_a_predecessor_shows_what_moved(data_report, read):
    parts = preprocess_card(data_report | {"snapshot": card_samples.snapshot()})
    text = read(parts)
    assert "`players-2024-06-30`, 60 days, missing for everyone: 2024-05-03, 2024-05-04; code 0a1b2c3d." in text
    assert "1 feature of 3 moved far** since `players-2024-05-31` (cut-off 2024-05-31)" in text
    assert "Days without play, of 60" in text
    assert "12.2" in text
    charts = [part.render()["spec"]["data"]["values"] for part in parts if isinstance(part, VegaChart)]
    [moved] = [rows for rows in charts if "psi" in rows[0]]
    assert [row["feature"] for row in moved] == ["bets_level", "night_trend", "stake_peak"]


def test_the_first_snapshot_says_that_drift_is_not_known(data_report, read):
    first = card_samples.snapshot() | {"previous": None, "drift": [], "missing_days": [], "quiet_days": {}}
    text = read(preprocess_card(data_report | {"snapshot": first}))
    assert "none missing for everyone" in text
    assert "drift is not known yet" in text
    assert "Days without play" not in text
    assert "moved far" not in text


def test_other_sources_have_no_part_on_a_snapshot(data_report, read):
    assert "Snapshot" not in read(preprocess_card(data_report))
