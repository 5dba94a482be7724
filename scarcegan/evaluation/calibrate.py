"""What a risk score means: its calibration, fitted without a single player who is known to be harmless."""

from collections.abc import Callable

import numpy as np

from scarcegan.data.calibration import Calibration, inside

# Logarithms of slopes: beyond these the curve would be flat, or a step, in float32.
_LOG_SLOPES = (-3.0, 3.0)
_SHIFTS = (-50.0, 50.0)
# Where nobody's probability is less, the likelihood is flat: the search has gone too far at once, and is begun nearer.
_ALL_SURE = 0.99
# Of the highest score. Above it float32 tells ever fewer probabilities apart; from log-odds of 17 on all are 1.
_MOST_SURE = 0.99999
# From what is searched for to ln a, ln b and c.
Whole = Callable[[np.ndarray], np.ndarray]


def fit_calibration(
    risky_scores: np.ndarray, population_scores: np.ndarray, prevalence: float, weights: np.ndarray | None = None
) -> Calibration:
    """Fit the curve from raw scores to the probability of being risky in the population.

    The scores are of players that were not trained on: of labelled risky ones, float [n], who are a sample of their
    class, and of a sample of the population, float [m], of whom the share `prevalence` are risky, nobody knows who.
    Where the sample is not even, `weights`, float [m], say what each player counts.

    By Bayes p(s) = prevalence f_risky(s) / f_population(s). Of all n + m players, those of score s are labelled with
    odds n f_risky(s) / (m f_population(s)), so

        ln odds(labelled | s) = ln(n / (prevalence m)) + ln p(s)

    with the risky among the population accounted for. The three numbers of p, a beta calibration, are those of the
    greatest likelihood under a weak prior, ln a and ln b standard normal, which counts where labels are very few. Where
    no player is in between the risky and the others, that curve is a step, and all above it would share the probability
    1: so that ranks stay as they are, the highest score is given 0.99999 at most.

    Source: Lancaster and Imbens (1996), Case-control studies with contaminated controls; Ward et al. (2009),
    Presence-only data and the EM algorithm, eq. 5; Elkan and Noto (2008) for the setting.
    """
    from scipy.optimize import minimize

    weights = np.ones(len(population_scores)) if weights is None else weights
    known = np.log(len(risky_scores) / (prevalence * weights.sum()))
    sides = [(np.log(raw), np.log1p(-raw)) for raw in map(inside, (risky_scores, population_scores))]

    def loss(numbers: np.ndarray) -> float:
        log_a, log_b, _ = numbers
        risky, others = (known - np.logaddexp(0, -_log_odds(numbers, *side)) for side in sides)
        likelihood = np.logaddexp(0, -risky).sum() + (weights * np.logaddexp(0, others)).sum()
        return float(likelihood + (log_a**2 + log_b**2) / 2)

    start = np.array([0.0, 0.0, np.log(prevalence / (1 - prevalence))])
    bounds = [_LOG_SLOPES, _LOG_SLOPES, _SHIFTS]

    def curve_from(numbers: np.ndarray, whole: Whole = np.asarray) -> Calibration:
        def own_loss(own: np.ndarray) -> float:
            return loss(whole(own))

        least = minimize(own_loss, numbers, method="L-BFGS-B", bounds=bounds[: len(numbers)])
        log_a, log_b, c = whole(least.x)
        return Calibration(float(np.exp(log_a)), float(np.exp(log_b)), float(c))

    found = curve_from(start)
    if found.apply(population_scores).min() > _ALL_SURE:
        log_odds = np.concatenate([log - complement for log, complement in sides])
        found = curve_from(min(_middles(log_odds), key=loss, default=start))
    highest = inside(np.array([max(risky_scores.max(), population_scores.max())]))
    return curve_from(*_held_down(found, highest)) if found.apply(highest).item() > _MOST_SURE else found


def _log_odds(numbers: np.ndarray, log: np.ndarray, complement: np.ndarray) -> np.ndarray:
    """Return g of `Calibration`, from ln a, ln b and c and from ln s and ln(1 - s)."""
    log_a, log_b, c = numbers
    return np.asarray(np.exp(log_a) * log - np.exp(log_b) * complement + c)


def _held_down(found: Calibration, highest: np.ndarray) -> tuple[np.ndarray, Whole]:
    """Return slopes to begin with, [2], and how slopes become a curve that gives the highest score, [1], 0.99999."""
    most, top = np.log(_MOST_SURE) - np.log1p(-_MOST_SURE), (np.log(highest), np.log1p(-highest))

    def whole(slopes: np.ndarray) -> np.ndarray:
        return np.append(slopes, most - _log_odds(np.append(slopes, 0.0), *top))

    numbers = np.array([np.log(found.a), np.log(found.b), found.c])
    # Where all log-odds are less by one factor, whoever was unlikely to be risky stays so.
    near = numbers[:2] + np.log(most / _log_odds(numbers, *top))
    return np.clip(near, *_LOG_SLOPES), whole


def _middles(log_odds: np.ndarray) -> np.ndarray:
    """List curves of several slopes, [k, 3] as `loss` takes them, each 1/2 at a score that some player has, [n]."""
    middles = np.quantile(log_odds, np.arange(1, 20) / 20)
    curves = np.array([(slope, slope, -np.exp(slope) * middle) for slope in range(4) for middle in middles])
    return curves[np.abs(curves[:, 2]) < _SHIFTS[1]]


def on_scale_of(scores: np.ndarray, own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Carry scores, float [n], over to another model's scale by the rank that they have among a population.

    `own` are a population's scores of the same model, `other` those of the other model: a score becomes the other
    model's quantile of the same level. A mean over folds, for one, spreads less than each fold's own scores.
    """
    own, other = np.sort(own), np.sort(other)
    rank = (np.searchsorted(own, scores, "left") + np.searchsorted(own, scores, "right")) / (2 * len(own))
    return np.interp(rank, (np.arange(len(other)) + 0.5) / len(other), other)
