import re
from dataclasses import replace

from cards.review_report import review_report
from cards.theme import html_page
from scarcegan import words


def test_every_part_that_a_reviewer_needs_is_there_in_order(dossier, read):
    titles = [
        "Purpose",
        "Data",
        "Method",
        "Test set `test`",
        "What are the models made of?",
        "Limits of use",
        "Harms of mistakes",
    ]
    titles += ["Does it serve all players alike?", "Where it comes from", "Who approved it"]
    text = read(review_report(dossier))
    assert sorted(titles, key=lambda title: text.index(f"## {title}")) == titles


def test_the_method_names_the_families_and_their_shares(dossier, read):
    text = read(review_report(dossier))
    assert "ScarceGAN, a semi-supervised GAN for rare classes, and estimators such as trees" in text
    risk = (
        "Risk by small extra trees 62 %, small boosting 30 %, small extra trees unlabeled 8 % (shares of its log-odds)"
    )
    assert f"`precision_first`: {risk}, class by 37 networks of ScarceGAN (CIKM 2021)" in text
    assert "`train.families` = linear; `train.members` = 8" in text


def test_what_was_left_out_of_models_and_comparison_is_said_beside_the_method_and_the_data_once(dossier, read):
    of_data, missing = dossier.data_report.warnings, "family 'theirs' is in no model (fold 0): not installed"
    warned = replace(dossier, release=replace(dossier.release, warnings=[*of_data, missing]))
    text = read(review_report(warned))
    assert text.index("Method") < text.index("Left out") < text.index(missing)
    assert text.count(of_data[0]) == 1
    nothing = replace(dossier, release=replace(dossier.release, warnings=of_data))
    assert "Left out" not in read(review_report(nothing))


def test_metrics_have_intervals_beside_champion_and_rivals(dossier, read):
    text = read(review_report(dossier))
    for name in ("review_budget", "champion review_budget (version 9)", "rival extra_trees"):
        assert re.search(rf'\["{re.escape(name)}", "0\.\d+ \[', text)


def test_mistakes_are_counted_among_ten_thousand_players(dossier, read):
    test = dossier.evaluation.models["review_budget"].test["test"]
    missed = 10_000 * test.prevalence * (1 - test.recall.value)
    harmless = 10_000 * test.flagged_share.value * (1 - test.precision.value)
    flagged = 10_000 * test.flagged_share.value
    text = read(review_report(dossier))
    assert f'["review_budget", "{flagged:.0f} [' in text
    assert f'", "{harmless:.0f} [' in text
    assert f'", "{missed:.0f} [{10_000 * test.prevalence * (1 - test.recall.high):.0f}, ' in text


def test_mistakes_that_go_by_a_share_of_risky_players_say_so(dossier, read):
    goes_by = "go by a share of risky players of 1.3 % (estimated; with 90 % confidence 0.4 % to 2.1 %)"
    assert goes_by not in read(review_report(dossier))
    models = {
        name: replace(one, test={"test": replace(one.test["test"], truth_known=False)})
        for name, one in dossier.evaluation.models.items()
    }
    untold = replace(dossier, evaluation=replace(dossier.evaluation, models=models))
    assert goes_by in read(review_report(untold)).replace(words.GAP, " ")


def test_missed_bounds_and_what_was_odd_in_the_data_are_named(dossier, read):
    text = read(review_report(dossier))
    assert "`precision_first`: precision ≥ 90 %: " in text.replace(words.GAP, " ")
    assert "; not promised; 50 labelled risky players are too few for any threshold." in text
    assert "tells 'risky' from unlabelled players: 'deposit_level' (AUC" in text


def test_decisions_tell_who_and_why_and_what_still_waits(dossier, read):
    text = read(review_report(dossier))
    assert '["13 (recall_first)", "approved (forced)", "rita", "beats <the> champion", "2024-07-02 08:00"]' in text
    assert '["14 (precision_first)", "waits for a decision", ' in text


def test_subgroups_are_left_out_where_none_were_measured(dossier, read):
    without = replace(dossier, evaluation=replace(dossier.evaluation, subgroups=None))
    assert "serve all players" not in read(review_report(without))


def test_the_page_needs_nothing_from_the_network(dossier):
    page = html_page(review_report(dossier), "Review")
    assert not re.search(r'<(script|link|img)[^>]*(src|href)="(http|/)|@import', page)
