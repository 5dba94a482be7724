import card_samples
import pytest
from metaflow.cards import VegaChart

from cards.evaluate_card import evaluate_card


def charts_of(components):
    specs = [part.render()["spec"] for part in components if isinstance(part, VegaChart)]
    return {spec["title"]["text"]: spec for spec in specs}


def test_the_review_budgets_verdict_comes_first(evaluation, read):
    text = read(evaluate_card(evaluation))
    headline = text.index("### `review_budget` finds 34 % [27, 41] of risky players at 1 % flagged")
    assert headline < text.index("- `recall_first` finds") < text.index("Test set")
    assert "a tie with extra_trees" in text
    assert "+2.1 [−3.4, +7.1] points" in text


def test_a_constraint_that_was_not_met_is_not_hidden(evaluation, read):
    text = read(evaluate_card(evaluation))
    assert '["recall_first", "recall ≥ 0.85, fewest flagged", "NOT met"' in text
    assert text.count("NOT met") == 1


def test_numbers_stand_with_their_intervals(evaluation, read):
    text = read(evaluate_card(evaluation))
    row = '["review_budget", "0.33 [0.28, 0.39]", "34 % [27, 41]", "47 % [40, 54]", "65 % [58, 72]"'
    assert row in text
    assert '["baseline extra_trees", "0.32 [0.27, 0.38]"' in text
    assert '["champion review_budget (version 9)", "0.30 [0.25, 0.36]"' in text
    assert "0.98 % [0.88, 1.08]" in text


def test_the_basis_of_the_numbers_is_told(evaluation, read):
    text = read(evaluate_card(evaluation))
    assert "Share of risky players among all: 1 % (known from truth)" in text
    assert "4,528 players, 46 known risky" in text


def test_every_chart_asks_a_question(evaluation):
    titles = list(charts_of(evaluate_card(evaluation)))
    assert len(titles) == 8
    assert all(title.endswith("?") for title in titles)


def test_the_headline_its_rival_and_its_champion_stand_out(evaluation):
    spec = charts_of(evaluate_card(evaluation))["How many risky players are found for the players flagged?"]
    assert {row["name"] for row in spec["data"]["values"]} == {
        *card_samples.DEFINITIONS,
        *(f"baseline {name}" for name in card_samples.RIVALS),
        "champion review_budget (version 9)",
    }
    (picked,) = spec["layer"][1]["params"]
    assert [item["name"] for item in picked["value"]] == [
        "review_budget",
        "champion review_budget (version 9)",
        "baseline extra_trees",
    ]


def test_the_band_walks_round_the_interval_of_recall(evaluation):
    spec = charts_of(evaluate_card(evaluation))["How often is a flagged player truly risky, the more are found?"]
    outline = spec["layer"][0]["data"]["values"][0]
    curve = evaluation["models"]["recall_first"]["test"]["test"]["curve"]
    assert len(outline["edge"]) == len(outline["precision"]) == len(outline["order"]) == 200
    assert outline["edge"][0] == pytest.approx(curve["recall_low"][0], rel=1e-4)
    assert outline["edge"][-1] == pytest.approx(curve["recall_high"][0], rel=1e-4)
    assert outline["precision"][0] == outline["precision"][-1]


def test_confusion_shows_shares_of_the_row_and_leaves_empty_rows_out(evaluation):
    for model in evaluation["models"].values():
        model["test"]["test"]["confusion"]["matrix"][0] = [0] * 5
    rows = charts_of(evaluate_card(evaluation))["Which classes are mistaken for which?"]["data"]["values"]
    assert {row["truth"] for row in rows} == {"normal", "heavy", "risky"}
    (found,) = [r for r in rows if (r["model"], r["truth"], r["called"]) == ("balanced", "risky", "risky")]
    assert found["players"] == 13
    assert found["share"] == pytest.approx(13 / 24, rel=1e-4)


def test_without_classes_the_card_says_why_there_is_no_confusion_matrix(evaluation, read):
    for model in evaluation["models"].values():
        model["test"]["test"] |= {"confusion": None, "unknown_share": None}
    assert "No confusion matrix" in read(evaluate_card(evaluation))


def test_folds_are_summed_up_with_their_spread(evaluation, read):
    text = read(evaluate_card(evaluation))
    assert '["review_budget", "0.570", "34 ± 6 %"' in text


