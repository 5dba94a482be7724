"""What an evaluation says: the models, their rivals and the verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Literal

from scarcegan import words
from scarcegan.evaluation.figures import AttributeGroups, Interval, Measures, Spread, Subgroups
from scarcegan.records import Bound, BoundMeasure, Comparison, Record
from scarcegan.settings import Definition
from scarcegan.settings.estimators import SCARCEGAN
from scarcegan.settings.model_sections import headline_of
from scarcegan.settings.words_section import USUAL, Words

ScoreKind = Literal["probability", "relative"]
PrevalenceOrigin = Literal["configured", "estimated", "assumed", "not recorded"]
FEW_FLAGGED = 30  # with fewer at the same share, a player more or less decides a comparison
FEW_RISKY = 10  # with fewer risky test players, no comparison tells anything


class Promise(Record):
    """A definition's bound, and whether validation players can promise that it holds.

    With so much confidence a recall or a precision is at least, and on average a flagged share at most, the bound.
    `why_not` says what is missing, and what to do; empty where the promise is given.
    """

    measure: BoundMeasure
    bound: float
    confidence: float
    why_not: str = ""

    @property
    def is_given(self) -> bool:
        """Whether the bound is promised."""
        return not self.why_not


class FamilyShare(Record):
    """What one family brings to a model: its share of the risk's log-odds, and PR-AUC on the first test set.

    `alone` is the family's own, `without` that of the model if the others took over its share; None where it has none,
    or all of it.
    """

    family: str
    share: float
    alone: Interval
    without: Interval | None


class EvaluatedModel(Record):
    """A definition's model: `fold_spread` and `promise` on validation players, `test` and `bound` by test set.

    The spread is of the figures `AT_THRESHOLD`, from fold to fold; `describe` is the definition in a few words. Without
    a bound the promise is None, and `bound` empty. A relative score only ranks players. Of a model of several families
    `families` says what each brings, ScarceGAN first, and `scarcegan` measures ScarceGAN alone, by test set, at the
    review budget.
    """

    definition: Definition
    describe: str
    threshold: float
    members: int
    fold_spread: Mapping[str, Spread]
    test: Mapping[str, Measures]
    promise: Promise | None = None
    bound: Mapping[str, Bound] = field(default_factory=dict)
    score_kind: ScoreKind = "relative"
    families: Sequence[FamilyShare] = field(default_factory=list)
    scarcegan: Mapping[str, Measures] = field(default_factory=dict)

    @property
    def shares(self) -> dict[str, float]:
        """The families that share the risk, with their shares."""
        return {one.family: one.share for one in self.families if one.share} or {SCARCEGAN: 1.0}

    @property
    def made_of(self) -> str:
        """Say what scores a player, and what names the class."""
        networks = f"{words.plural(self.members, 'network')} of ScarceGAN (CIKM 2021)"
        if list(self.shares) == [SCARCEGAN]:
            return f"Ensemble of {networks}"
        return f"Risk by {words.families(self.shares)} (shares of its log-odds), class by {networks}"


class EvaluatedChampion(Record):
    """The approved model of a definition on the same test players."""

    version: int
    test: Mapping[str, Measures]


class Verdict(Record):
    """A model against its strongest rivals on the same players (perhaps 'champion'), and against the champion.

    `rival` finds most at the model's own flagged share, `pr_auc_rival` has the highest PR-AUC. Against the champion
    stands the comparison that decides: at the model's threshold, or by PR-AUC where that one cannot tell. What there is
    not is None; against a champion with other features or classes the verdict is 'no rival'.
    """

    sentence: str
    rival: str | None
    against_rival: Comparison
    pr_auc_rival: str | None = None
    by_pr_auc: Comparison = Comparison("no rival", measure="pr_auc")
    champion_version: int | None = None
    against_champion: Comparison | None = None


class Prevalence(Record):
    """Share of risky players among all players, by which thresholds are set, and where it is from.

    `low` and `high` bound it with 90 % confidence; None for a configured one. An assumed one is no estimate: the review
    budget stands in for what the labels cannot tell. Older code did not record the origin as such.
    """

    value: float
    origin: PrevalenceOrigin = "not recorded"
    low: float | None = None
    high: float | None = None

    @property
    def is_known(self) -> bool:
        """Whether a precision that is computed with it means something."""
        return self.origin in ("configured", "estimated")

    def as_fact(self) -> str:
        """Say the same in letters, digits and dots, which every registry takes: 0.014 estimated 0.004 to 0.028."""
        told = f"{words.number(self.value)} {self.origin}"
        limits = "" if self.low is None else f" {words.number(self.low)} to {words.number(self.high)}"
        return told + limits

    def in_words(self) -> str:
        """Say the value with its origin and its interval."""
        share, between = words.percent(self.value), f"{words.percent(self.low)} to {words.percent(self.high)}"
        sure = f"with 90{words.GAP}% confidence {between}"
        return {
            "configured": f"{share} (data.prevalence)",
            "estimated": f"{share} (estimated; {sure})",
            "assumed": f"{share} (assumed: not to be estimated from these labels, {sure}; set data.prevalence if you "
            "know it)",
            "not recorded": f"{share} (from older code)",
        }[self.origin]


class Evaluation(Record):
    """A run's models, the rivals and the champions on the same untouched test players.

    Verdicts are given on the first test set. The prevalence is what the models were selected with, whatever the truth
    of the test players says. Models, champions and verdicts are by definition, rivals by name and test set; subgroups
    and attribute groups are the headline model's, None where nothing was measured apart. The words are the run's.
    """

    test_sets: Sequence[str]
    review_budget: float
    prevalence: Prevalence
    models: Mapping[str, EvaluatedModel]
    rivals: Mapping[str, Mapping[str, Measures]]
    champions: Mapping[str, EvaluatedChampion]
    verdicts: Mapping[str, Verdict]
    subgroups: Subgroups | None = None
    words: Words = USUAL
    attribute_groups: AttributeGroups | None = None

    @property
    def headline(self) -> str:
        """The definition that stands out at first."""
        return headline_of(model.definition for model in self.models.values())

    def on_first_test_set(self, definition: str) -> Measures:
        """Return a model's measures where the verdicts are given."""
        return self.models[definition].test[self.test_sets[0]]

    @property
    def families_in_words(self) -> dict[str, str]:
        """Which families share the risk of each definition's model."""
        return {name: words.families(model.shares) for name, model in self.models.items()}

    @property
    def purpose(self) -> str:
        """What registries and reports say a model is for."""
        their = self.words
        return (
            f"Finds the few {their.rare_rows} among many, for {their.reviewers} to look at. "
            f"No {their.row} is to be restricted on the score alone."
        )

    def training(self, definition: str) -> str:
        """Say how one model was made."""
        share = f"share of {self.words.rare_rows} {self.prevalence.in_words()}"
        return f"{self.models[definition].made_of}; {share}."
