"""A model of several families: ScarceGAN tells the classes apart, all families pool their log-odds into the risk."""

import json
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from scarcegan.data.calibration import Calibration
from scarcegan.problems import RegistryProblem
from scarcegan.serving.ensemble import Family
from scarcegan.serving.model import Model

CALIBRATION = Calibration(0.8, 1.6, -3.0)
MIXES = [
    {"forest": 0.3, "boosting": 0.25, "linear": 0.2},  # ScarceGAN has the rest
    {"boosting": 0.6, "linear": 0.4},  # ScarceGAN has no share
    {"forest": 1.0},
    {"linear": 0.5},
]


@pytest.fixture
def typical(raw):
    return np.median(raw, axis=0)


def by_leaves(trees, row):
    """What the leaves say that a player gets to, in plain Python."""
    total = 0.0
    for node in trees.roots:
        while trees.feature[node] >= 0:
            value = row[trees.feature[node]]
            goes_left = trees.missing_left[node] if np.isnan(value) else value <= trees.threshold[node]
            node = trees.left[node] if goes_left else trees.right[node]
        total += float(trees.values[node])
    return total / len(trees.roots) if trees.link == "mean" else 1 / (1 + np.exp(-total))


def by_terms(linear, row):
    scaled = linear.scaler.apply(row[None, :])[0]
    terms = [float(weight) * float(value) for weight, value in zip(linear.weights, scaled, strict=True)]
    return 1 / (1 + np.exp(-sum(terms, linear.bias)))


def risk_of(part, row):
    return (by_terms if part.kind == "linear" else by_leaves)(part, row)


def by_loops(model, raw):
    """Class probabilities as one would compute them on paper, from ScarceGAN's own."""
    rows = []
    for row, own in zip(raw, model.scarcegan_alone().probabilities(raw).astype(float), strict=True):
        told = [(model.share, own[2])] if model.share else []
        told += [(one.share, np.mean([risk_of(part, row) for part in one.parts])) for one in model.families]
        if len(told) == 1:
            ((_, risk),) = told
        else:
            inside = [(share, min(max(mean, 0.01), 0.99)) for share, mean in told]
            risk = 1 / (1 + np.exp(-sum(share * np.log(mean / (1 - mean)) for share, mean in inside)))
        others = own * (np.arange(len(own)) != 2)
        rows.append(others / others.sum() * (1 - risk) + risk * (np.arange(len(own)) == 2))
    return np.array(rows)


@pytest.mark.parametrize("mix", MIXES)
def test_the_risk_pools_log_odds_and_the_other_classes_keep_their_proportions(make_model, gaps, mix):
    model = make_model(indicators=(0, 3), families=mix)
    assert model.fills_missing
    np.testing.assert_allclose(model.probabilities(gaps), by_loops(model, gaps), atol=1e-5)
    np.testing.assert_allclose(model.probabilities(gaps).sum(axis=1), 1, atol=1e-5)


def test_each_part_of_a_family_counts_the_same_whatever_its_folds_members(make_model, raw):
    model = make_model(families={"forest": 1.0})
    one_each = [model.of_fold(number).risk(raw) for number in range(2)]
    np.testing.assert_allclose(model.risk(raw), np.mean(one_each, axis=0), atol=1e-6)


def test_no_family_has_a_veto(make_model, raw):
    """Of two equal families one is sure that nobody is risky: it counts as one per cent."""
    model = make_model(families={"linear": 0.5})
    (linear,) = model.families
    sure = replace(linear, parts=tuple(replace(part, bias=-1e4) for part in linear.parts))
    odds = model.scarcegan_alone().risk(raw).astype(float).clip(0.01, 0.99)
    odds = np.sqrt(odds / (1 - odds) / 99)
    np.testing.assert_allclose(replace(model, families=(sure,)).risk(raw), odds / (1 + odds), atol=1e-5)


def test_one_family_with_all_of_the_risk_is_not_cut_off(make_model, tied):
    model = make_model(families={"boosting": 1.0}, indicators=(0, 3))
    (family,) = model.families
    low = replace(family, parts=tuple(replace(part, values=part.values - 1) for part in family.parts))
    risk = replace(model, families=(low,)).risk(tied)
    assert 0 < risk.min() < 0.001
    np.testing.assert_allclose(risk, low.risk(tied.T), atol=1e-7)


@pytest.mark.parametrize("mix", MIXES)
def test_the_calibration_is_that_of_the_pooled_risk(make_model, raw, mix):
    plain = make_model(families=mix)
    model = replace(plain, calibration=CALIBRATION)
    np.testing.assert_allclose(model.risk(raw), CALIBRATION.apply(plain.risk(raw)), rtol=1e-5)
    assert np.argsort(model.risk(raw)).tolist() == np.argsort(plain.risk(raw)).tolist()


@pytest.mark.parametrize("calibration", [None, CALIBRATION])
@pytest.mark.parametrize("mix", MIXES)
def test_attributions_sum_to_the_difference_of_the_pooled_risk(make_model, gaps, typical, mix, calibration):
    model = make_model(families=mix, members=(8, 12), indicators=(0, 3), calibration=calibration)
    for layer in (layer for part in model.parts for layer in part.layers):
        layer.weights[:] /= np.sqrt(layer.weights.shape[1])
    found = model.explain(gaps, typical, 64)
    wanted = model.risk(gaps) - model.risk(typical[None, :])
    assert (found.dtype, found.shape) == (np.float32, gaps.shape)
    # Only ScarceGAN's integrated gradients have an error.
    np.testing.assert_allclose(found.sum(axis=1), wanted, atol=0.05 * np.abs(wanted).max() if model.share else 1e-5)


