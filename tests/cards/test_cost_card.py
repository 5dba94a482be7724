import cost_samples
import pytest

from cards.cost_card import cost_card


@pytest.fixture
def cost():
    return cost_samples.cost()


def test_money_and_time_stand_on_top_beside_what_was_expected(cost, read):
    text = read(cost_card(cost))
    for part in ('"1.35 USD"', "expected 1.21 USD", '"2 h 42 min"', '"2 h 34 min"', '"train"', "99 % of the money"):
        assert part in text


def test_on_a_machine_of_ones_own_nothing_was_paid(cost, read):
    assert "Would have cost" not in read(cost_card(cost))
    assert "Would have cost on AWS" in read(cost_card(cost | {"rented": False}))


def test_each_step_shows_what_it_used_of_what_it_asked_for(cost, read):
    text = read(cost_card(cost))
    assert '["train", "5", "2 h 34 min", "4 CPU, 58 % busy", "13.8 GB of 14.6 GB", "1, 22 % busy", "1.34 USD"]' in text
    assert '["start", "1", "4 s", "1 CPU, 95 % busy", "0.4 GB of 4 GB", "none", "0.00 USD"]' in text


def test_a_gpu_that_nobody_watched_is_no_idle_gpu(cost, read):
    cost["steps"][2]["gpu_used_share"] = None
    assert '"1, – busy"' in read(cost_card(cost))


def test_suggestions_are_listed_by_step(cost, read):
    text = read(cost_card(cost))
    assert "- `train`: raise resources.train.memory_mb to 18,432" in text
    assert "- `start`" not in text
    for step in cost["steps"]:
        step["suggestion"] = ""
    assert "What each step asks for fits what it used." in read(cost_card(cost))


def test_failed_attempts_are_told(cost, read):
    assert "1 attempt failed and left no figures" in read(cost_card(cost))
    assert "left no figures" not in read(cost_card(cost | {"retries": 0}))
