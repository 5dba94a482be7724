import math

import numpy as np
import pytest

from scarcegan.data.scaling import Scaler
from scarcegan.problems import DataProblem
from scarcegan.serving import forward
from scarcegan.serving.forward import class_probabilities, risk_score


def one_player_one_member(part, member, scaled):
    """The forward pass as one would write it on paper."""
    activation = [float(value) for value in scaled]
    thresholds = part["layers"][0].get("thresholds", np.empty((member + 1, 0)))[member]
    steps = [2.0 * (activation[number % len(scaled)] - float(at)) for number, at in enumerate(thresholds)]
    activation += [min(max(step, -1.0), 1.0) for step in steps]
    for depth, layer in enumerate(part["layers"]):
        if depth:
            activation = [value if value > 0 else part["slope"] * value for value in activation]
        weights, bias = layer["weights"][member], layer["bias"][member]
        activation = [
            float(bias[out]) + sum(value * float(weights[i, out]) for i, value in enumerate(activation))
            for out in range(len(bias))
        ]
    exponentials = [math.exp(value) for value in activation]
    return [value / sum(exponentials) for value in exponentials]


def by_loops(model, raw):
    rows = []
    for player in raw:
        probabilities = []
        for part in model["parts"]:
            scaled = Scaler.from_arrays(part["scaler"]).apply(player[None, :])[0]
            members = range(len(part["layers"][0]["weights"]))
            probabilities += [one_player_one_member(part, member, scaled) for member in members]
        rows.append(np.mean(probabilities, axis=0))
    return np.array(rows)


@pytest.mark.parametrize("thresholds", [0, 1, 3])
def test_equals_a_plain_loop(make_model, raw, thresholds):
    model = make_model(thresholds=thresholds)
    np.testing.assert_allclose(class_probabilities(model, raw), by_loops(model, raw), atol=1e-5)


def test_chunks_leave_no_seam(make_model, raw, monkeypatch):
    monkeypatch.setattr(forward, "CHUNK_ROWS", 10)
    model = make_model()
    np.testing.assert_allclose(class_probabilities(model, raw), by_loops(model, raw), atol=1e-5)


def test_risk_is_the_rare_class_averaged_over_all_members(make_model, raw):
    model = make_model(members=(1, 4))
    np.testing.assert_allclose(risk_score(model, raw), by_loops(model, raw)[:, 2], atol=1e-5)


def test_a_model_without_unknown_has_one_class_less(make_model, raw):
    model = make_model(classes=("dormant", "normal", "risky"))
    assert class_probabilities(model, raw).shape == (37, 3)


def test_column_order_in_memory_changes_nothing(make_model, raw):
    model = make_model()
    by_columns = np.asfortranarray(raw)
    np.testing.assert_array_equal(risk_score(model, by_columns), risk_score(model, raw))


def test_huge_logits_stay_finite(make_model, raw):
    model = make_model()
    model["parts"][0]["layers"][-1]["bias"][:] = [1e4, 0, -1e4, 0]
    probabilities = class_probabilities(model, raw)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_no_players_no_scores(make_model, raw):
    assert risk_score(make_model(), raw[:0]).shape == (0,)


def test_another_number_of_features_is_refused(make_model, raw):
    with pytest.raises(DataProblem, match="6"):
        risk_score(make_model(), raw[:, :5])


def test_the_model_and_the_input_are_left_as_they_were(make_model, raw):
    model, before = make_model(), raw.copy()
    first = risk_score(model, raw)
    np.testing.assert_array_equal(risk_score(model, raw), first)
    np.testing.assert_array_equal(raw, before)
