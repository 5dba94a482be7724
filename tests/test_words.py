import math

import numpy as np
import pytest

from scarcegan import words
from scarcegan.evaluation.figures import Interval
from scarcegan.records import Bound


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(("share", "written"), [
    (0.41, "41 %"), (0.0123, "1.2 %"), (0.01, "1 %"), (0.0996, "10 %"), (0.0994, "9.9 %"), (0.00035, "0.035 %"),
    (0.0, "0 %"), (1.0, "100 %"), (0.996, "> 99 %"), (3e-8, "< 0.0001 %"),
    (math.nan, "–"), (None, "–"),
])  # fmt: skip
def test_a_share_is_a_percentage_of_two_digits(share, written):
    assert plain(words.percent(share)) == written


def test_an_interval_shares_the_decimals_of_its_value():
    assert plain(words.interval("recall", Interval(0.41, 0.348, 0.48))) == "41 % [35, 48]"
    assert plain(words.interval("recall", Interval(0.0098, 0.0088, 0.0108))) == "0.98 % [0.88, 1.08]"
    assert plain(words.interval("recall", Interval(0.0, 0.0, 0.0029))) == "0.00 % [0.00, 0.29]"
    assert plain(words.interval("pr_auc", Interval(0.41, 0.35, 0.48))) == "0.41 [0.35, 0.48]"


@pytest.mark.parametrize(("found", "written"), [
    (Interval(0.121, 0.1192, 0.1229), "12.1 % [11.9, 12.3]"), (Interval(0.147, 0.134, 0.16), "15 % [13, 16]"),
    (Interval(0.0, 0.0, 0.0029), "0.0 % [0.0, 0.3]"), (Interval(0.5, 0.19, 0.81), "50 % [19, 81]"), (None, "–"),
])  # fmt: skip
def test_a_counted_share_is_as_exact_as_its_interval_is_narrow(found, written):
    assert plain(words.share(found)) == written


def test_what_is_nearly_all_is_not_written_as_all_beside_its_interval():
    assert plain(words.interval("recall", Interval(0.996, 0.97, 0.9992))) == "99.6 % [97.0, 99.9]"
    assert plain(words.interval("roc_auc", Interval(0.9968, 0.9962, 0.9974))) == "0.997 [0.996, 0.997]"
    assert plain(words.share(Interval(0.996, 0.978, 1.0))) == "99.6 % [97.8, 100.0]"
    assert plain(words.share(Interval(1.0, 0.978, 1.0))) == "100 % [98, 100]"


def test_a_share_that_was_set_has_no_interval():
    assert plain(words.interval("flagged_share", Interval(0.01, 0.01, 0.01))) == "1 %"


def test_what_was_not_measured_is_a_dash():
    assert words.interval("unknown_share", None) == words.MISSING
    assert words.interval("pr_auc", Interval(math.nan, 0.0, 0.0)) == words.MISSING
    assert words.points(None) == words.MISSING


def test_a_spread_is_written_with_the_decimals_of_the_larger_of_mean_and_spread():
    assert plain(words.spread("recall", 0.31, 0.039)) == "31 ± 4 %"
    assert plain(words.spread("recall", 0.0098, 0.001)) == "0.98 ± 0.10 %"
    assert plain(words.spread("recall", 0.002, 0.12)) == "0 ± 12 %"
    assert words.spread("f2", 0.31, 0.039) == "0.31 ± 0.04"


def test_a_spread_is_nothing_only_if_it_is():
    assert plain(words.spread("flagged_share", 0.0098, 0.00001)) == "0.98 ± <0.01 %"
    assert plain(words.spread("flagged_share", 0.0098, 0.0)) == "0.98 ± 0 %"
    assert words.difference("pr_auc", 0.046, 0.0001) == "+0.046 ± <0.001"


@pytest.mark.parametrize(("value", "written"), [
    (0.413, "0.41"), (0.072, "0.072"), (0.05, "0.05"), (0.0, "0.00"), (1.0, "1.00"), (0.998, "> 0.99"),
    (4e-7, "< 0.00001"),
])  # fmt: skip
def test_a_score_is_neither_rounded_to_nothing_nor_to_all(value, written):
    assert words.score(value) == written


def test_f2_and_pr_auc_are_scores_wherever_they_are_written():
    assert words.metric_value("f2", 0.072) == "0.072"
    assert plain(words.interval("f2", Interval(0.072, 0.031, 0.12))) == "0.072 [0.031, 0.120]"
    assert words.spread("pr_auc", 0.072, 0.011) == "0.072 ± 0.011"


