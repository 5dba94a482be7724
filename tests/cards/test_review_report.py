import json
import re

import card_browser
import card_samples
import pytest
import report_samples

from cards.review_report import review_report


@pytest.fixture
def dossier():
    return report_samples.dossier()


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


@pytest.mark.slow
@pytest.mark.skipif(card_browser.find_chromium() is None, reason="needs Chromium: apt-get install chromium")
@pytest.mark.parametrize("width", [1400, 800])
def test_a_browser_opens_it_without_a_complaint_and_without_scrolling_sideways(dossier, tmp_path, width):
    page = tmp_path / "report.html"
    fits = "document.body.scrollWidth <= innerWidth ? 'fits' : 'too wide'"
    check = f"<script>onload = () => {{ document.title = {fits} }}</script>"
    page.write_text(review_report(dossier).replace("</body>", f"{check}</body>"))
    opened = card_browser.open_page(page, width=width)
    assert opened.console == []
    assert "<title>fits</title>" in opened.dom


def test_the_page_needs_nothing_else_and_lets_no_markup_in(dossier):
    page = review_report(dossier)
    assert not re.search(r"(src|href)=|url\(|<script|@import", page)
    assert "Business definition &lt;b&gt;." in page
    assert json.loads(json.dumps(dossier)) == dossier
