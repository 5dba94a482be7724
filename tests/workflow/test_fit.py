from dataclasses import replace

import numpy as np
import pytest

from scarcegan.data.folds import in_folds
from scarcegan.data.players import UNLABELED
from scarcegan.data.scaling import fit_scaler
from scarcegan.families.estimators import fit_estimator
from scarcegan.serving.forward import member_logits
from scarcegan.serving.model import Model
from scarcegan.settings import load
from scarcegan.settings.estimators import BUILT_IN
from scarcegan.workflow.retraining import fit
from scarcegan.workflow.retraining.fit import CLASS_RECALL, fit_fold, fold_fingerprint, seeds

ROUNDS = [5, 10, 15, 20, 25, 30, 35, 40]
DEFINITIONS = ["recall_first", "precision_first", "review_budget", "balanced"]


def changed(settings, **sections):
    tree = settings.model_dump(mode="json")
    return load(tree | {name: tree[name] | section for name, section in sections.items()})


def model_of(part, prepared):
    classes = ("dormant", "normal", "heavy", "risky", "unknown")
    return Model(classes, 3, prepared.players.feature_names, 0.5, "balanced", (part,))


def test_every_definition_gets_a_candidate(folds):
    for number, fold in enumerate(folds):
        assert fold.fold == number
        assert list(fold.candidates) == DEFINITIONS
        for candidate in fold.candidates.values():
            assert candidate.members == [0, 1]
            assert set(candidate.iterations) <= set(ROUNDS)
            assert len(candidate.measure) == 2


def test_validation_rows_are_the_folds_own(folds, prepared):
    for number, fold in enumerate(folds):
        rows = fold.validation_rows
        assert set(rows) == set(np.flatnonzero(prepared.fold == number))
        assert all(len(one.scores) == len(rows) for one in fold.candidates.values())


def test_out_of_fold_scores_are_those_of_the_candidates_arrays(folds, prepared):
    for fold in folds:
        raw = prepared.players.features[fold.validation_rows]
        for name, candidate in fold.candidates.items():
            score = model_of(candidate.part, prepared).risk(raw)
            assert score == pytest.approx(candidate.scores, abs=1e-5), name


def test_risky_validation_players_score_higher(folds, prepared):
    for fold in folds:
        labels, scores = prepared.players.labels[fold.validation_rows], fold.candidates["balanced"].scores
        assert np.median(scores[labels == 3]) > np.median(scores[labels == UNLABELED])


def test_each_family_scores_the_validation_players_as_its_part_does(folds, prepared):
    for fold in folds:
        assert list(fold.families) == ["small_extra_trees", "linear"]
        columns = prepared.players.features[fold.validation_rows].T
        for family in fold.families.values():
            risk = np.zeros(columns.shape[1], np.float32)
            family.part.add_risk(columns, risk)
            np.testing.assert_allclose(risk, family.scores, atol=1e-6)


def test_a_family_never_learns_from_the_folds_validation_players(folds, prepared, settings):
    rows = folds[0].validation_rows
    labels = prepared.players.labels.copy()
    labels[rows[:-1][labels[rows[:-1]] == 3][1:]] = 0  # one stays: recall needs somebody
    mislabeled = replace(prepared, players=replace(prepared.players, labels=labels))
    again = fit_fold(mislabeled, 0, settings, threads=1)
    for name, family in folds[0].families.items():
        assert np.array_equal(family.scores, again.families[name].scores)


def test_a_family_that_cannot_be_trained_is_left_out_and_the_fold_goes_on(prepared, settings):
    tree = settings.model_dump(mode="json")
    tree["estimators"] = [{"name": "nobodys", "path": "nowhere.to_be:Found"}]
    offer = fit_fold(
        prepared, 0, load(tree | {"train": tree["train"] | {"families": ["linear", "nobodys"]}}), threads=1
    )
    assert list(offer.families) == ["linear"]
    assert "expected 'nowhere.to_be:Found' of 'nobodys' to be installed" in offer.left_out["nobodys"]


