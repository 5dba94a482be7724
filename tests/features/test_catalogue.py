import numpy as np
import pytest

from scarcegan.features import across, levels, shape
from scarcegan.features.catalogue import BESIDE_ACTIVITY, BY_ROLE, PER_COUNTER, columns, role_places
from scarcegan.features.extract import extract, in_chunks
from scarcegan.settings.data_sections import RoleNames

EVERYTHING = [*PER_COUNTER, *BESIDE_ACTIVITY, *(item for part in BY_ROLE.values() for item in part)]
ALL_ROLES = RoleNames(activity="a", intensity="b", night="c", loss="d", deposit="e")


@pytest.fixture(scope="module")
def series(block):
    telemetry = block(np.random.default_rng(1).poisson(1, (9, 60, 5)), tuple("abcde"))
    [(_, series)] = in_chunks(telemetry)
    return series


@pytest.mark.parametrize("feature", EVERYTHING, ids=lambda feature: feature.name)
def test_every_feature_is_documented(feature):
    assert feature.name.isidentifier()
    assert min(len(feature.formula), len(feature.unit), len(feature.why)) > 3


def test_code_computes_what_the_catalogue_lists_and_nothing_else(series):
    families = (levels.levels, levels.activity, shape.trend, shape.weekly, shape.residuals, shape.spectrum)
    computed = [name for family in families for name in family(series)]
    assert sorted(computed) == sorted(item.name for item in PER_COUNTER)
    beside = across.beside_activity(series, 5, 0)
    assert sorted(beside) == sorted(item.name for item in BESIDE_ACTIVITY)
    by_counter = series.values.reshape(5, 9, -1)
    daily = {role: by_counter[place] for role, place in role_places(ALL_ROLES, tuple("abcde")).items()}
    combined = across.by_role(daily)
    assert sorted(combined) == sorted(item.name for part in BY_ROLE.values() for item in part)


def test_columns_are_named_once_and_in_the_catalogues_order(block):
    names = list(columns(tuple("abcde"), ALL_ROLES))
    assert len(names) == 5 * len(PER_COUNTER) + 4 * len(BESIDE_ACTIVITY) + 11
    assert names[:2] == ["a_level", "a_level_active"]
    telemetry = block(np.ones((2, 60, 5)), tuple("abcde"))
    assert list(extract(telemetry, ALL_ROLES).names) == names


@pytest.mark.parametrize(
    ("roles", "added"),
    [
        (RoleNames(night="b"), {"night_days_share", "night_days_share_change"}),
        (RoleNames(loss="b"), {"chasing_lift", "chasing_correlation", "chasing_after_worst"}),
        (RoleNames(win="b"), {"chasing_lift", "chasing_correlation", "chasing_after_worst"}),
        (RoleNames(deposit="b"), {"deposit_again_share"}),
        (RoleNames(intensity="b"), {"intensity_slope"}),
    ],
)
def test_a_role_adds_its_features(roles, added, block):
    telemetry = block(np.ones((2, 60, 2)), ("a", "b"))
    assert set(extract(telemetry, roles).names) - set(extract(telemetry).names) == added


def test_columns_stand_under_their_own_counter(block):
    counters = np.random.default_rng(2).poisson(2, (20, 63, 3))
    table = extract(block(counters, ("a", "b", "c")), RoleNames(activity="b"))
    row = {name: table.features[:, place] for place, name in enumerate(table.names)}
    for place, name in enumerate("abc"):
        np.testing.assert_allclose(row[f"{name}_level"], counters[:, :, place].mean(axis=1), rtol=1e-5)
    total = counters.sum(axis=1)
    np.testing.assert_allclose(row["c_per_activity"], total[:, 2] / total[:, 1], rtol=1e-5)
    assert "b_per_activity" not in row
