import json
from dataclasses import replace

import card_samples
import pytest

from cards.evaluate_card import evaluate_card
from scarcegan import words
from scarcegan.evaluation.records import Comparison, Verdict
from scarcegan.evaluation.verdict import NO_RIVAL

RECALL = "How many risky players are found for the players flagged?"
PRECISION = "How often is a flagged player risky, the more are found?"


@pytest.fixture
def card():
    return lambda evaluation, **changes: evaluate_card(evaluation, replace(card_samples.explanation(), **changes))


def with_models(evaluation, change):
    return replace(evaluation, models={name: change(model) for name, model in evaluation.models.items()})


def cells(name, *texts):
    """The beginning of a table's row as the page has it."""
    return json.dumps([name, *(text.replace(words.GAP, " ") for text in texts)], ensure_ascii=False)[:-1]


def test_the_headlines_verdict_comes_first(evaluation, card, read):
    text = read(card(evaluation))
    order = ("### `review_budget` finds", "- `recall_first` finds", "Test set <code>test</code>")
    assert sorted(order, key=text.index) == list(order)
    verdict, model = evaluation.verdicts["review_budget"], evaluation.models["review_budget"]
    told = [f"a tie with {verdict.rival}: {words.gain(verdict.against_rival)}"]
    definition, bound = "flagged share ≤ 1 %, highest recall", words.bound_state(model.bound["test"])
    assert cells("review_budget", definition, bound) in text
    assert not {">=", "<="} & set(text.split())
    assert cells("review_budget", *told) in text


def test_a_bound_that_was_missed_is_not_overlooked(evaluation, card, read):
    missed = {"test": replace(evaluation.models["recall_first"].bound["test"], state="missed")}
    text = read(card(with_models(evaluation, lambda model: replace(model, bound=missed))))
    assert '"recall ≥ 85 %, fewest flagged", "missed, ' in text


def test_numbers_stand_with_their_intervals(evaluation, card, read):
    text = read(card(evaluation))
    model, rival = evaluation.models["review_budget"].test["test"], evaluation.rivals["extra_trees"]["test"]
    ranking = [words.interval(name, getattr(model, name)) for name in ("pr_auc", "recall_at_1", "recall_at_2")]
    assert cells("review_budget", *ranking) in text
    assert cells("rival extra_trees", words.interval("pr_auc", rival.pr_auc)) in text
    assert cells("champion review_budget (version 9)") in text


def test_a_rivals_figures_say_at_which_flagged_share_they_are_taken(evaluation, card, read):
    text = read(card(evaluation))
    assert "Recall at its threshold" in text
    rival = evaluation.rivals["extra_trees"]["test"]
    assert (
        cells("rival extra_trees, at the review budget (1 % flagged)", words.interval("recall", rival.recall)) in text
    )
    verdict = evaluation.verdicts["review_budget"].sentence
    assert "of risky players where it flags 1.0 % [" in verdict
    assert "] where it flags as many: " in verdict


def test_the_basis_of_the_numbers_is_told(evaluation, card, read):
    text = read(card(evaluation))
    assert "a share of risky players of 1.3 % (estimated; with 90 % confidence 0.4 % to 2.1 %)" in text
    assert "4,500 players, 50 known risky" in text
    assert "1.1 % of them are risky, by their truth: precision is counted." in text


def test_without_truth_the_known_risky_are_counted_beside_the_unlabelled(evaluation, card, read):
    def untold(model):
        return replace(model, test={name: replace(one, truth_known=False) for name, one in model.test.items()})

    text = read(card(with_models(evaluation, untold)))
    assert "4,500 unlabelled players and 50 known risky" in text
    assert "Precision goes by a share of risky players of 1.3 % (estimated; with 90 % confidence" in text


def test_every_chart_asks_a_question(evaluation, card, drawn):
    titles = list(drawn(card(evaluation)))
    assert len(titles) == 10
    assert all(title.endswith("?") for title in titles)


def test_the_headline_its_rival_and_its_champion_stand_out(evaluation, card, drawn):
    lines = drawn(card(evaluation))[RECALL]
    standing_out = ["review_budget", "champion review_budget (version 9)", "rival extra_trees"]
    shown = [line for line in lines if not line["faint"]]
    assert [line["name"] for line in shown] == standing_out
    # Neither colour nor dash alone tells them from each other.
    assert len({line["color"] for line in shown}) == len({line["dash"] for line in shown}) == 3
    assert len(lines) == 12


@pytest.mark.parametrize(("title", "measure"), [(RECALL, "recall"), (PRECISION, "precision")])
def test_curves_lie_in_their_intervals(evaluation, card, drawn, title, measure):
    curve, line = evaluation.models["recall_first"].test["test"].curve, drawn(card(evaluation))[title][0]
    for key, end in (("y", ""), ("low", "_low"), ("high", "_high")):
        assert line[key] == pytest.approx(getattr(curve, measure + end), rel=1e-4)


