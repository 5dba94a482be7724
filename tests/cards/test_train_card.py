from dataclasses import replace

import card_samples
import numpy as np
import pytest
from metaflow.cards import ProgressBar

from cards.train_card import MEMBERS_LISTED, POINTS_SHOWN, train_card

RECALL = "validation_recall_at_budget"
FINDS = "Does longer training find more risky players?"


@pytest.mark.parametrize(("rounds", "told"), [
    (0, "1,000 iterations to go, no metrics yet"),
    (1, "about 1 min 8 s left"),
    (13, "iteration 650 of 1,000 (65 %)"),
    (13, "47 s gone, about 25 s left"),  # 13 rounds of 3.6 s, 7 to go
    (20, "**Done**: 1,000 iterations in 1 min 12 s."),
])  # fmt: skip
def test_the_card_says_how_far_and_how_long(rounds, told, read):
    components = train_card(card_samples.progress(rounds=rounds), 2)
    assert told in read(components)
    (bar,) = [part.render() for part in components if isinstance(part, ProgressBar)]
    assert (bar["value"], bar["max"]) == (50 * rounds, 1_000)


def test_the_first_rounds_compilation_does_not_stretch_the_time_left(progress, read):
    slow = replace(progress, seconds=[60 + seconds for seconds in progress.seconds])
    assert "about 25 s left" in read(train_card(slow, 2))


@pytest.mark.parametrize(("gains", "told"), [
    ([1] * 7, "7 of 7 members had a higher average precision on validation players than in the quarter before"),
    ([1] * 6 + [-1], "(0.30 to 0.37 in the mean): more `train.iterations` may find more."),
    ([1] * 5 + [-1] * 2, ""),
])  # fmt: skip
def test_the_card_says_when_nearly_all_members_were_still_improving(gains, told, read):
    """In the last quarter of twenty rounds; a member that is masked does not count."""
    progress = card_samples.progress(rounds=20)
    gains = np.insert(np.array(gains, float), 5, 9.0)
    rounds = [(0.3 + 0.1 * gains * (number >= 15)).tolist() for number in range(20)]
    text = read(train_card(replace(progress, series=progress.series | {"validation_average_precision": rounds}), 2))
    assert ("Still improving" in text) == bool(told)
    assert told in text


def test_alarms_and_health_are_told_in_words(progress, read):
    text = read(train_card(progress, 2))
    assert "7 of 8 members are healthy; masked: 1 not finite." in text
    assert "not finite: member 5, first at iteration 350; lower the learning rates" in text
    assert "No alarms" in read(train_card(card_samples.progress(collapsed=None), 2))


def test_the_card_says_that_it_shows_one_family_of_several(progress, read):
    assert "The other families (`train.families`) train after them." in read(train_card(progress, 2))


def test_charts_have_no_marks_of_code_which_vega_does_not_know(progress, charts):
    assert "`" not in str(charts(train_card(progress, 2)))


def test_before_the_first_round_there_is_no_chart(drawn):
    assert not drawn(train_card(card_samples.progress(rounds=0), 0))


def test_a_collapsed_member_stays_out_of_the_bands(progress, drawn):
    recall = drawn(train_card(progress, 2))[FINDS][0]
    survivors = np.delete(progress.series[RECALL][-1], 5)
    last = [recall[key][-1] for key in ("low", "y", "high")]
    assert last == pytest.approx(np.percentile(survivors, [10, 50, 90]), rel=1e-4)


def test_the_tables_name_the_masked_member_first_then_the_best(progress, read):
    listed, found = read(train_card(progress, 2)), np.nan_to_num(progress.series[RECALL][-1])
    best = f'["{np.argmax(found)}", "healthy", "{100 * found.max():.0f} %"'
    assert listed.index('["5", "not finite", "–"') < listed.index(best)


def test_every_member_is_shown_with_all_that_tells_of_its_health(progress, read):
    listed = read(train_card(progress, 2))
    at = {name: values[-1][0] for name, values in progress.series.items()}
    classes = [f'"{100 * value:.0f} %"' for name, value in at.items() if name.startswith("validation_recall_of")]
    assert f"{', '.join(classes)}]" in listed
    assert f'"{100 * at["p_real"]:.0f} %", "{100 * at["p_fake"]:.0f} %"' in listed
    for header in ("Recall of risky", "Generator's loss", "Gradient norm", "Generated players judged generated"):
        assert f'"{header}"' in listed


def test_recall_of_each_population_is_drawn(progress, drawn):
    lines = drawn(train_card(progress, 2))["Which populations do the members recognise?"]
    assert [line["name"] for line in lines] == ["dormant", "normal", "heavy", "risky"]


def test_a_long_run_of_many_members_stays_small(read, drawn):
    components = train_card(card_samples.progress(rounds=2_000, members=256, collapsed=None), 0)
    for line in drawn(components)[FINDS]:
        assert (len(line["x"]), line["x"][-1]) == (POINTS_SHOWN, 100_000)
    assert f"Not listed: {256 - MEMBERS_LISTED} more members, all of them healthy." in read(components)


def test_masked_members_that_are_not_listed_are_not_called_healthy(read):
    progress = card_samples.progress(members=20)
    ill = replace(progress, healthy=[False] * 18 + [True] * 2, faults=[["collapsed"] * 18 + ["", ""]] * 13)
    assert "Not listed: 4 more members, 2 of them healthy." in read(train_card(ill, 0))


def test_a_zero_finds_its_place_on_the_logarithmic_axis(progress, drawn):
    norms = [[0.0] * 8, *progress.series["gradient_norm"][1:]]
    still = replace(progress, series={**progress.series, "gradient_norm": norms})
    lines = drawn(train_card(still, 2))["Are the gradients sound, and does the generator keep moving?"]
    assert 0 < lines[0]["y"][0] < 1e-5
