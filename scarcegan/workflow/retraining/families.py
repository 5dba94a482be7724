"""The families beside ScarceGAN: each fold trains them on its rows, and validation players choose their shares."""

from collections.abc import Mapping, Sequence

import numpy as np

from scarcegan.data.scaling import Scaler
from scarcegan.families.arrays import part_of
from scarcegan.families.estimators import fit_estimator
from scarcegan.problems import DataProblem
from scarcegan.serving.ensemble import Family
from scarcegan.settings import Settings
from scarcegan.words import Say, announced, unsaid
from scarcegan.workflow.retraining.prepare import Prepared
from scarcegan.workflow.retraining.records import FamilyOffer, FoldOffer


def train_families(
    features: np.ndarray,
    labels: np.ndarray,
    scaler: Scaler,
    validation: np.ndarray,
    settings: Settings,
    seed: int,
    say: Say = unsaid,
) -> tuple[dict[str, FamilyOffer], dict[str, str]]:
    """Train each family of a fold on its scaled rows, float32 [n, width], labels int [n], and score validation rows.

    Returns what each family offers, and why others offer nothing.
    """
    offers, left_out = {}, {}
    for name, estimator in announced(settings.families, "Training family {}", say):
        try:
            fitted = fit_estimator(estimator, features, labels, len(settings.populations.negatives), seed)
            offers[name] = FamilyOffer(part_of(fitted, scaler), fitted.risk(validation).astype(np.float32))
        except DataProblem as problem:
            left_out[name] = str(problem)
    return offers, left_out


def offered_by_all(offers: Sequence[FoldOffer], settings: Settings) -> list[str]:
    """Return the families that every fold offers."""
    return [name for name in settings.families if all(name in offer.families for offer in offers)]


def left_out_of_models(offers: Sequence[FoldOffer]) -> list[str]:
    """Return a warning for each family that some fold does not offer, with what its first such fold says."""
    first = {name: f"(fold {one.fold}): {why}" for one in reversed(offers) for name, why in one.left_out.items()}
    return [f"family '{name}' is in no model {why}" for name, why in first.items()]


def family_risks(
    prepared: Prepared, offers: Sequence[FoldOffer], settings: Settings, say: Say = unsaid
) -> dict[str, dict[str, np.ndarray]]:
    """Return each offered family's risks of the test players, float32 [n], by name and test set, whatever its share."""
    players, names = prepared.players, offered_by_all(offers, settings)
    columns = {
        test: np.ascontiguousarray(players.features[rows].T, np.float32) for test, rows in prepared.test_rows().items()
    }
    families = {name: _family(name, 1.0, offers) for name in names}
    return {
        name: {test: family.risk(raw) for test, raw in columns.items()}
        for name, family in announced(families, "Scoring test players with family {}", say)
    }


def families_of(shares: Mapping[str, float], offers: Sequence[FoldOffer]) -> tuple[Family, ...]:
    """Return the families with a share, as a model takes them: a part of each fold."""
    return tuple(_family(name, share, offers) for name, share in shares.items() if share > 0)


def _family(name: str, share: float, offers: Sequence[FoldOffer]) -> Family:
    return Family(name, share, tuple(offer.families[name].part for offer in offers))
