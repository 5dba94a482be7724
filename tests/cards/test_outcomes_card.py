import outcomes_samples

from cards.outcomes_card import outcomes_card


def test_each_champion_has_its_figures_with_intervals_beside_what_was_reviewed(read):
    text = read(outcomes_card(outcomes_samples.outcomes()))
    for words in (
        "version 3, review_budget",
        "2026-01-01 to 2026-02-01",
        "720 of 720",
        "72 of 80",
        "45 % [24, 70]",
        "80 %",
        "Version 4: nobody of the audit sample has a label yet",
    ):
        assert words in text


def test_a_chart_has_a_point_for_each_period_that_can_be_told(drawn):
    charts = drawn(outcomes_card(outcomes_samples.outcomes()))
    assert [len(rows) for rows in charts.values()] == [2, 3, 2]


def test_without_outcomes_the_card_is_drawn_all_the_same(read):
    assert "Outcomes" in read(outcomes_card(outcomes_samples.no_outcomes()))
