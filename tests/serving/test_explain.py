from dataclasses import replace

import numpy as np
import pytest

from scarcegan.data.calibration import Calibration
from scarcegan.data.scaling import Scaler
from scarcegan.problems import DataProblem
from scarcegan.serving import networks
from scarcegan.serving.forward import Layer
from scarcegan.serving.reasons import Reason, strongest_reasons


@pytest.fixture
def make_model(make_model):
    """Models as smooth as trained ones; with weights of size one a score jumps from 0 to 1 within a step."""

    def make(**options):
        model = make_model(**options)
        for layer in (layer for part in model.parts for layer in part.layers):
            layer.weights[:] /= np.sqrt(layer.weights.shape[1])
        return model

    return make


@pytest.fixture
def typical(raw):
    return np.median(raw, axis=0)


def completeness_error(model, raw, typical, steps=16):
    """Missing share of the score's difference, relative to the largest difference of all players."""
    wanted = model.risk(raw) - model.risk(typical[None, :])
    found = model.explain(raw, typical, steps).sum(axis=1)
    return np.abs(found - wanted).max() / np.abs(wanted).max()


def behind_its_scaler(model):
    """The same one-part model for players who are scaled already."""
    (part,) = model.parts
    edges = np.tile(np.array([-9.0, 9.0], dtype=np.float32), (len(part.scaler.knots), 1))
    return part.scaler, replace(model, parts=(replace(part, scaler=Scaler("quantile_normal", edges, edges)),))


def by_finite_differences(model, end, start, steps=400, nudge=1e-2):
    """Integrated gradients as one would write them on paper: every slope by two scores."""
    scaler, inner = behind_its_scaler(model)
    start, end = scaler.apply(start[None, :]), scaler.apply(end[None, :])
    shares = (np.arange(steps)[:, None] + 0.5) / steps
    path = start * (1 - shares) + end * shares
    slopes = []
    for feature in range(path.shape[1]):
        sides = [path + side * nudge * (np.arange(path.shape[1]) == feature) for side in (1, -1)]
        above, below = (inner.risk(side.astype(np.float32)).astype(float) for side in sides)
        slopes.append((above - below).mean() / (2 * nudge))
    return slopes * (end - start)[0]


@pytest.mark.parametrize(("thresholds", "steps"), [(0, 16), (2, 64)])
def test_a_players_attributions_sum_to_the_scores_difference_from_the_typical_player(
    make_model, raw, typical, thresholds, steps
):
    assert completeness_error(make_model(members=(8, 12), thresholds=thresholds), raw, typical, steps) < 0.05


def test_a_calibrated_players_attributions_sum_to_the_calibrated_difference(make_model, raw, typical):
    model = make_model(members=(8, 12), calibration=Calibration(0.8, 1.6, -3.0))
    assert completeness_error(model, raw, typical, 64) < 0.05
    plain = replace(model, calibration=None).explain(raw, typical)
    stretched = model.explain(raw, typical)
    assert np.argsort(stretched, axis=1).tolist() == np.argsort(plain, axis=1).tolist()


def test_what_a_missing_value_does_is_its_features_part(make_model, raw, gaps, typical):
    model = make_model(members=(8, 12), indicators=(0, 3))
    wanted = model.risk(gaps) - model.risk(typical[None, :])
    found = model.explain(gaps, typical, 64)
    assert found.shape == gaps.shape
    np.testing.assert_allclose(found.sum(axis=1), wanted, atol=0.05 * np.abs(wanted).max())
    # As usual but for one missing value: nothing else can have changed the score.
    alone = np.where(np.arange(6) == 3, np.nan, typical)[None, :].astype(np.float32)
    shares = model.explain(alone, typical, 64)[0]
    assert np.flatnonzero(shares).tolist() == [3]


