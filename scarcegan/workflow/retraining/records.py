"""What RetrainFlow's steps hand on: what each fold offers, and what validation players tell of the selected models."""

from collections.abc import Mapping, Sequence
from dataclasses import field

import numpy as np

from scarcegan import words
from scarcegan.evaluation.definitions import OperatingPoint
from scarcegan.evaluation.records import Prevalence, Promise
from scarcegan.gan.progress import Progress
from scarcegan.records import Record
from scarcegan.serving.parts import AnyPart, AnyRiskPart
from scarcegan.settings.words_section import Words


class Candidate(Record, eq=False):
    """What one fold offers for one business definition.

    Attributes:
        members: numbers of the chosen members in the fold.
        iterations: of each of them, when its weights were taken.
        measure: of each of them, what chose it; see `scarcegan.evaluation.selection`.
        scores: float32 [n], the part's risk scores of the validation players.
    """

    part: AnyPart
    members: Sequence[int]
    iterations: Sequence[int]
    measure: Sequence[float]
    scores: np.ndarray


class FamilyOffer(Record, eq=False):
    """What one fold offers of a family beside ScarceGAN: its part, and the risks of validation players, float32 [n]."""

    part: AnyRiskPart
    scores: np.ndarray


class FoldOffer(Record, eq=False):
    """What one fold, which validates while the others train, offers for each business definition.

    `validation_rows` are rows of the prepared players, int [n]; they tell the prevalence of risky players. Families
    serve every definition; `left_out` says why one could not be trained.
    """

    fold: int
    candidates: Mapping[str, Candidate]
    validation_rows: np.ndarray
    progress: Progress
    prevalence: Prevalence
    families: Mapping[str, FamilyOffer] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)


class Selected(Record):
    """What validation players tell of a selected model: its threshold, what that reaches and promises, the prevalence.

    `members` are ScarceGAN's of all folds; `folds` are what each fold's part reaches with a threshold of its own.
    `risky` is how many labelled risky players each fold validates with.
    `shares` are the families' of the risk, `scarcegan` among them. Without a bound the promise is None.
    """

    point: OperatingPoint
    promise: Promise | None
    members: int
    folds: Sequence[OperatingPoint]
    prevalence: Prevalence
    shares: Mapping[str, float]
    words: Words
    risky: Sequence[int]

    def in_words(self, name: str) -> str:
        """Say what the model of a definition is made of and promises, before anything is registered."""
        flags = f"flags {words.percent(self.point.flagged_share)} of {self.words.rows}"
        return f"`{name}`, made of {words.families(self.shares)}: {flags}; {self.bound_in_words()}"

    def bound_in_words(self) -> str:
        """Say whether validation players promise the model's bound."""
        promise = self.promise
        if promise is None:
            return "it has no bound"
        confidence = words.percent(promise.confidence)
        sure = "on average" if promise.measure == "flagged_share" else f"with {confidence} confidence"
        given = f"not promised: {promise.why_not}" if promise.why_not else f"promised {sure}"
        return f"{words.limit(promise.measure, promise.bound)} is {given}"
