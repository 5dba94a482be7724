"""The figures of the benchmark of reviewed lists, over few seasons."""

import numpy as np
import pandas as pd
import pytest
from people import FIGURES, figures, replay, reviewed

from scarcegan.evaluation.figures import Interval


def test_a_season_is_replayed_alike_and_its_naive_recall_is_all():
    one, again = replay(1), replay(1)
    assert one == again
    assert one["naive"]["recall"] == 1.0
    assert one["naive"]["prevalence"] < one["truth"]["prevalence"]
    assert set(one["truth"]) == set(one["estimate"]) == set(FIGURES)


def test_figures_are_those_of_the_least_covered_and_the_most_wrong():
    truth = {"recall": 0.4, "prevalence": 0.01, "precision": 0.5}
    held = {name: Interval(value, value / 2, value * 2) for name, value in truth.items()}
    missed = held | {"recall": Interval(0.5, 0.45, 0.6)}
    naive = {"recall": 1.0, "prevalence": 0.004}
    told = figures([{"truth": truth, "estimate": one, "naive": naive} for one in (held, missed)])
    assert (told["people.coverage_90"], told["people.precision_coverage_90"]) == (0.5, 1.0)
    assert told["people.error_ratio"] == told["people.recall_error_ratio"] == pytest.approx(0.1 / 2 / 0.6)


def test_reviewers_take_the_top_from_its_first_row_on():
    rows = pd.DataFrame({"stratum": [0, 0, 1, 0, 0], "is_risky": [True, False, True, False, True]})
    season = {"top_reviewed": 0.5, "drawn_reviewed": 1.0}
    assert reviewed(np.random.default_rng(0), rows, season).tolist() == ["risky", "harmless", "risky", "", ""]
