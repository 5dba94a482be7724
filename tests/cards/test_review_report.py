import json
import re

import card_samples
import pytest

from cards.review_report import review_report


@pytest.fixture
def dossier(evaluation, data_report, release):
    card = {
        "intended_uses": {"purpose_of_model": "Finds the few.", "intended_uses": "Business definition <b>."},
        "training_details": {"training_observations": "Ensemble of 37 networks."},
    }
    event = {
        "status": "Approved",
        "who": "rita",
        "why": "beats <the> champion",
        "at": "2024-07-02T08:00:00",
        "forced": True,
    }
    return {
        "run": "1719824973",
        "created": "2024-07-01 09:14",
        "user": "ada",
        "settings": {"folds.k": 5, "train.members": 8},
        "data_report": data_report,
        "evaluation": evaluation,
        "release": release,
        "cards": dict.fromkeys(card_samples.DEFINITIONS, card),
        "versions": [
            {"version": 13, "definition": "recall_first", "decisions": [event]},
            {"version": 14, "definition": "precision_first", "decisions": []},
        ],
    }


@pytest.fixture
def text(dossier):
    return read(dossier)


def read(dossier):
    """Return the report's words: tags become single bars, no-break spaces plain."""
    body = review_report(dossier).split("<body>")[1].replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r"(<[^>]*>\s*)+", "|", body)


def test_every_part_that_a_reviewer_needs_is_there_in_order(text):
    titles = ["Purpose", "Data", "Method", "Metrics", "Limits of use", "Harms", "serve all players", "comes from"]
    places = [text.index(title) for title in [*titles, "Who approved it"]]
    assert places == sorted(places)


def test_metrics_have_intervals_beside_champion_and_baselines(text):
    assert "|review_budget|34 % [27, 41]|" in text
    assert "|champion of review_budget (version 9)|" in text
    assert "|baseline extra_trees|" in text


def test_mistakes_are_counted_among_ten_thousand_players(text, evaluation):
    test = evaluation["models"]["review_budget"]["test"]["test"]
    missed = 10_000 * card_samples.PREVALENCE * (1 - test["recall"]["value"])
    harmless = 10_000 * test["flagged_share"]["value"] * (1 - test["precision"]["value"])
    assert f"|review_budget|98|{harmless:.0f}|{missed:.0f}|" in text


def test_unmet_constraints_and_what_was_odd_in_the_data_are_named(text):
    assert "recall_first&#x27; could not meet its constraint" in text
    assert "support_contacts_after_cutoff" in text


def test_decisions_tell_who_and_why_and_what_still_waits(text):
    assert "|13 (recall_first)|approved (forced)|rita|beats &lt;the&gt; champion|2024-07-02T08:00|" in text
    assert "|14 (precision_first)|waits for a decision|" in text


def test_a_run_without_release_was_approved_by_nobody(dossier):
    text = read(dossier | {"release": None, "versions": []})
    assert "not registered" in text
    assert "Nobody: the registry knows no model of this run." in text


def test_subgroups_are_left_out_where_none_were_measured(dossier, evaluation):
    without = {key: value for key, value in evaluation.items() if key != "subgroups"}
    assert "serve all players" not in read(dossier | {"evaluation": without})


def test_the_page_needs_nothing_else_and_lets_no_markup_in(dossier):
    page = review_report(dossier)
    assert not re.search(r"(src|href)=|url\(|<script|@import", page)
    assert "Business definition &lt;b&gt;." in page
    assert json.loads(json.dumps(dossier)) == dossier