def test_progress_has_validation_series(folds):
    progress = folds[0].progress
    assert progress.iteration == ROUNDS
    classes = [f"{CLASS_RECALL}{name}" for name in ("dormant", "normal", "heavy", "risky")]
    measured = [f"validation_{name}" for name in ("recall_at_budget", "precision_at_budget", "average_precision")]
    for name in (*measured, *classes):
        values = np.array(progress.series[name])
        assert values.shape == (len(ROUNDS), 2)
        assert ((values >= 0) & (values <= 1)).all()


def test_live_precision_follows_from_recall_and_prevalence(prepared, settings):
    known = load(settings.model_dump(mode="json") | {"data": {"prevalence": 0.05}, "review_budget": 0.2})
    series = fit_fold(prepared, 0, known, threads=1).progress.series
    recall = np.array(series["validation_recall_at_budget"])
    assert recall.any()
    assert np.array(series["validation_precision_at_budget"]) == pytest.approx(recall * 0.05 / 0.2)


def test_recall_per_class_is_that_of_the_arrays_to_be_served(prepared, settings):
    short = changed(settings, train={"iterations": 10, "round_iterations": 10})
    fold = fit_fold(prepared, 0, short, threads=1)
    part, rows = fold.candidates["balanced"].part, fold.validation_rows
    raw, labels = prepared.players.features[rows], prepared.players.labels[rows]
    for member in range(2):
        called = member_logits(part.layers, member, part.slope, part.scaler.apply(raw).T)
        for number, name in enumerate(("dormant", "normal", "heavy", "risky")):
            right = (called.argmax(axis=0) == number)[labels == number].mean()
            assert fold.progress.series[f"{CLASS_RECALL}{name}"][-1][member] == pytest.approx(right)


def test_test_players_never_train_nor_scale(prepared, settings, monkeypatch):
    seen = {}

    def stop(rows, *_):
        seen["rows"] = rows
        raise KeyboardInterrupt

    def unscaled(features, scaling, rows):
        seen["scaler"] = rows
        return Raw

    monkeypatch.setattr(fit, "Program", stop)
    monkeypatch.setattr(fit, "fit_scaler", unscaled)
    with pytest.raises(KeyboardInterrupt):
        fit_fold(prepared, 1, settings, threads=1)
    training = np.flatnonzero(prepared.fold == 0)
    labels = prepared.players.labels[training]
    assert np.array_equal(seen["scaler"], training)
    assert np.array_equal(seen["rows"].labeled, prepared.players.features[training[labels >= 0]])
    assert np.array_equal(seen["rows"].labels, labels[labels >= 0])
    assert np.array_equal(seen["rows"].unlabeled, prepared.players.features[training[labels < 0]])


class Raw:
    """A scaler that changes nothing."""

    kind = "quantile_normal"

    @staticmethod
    def apply(features, rows, out=None):
        return features[rows]


