import card_samples
import numpy as np
import pytest
from metaflow.cards import ProgressBar, VegaChart

from cards.train_card import MEMBERS_LISTED, POINTS_SHOWN, train_card


def charts_of(components):
    return [part.render()["spec"] for part in components if isinstance(part, VegaChart)]


def test_progress_says_how_far_and_how_long(history, read):
    components = train_card(history, 2, 1_000)
    text = read(components)
    assert "iteration 650 of 1,000 (65 %)" in text
    assert "47 s gone, about 25 s left" in text  # 13 rounds of 3.6 s, 7 to go
    (bar,) = [part.render() for part in components if isinstance(part, ProgressBar)]
    assert (bar["value"], bar["max"]) == (650, 1_000)


def test_the_first_rounds_compilation_does_not_stretch_the_time_left(history, read):
    history["seconds"] = [60 + seconds for seconds in history["seconds"]]
    assert "about 25 s left" in read(train_card(history, 2, 1_000))


def test_after_one_round_the_time_left_is_already_estimated(read):
    assert "about 1 min 8 s left" in read(train_card(card_samples.history(rounds=1), 0, 1_000))


def test_alarms_and_health_are_told_in_words(history, read):
    text = read(train_card(history, 2, 1_000))
    assert "7 of 8 members are healthy; masked: 1 not finite." in text
    assert "not finite: member 5, first at iteration 350; lower the learning rates" in text
    assert "No alarms" in read(train_card(card_samples.history(collapsed=None), 2, 1_000))


def test_a_finished_fold_says_so(read):
    text = read(train_card(card_samples.history(rounds=20), 2, 1_000))
    assert "Done" in text
    assert "1,000 iterations in 1 min 12 s" in text


def test_before_the_first_round_there_is_progress_and_no_chart(read):
    components = train_card(card_samples.history(rounds=0), 0, 1_000)
    assert not charts_of(components)
    assert "1,000 iterations to go, no metrics yet" in read(components)


def test_a_collapsed_member_stays_out_of_the_bands(history):
    recall = charts_of(train_card(history, 2, 1_000))[0]["data"]["values"]
    last = [row for row in recall if row["series"] == "recall at the review budget"][-1]
    survivors = [value for member, value in enumerate(history["validation_recall_at_budget"][-1]) if member != 5]
    assert last["middle"] == pytest.approx(np.median(survivors), rel=1e-4)
    assert last["low"] == pytest.approx(np.percentile(survivors, 10), rel=1e-4)
    assert last["high"] == pytest.approx(np.percentile(survivors, 90), rel=1e-4)


def test_the_tables_name_the_masked_member_first_then_the_best(history, read):
    listed = read(train_card(history, 2, 1_000))
    recalls = {m: value for m, value in enumerate(history["validation_recall_at_budget"][-1]) if m != 5}
    best = max(recalls, key=recalls.get)
    assert listed.index('["5", "not finite", "–"') < listed.index(
        f'["{best}", "healthy", "{100 * recalls[best]:.0f} %"'
    )


def test_every_member_is_shown_with_all_that_tells_of_its_health(history, read):
    listed = read(train_card(history, 2, 1_000))
    at = {key: values[-1][0] for key, values in history.items() if key.startswith(("validation", "p_", "gradient"))}
    classes = ", ".join(f'"{100 * at[f"validation_recall_of_{name}"]:.0f} %"' for name in card_samples.CLASSES)
    assert f"{classes}]" in listed
    assert f'"{100 * at["p_real"]:.0f} %", "{100 * at["p_fake"]:.0f} %"' in listed
    assert f'"{at["gradient_norm"]:.3g}"' in listed
    for header in ("Recall of risky", "Loss, generator", "Feature distance", "Gradient norm", "p(fake)"):
        assert f'"{header}"' in listed


def test_recall_of_each_population_is_drawn(history):
    rows = charts_of(train_card(history, 2, 1_000))[1]["data"]["values"]
    assert {row["series"] for row in rows} == set(card_samples.CLASSES)


def test_a_long_run_of_many_members_stays_small(read):
    long = card_samples.history(rounds=2_000, members=256, collapsed=None)
    components = train_card(long, 0, 100_000)
    values = charts_of(components)[0]["data"]["values"]
    assert len(values) == 3 * POINTS_SHOWN
    assert values[-1]["iteration"] == 100_000
    assert f"{256 - MEMBERS_LISTED} more healthy members are not listed" in read(components)


def test_a_zero_finds_its_place_on_the_logarithmic_axis(history):
    history["gradient_norm"][3] = [0.0] * history["members"]
    rows = charts_of(train_card(history, 2, 1_000))[-1]["data"]["values"]
    assert min(row["low"] for row in rows) > 0
