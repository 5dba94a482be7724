import math
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from scarcegan.data.calibration import Calibration
from scarcegan.problems import DataProblem, RegistryProblem
from scarcegan.records import Record
from scarcegan.serving import model as model_module
from scarcegan.serving import parts
from scarcegan.serving.model import Model
from scarcegan.serving.shape import expect_array


def one_player_one_member(part, member, scaled):
    """The forward pass as one would write it on paper."""
    activation = [float(value) for value in scaled]
    steps = part.layers[0].steps(member)
    thresholds = () if steps is None else steps[0]
    activation += [
        min(max(2.0 * (activation[number % len(scaled)] - float(at)), -1.0), 1.0)
        for number, at in enumerate(thresholds)
    ]
    for depth, layer in enumerate(part.layers):
        if depth:
            activation = [value if value > 0 else part.slope * value for value in activation]
        weights, bias = layer.weights[member], layer.bias[member]
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
        for part in model.parts:
            scaled = part.scaler.apply(player[None, :])[0]
            probabilities += [one_player_one_member(part, member, scaled) for member in range(part.members)]
        rows.append(np.mean(probabilities, axis=0))
    return np.array(rows)


@pytest.mark.parametrize("thresholds", [0, 1, 3])
@pytest.mark.parametrize("classes", [("dormant", "normal", "risky", "unknown"), ("dormant", "normal", "risky")])
def test_probabilities_equal_a_plain_loop_over_all_members_and_risk_is_the_rare_class(
    make_model, raw, classes, thresholds
):
    model = make_model(classes=classes, thresholds=thresholds)
    wanted = by_loops(model, raw)
    np.testing.assert_allclose(model.probabilities(raw), wanted, atol=1e-5)
    np.testing.assert_allclose(model.risk(raw), wanted[:, 2], atol=1e-5)


def test_chunks_leave_no_seam(make_model, raw, monkeypatch):
    monkeypatch.setattr(model_module, "CHUNK_ROWS", 10)
    model = make_model()
    np.testing.assert_allclose(model.probabilities(raw), by_loops(model, raw), atol=1e-5)


def test_column_order_in_memory_changes_nothing(make_model, raw):
    model = make_model()
    np.testing.assert_array_equal(model.risk(np.asfortranarray(raw)), model.risk(raw))