def test_each_model_stands_against_its_own_champion(evaluation, read):
    assert '"better than version 9: +5.2 [+1.1, +9.3] points"]' in read(evaluate_card(evaluation))
    changed = {"version": 9, "difference": None, "low": None, "high": None, "verdict": "no rival"}
    evaluation["verdicts"]["review_budget"]["champion"] = changed
    assert '"version 9: not comparable"]' in read(evaluate_card(evaluation))


def test_a_first_run_has_neither_champions_nor_rivals(evaluation, read):
    alone = {"rival": None, "difference": None, "low": None, "high": None, "verdict": "no rival"}
    evaluation |= {"champions": {}, "baselines": {}}
    evaluation["verdicts"] = {name: {"sentence": f"`{name}` stands alone"} | alone for name in evaluation["verdicts"]}
    text = read(evaluate_card(evaluation))
    assert '"no rival", "–", "no champion yet"]' in text
    assert "champion review_budget" not in text


def test_a_champion_of_a_dropped_definition_is_still_drawn(evaluation, read):
    evaluation["champions"]["retired"] = evaluation["champions"]["review_budget"] | {"version": 2}
    assert "champion retired (version 2)" in read(evaluate_card(evaluation))


def test_a_team_without_a_review_budget_model_sees_its_first_definition_first(evaluation, read):
    for part in ("models", "verdicts"):
        evaluation[part].pop("review_budget")
    assert "### `recall_first` finds" in read(evaluate_card(evaluation))


def test_every_test_set_has_its_part(read):
    text = read(evaluate_card(card_samples.evaluation(("test", "new_attacks"))))
    assert text.index("## Test set `test`") < text.index("## Test set `new_attacks`")


def test_groups_of_players_stand_with_counts_and_intervals(evaluation, read):
    components = evaluate_card(evaluation)
    text = read(components)
    assert "`review_budget` at its one threshold, 0.570, on `test`" in text
    assert (
        '["sessions active share 0.233 to 1", "1,509", "31", "48 % [39, 57]", "45 % [25, 65]", "2.2 % [1.8, 2.6]"]'
        in text
    )
    assert '["sessions tenure days 0 to 21", "1,509", "0", "–", "0 % [0, 20]", "0.13 % [0, 0.53]"]' in text
    drawn = charts_of(components)["Whose risk does the model overlook?"]["data"]["values"]
    assert len(drawn) == 5  # nobody is risky among the newest


def test_without_telling_features_the_card_says_how_to_get_groups(evaluation, read):
    evaluation["subgroups"]["features"] = []
    assert "name features in `evaluate.subgroup_features`" in read(evaluate_card(evaluation))


def test_the_card_tells_what_the_model_looks_at(evaluation, read):
    components = evaluate_card(evaluation)
    text = read(components)
    assert "46 flagged players of `test` (the highest scores first) and 150 others drawn at random" in text
    rows = charts_of(components)["Which features move the risk score most?"]["data"]["values"]
    assert (len(rows), rows[0]["feature"]) == (15, "deposit mean")


def test_five_players_are_explained_in_words_and_without_names(evaluation, read):
    text = read(evaluate_card(evaluation))
    assert '["A", "0.97", "risky", "deposit mean 0.93, typical 0.21 (+0.21)", "stake mean 0.93' in text
    assert '["D", "0.66", "not known", ' in text
    assert "Names are withheld and values rounded" in text


def test_where_nobody_is_flagged_nobody_is_explained(evaluation, read):
    evaluation["explanation"]["examples"] = []
    assert "Nobody is flagged on this test set" in read(evaluate_card(evaluation))


def test_the_threshold_explorer_and_calibration_show_their_doubt(evaluation):
    charts = charts_of(evaluate_card(evaluation))
    explorer = charts["What would another threshold bring?"]
    assert {"recall_low", "precision_high"} <= set(explorer["data"]["values"][0])
    bands = [measure["layer"][0]["encoding"]["y2"]["field"] for measure in explorer["layer"][:2]]
    assert bands == ["recall_high", "precision_high"]
    assert {"low", "high"} <= set(charts["Does a risk score of 30 % mean that 30 % are risky?"]["data"]["values"][0])