class Broken(fit.Program):
    """A program whose first member starts without numbers."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        state = self.state()
        for name in [name for name in state if name.startswith("weights/")]:
            state[name][0] = np.nan
        self.restore(state)


def test_a_broken_member_is_never_selected(prepared, settings, folds, monkeypatch):
    monkeypatch.setattr(fit, "Program", Broken)
    broken = fit_fold(prepared, 0, settings, threads=1)
    assert broken.progress.healthy == [False, True]
    assert broken.progress.alarms[0].startswith("not finite: member 0, first at iteration 5, last at 40; ")
    for candidate in broken.candidates.values():
        assert candidate.members == [1]
        assert np.isfinite(candidate.scores).all()
        assert all(np.isfinite(layer.weights).all() for layer in candidate.part.layers)
    # the survivor is the very member it is in whole company
    for series in ("discriminator_supervised_loss", "generator_loss", "validation_average_precision"):
        healthy = np.array(folds[0].progress.series[series])[:, 1]
        assert np.array_equal(np.array(broken.progress.series[series])[:, 1], healthy), series


@pytest.mark.reliability(
    case="Training is killed",
    sees="the task has failed, and is started again",
    resume="goes on from the last checkpoint to the same models",
)
def test_a_killed_fold_goes_on_from_its_checkpoint_to_the_same_candidates(prepared, folds, settings, tmp_path):
    rounds = []

    def killed(progress):
        if progress.iteration[-1] == 30:
            raise KeyboardInterrupt

    path = tmp_path / "fold_0.npz"
    with pytest.raises(KeyboardInterrupt):
        fit_fold(prepared, 0, settings, 1, path, killed)
    resumed = fit_fold(prepared, 0, settings, 1, path, lambda told: rounds.append(told.iteration[-1]))
    assert rounds == [25, 30, 35, 40]
    for name, candidate in resumed.candidates.items():
        expected = folds[0].candidates[name]
        assert np.array_equal(candidate.scores, expected.scores)
        assert candidate.iterations == expected.iterations
    for name, family in resumed.families.items():
        assert np.array_equal(family.scores, folds[0].families[name].scores)


def test_a_training_is_named_by_data_settings_and_fold(prepared, settings):
    own = fold_fingerprint(prepared, settings, 0)
    assert own == fold_fingerprint(prepared, changed(settings, registry={"group": "elsewhere"}), 0)
    assert own != fold_fingerprint(prepared, settings, 1)
    assert own != fold_fingerprint(prepared, changed(settings, model={"alpha": 0.5}), 0)


def test_seeds_differ_by_seed_fold_and_member_and_a_member_keeps_its_own():
    drawn = [seeds(seed, fold, 4) for seed in (1, 2) for fold in range(3)]
    all_seeds = [value for own, members in drawn for value in (own, *members)]
    assert len(set(all_seeds)) == 2 * 3 * 5
    assert all(0 <= value < 2**31 for value in all_seeds)
    assert seeds(1, 0, 8)[1][:4] == seeds(1, 0, 4)[1]


@pytest.mark.parametrize("variant", ["without_leeway", "vanilla"])
def test_variants_without_leeway_offer_models_without_unknown(prepared, settings, variant):
    short = changed(settings, model={"variant": variant}, train={"iterations": 10})
    part = fit_fold(prepared, 0, short, threads=1).candidates["balanced"].part
    assert part.layers[-1].weights.shape[2] == 4


def test_spent_features_give_the_same_training_rows(prepared, settings):
    rows = np.flatnonzero(prepared.fold == 1)
    scaler = fit_scaler(prepared.players.features, settings.scaling, rows)
    own = replace(prepared, players=replace(prepared.players, features=prepared.players.features.copy()))
    spent = fit.training_rows(own, rows, scaler, settings, spend=True)
    kept = fit.training_rows(prepared, rows, scaler, settings)
    np.testing.assert_array_equal(spent.labeled, kept.labeled)
    np.testing.assert_array_equal(spent.unlabeled, kept.unlabeled)
    assert np.shares_memory(spent.unlabeled, own.players.features)


def test_the_teacher_learns_from_the_folds_labels_and_is_trusted_the_less_the_more_there_are(prepared, settings):
    own, rare = in_folds(prepared.fold, settings.folds.k) & (prepared.fold != 0), 3
    rows = np.flatnonzero(own)
    scaler = fit_scaler(prepared.players.features, settings.scaling, rows)
    trained = fit.training_rows(prepared, rows, scaler, settings)
    taught = fit._taught(trained, settings, seed=5)
    assert taught.shape == (len(trained.unlabeled),)
    again = fit_estimator(BUILT_IN["small_extra_trees"], trained.labeled, trained.labels, rare, 5)
    trust = 50 / (50 + np.count_nonzero(trained.labels == rare))
    np.testing.assert_allclose(taught, trust * again.risk(trained.unlabeled))


@pytest.mark.parametrize("model", [{"teacher": ""}, {"objective": "published"}])
def test_there_is_no_teacher_where_the_settings_have_none_or_the_objective_is_as_published(prepared, settings, model):
    tree = settings.model_dump(mode="json")
    assert fit._taught(None, load(tree | {"model": tree["model"] | model}), seed=5) is None