@pytest.mark.parametrize(
    "title", ["What would another threshold bring?", "Does a risk score of 30 % mean that 30 % are risky?"]
)
def test_one_model_is_looked_into_at_a_time_the_headline_first(evaluation, card, drawn, title):
    lines = drawn(card(evaluation))[title]
    names = ["review_budget", "recall_first", "precision_first", "balanced"]
    assert list(dict.fromkeys(line["choice"] for line in lines)) == names
    assert lines[0]["high"]


def test_confusion_shows_shares_of_the_row_and_leaves_empty_rows_out(evaluation, card, drawn):
    def emptied(model):
        test = model.test["test"]
        matrix = [[0] * 5, [0, 0, 0, 13, 11], *test.confusion.matrix[2:]]
        return replace(model, test={"test": replace(test, confusion=replace(test.confusion, matrix=matrix))})

    found = drawn(card(with_models(evaluation, emptied)))["Which classes are mistaken for which?"]
    assert {cell["row"] for cell in found} == {"normal", "heavy", "risky", "unlabelled"}
    (told,) = [one for one in found if (one["panel"], one["row"], one["column"]) == ("balanced", "normal", "risky")]
    assert (told["label"], told["shade"]) == ("13", pytest.approx(13 / 24, rel=1e-4))


def test_without_classes_the_card_says_why_there_is_no_confusion_matrix(evaluation, card, read):
    unknown = {"confusion": None, "unknown_share": None}
    blind = with_models(evaluation, lambda model: replace(model, test={"test": replace(model.test["test"], **unknown)}))
    assert "There is no confusion matrix" in read(card(blind))


def test_folds_are_summed_up_with_their_spread(evaluation, card, read, drawn):
    components, model = card(evaluation), evaluation.models["review_budget"]
    recall = model.fold_spread["recall"]
    told = words.spread("recall", recall.mean, recall.std)
    text = read(components)
    assert cells("review_budget", words.number(model.threshold), told) in text
    # A fold's threshold goes by its figures alone: a model that promises its bound may flag far more.
    assert '"The model\'s threshold"' in text
    assert "each at a threshold of its own, which promises nothing" in text
    marks = drawn(components)["How much do the models differ from fold to fold?"]
    (mark,) = [one for one in marks if (one["name"], one["series"]) == ("Recall at its threshold", "review_budget")]
    assert mark["dots"] == pytest.approx(recall.folds, rel=1e-4)
    assert "F2 at its threshold" not in {one["name"] for one in marks}  # no share: it is not drawn in per cent


def test_each_model_stands_against_its_own_champion(evaluation, card, read):
    assert '"better than version 9: +' in read(card(evaluation))
    changed = {"review_budget": replace(evaluation.verdicts["review_budget"], against_champion=NO_RIVAL)}
    assert '"version 9: not comparable"]' in read(card(replace(evaluation, verdicts=changed)))


def test_a_relative_score_is_called_so_and_never_shown_as_a_share(evaluation, card, read):
    text = read(card(with_models(evaluation, lambda model: replace(model, score_kind="relative"))))
    assert "Scores are **relative**" in text
    assert "Does a risk score of 30 %" not in text


def test_a_first_run_has_neither_champions_nor_rivals(evaluation, card, read):
    alone = {name: Verdict(f"`{name}` stands alone", None, Comparison("no rival")) for name in evaluation.verdicts}
    text = read(card(replace(evaluation, champions={}, rivals={}, verdicts=alone)))
    assert '"no rival", "no rival", "no champion yet"]' in text
    assert "champion review_budget" not in text


def test_a_champion_of_a_dropped_definition_is_still_drawn(evaluation, card, read):
    old = replace(evaluation.champions["review_budget"], version=2)
    assert "champion retired (version 2)" in read(card(replace(evaluation, champions={"retired": old})))


def test_a_team_without_a_review_budget_model_sees_its_first_definition_first(evaluation, card, read):
    parts = {"models": dict(evaluation.models), "verdicts": dict(evaluation.verdicts)}
    for part in parts.values():
        del part["review_budget"]
    assert "### `recall_first` finds" in read(card(replace(evaluation, **parts)))


def test_every_test_set_has_its_part(card, read):
    text = read(card(card_samples.evaluation("test", "new_attacks")))
    assert text.index("Test set <code>test</code>") < text.index("Test set <code>new_attacks</code>")


FAMILIES = "What does each family bring?"


