"""What would have to change for a flag to fall: few and near changes, each one needed, by the model's own scores."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from scarcegan.data.columns import describe
from scarcegan.serving.counterfactual import nearest_counterfactual
from scarcegan.serving.reasons import Background


@pytest.fixture(params=[{}, {"forest": 0.5}, {"boosting": 0.3, "linear": 0.3}], ids=str)
def model(request, make_model, raw):
    """A model that flags a tenth of the players."""
    model = make_model(families=request.param)
    return replace(model, threshold=float(np.quantile(model.risk(raw), 0.9)))


@pytest.fixture
def background(raw):
    quantiles = np.array([column.quantiles for column in describe(raw)], np.float32)
    names = tuple(f"feature_{number}" for number in range(raw.shape[1]))
    return Background(names, quantiles, ("spend",) * len(names), ("",) * len(names))


def searched(model, background, raw):
    """The flagged players and what is found for each."""
    flagged = raw[model.flags(model.risk(raw))].astype(np.float32)
    attributions = model.explain(flagged, background.typical)
    return [
        (row, shares, nearest_counterfactual(model, background, row, shares))
        for row, shares in zip(flagged, attributions, strict=True)
    ]


def changed(background, row, changes):
    row = row.copy()
    for change in changes:
        row[background.features.index(change.feature)] = change.wanted
    return row


def test_the_models_own_score_is_below_the_threshold_and_no_change_could_be_left_out(model, background, raw):
    found = [(row, one) for row, _, one in searched(model, background, raw) if one]
    assert found
    for row, counterfactual in found:
        score = model.risk(changed(background, row, counterfactual.changes)[None, :])[0]
        assert score == counterfactual.score < model.threshold
        for fewer in combinations(counterfactual.changes, len(counterfactual.changes) - 1):
            assert model.flags(model.risk(changed(background, row, fewer)[None, :]))[0]


@pytest.mark.parametrize("unit", [1e-30, 1e30])
def test_the_unit_of_a_feature_makes_no_other_changes(unit, make_model, raw):
    def found(unit):
        model = make_model()
        parts = tuple(
            replace(part, scaler=replace(part.scaler, knots=part.scaler.knots * np.float32(unit)))
            for part in model.parts
        )
        model, rows = replace(model, parts=parts), raw * np.float32(unit)
        model = replace(model, threshold=float(np.quantile(model.risk(rows), 0.9)))
        quantiles = np.array([column.quantiles for column in describe(rows)], np.float32)
        names = tuple(f"feature_{number}" for number in range(rows.shape[1]))
        told = searched(model, Background(names, quantiles, ("spend",) * len(names), ("",) * len(names)), rows)
        return [[change.feature for change in one.changes] for *_, one in told if one]

    assert found(1)
    assert found(unit) == found(1)


def test_changes_are_few_observed_and_of_features_that_raise_the_score_towards_the_typical_player(
    model, background, raw
):
    for row, shares, found in searched(model, background, raw):
        changes = found.changes if found else []
        assert len(changes) <= 5
        for change in changes:
            place = background.features.index(change.feature)
            assert shares[place] > 0
            assert np.float32(change.wanted) in background.quantiles[place]
            assert change.value == row[place]
            assert (change.wanted - row[place]) * (background.typical[place] - row[place]) > 0


def test_of_single_changes_the_nearest_is_taken(model, background, raw):
    for row, _, found in searched(model, background, raw):
        if found is None or len(found.changes) > 1:
            continue
        [change] = found.changes
        quantiles = background.quantiles[background.features.index(change.feature)]
        low, high = sorted([np.float32(change.wanted), row[background.features.index(change.feature)]])
        between = [value for value in quantiles if low < value < high]
        for value in between:
            nearer = replace(change, wanted=float(value))
            assert model.flags(model.risk(changed(background, row, [nearer])[None, :]))[0]


def test_whom_nobody_flags_needs_no_change(model, background, raw):
    row = raw[[model.risk(raw).argmin()]].astype(np.float32)
    [shares] = model.explain(row, background.typical)
    assert nearest_counterfactual(model, background, row[0], shares) is None


def test_none_is_found_where_even_the_typical_player_is_flagged(model, background, raw):
    strict = replace(model, threshold=1e-9)
    assert all(found is None for _, _, found in searched(strict, background, raw[:20]))


def test_a_missing_value_may_become_one_that_players_have(make_model, background, raw):
    model = make_model(indicators=(0,))
    rows = raw.astype(np.float32).copy()
    rows[:, 0] = np.nan
    model = replace(model, threshold=float(np.quantile(model.risk(rows), 0.5)))
    for row in rows[model.flags(model.risk(rows))][:20]:
        shares = np.zeros(rows.shape[1], np.float32)
        shares[0] = 1.0
        if found := nearest_counterfactual(model, background, row, shares):
            [change] = found.changes
            assert (change.value, change.feature) == (None, "feature_0")
            assert change.words.endswith("instead of missing")
            break
    else:
        pytest.fail("no player was found whose flag depends on the missing value")
