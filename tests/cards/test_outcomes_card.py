from dataclasses import replace

import outcomes_samples

from cards.outcomes_card import outcomes_card


def test_each_champion_has_its_figures_with_intervals_beside_what_was_reviewed(read):
    text = read(outcomes_card(outcomes_samples.outcomes()))
    for words in (
        "of 802 players, once for each snapshot",
        "version 3, review_budget",
        "2026-01-01 to 2026-02-01",
        "720 of 720",
        "72 of 80",
        "45 % [24, 70]",
        "registered 80 %",
        "Version 3: 55 % [50, 60] of the players on the list's top are risky; of all risky players the top shows 45 %",
        "Version 3: drawn players whom one reviewer alone found risky: 1 of 72",
        "Version 4: nobody of the audit sample has a label yet",
    ):
        assert words in text


def test_a_chart_has_a_point_for_each_period_that_can_be_told(drawn):
    charts = drawn(outcomes_card(outcomes_samples.outcomes()))
    assert [len(rows) for rows in charts.values()] == [2, 3, 2]


def test_a_champion_without_a_reviewed_audit_sample_is_told_of_where_there_is_no_other(read):
    alone = outcomes_samples.outcomes()
    text = read(outcomes_card(replace(alone, champions=alone.champions[1:])))
    assert "Version 4: 55 % [50, 60] of the players on the list's top are risky; how many it misses cannot" in text


def test_without_outcomes_the_card_is_drawn_all_the_same(read):
    assert "Outcomes" in read(outcomes_card(outcomes_samples.no_outcomes()))