@pytest.mark.parametrize("mix", MIXES)
def test_the_typical_player_has_nothing_to_explain(make_model, typical, mix):
    assert not make_model(families=mix, indicators=(0, 3)).explain(typical[None, :], typical).any()


def test_what_a_missing_value_does_is_its_features_part(make_model, raw, typical):
    model = make_model(families={"linear": 1.0}, indicators=(0, 3))
    alone = np.where(np.arange(6) == 3, np.nan, typical)[None, :].astype(np.float32)
    assert np.flatnonzero(model.explain(alone, typical)[0]).tolist() == [3]


@pytest.mark.parametrize("mix", MIXES)
def test_an_archive_gives_the_same_model_back(make_model, gaps, tmp_path, mix):
    model = make_model(families=mix, indicators=(0, 3), calibration=CALIBRATION)
    digest = model.save(tmp_path / "model.tar.gz", {})
    back = Model.load(tmp_path / "model.tar.gz", digest)
    assert back.shares == model.shares
    assert [family.name for family in back.families] == list(mix)
    np.testing.assert_array_equal(back.probabilities(gaps), model.probabilities(gaps))
    assert back.digest({}) == model.digest({})


def test_an_archive_of_format_3_is_scarcegan_alone(make_model, raw, tmp_path, packed):
    model, path = make_model(calibration=CALIBRATION), tmp_path / "model.tar.gz"
    model.save(path, {})
    with tarfile.open(path) as tar:
        files = {entry.name: tar.extractfile(entry).read() for entry in tar}
    tree = json.loads(files["model.json"])
    tree["format"] = 3
    del tree["model"]["share"], tree["model"]["families"]
    files["model.json"] = json.dumps(tree).encode()
    packed(path, files)
    old = Model.load(path)
    assert (old.shares, old.families) == ((1.0,), ())
    np.testing.assert_array_equal(old.risk(raw), model.risk(raw))


def test_scarcegan_alone_is_the_model_without_families_and_calibration(make_model, raw):
    alone = make_model(families=MIXES[0], calibration=CALIBRATION).scarcegan_alone()
    assert (alone.shares, alone.calibration) == ((1.0,), None)
    np.testing.assert_array_equal(alone.probabilities(raw), make_model().probabilities(raw))


def test_of_a_fold_there_is_each_familys_part_of_it(make_model, raw):
    model = make_model(families=MIXES[0])
    one = model.of_fold(1)
    assert (one.parts, one.shares) == (model.parts[1:], model.shares)
    assert [family.parts for family in one.families] == [family.parts[1:] for family in model.families]
    np.testing.assert_allclose(one.probabilities(raw), by_loops(one, raw), atol=1e-5)


@pytest.mark.parametrize(("indicators", "fills"), [((), False), ((0, 3), True)])
def test_missing_values_are_taken_if_every_family_takes_them(make_model, gaps, indicators, fills):
    model = make_model(families=MIXES[0], indicators=indicators)
    assert model.fills_missing == fills
    np.testing.assert_array_equal(np.isnan(model.risk(gaps)), ~np.array(fills) & np.isnan(gaps).any(axis=1))


def replaced(model, **changes):
    """The model with other fields in its first family."""
    return replace(model, families=(replace(model.families[0], **changes), *model.families[1:]))


def spoilt(model, number, **changes):
    """The model with other arrays in the first part of a family."""
    families = list(model.families)
    first, *others = families[number].parts
    families[number] = replace(families[number], parts=(replace(first, **changes), *others))
    return replace(model, families=tuple(families))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda model: replace(model, share=0.3), r"ScarceGAN and other families that sum to 1, got \(0.3, "),
        (lambda model: replace(model, share=float("nan")), "sum to 1"),
        (lambda model: replace(model, families=()), r"sum to 1, got \(0.25"),
        (lambda model: replace(replaced(model, share=0.6), share=-0.05), "sum to 1"),
        (lambda model: replaced(model, share=0.0), "'forest' with parts and a share above 0, got 2 parts and 0.0"),
        (lambda model: replaced(model, share=float("nan")), "share above 0"),
        (lambda model: replaced(model, parts=()), "got 0 parts and 0.3: leave out a family that counts for nothing"),
        (lambda model: spoilt(model, 0, threshold=np.zeros(3, np.float32)), "forest's part 0's threshold"),
        (lambda model: spoilt(model, 2, bias=np.inf), "linear's part 0's bias as a finite number"),
        (lambda model: spoilt(model, 2, weights=np.zeros(5, np.float32)), "linear's part 0's weights"),
        (lambda model: replace(model, feature_names=model.feature_names[:5], parts=model.parts), "scaler knots"),
    ],
)
def test_families_that_do_not_fit_are_refused(make_model, spoil, message):
    model = make_model(families=MIXES[0])
    with pytest.raises(RegistryProblem, match=message):
        spoil(model)


def test_a_family_of_an_unknown_kind_is_refused(make_model):
    plain = make_model(families=MIXES[0]).to_plain()
    assert [part["kind"] for part in plain["families"][2]["parts"]] == ["linear", "linear"]
    plain["families"][2]["parts"][0]["kind"] = "oracle"
    with pytest.raises(RegistryProblem, match="parts of kind linear, trees, got 'oracle'"):
        Model.from_plain(plain)


def test_no_players_no_scores(make_model, raw, typical):
    model = make_model(families=MIXES[0])
    assert model.risk(raw[:0]).shape == (0,)
    assert model.explain(raw[:0], typical).shape == (0, 6)


def test_a_familys_risk_is_the_mean_over_its_parts(make_model, tied):
    (family,) = make_model(families={"forest": 1.0}, indicators=(0, 3)).families
    alone = [Family("forest", 1.0, (part,)).risk(tied.T) for part in family.parts]
    np.testing.assert_allclose(family.risk(tied.T), np.mean(alone, axis=0), atol=1e-7)
