import drift_samples

from cards.drift_card import drift_card


def test_the_decision_and_its_reasons_come_first(read):
    text = read(drift_card(drift_samples.drift(), drift_samples.decision()))
    assert text.index("**Retrain**, cut-off 2026-08-01") < text.index("a classifier tells these players")
    assert text.index("a classifier tells these players") < text.index("Features moved")


def test_each_signal_says_what_it_takes_to_retrain(read):
    text = read(drift_card(drift_samples.drift(), drift_samples.decision()))
    assert '"0.672", "beyond", "0.60", "yes", "2", "2 periods"]' in text
    assert '"0.027", "beyond", "0.05", "no", "0", "never"]' in text


def test_limits_say_where_they_come_from(read):
    text = read(drift_card(drift_samples.drift(), drift_samples.decision()))
    assert "Limits come from 5 past pairs" in text
    alone = read(drift_card(drift_samples.drift() | {"pairs": 0}, drift_samples.decision()))
    assert "chance alone" in alone


def test_a_feature_without_a_value_has_its_row(read):
    text = read(drift_card(drift_samples.drift(), drift_samples.decision()))
    assert '["bets_active_share (moved)", "– / 0.024", "– / 0.012", "0 % → 100 %"' in text


def test_what_was_not_measured_is_left_out(read):
    report = drift_samples.drift() | {"recall": None, "unknown_share": None}
    decision = drift_samples.decision("watch")
    del decision["signals"]["recall"]
    text = read(drift_card(report, decision))
    assert "promised" not in text
    assert '"Unknown"' not in text


def test_without_a_reference_the_card_says_why(read):
    reason = "drift is not measured: version 3 was not trained on a snapshot"
    decision = drift_samples.decision("watch") | {"reasons": [reason], "signals": {}}
    text = read(drift_card(None, decision))
    assert reason in text
    assert "Drift: not measured" in text
