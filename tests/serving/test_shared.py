from dataclasses import replace

import numpy as np
import pytest

from scarcegan.serving import networks
from scarcegan.serving.lookup import ColumnScaler
from scarcegan.serving.model import CHUNK_ROWS, Model, scarcegan_of_each


@pytest.fixture
def many():
    """Players of more than one chunk."""
    return np.random.default_rng(5).normal(size=(CHUNK_ROWS + 7, 6)).astype(np.float32)


def with_members(model, *chosen):
    """The same model with some members of each part alone, in the order that is given for it."""

    def picked(layer, members):
        return type(layer)(*(array if array is None else array[members] for array in vars(layer).values()))

    parts = [
        replace(part, layers=tuple(picked(layer, members) for layer in part.layers))
        for part, members in zip(model.parts, chosen, strict=True)
    ]
    # From plain data on nothing is the same object any more, as in a run's artifact.
    return Model.from_plain(replace(model, parts=tuple(parts)).to_plain())


@pytest.fixture
def models(make_model):
    """Three models that share networks, in other orders, and a fourth with networks of its own behind other scalers."""
    whole = make_model(thresholds=2, indicators=(1,), members=(3, 2))
    return {
        "whole": with_members(whole, [0, 1, 2], [0, 1]),
        "fewer": with_members(whole, [2, 0], [1]),
        "other order": with_members(whole, [2, 1, 0], [1, 0]),
        "alien": with_members(make_model(seed=7), [0, 1], [0, 1, 2]),
    }


def test_each_model_gets_what_it_says_alone_to_the_last_bit(models, many):
    many[3, 1] = np.nan
    told = scarcegan_of_each(models, many)
    assert list(told) == list(models)
    for name, model in models.items():
        np.testing.assert_array_equal(told[name], model.scarcegan_alone().probabilities(many), strict=True)


def test_what_models_share_is_run_once_for_each_chunk(models, many, monkeypatch):
    runs, scalings = [], []
    run, scale = networks.member_logits, ColumnScaler.apply
    monkeypatch.setattr(networks, "member_logits", lambda *given: runs.append(1) or run(*given))
    monkeypatch.setattr(ColumnScaler, "apply", lambda *given: scalings.append(1) or scale(*given))
    scarcegan_of_each(models, many)
    # Five networks of the first three models and five of the fourth; two scalers of each.
    assert (len(runs), len(scalings)) == (2 * (5 + 5), 2 * (2 + 2))


def test_networks_behind_other_scalers_or_with_another_slope_are_others(make_model, many):
    model = make_model()
    first, second = model.parts
    scaler = replace(first.scaler, values=first.scaler.values * np.float32(0.5))
    models = {
        "as it is": model,
        "scaled": replace(model, parts=(replace(first, scaler=scaler), second)),
        "steeper": replace(model, parts=(replace(first, slope=0.5), second)),
    }
    told = scarcegan_of_each(models, many)
    for name, one in models.items():
        np.testing.assert_array_equal(told[name], one.probabilities(many))
