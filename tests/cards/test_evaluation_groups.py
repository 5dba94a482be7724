import json
from dataclasses import replace

import pytest

from cards.evaluate_card import evaluate_card
from cards.evaluation_groups import CROSSED_SHOWN, groups_part
from cards.review_report import review_report
from scarcegan import words
from scarcegan.evaluation.figures import AttributeGroup, AttributeTable, Interval, ToRest

TITLE = "Does it serve groups of players alike, by attributes that it never sees?"


@pytest.fixture
def shown(read):
    return lambda evaluation: read([one for part in groups_part(evaluation) for one in part.shown()])


@pytest.fixture
def with_tables():
    def changed(evaluation, *tables):
        return replace(evaluation, attribute_groups=replace(evaluation.attribute_groups, tables=tables))

    return changed


def test_the_evaluation_folds_it_and_the_review_shows_it(evaluation, dossier, explained, read):
    assert f"<summary>{TITLE}" in read(evaluate_card(evaluation, explained))
    assert f"## {TITLE}" in read(review_report(dossier))


def test_without_a_table_of_attributes_there_is_no_such_part(evaluation, dossier, read):
    without = replace(evaluation, attribute_groups=None)
    assert groups_part(without) == []
    assert TITLE not in read(review_report(replace(dossier, evaluation=without)))


def test_single_attributes_come_first_with_figures_and_their_differences(evaluation, shown):
    text = shown(evaluation)
    titles = ["### By region", "### By age band", "### By region and age band"]
    assert sorted(titles, key=lambda title: text.index(f'{title}"')) == titles
    found = next(one for one in evaluation.attribute_groups.tables[0].groups if one.values == ("north",))
    to = found.to_rest["recall"]
    told = f"{words.interval('recall', found.recall)}; {words.points(to.value, to.low, to.high)}".replace(
        words.GAP, " "
    )
    row = json.dumps(["north", words.count(found.players), words.count(found.risky)])[:-1]
    assert f'{row}, "{told.removesuffix(" points")}' in text


def test_it_says_how_many_comparisons_were_made_and_what_that_means(evaluation, shown):
    text = shown(evaluation)
    compared = evaluation.attribute_groups.compared
    assert (
        f"{compared} differences were looked at, so that about {0.05 * compared:.0f} would stand out by chance" in text
    )
    assert "Groups of fewer than 20 players are withheld" in text
    assert "No difference is clear" in text
    assert "no proof of equality" in text


def test_withheld_groups_are_counted_and_not_named(evaluation, shown):
    crossed = evaluation.attribute_groups.tables[2]
    withheld = [" · ".join(one.values) for one in crossed.groups if one.players is None]
    text = shown(evaluation)
    assert f"{len(withheld)} groups withheld" in text
    assert withheld
    assert not any(name in text for name in withheld)


def test_a_clear_difference_is_said_first(evaluation, with_tables, shown):
    share = Interval(0.2, 0.1, 0.3)
    to = ToRest(-0.3, -0.4, -0.2, is_clear=True)
    group = AttributeGroup(("north", "65+"), 300, 40, share, share, share, {"recall": to})
    text = shown(with_tables(evaluation, AttributeTable(("region", "age_band"), [group])))
    assert "**1 difference beyond chance**" in text
    assert "**region north, age band 65+**: recall −30.0 [−40.0, −20.0] points beside all others" in text
    assert "20 % [10, 30]; −30.0 [−40.0, −20.0], clear" in text


def test_of_many_crossings_the_largest_are_listed(evaluation, with_tables, shown):
    share = Interval(0.2, 0.1, 0.3)
    groups = [AttributeGroup((f"r{at}", "a"), 1_000 - at, 5, share, share, share) for at in range(CROSSED_SHOWN + 3)]
    text = shown(with_tables(evaluation, AttributeTable(("region", "age_band"), groups)))
    assert "3 smaller ones are in the artifact `evaluation`." in text
    assert f"r{CROSSED_SHOWN - 1} · a" in text
    assert f"r{CROSSED_SHOWN} · a" not in text