def test_more_steps_come_closer(make_model, raw, typical):
    errors = [completeness_error(make_model(), raw, typical, steps) for steps in (2, 16, 128)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < errors[0] / 10


@pytest.mark.parametrize("thresholds", [0, 2])
def test_equals_finite_differences(make_model, raw, typical, thresholds):
    model = make_model(members=(2,), thresholds=thresholds)
    found = model.explain(raw[:2], typical, steps=256)
    for player in range(2):
        wanted = by_finite_differences(model, raw[player], typical)
        np.testing.assert_allclose(found[player], wanted, atol=0.02 * np.abs(wanted).max())


def test_one_layer_is_a_network_too(make_model, raw, typical):
    model, rng = make_model(), np.random.default_rng(5)
    flat = []
    for part in model.parts:
        weights = rng.normal(size=(part.members, raw.shape[1], len(model.class_names))).astype(np.float32)
        flat.append(replace(part, layers=(Layer(weights, part.layers[-1].bias),)))
    assert completeness_error(replace(model, parts=tuple(flat)), raw, typical) < 0.01


def test_every_member_counts_the_same_whatever_its_part(make_model, raw, typical):
    both = make_model(members=(1, 4))
    alone = [replace(both, parts=(part,)).explain(raw, typical) for part in both.parts]
    np.testing.assert_allclose(both.explain(raw, typical), 0.2 * alone[0] + 0.8 * alone[1], atol=1e-6)


def test_the_typical_player_has_nothing_to_explain(make_model, typical):
    assert not make_model().explain(typical[None, :], typical).any()


def test_a_feature_as_usual_gets_nothing(make_model, raw, typical):
    rows = raw.copy()
    rows[:, 3] = typical[3]
    assert not make_model().explain(rows, typical)[:, 3].any()


def test_beyond_the_scalers_ends_a_feature_counts_as_at_its_end(make_model, raw, typical):
    model = make_model(members=(2,))
    far, end = raw[:1].copy(), raw[:1].copy()
    far[0, 0], end[0, 0] = 1e9, model.parts[0].scaler.knots[0, -1]
    assert (model.explain(far, typical) == model.explain(end, typical)).all()


def test_chunks_leave_no_seam(make_model, raw, typical, monkeypatch):
    whole = make_model().explain(raw, typical)
    monkeypatch.setattr(networks, "CHUNK_POINTS", 80)
    np.testing.assert_allclose(make_model().explain(raw, typical), whole, atol=1e-6)


def test_no_players_no_attributions(make_model, raw, typical):
    assert make_model().explain(raw[:0], typical).shape == (0, 6)


def test_another_number_of_features_is_refused(make_model, raw, typical):
    with pytest.raises(DataProblem, match="6 features"):
        make_model().explain(raw[:, :5], typical)
    with pytest.raises(DataProblem, match="6 features"):
        make_model().explain(raw, typical[:5])


NAMES = ["active_share", "sessions_level", "tenure_days"]


def said(attributions, rows=((0.93, 12345.6, 3.0),), typical=(0.21, 1.0, 7.5), **options):
    return strongest_reasons(NAMES, np.array(rows), np.array(attributions), np.array(typical), **options)


def test_reasons_say_what_is_unusual_and_how_much_it_counts():
    (found,) = said([[0.18, 0.0041, 0.25]])
    assert [reason.words for reason in found] == [
        "tenure days 3, typical 7.5 (+0.25)",
        "active share 0.93, typical 0.21 (+0.18)",
        "sessions level 12,346, typical 1 (+0.0041)",
    ]
    assert found[1] == Reason("active_share", 0.93, 0.21, 0.18, found[1].words)


def test_a_missing_value_is_called_missing():
    (found,) = said([[0.18, 0.0, 0.0]], rows=((np.nan, 1.0, 3.0),))
    assert found == [Reason("active_share", None, 0.21, 0.18, "active share missing, typical 0.21 (+0.18)")]


def test_only_what_raised_the_score_is_a_reason():
    assert [[reason.feature for reason in one] for one in said([[-0.5, 0.1, 0.0]])] == [["sessions_level"]]
    assert said([[-0.5, -0.1, 0.0]]) == [[]]


def test_no_more_reasons_than_asked_for_and_equal_ones_in_the_models_order():
    (found,) = said([[0.1, 0.2, 0.1]], count=2)
    assert [reason.feature for reason in found] == ["sessions_level", "active_share"]