def test_a_metric_says_where_it_is_taken():
    for metric in ("recall", "precision", "flagged_share", "f2"):
        assert words.metric_name(metric).endswith(" at its threshold")
    assert words.metric_name("recall_at_budget") == "Recall at the review budget"


def test_a_bound_is_told_in_a_sentence_and_in_a_table():
    found = Bound("kept", "recall", 0.85, 0.9, 0.91, 0.86, 0.95, is_promised=False)
    told = "recall ≥ 85 %: kept on test players (86 % to 95 %, each with 90 % confidence); not promised"
    assert plain(words.bound(found)) == told
    assert plain(words.bound_state(found)) == "kept, 86 % to 95 %; not promised"
    assert words.bound_state(None) == words.MISSING


def test_a_difference_of_shares_is_written_in_points():
    assert plain(words.points(0.021)) == "+2.1 points"
    assert plain(words.points(0.0001, -0.0001, 0.5)) == "<+0.1 [>−0.1, +50.0] points"
    assert plain(words.points(0.021, -0.034, 0.0712)) == "+2.1 [−3.4, +7.1] points"


def test_a_difference_is_written_as_its_metric_is_read():
    assert plain(words.difference("recall", 0.2, 0.0849)) == "+20.0 ± 8.5 points"
    assert plain(words.difference("flagged_share", -0.0004)) == "−0.04 points"
    assert words.difference("pr_auc", -0.0) == "+0.000"
    assert words.difference("pr_auc", -0.00008) == "−0.00008"


def test_the_value_of_a_setting_is_written_as_it_is_typed():
    assert words.setting((200, 50)) == "200, 50"
    assert words.setting(0.0003) == "0.0003"
    assert words.setting(None) == words.MISSING


@pytest.mark.parametrize(("value", "written"), [
    (20_000.0, "20,000"), (6.612, "6.61"), (0.0, "0"), (3.0, "3"), (1.5e7, "15,000,000"), (0.00012, "0.00012"),
    (-7.97e-05, "−0.00008"), (3e-9, "< 0.00001"), (-3e-9, "> −0.00001"), (np.float32(0.25), "0.25"), (np.int64(7), "7"),
    (1_500_000.0, "1,500,000"), (-2.5, "−2.5"), (0, "0"), (None, "–"),
])  # fmt: skip
def test_a_quantity_has_three_digits_and_no_power_of_ten(value, written):
    assert words.number(value) == written


@pytest.mark.parametrize(("value", "written"), [
    (1.234e-30, "1.23e−30"), (-2.75e30, "−2.75e+30"), (1.5e-05, "0.00002"), (0.0, "0"), (1_500.0, "1,500"),
    (0.0123, "0.0123"), (None, "–"),
])  # fmt: skip
def test_the_value_of_a_feature_has_three_digits_in_any_unit(value, written):
    assert words.feature_value(value) == written


@pytest.mark.parametrize(
    ("seconds", "written"), [(44.6, "45 s"), (72, "1 min 12 s"), (1800, "30 min"), (3599.8, "1 h"), (0.2, "0 s")]
)
def test_a_time_span_has_its_two_largest_units(seconds, written):
    assert plain(words.duration(seconds)) == written


def test_amounts_sizes_and_moments_have_their_units():
    assert [plain(words.money(one, "USD")) for one in (1.352, 0, 0.0001)] == ["1.35 USD", "0.00 USD", "< 0.01 USD"]
    assert plain(words.gigabytes(14_100)) == "13.8 GB"
    assert words.moment("2024-07-01T09:14:22+00:00") == "2024-07-01 09:14"


def test_a_bare_metric_is_written_as_it_is_read():
    assert plain(words.metric_value("recall", 0.5)) == "50 %"
    assert words.metric_value("pr_auc", 0.331) == "0.33"
    assert words.metric_value("players", 4528) == "4,528"
    assert words.metric_name("pr_auc") == "PR-AUC"
    assert words.metric_name("my_own") == "My own"


@pytest.mark.parametrize(("shares", "written"), [
    ({"scarcegan": 0.3, "small_boosting": 0.6, "linear": 0.1}, "small boosting 60 %, ScarceGAN 30 %, linear 10 %"),
    ({"scarcegan": 0.0, "linear": 0.5, "mine": 0.5}, "linear 50 %, mine 50 %"),
    ({"scarcegan": 1.0, "linear": 0.0}, "ScarceGAN alone"),
    ({"small_boosting": 1.0}, "small boosting alone"),
])  # fmt: skip
def test_families_are_named_with_their_shares_the_largest_first(shares, written):
    assert plain(words.families(shares)) == written
