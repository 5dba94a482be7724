import json
from types import SimpleNamespace

import numpy as np
import pytest
from monitoring_samples import world

from scarcegan.aws.model_monitor import constraints_json, statistics_json
from scarcegan.data.columns import Column, describe

NAMES = ("level", "night", "visits", "balance")


@pytest.fixture(scope="module")
def features():
    table = world(10_000, 1, features=4)
    table[:, 3] -= 5
    return table


@pytest.fixture(scope="module")
def statistics(features):
    return dict(zip(NAMES, describe(features), strict=True))


def test_statistics_have_the_form_of_model_monitor(features, statistics):
    told = json.loads(statistics_json(10_000, statistics))
    assert told["dataset"] == {"item_count": 10_000}
    assert [one["name"] for one in told["features"]] == list(NAMES)
    for number, one in enumerate(told["features"]):
        numbers, column = one["numerical_statistics"], features[:, number].astype(float)
        assert one["inferred_type"] == "Fractional"
        assert numbers["common"] == {"num_present": 10_000, "num_missing": 0}
        expected = (column.mean(), column.sum(), column.std(), column.min(), column.max())
        got = [numbers[key] for key in ("mean", "sum", "std_dev", "min", "max")]
        np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_buckets_hold_all_players_about_where_they_are(features, statistics):
    told = json.loads(statistics_json(10_000, statistics))
    for number, one in enumerate(told["features"]):
        buckets = one["numerical_statistics"]["distribution"]["kll"]["buckets"]
        counts, edges = np.histogram(features[:, number], 10)
        assert sum(bucket["count"] for bucket in buckets) == 10_000
        assert [bucket["lower_bound"] for bucket in buckets] == pytest.approx(edges[:-1], rel=1e-5, abs=1e-5)
        if NAMES[number] != "visits":  # whole numbers lie on the edges themselves
            np.testing.assert_allclose([bucket["count"] for bucket in buckets], counts, atol=250)


def test_players_without_a_value_are_counted_as_missing(features):
    table = features.copy()
    table[:2_500, 0], table[:, 1] = np.nan, np.nan
    described = dict(zip(NAMES, describe(table), strict=True))
    some, nobody, _, _ = json.loads(statistics_json(10_000, described))["features"]
    assert some["numerical_statistics"]["common"] == {"num_present": 7_500, "num_missing": 2_500}
    assert some["numerical_statistics"]["sum"] == pytest.approx(table[2_500:, 0].astype(float).sum(), rel=1e-5)
    assert nobody["numerical_statistics"]["common"] == {"num_present": 0, "num_missing": 10_000}
    for one, present in ((some, 7_500), (nobody, 0)):
        buckets = one["numerical_statistics"]["distribution"]["kll"]["buckets"]
        assert sum(bucket["count"] for bucket in buckets) == present
    held_to = json.loads(constraints_json(described, [SimpleNamespace(ks_limit=0.02)]))["features"]
    assert [one["completeness"] for one in held_to] == [0.75, 0, 1, 1]


def test_the_buckets_of_a_constant_column_hold_all_players():
    constant = Column(mean=7.0, std=0.0, low=7.0, high=7.0, zero_share=0.0, quantiles=[7.0] * 51)
    (one,) = json.loads(statistics_json(30, {"same": constant}))["features"]
    counts = [bucket["count"] for bucket in one["numerical_statistics"]["distribution"]["kll"]["buckets"]]
    assert sum(counts) == 30


def test_constraints_hold_later_snapshots_to_the_reference(statistics):
    told = json.loads(constraints_json(statistics, [SimpleNamespace(ks_limit=limit) for limit in (0.02, 0.05)]))
    rows = {one["name"]: one for one in told["features"]}
    assert rows["level"]["completeness"] == 1.0
    assert rows["level"]["num_constraints"] == {"is_non_negative": True}
    assert rows["balance"]["num_constraints"] == {"is_non_negative": False}
    comparison = told["monitoring_config"]["distribution_constraints"]
    assert comparison["comparison_threshold"] == 0.05
