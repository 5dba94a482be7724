import re

import numpy as np
import pytest

from scarcegan.evaluation.metrics import at_threshold
from scarcegan.evaluation.promises import bound_on_test, promised_point, share_threshold
from scarcegan.evaluation.records import Prevalence, Promise
from scarcegan.evaluation.scored import Scored, held_by_label
from scarcegan.problems import DataProblem
from scarcegan.settings import Definition, Settings

RECALL_FIRST, PRECISION_FIRST, REVIEW_BUDGET, BALANCED = Settings().definitions
KNOWN, UNKNOWN = Prevalence(0.02, "configured"), Prevalence(0.01, "assumed", 0.001, 0.2)


def labelled(rng, risky, unlabeled, separation=2.0, share=0.02):
    """Scores of labelled risky players and of unlabelled ones, a share of whom is risky; labels beside them."""
    hidden = rng.random(unlabeled) < share
    scores = np.concatenate([rng.normal(separation, 1, risky), rng.normal(separation * hidden, 1)])
    return scores, np.repeat([3, -1], [risky, unlabeled]), hidden


def promised(definition, scores, labels, prevalence=KNOWN, unlabeled=None, budget=0.01, confidence=0.9):
    """Set a threshold where the final model is each fold's own."""
    unlabeled = np.count_nonzero(labels == -1) if unlabeled is None else unlabeled
    pooled = held_by_label(labels, 3, prevalence.value, unlabeled).scored(scores)
    background = scores[labels == -1]
    settings = Settings(review_budget=budget, confidence=confidence)
    return promised_point(definition, pooled, prevalence, background, background[None], settings)


@pytest.mark.parametrize("confidence", [0.7, 0.9])
def test_a_promised_recall_holds_as_often_as_the_confidence_says(rng, confidence):
    kept = []
    for _ in range(300):
        point, promise = promised(RECALL_FIRST, *labelled(rng, 60, 400)[:2], confidence=confidence)
        assert promise.is_given
        # The recall among all risky players, of whom the labelled are a sample: that of a normal score.
        kept.append(np.mean(rng.normal(2, 1, 4_000) >= point.threshold) >= 0.85)
    assert confidence - 0.05 <= np.mean(kept) <= confidence + 0.12


def test_too_few_labels_promise_no_recall_and_say_how_many_would(rng):
    point, promise = promised(RECALL_FIRST, *labelled(rng, 14, 400)[:2])
    assert not promise.is_given
    assert promise.why_not == "14 labelled risky players are too few: 15 are needed"
    assert point.recall >= 0.85
    assert promised(RECALL_FIRST, *labelled(rng, 15, 400)[:2])[1].is_given


def test_a_budget_is_used_in_full_on_average_even_on_small_populations(rng):
    used = []
    for _ in range(300):
        point, promise = promised(REVIEW_BUDGET, *labelled(rng, 20, 300)[:2], budget=0.05)
        assert promise.is_given
        fresh, labels, _ = labelled(rng, 2_000, 30_000)
        used.append(np.average(fresh >= point.threshold, weights=np.where(labels == 3, 20 / 2_000, 300 / 30_000)))
    assert np.mean(used) == pytest.approx(0.05, rel=0.06)


def test_labelled_players_count_in_the_budget_as_many_as_they_are(rng):
    scores, labels, _ = labelled(rng, 200, 2_000, separation=5.0, share=0.0)
    point, _ = promised(REVIEW_BUDGET, scores, labels, budget=0.1)
    assert np.mean(scores >= point.threshold) == pytest.approx(0.1, abs=0.002)
    # The same labels beside a hundred times as many unlabelled players hardly use the budget up.
    point, _ = promised(REVIEW_BUDGET, scores, labels, budget=0.1, unlabeled=200_000)
    assert np.mean(scores[labels == -1] >= point.threshold) == pytest.approx(0.1, abs=0.005)


def test_a_budget_of_less_than_one_player_is_not_promised(rng):
    _, promise = promised(REVIEW_BUDGET, *labelled(rng, 20, 90)[:2])
    assert promise.why_not == "1\N{NO-BREAK SPACE}% of the 90 players that set the threshold are nobody"


def test_a_budget_is_not_promised_where_more_players_share_the_highest_score():
    labels = np.repeat([3, -1], [60, 400])
    scores = np.repeat([1.0, 0.0, 1.0], [60, 384, 16])  # as one feature of 0 and 1 gives
    point, promise = promised(REVIEW_BUDGET, scores, labels)
    assert np.count_nonzero(scores[labels == -1] >= point.threshold) == 16
    assert promise.why_not == "4\N{NO-BREAK SPACE}% of the 400 players that set the threshold share the highest score"
    assert promised(REVIEW_BUDGET, scores, labels, budget=0.05)[1].is_given


def test_a_precision_is_promised_from_many_labels_and_a_known_prevalence_only(rng):
    definition = Definition(name="precise", maximise="recall", constraint="precision", bound=0.5)
    scores, labels, hidden = labelled(rng, 2_000, 20_000, separation=4.0, share=0.05)
    is_risky = np.concatenate([np.ones(2_000, bool), hidden])
    point, promise = promised(definition, scores, labels, Prevalence(float(is_risky.mean()), "configured"))
    assert promise.is_given
    assert np.mean(is_risky[scores >= point.threshold]) >= 0.5
    assert promised(definition, scores, labels, UNKNOWN)[1].why_not == (
        "the share of risky players is not known: set data.prevalence"
    )
    few = promised(definition, *labelled(rng, 10, 20_000)[:2])[1]
    assert few.why_not == "10 labelled risky players are too few for any threshold"


