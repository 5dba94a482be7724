"""How well the share of risky players is known; prints one JSON object as its last line.

Run: python benchmarks/prevalence.py [--seeds 20] [--real 1] [--store build/held_out]

It needs `make bench` and, for the real sets, SCARCEGAN_DATA. For simulated players of 20 seeds and one training of each
real data set (telemetry at three cut-offs, KDD99, six tables), the prevalence is estimated from out-of-fold scores and
set beside the truth of the pool. Figures:

* `prevalence.answered`: share of trainings with an estimate; elsewhere bounds alone are given;
* `prevalence.median_factor`: how many times the estimate is off, up or down, where there is one;
* `prevalence.coverage_90`: share of the 90 % intervals, of all trainings, that hold the truth;
* `prevalence.balanced_of_best`: F2 of `balanced` on the test players over the best of their own curve, median of the
  simulated seeds;
* `prevalence.<method>_median_factor` of other methods on the same scores: `adjusted_count` (Forman 2008, as this
  project did before), and QuaPy's `em` (Saerens 2002) and `hdy` (Gonzalez-Castro 2013). These take the labelled
  harmless players for a sample of the unlabelled ones, which they are not; an estimate of less than one player counts
  as one.

The rules of the estimate were settled on trainings of seeds 1 to 16; seeds here start at 101.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before numpy starts threads

from typing import Any

import numpy as np
from held_out import REAL, Trained, options, report, trainings, unlabelled_truth

from scarcegan.data.players import UNLABELED
from scarcegan.evaluation.metrics import f_score
from scarcegan.evaluation.promises import promised_point
from scarcegan.evaluation.scored import Scored

FIRST_SEED = 101


def adjusted_count(risky: np.ndarray, negatives: np.ndarray, others: np.ndarray) -> float:
    """Solve flagged = p hit + (1 - p) false for p, the median over thresholds that tell the groups apart."""
    thresholds = np.unique(risky)
    hit, false, flagged = (np.mean(group[:, None] >= thresholds, axis=0) for group in (risky, negatives, others))
    usable = hit - false >= 0.25
    return float(np.median(((flagged - false) / (hit - false))[usable])) if usable.any() else 0.0


def of_quapy(risky: np.ndarray, negatives: np.ndarray, others: np.ndarray) -> dict[str, float]:
    """Estimate with QuaPy from posteriors that a logistic regression makes of the scores' log-odds."""
    from quapy.method.aggregative import EMQ, HDy
    from sklearn.linear_model import LogisticRegression

    labelled, others = (np.clip(one, 1e-7, 1 - 1e-7) for one in (np.concatenate([risky, negatives]), others))
    y = np.repeat([1, 0], [len(risky), len(negatives)])
    logit = [np.log(one / (1 - one))[:, None] for one in (labelled, others)]
    model = LogisticRegression().fit(logit[0], y)
    known, new = (model.predict_proba(one) for one in logit)
    hdy = HDy(model, fit_classifier=False)
    hdy.aggregation_fit(known, y)
    return {"em": float(EMQ.EM([1 - y.mean(), y.mean()], new)[0][1]), "hdy": float(hdy.aggregate(new)[1])}


def measured(one: Trained) -> dict[str, Any]:
    """Set the estimates of one training beside the truth."""
    found, (scores, labels) = one.estimate(), one.validation()
    groups = (scores[labels == one.rare], scores[(labels >= 0) & (labels != one.rare)], scores[labels == UNLABELED])
    hidden = unlabelled_truth(one)
    # The other methods estimate the share among the unlabelled.
    least = 1 / len(groups[2])
    others = {"adjusted_count": adjusted_count(*groups), **of_quapy(*groups)}
    return {
        "training": f"{one.name} {one.settings.seed}",
        "truth": one.prevalence,
        "origin": found.origin,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "covered": found.low is not None and found.high is not None and found.low <= one.prevalence <= found.high,
        "factor": factor(found.value, one.prevalence),
        **{f"{name}_factor": factor(max(value, least), hidden) for name, value in others.items()},
        "balanced_of_best": balanced_of_best(one),
    }


def factor(value: float, truth: float) -> float:
    """Say how many times a value is off, up or down."""
    return max(value / truth, truth / value)


def balanced_of_best(one: Trained) -> float:
    """Set F2 at the threshold of `balanced` beside the best on the curve of the first test set."""
    definition = next(each for each in type(one.settings)().definitions if each.name == "balanced")
    prevalence, test = one.estimate(), next(one.tests())
    point, _ = promised_point(definition, one.pooled(prevalence), prevalence, *one.background(), one.settings)
    return f2(test, point.threshold) / max(f2(test, threshold) for threshold in np.unique(test.score[test.is_risky]))


def f2(test: Scored, threshold: float) -> float:
    """Return F2 of flagging every score >= threshold."""
    flagged = test.score >= threshold
    found = np.count_nonzero(flagged & test.is_risky)
    precision = found / max(1, np.count_nonzero(flagged))
    return float(f_score(precision, found / np.count_nonzero(test.is_risky)))


def main() -> None:
    """Run the benchmark."""
    chosen = options(seeds=20).parse_args()
    simulated = trainings(["simulated"], range(FIRST_SEED, FIRST_SEED + chosen.seeds), chosen.store)
    real = trainings(REAL, range(FIRST_SEED, FIRST_SEED + chosen.real), chosen.store)
    rows = [measured(one) for group in (simulated, real) for one in group]
    answered = [row for row in rows if row["origin"] == "estimated"]
    figures = {
        "prevalence.answered": len(answered) / len(rows),
        "prevalence.median_factor": float(np.median([row["factor"] for row in answered])),
        "prevalence.coverage_90": float(np.mean([row["covered"] for row in rows])),
        "prevalence.balanced_of_best": float(np.median([row["balanced_of_best"] for row in rows[: chosen.seeds]])),
    }
    for name in ("adjusted_count", "em", "hdy"):
        figures[f"prevalence.{name}_median_factor"] = float(np.median([row[f"{name}_factor"] for row in rows]))
    report(figures, rows)


if __name__ == "__main__":
    main()
