from dataclasses import replace

from cards.drift_card import drift_card


def test_the_decision_and_its_reasons_come_first(drift, decision, read):
    text = read(drift_card(drift, decision))
    order = ("**Retrain, cut-off 2026-08-01:**", "a classifier tells these players", "Features moved")
    assert sorted(order, key=text.index) == list(order)


def test_each_signal_says_what_it_takes_to_retrain(drift, decision, read):
    text = read(drift_card(drift, decision))
    assert '"1.000", "beyond", "0.60", "yes", "2", "2 periods"]' in text
    assert '"0.050", "beyond", "0.05", "no", "0", "never"]' in text


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
    assert "% promised" not in text
    assert '"Unknown"' not in text


def test_without_a_reference_the_card_says_why(decision, read):
    reason = "drift is not measured: version 3 was not trained on a snapshot"
    text = read(drift_card(None, replace(decision, action="watch", reasons=[reason], signals={})))
    assert reason in text
    assert "Drift: not measured" in text