def test_each_family_stands_with_its_share_alone_and_by_the_model_without_it(evaluation, card, drawn, charts):
    components, model = card(evaluation), evaluation.models["review_budget"]
    marks = [mark for mark in drawn(components)[FAMILIES] if mark["choice"] == "review_budget"]
    names = ["ScarceGAN (24\N{NO-BREAK SPACE}%)", "small extra trees (42\N{NO-BREAK SPACE}%)", "linear (no share)"]
    assert [mark["name"] for mark in marks if mark["series"] == "this family alone"][::2] == [
        names[0], "small extra trees unlabeled (15\N{NO-BREAK SPACE}%)", names[2]
    ]  # fmt: skip
    trees = model.families[1]
    told = {mark["series"]: mark["value"] for mark in marks if mark["name"] == names[1]}
    assert told == pytest.approx(
        {"this family alone": trees.alone.value, "the model without it": trees.without.value}, rel=1e-4
    )
    # There is no model without a family that it does not have.
    assert [mark["series"] for mark in marks if mark["name"] == names[2]] == ["this family alone"]
    rules = charts(components)[FAMILIES]["layer"][-1]["data"]["values"]
    assert rules[0]["choice"] == "review_budget"
    assert rules[0]["at"] == pytest.approx(model.test["test"].pr_auc.value, rel=1e-4)


def test_a_chart_of_one_model_at_a_time_is_as_high_as_one_models_families(evaluation, card, charts):
    assert charts(card(evaluation))[FAMILIES]["height"] == 5 * 2 * 15


def test_shares_stand_by_model_and_family(evaluation, card, read):
    text = read(card(evaluation))
    assert cells("Share of the risk", "recall_first", "precision_first", "review_budget", "balanced") in text
    assert cells("ScarceGAN", "31 %", "–", "24 %", "40 %") in text
    assert cells("linear", "7 %", "–", "–", "6 %") in text


def test_scarcegan_alone_is_in_every_table_and_stands_back_in_the_charts(card, read, drawn):
    evaluation = card_samples.evaluation("test", "new_attacks")
    components = card(evaluation)
    for test_set, told in evaluation.models["review_budget"].scarcegan.items():
        ranking = [words.interval(name, getattr(told, name)) for name in ("pr_auc", "recall_at_1")]
        part = read(components).split(f"Test set <code>{test_set}</code>")[1]
        assert cells("ScarceGAN alone", *ranking) in part
        at_budget = words.interval("recall", told.recall)
        assert cells("ScarceGAN alone, at the review budget (1 % flagged)", at_budget) in part
    (line,) = [line for line in drawn(components)[RECALL] if line["name"] == "ScarceGAN alone"]
    assert (line["dash"], line["faint"]) == ("dotted", True)


def test_a_run_of_scarcegan_alone_says_nothing_of_families(evaluation, card, read, drawn):
    alone = with_models(evaluation, lambda model: replace(model, families=[], scarcegan={}))
    text = read(card(alone))
    assert "What are the models made of?" not in text
    assert "ScarceGAN alone" not in text
    assert FAMILIES not in drawn(card(alone))


def test_groups_of_players_stand_with_counts_and_intervals(evaluation, card, read, drawn):
    first, *others = evaluation.subgroups.features[1].groups
    nobody = replace(first, risky=0, recall=None)
    tenure = replace(evaluation.subgroups.features[1], groups=[nobody, *others])
    components = card(replace(evaluation, subgroups=replace(evaluation.subgroups, features=[tenure])))
    text = read(components)
    assert f"`review_budget` at its one threshold, {evaluation.subgroups.threshold:.3f}, on `test`" in text
    assert cells(f"sessions tenure days 1 to {first.high:.0f}", f"{first.players:,}", "0", "–") in text
    assert len(drawn(components)["Whose risk does the model overlook?"]) == 2


def test_without_telling_features_the_card_says_how_to_get_groups(evaluation, card, read):
    assert "name features in `evaluate.subgroup_features`" in read(card(replace(evaluation, subgroups=None)))


def test_the_card_tells_what_the_model_looks_at(evaluation, card, read, drawn):
    components = card(evaluation)
    assert "46 flagged players of `test` (the highest scores first) and 150 others drawn at random" in read(components)
    bars = drawn(components)["Which features move the risk score most?"]
    assert (len(bars), bars[0]["name"]) == (15, "deposit level")


def test_players_are_explained_in_words_and_without_names(evaluation, card, read):
    text = read(card(evaluation))
    assert '["A", "0.97", "risky", "deposit level 0.93, typical 0.21 (+0.21)", "stake level 0.93' in text
    assert '["D", "0.66", "not known", ' in text
    assert "Names are withheld and values rounded" in text
    assert "Nobody is flagged on this test set" in read(card(evaluation, examples=[]))
