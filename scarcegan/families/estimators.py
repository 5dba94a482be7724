"""Estimators with scikit-learn's protocol, trained on the rows that ScarceGAN is trained on."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from textwrap import shorten
from typing import Any

import numpy as np

from scarcegan.data.players import UNLABELED
from scarcegan.problems import DataProblem
from scarcegan.settings.estimators import Estimator

MOST_UNLABELED = 20_000  # rows that an estimator is given: more cost time, not quality
_MOST_LETTERS = 300  # of what an estimator says of its failure; some add the stack of another language


@dataclass(frozen=True)
class Fitted:
    """A trained estimator; `rare` is the rare class's label in its `classes_`."""

    name: str
    model: Any
    rare: int

    def risk(self, scaled: np.ndarray) -> np.ndarray:
        """Return each player's probability of the rare class, float64 [n], from scaled features [n, width].

        That `predict_proba` breaks the protocol is a DataProblem.
        """
        with running(self.name, "predict_proba(X) of any players"):
            classes = np.asarray(self.model.classes_)
            # A copy: other estimators are asked about the same rows, and this one may write into its own.
            told = np.asarray(self.model.predict_proba(scaled.copy()), dtype=np.float64)
        if told.shape != (len(scaled), len(classes)):
            raise _broken(self.name, f"predict_proba to return [{len(scaled)}, {len(classes)}]", list(told.shape))
        # A class without labelled rows has no column: the rare one's place may differ.
        risk = told[:, np.flatnonzero(classes == self.rare)].sum(axis=1)
        if not np.isfinite(risk).all():
            raise _broken(self.name, "finite probabilities", f"{np.count_nonzero(~np.isfinite(risk))} NaN or infinite")
        if len(risk) and not (risk.min() >= 0 and risk.max() <= 1 + 1e-6):
            raise _broken(self.name, "probabilities from 0 to 1", f"{risk.min():.3g} to {risk.max():.3g}")
        return risk


def fit_estimator(chosen: Estimator, features: np.ndarray, labels: np.ndarray, rare: int, seed: int) -> Fitted:
    """Train an estimator on one thread; see `Estimator` for what it is given.

    Features are scaled as for the networks, float32 [n, width]; labels int [n], -1 unlabelled, `rare` the rare class.
    A `random_state` that the class takes is the seed, unless the parameters say otherwise.

    Raises:
        DataProblem: no labelled row is of the rare class, or all are; the class cannot be had, or breaks the protocol.
    """
    labelled, is_rare = labels != UNLABELED, labels == rare
    found = int(np.count_nonzero(is_rare))
    if found in (0, np.count_nonzero(labelled)):
        raise DataProblem(
            f"'{chosen.name}' needs labelled players of the rare class and of others, got {found} rare of "
            f"{np.count_nonzero(labelled)} labelled: add labelled players"
        )
    model = make_estimator(chosen, seed)
    unlabeled = chosen.unlabeled
    if unlabeled == "left_out" and getattr(model, "learns_from_unlabeled", False):
        unlabeled = "marked"
    rows = labelled if unlabeled == "left_out" else np.ones(len(labels), bool)
    # int64 whoever calls: with the players' int8 the arithmetic of an estimator would overflow.
    target, rare_label = (labels.astype(int), rare) if chosen.target == "classes" else (is_rare.astype(int), 1)
    if unlabeled == "marked":
        target = np.where(labelled, target, UNLABELED)
    with running(chosen.name, "fit(X, y) that sets classes_"):
        model.fit(features[rows], target[rows])
        classes = np.asarray(model.classes_).tolist()
    if rare_label not in classes:
        raise _broken(chosen.name, f"{rare_label} in classes_", classes)
    return Fitted(chosen.name, model, rare_label)


def class_of(chosen: Estimator) -> Any:
    """Import an estimator's class; that it cannot be had, for whatever reason, is a DataProblem."""
    module, _, name = chosen.path.partition(":")
    try:
        return attrgetter(name)(importlib.import_module(module))
    except KeyboardInterrupt:
        raise
    # Whatever a package raises while it is imported: a library of the system that is missing is an OSError.
    except BaseException as error:
        raise DataProblem(
            f"expected '{chosen.path}' of '{chosen.name}' to be installed, got {type(error).__name__}: {error}; "
            "install its package, mend the path, or take it off train.families and evaluate.rivals"
        ) from error


def is_installed(chosen: Estimator) -> bool:
    """Whether an estimator's class can be imported here."""
    try:
        class_of(chosen)
    except DataProblem:
        return False
    return True


def make_estimator(chosen: Estimator, seed: int) -> Any:
    """Make an estimator with its parameters, untrained; that it cannot be made is a DataProblem."""
    kind = class_of(chosen)
    with running(chosen.name, f"a class {chosen.path} that takes these parameters"):
        made = kind(**chosen.parameters)
        taken = made.get_params() if hasattr(made, "get_params") else ()
        # Named here and not in the configuration: it derives from the run's one seed.
        if chosen.parameters.get("random_state") is None and "random_state" in taken:
            made.set_params(random_state=seed)
    return made


@contextmanager
def running(name: str, expected: str) -> Iterator[None]:
    """Run an estimator's own code; whatever it ends with but Ctrl-C, `sys.exit` too, is a DataProblem."""
    from threadpoolctl import threadpool_limits

    try:
        # Others train side by side: each with OpenMP's threads would overload the machine.
        with threadpool_limits(limits=1):
            yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        got = shorten(f"{type(error).__name__}: {error}", _MOST_LETTERS, placeholder=" ...")
        raise _broken(name, expected, got) from error


def _broken(name: str, expected: str, got: object) -> DataProblem:
    return DataProblem(
        f"'{name}' breaks scikit-learn's protocol: expected {expected}, got {got}; mend it, or take it off "
        "train.families and evaluate.rivals"
    )