def test_huge_logits_stay_finite(make_model, raw):
    model = make_model()
    model.parts[0].layers[-1].bias[:] = [1e4, 0, -1e4, 0]
    probabilities = model.probabilities(raw)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_a_calibrated_model_tells_probabilities_and_ranks_as_before(make_model, raw):
    plain, calibration = make_model(), Calibration(0.8, 1.6, -3.0)
    model = replace(plain, calibration=calibration)
    assert (plain.score_kind, model.score_kind) == ("relative", "probability")
    np.testing.assert_allclose(model.risk(raw), calibration.apply(plain.risk(raw)), rtol=1e-6)
    assert np.argsort(model.risk(raw)).tolist() == np.argsort(plain.risk(raw)).tolist()
    np.testing.assert_allclose(model.probabilities(raw).sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("thresholds", [0, 2])
def test_players_with_missing_values_are_scored_as_the_plain_loop_does(make_model, gaps, thresholds):
    model = make_model(thresholds=thresholds, indicators=(0, 3))
    assert model.fills_missing
    np.testing.assert_allclose(model.probabilities(gaps), by_loops(model, gaps), atol=1e-5)


@pytest.mark.parametrize(("feature", "indicated"), [(0, True), (1, False)])
def test_a_missing_value_counts_as_the_fill_and_where_training_lacked_it_as_missing(
    make_model, raw, feature, indicated
):
    model, missing, filled = make_model(members=(2,), indicators=(0, 3)), raw.copy(), raw.copy()
    missing[:, feature], filled[:, feature] = np.nan, model.parts[0].scaler.fill[feature]
    apart = np.abs(model.risk(missing) - model.risk(filled)).max()
    assert (apart > 0.01) == indicated
    assert indicated or apart == 0


def test_a_model_of_a_time_before_fills_tells_by_nan_that_it_cannot_score(make_model, gaps):
    model = make_model()
    assert not model.fills_missing
    np.testing.assert_array_equal(np.isnan(model.risk(gaps)), np.isnan(gaps).any(axis=1))


def test_no_players_no_scores(make_model, raw):
    assert make_model().risk(raw[:0]).shape == (0,)


def test_another_number_of_features_is_refused(make_model, raw):
    with pytest.raises(DataProblem, match="6 features"):
        make_model().risk(raw[:, :5])


def test_the_model_and_the_input_are_left_as_they_were(make_model, raw):
    model, before = make_model(), raw.copy()
    first = model.risk(raw)
    np.testing.assert_array_equal(model.risk(raw), first)
    np.testing.assert_array_equal(raw, before)


def test_a_score_at_the_threshold_is_flagged_as_float32(make_model):
    model = make_model()
    scores = np.array([0.2499, 0.25, 0.2501], dtype=np.float32)
    assert model.flags(scores).tolist() == [False, True, True]


def test_plain_data_has_the_kind_of_each_part_and_gives_the_same_model(make_model, raw):
    model = make_model(thresholds=2)
    plain = model.to_plain()
    assert [part["kind"] for part in plain["parts"]] == ["networks", "networks"]
    np.testing.assert_array_equal(Model.from_plain(plain).risk(raw), model.risk(raw))


def test_parts_of_a_time_without_kinds_are_networks(make_model, raw):
    plain = make_model().to_plain()
    for part in plain["parts"]:
        del part["kind"]
    np.testing.assert_array_equal(Model.from_plain(plain).risk(raw), make_model().risk(raw))


class Constant(Record, eq=False):
    """A part of another kind: every player gets the same probabilities."""

    kind: ClassVar[str] = "constant"
    shares: np.ndarray
    members: int = 5

    def check(self, name, features, classes):
        expect_array(f"{name}'s shares", self.shares, classes)

    def add_probabilities(self, columns, total):
        total += self.members * self.shares[:, None]

    def attributions(self, rows, typical, rare, steps):
        return np.zeros(rows.shape, np.float32)


def test_parts_of_several_kinds_are_scored_explained_and_archived_together(make_model, raw, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "KINDS", {**parts.KINDS, "constant": Constant})
    monkeypatch.setattr(model_module, "serving_files", lambda _: {})
    networks = make_model()
    mixed = replace(networks, parts=(*networks.parts, Constant(np.array([0.4, 0.3, 0.2, 0.1], np.float32))))
    np.testing.assert_allclose(mixed.risk(raw), networks.risk(raw) / 2 + 0.1, atol=1e-6)  # five members weigh as much
    np.testing.assert_allclose(mixed.explain(raw, raw[0]), networks.explain(raw, raw[0]) / 2, atol=1e-6)
    mixed.save(tmp_path / "model.tar.gz", {})
    np.testing.assert_array_equal(Model.load(tmp_path / "model.tar.gz").risk(raw), mixed.risk(raw))


def test_an_unknown_kind_of_part_is_refused(make_model):
    plain = make_model().to_plain()
    plain["parts"][1]["kind"] = "oracle"
    with pytest.raises(RegistryProblem, match="parts of kind networks, got 'oracle': use the scarcegan version"):
        Model.from_plain(plain)


def popped(plain, name):
    plain[name] = plain[name][:-1]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda plain: plain.update(parts=[]), "at least one part"),
        (lambda plain: plain.update(rare_index=9), "rare_index"),
        (lambda plain: plain.update(threshold=float("nan")), "finite threshold"),
        (lambda plain: plain.update(calibration={"a": -1.0, "b": 1.0, "c": 0.0}), "a and b > 0"),
        (lambda plain: plain["parts"][0]["scaler"].update(fill=np.zeros(4, np.float32)), "scaler fill"),
        (lambda plain: plain["parts"][0]["scaler"].update(indicators=(6,)), "indicators below 6"),
        (lambda plain: popped(plain, "class_names"), "layer 2"),
        (lambda plain: popped(plain, "feature_names"), "scaler knots"),
        (lambda plain: plain["parts"][1].update(slope=2.0), "part 1's slope"),
        (lambda plain: plain["parts"][0]["layers"][1]["bias"].fill(np.nan), "NaN"),
        (lambda plain: popped(plain["parts"][0], "layers"), "layer 1"),
        (lambda plain: plain["parts"][0]["layers"][0].update(bias=np.zeros((2, 8))), "float32, got float64"),
        (lambda plain: plain["parts"][0]["layers"][0].update(thresholds=np.zeros((2, 11), np.float32)), "multiples"),
        (lambda plain: plain["parts"][1]["layers"][0].update(steepness=np.zeros(1, np.float32)), "steepness as"),
        (lambda plain: plain["parts"][1]["layers"][0].update(thresholds=None), "weights of layer 0"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(make_model, spoil, message):
    plain = make_model(thresholds=2).to_plain()
    spoil(plain)
    with pytest.raises(RegistryProblem, match=message):
        Model.from_plain(plain)
