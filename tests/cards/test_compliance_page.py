import re
from dataclasses import replace

import pytest

from cards.compliance_page import HEADINGS, compliance_page
from scarcegan.history.records import Package


@pytest.fixture
def text(release_file, read):
    return lambda **changes: read(compliance_page(replace(release_file, **changes)))


def test_the_nine_headings_of_annex_iv_follow_a_model_card_and_each_says_what_is_in_no_record(text):
    page = text()
    titles = ["# Model card", *(f"# {heading}" for heading in HEADINGS)]
    assert [int(heading[0]) for heading in HEADINGS] == list(range(1, 10))
    assert sorted(titles, key=page.index) == titles
    assert page.count("**In no record:** ") == 9


def test_what_a_compliance_officer_asks_for_is_there(text):
    page = text()
    for part in (
        "Finds the few risky players among many",  # purpose
        "## Data",
        "6,000 players with 28 features from source 'simulated'",
        "Fingerprint of these players",
        "`recall_first` finds",  # metrics with intervals
        "Does it serve groups of players alike, by attributes that it never sees?",
        "## Limits of use",
        "## Harms of mistakes",
        "## Human oversight",
        '"approved (forced)", "rita"',
        "## Since release-1719000000-0a1b2c3d",
        "## Computing resources",
        "Software bill of materials: 2 packages",
    ):
        assert part in page, part
    assert "1.25 USD for 30 min of machines" in page


def test_the_model_card_has_the_headline_with_intervals_and_the_factors(text):
    page = text()
    assert re.search(r"review_budget on 4,500 players, 50 known risky: Recall at its threshold \d+ % \[", page)
    assert '["Factors", "region, age band, sessions active share, sessions tenure days"]' in page


def test_a_package_without_a_stated_licence_says_so(text):
    page = text(software=[Package("namex", "0.1.0"), Package("numpy", "2.1.0", "BSD-3-Clause")])
    assert '["namex", "0.1.0", "not known"]' in page
    assert '["numpy", "2.1.0", "BSD-3-Clause"]' in page


def test_changes_have_settings_data_and_figures_before_and_now(text):
    page = text()
    assert '["train.members", "8", "16"]' in page
    assert "The players are others; features that moved (PSI above 0.1): stake 0 (1.97), stake 1 (1.97)." in page
    assert "40 % → 60 %; +20.0 ± 8.5 points" in page


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"previous": ""}, "There is no release before this one."),
        ({"unread": "the run is gone"}, "is not known: the run is gone."),
        ({}, "is of the same run: data and settings are the same."),
    ],
)
def test_why_there_is_nothing_to_compare_with_is_said(text, changes, told):
    assert told in text(changes=None, **changes)


def test_what_is_not_known_of_this_run_is_said_in_words(text, release_file):
    evaluation = replace(release_file.dossier.evaluation, attribute_groups=None, subgroups=None)
    release = release_file.dossier.release
    release = replace(release, lineage=replace(release.lineage, cost="", labels_known_by=""))
    dossier = replace(release_file.dossier, evaluation=evaluation, release=release)
    page = text(dossier=dossier)
    for told in (
        "What the run cost is not recorded.",
        "Not measured: no table of attributes",
        "no players were measured apart",
        "No record says that an audit sample is drawn",
        "By when the labels were known is not recorded.",
    ):
        assert told in page, told


def test_settings_of_what_follows_a_release_are_listed(text, release_file):
    settings = {"monitoring.false_alarms": 0.01, "outcomes.agreeing": 2, "scoring.audit_share": 0.1, "seed": 7}
    page = text(dossier=replace(release_file.dossier, settings=settings))
    assert '["monitoring.false_alarms", "0.01"], ["outcomes.agreeing", "2"]]' in page
    assert "10 % of the list is drawn at random" in page
