from dataclasses import replace

import pytest

from cards.drift_card import drift_card
from scarcegan.monitoring.drift import SignalSize


def test_the_decision_and_its_reasons_come_first(drift, decision, read):
    text = read(drift_card(drift, decision))
    order = ("**Retrain, cut-off 2026-08-01:**", "a classifier tells these players", "Features moved")
    assert sorted(order, key=text.index) == list(order)


def test_each_signal_says_what_it_takes_to_retrain(drift, decision, read):
    text = read(drift_card(drift, decision))
    assert '"1.000", "beyond", "0.600", "yes", "2", "2 periods"]' in text
    assert '"+4.7 points", "beyond", "+5.0 points", "no", "0", "never"]' in text


def test_the_reference_is_said_in_words_and_its_shares_have_intervals(drift, decision, read):
    text = read(drift_card(drift, decision))
    assert text.count("The reference: all 3,000 players of june (cut-off 2026-06-01), labelled or not.") == 2
    assert '["Share unknown", "15 % [13, 16]", "10 % [9, 11]"]' in text


def test_a_box_does_not_read_as_a_share_of_the_reference(drift, decision, read):
    text = read(drift_card(drift, decision))
    assert '"reference 10 %"' in text
    assert "% of the reference" not in text


def test_a_drawn_reference_says_how_many_were_drawn(drift, decision, read):
    text = read(drift_card(replace(drift, reference=replace(drift.reference, players=9_000)), decision))
    assert "The reference: 3,000 drawn from all 9,000 players of june" in text


def test_drift_says_that_promised_bounds_do_not_carry_over(drift, decision, read):
    assert "(recall, precision, flagged share) do not carry over to august" in read(drift_card(drift, decision))


@pytest.mark.parametrize(("risky", "few"), [(9, True), (10, False)])
def test_recall_of_a_few_players_is_said_to_be_too_few_to_tell(drift, decision, read, risky, few):
    signals = drift.signals | {"recall": SignalSize(0.0, beyond=False)}
    recall = replace(drift.recall, risky=risky, found=5)
    text = read(drift_card(replace(drift, recall=recall, signals=signals), decision))
    assert f"5 of {risky} players, registered with 49 %" in text
    assert ("too few to tell" in text) == few


def test_medians_are_written_without_powers_of_ten(drift, decision, read):
    first = replace(drift.features[1], median_before=-7.97e-05, median_now=1_500_000.0)
    text = read(drift_card(replace(drift, features=[first]), decision))
    assert "−0.00008 → 1,500,000" in text


def test_limits_say_where_they_come_from(drift, decision, read):
    assert "Limits come from 5 past pairs" in read(drift_card(drift, decision))
    assert "chance alone" in read(drift_card(replace(drift, pairs=0), decision))


def test_a_feature_without_a_value_has_its_row_and_no_bar(drift, decision, read, drawn):
    card = drift_card(drift, decision)
    assert '["f3 (moved)", "– / 0.050", "– / 0.019", "0 % → 100 %", "– → –"]' in read(card)
    assert "f3" not in [row["name"] for row in drawn(card)["Which features have moved?"]]


def test_what_was_not_measured_is_left_out(drift, decision, read):
    signals = {name: state for name, state in decision.signals.items() if name != "recall"}
    text = read(drift_card(replace(drift, recall=None, unknown_share=None), replace(decision, signals=signals)))
    assert "players, registered with" not in text
    assert '"Unknown"' not in text


def test_without_a_reference_the_card_says_why(decision, read):
    reason = "drift is not measured: version 3 was not trained on a snapshot"
    text = read(drift_card(None, replace(decision, action="watch", reasons=[reason], signals={})))
    assert reason in text
    assert "Drift: not measured" in text