def test_a_precision_that_the_model_itself_does_not_reach_is_not_laid_on_the_number_of_labels(rng):
    definition = Definition(name="precise", maximise="recall", constraint="precision", bound=0.9)
    told = promised(definition, *labelled(rng, 10_000, 20_000, separation=0.5)[:2])[1].why_not
    finding = "no threshold that finds 10\N{NO-BREAK SPACE}% of the risky players"
    assert re.fullmatch(f"on validation players {finding} reaches more than [0-9.]+\N{NO-BREAK SPACE}%", told)


def test_a_definition_without_a_bound_promises_nothing(rng):
    assert promised(BALANCED, *labelled(rng, 30, 500)[:2])[1] is None


def test_the_final_model_flags_as_many_of_the_background_as_the_folds_do_there(rng):
    scores, labels, _ = labelled(rng, 40, 1_000)
    pooled = held_by_label(labels, 3, 0.02, 1_000).scored(scores)
    by_fold = rng.normal(size=(3, 800))
    background = by_fold.mean(axis=0)  # a joined model has another scale
    settings, others = Settings(review_budget=0.05), scores[labels == -1]
    point, _ = promised_point(REVIEW_BUDGET, pooled, KNOWN, background, by_fold, settings)
    in_folds = promised_point(REVIEW_BUDGET, pooled, KNOWN, others, others[None], settings)
    expected = np.mean(by_fold >= in_folds[0].threshold)
    assert np.mean(background >= point.threshold) == pytest.approx(expected, abs=1 / 800)


def test_a_share_threshold_flags_what_a_further_player_passes_with_that_probability():
    scores = np.arange(99.0)
    assert share_threshold(scores, 0.05) == 94  # five of 99, and one in twenty further ones
    tied = np.array([0.9, 0.8, 0.8, 0.8, 0.1, 0.1], dtype=np.float32)
    assert share_threshold(tied, 4 / 7) == np.float32(0.8)
    assert share_threshold(tied, 0.4) == share_threshold(tied, 0.0) == tied.max()
    assert np.all(tied >= share_threshold(tied, 1.0))


@pytest.mark.parametrize("scores", [np.array([]), np.array([0.5, np.nan])])
def test_a_threshold_on_nothing_finite_is_refused(scores):
    with pytest.raises(DataProblem, match="finite scores to set a threshold"):
        share_threshold(scores, 0.1)


def counted(risky, found, others, flagged, truth_known=True):
    """Test players of whom so many risky and harmless ones are flagged."""
    is_risky = np.arange(risky + others) < risky
    score = np.concatenate([np.arange(risky) < found, np.arange(others) < flagged]).astype(float)
    everybody = np.ones(len(score), dtype=bool)
    return Scored(score, is_risky, everybody) if truth_known else Scored(score, is_risky, ~is_risky, 0.02)


@pytest.mark.parametrize(
    ("promise", "players", "state"),
    [
        (Promise("recall", 0.85, 0.9), (90, 86, 900, 50), "kept"),
        (Promise("recall", 0.85, 0.9), (90, 79, 900, 50), "cannot be told"),
        (Promise("recall", 0.85, 0.9), (90, 60, 900, 50), "missed"),
        (Promise("precision", 0.9, 0.9), (90, 60, 900, 1), "kept"),
        (Promise("precision", 0.9, 0.9), (90, 9, 900, 0), "cannot be told"),  # nine of nine
        (Promise("precision", 0.9, 0.9), (90, 0, 900, 0), "cannot be told"),  # nobody is flagged
        (Promise("precision", 0.9, 0.9), (90, 30, 900, 30), "missed"),
        (Promise("flagged_share", 0.05, 0.9), (90, 45, 900, 5), "kept"),
        (Promise("flagged_share", 0.05, 0.9), (9, 2, 90, 3), "cannot be told"),
        (Promise("flagged_share", 0.05, 0.9), (90, 45, 900, 40), "missed"),
    ],
)
def test_a_test_set_tells_that_a_bound_is_kept_or_missed_or_that_it_cannot_tell(promise, players, state):
    scored = counted(*players)
    found = bound_on_test(promise, scored, 0.5, KNOWN)
    assert found.state == state
    assert found.low <= found.value <= found.high
    assert found.value == getattr(at_threshold(scored, 0.5), promise.measure)[0]


def test_a_precision_without_truth_is_judged_within_the_limits_of_the_prevalence():
    scored = counted(200, 180, 20_000, 300, truth_known=False)
    precise = Promise("precision", 0.9, 0.9)
    assert bound_on_test(precise, scored, 0.5, KNOWN).state == "kept"
    assert bound_on_test(precise, scored, 0.5, Prevalence(0.02, "estimated", 0.001, 0.03)).state == "cannot be told"
    assert bound_on_test(precise, scored, 0.5, Prevalence(0.002, "configured")).state == "missed"
