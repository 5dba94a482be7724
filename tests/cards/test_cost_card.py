from dataclasses import replace

from cards.cost_card import cost_card


def test_money_and_time_stand_on_top_beside_what_was_expected(bill, read):
    text = read(cost_card(replace(bill, money=1.352, expected_money=1.21)))
    for part in ('"1.35 USD"', "expected 1.21 USD", '"2 h 42 min"', '"2 h 34 min"', '"train"', "99 % of the money"):
        assert part in text


def test_on_a_machine_of_ones_own_nothing_was_paid(bill, read):
    assert "Would have cost" not in read(cost_card(bill))
    assert "Would have cost on AWS" in read(cost_card(replace(bill, rented=False)))


def test_each_step_shows_what_it_used_of_what_it_requested(bill, read, drawn):
    card = cost_card(bill)
    text = read(card)
    assert '["train", "5", "2 h 34 min", "4 CPU, 58 % busy", "13.8 GB of 14.6 GB", "1, 22 % busy", "1.34 USD"]' in text
    assert '["start", "1", "4 s", "1 CPU, 95 % busy", "0.4 GB of 4 GB", "none", "< 0.01 USD"]' in text
    bars = drawn(card)["Which step leaves its machine idle?"]
    assert [row["name"] for row in bars if row["series"] == "GPU"] == ["train"]


def test_a_gpu_that_nobody_watched_is_no_idle_gpu(bill, read):
    steps = [replace(step, gpu_used_share=None) for step in bill.steps]
    assert '"1, – busy"' in read(cost_card(replace(bill, steps=steps)))


def test_suggestions_are_listed_by_step(bill, read):
    text = read(cost_card(bill))
    assert "- `train`: raise resources.train.memory_mb to 18432" in text
    assert "- `start`" not in text
    fitting = [replace(step, suggestion="") for step in bill.steps]
    assert "What each step requests fits what it used." in read(cost_card(replace(bill, steps=fitting)))


def test_failed_attempts_are_told(bill, read):
    assert "1 attempt failed and left no figures" in read(cost_card(bill))
    assert "left no figures" not in read(cost_card(replace(bill, retries=0)))
