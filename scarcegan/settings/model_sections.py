"""Settings of the model: folds, networks, training, business definitions, evaluation, registry."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field

from scarcegan.settings.aws_names import GroupName
from scarcegan.settings.section import Name, Positive, Rate, Section, Share

# Far beyond what helps, and what a machine's memory still holds.
Width = Annotated[int, Field(ge=1, le=16_384)]


class Folds(Section):
    """How the labelled players are split for training and validation."""

    k: Annotated[int, Field(ge=2, le=50)] = 5
    """Stratified folds by player; one training task each."""


class Scaling(Section):
    """How raw features become network inputs; fitted on the training rows of each fold."""

    kind: Literal["quantile_normal", "log_minmax"] = "quantile_normal"
    """How raw features become network inputs; fitted on each fold's training rows."""


class Model(Section):
    """The networks and their losses; docs/method.md explains them."""

    objective: Literal["corrected", "published"] = "corrected"
    """Losses: as corrected here, or as the published code computes them."""
    variant: Literal["full", "without_leeway", "without_bad_generator", "vanilla"] = "full"
    """The published ablations; `vanilla` is the plain SSGAN."""
    # Wider, and with hidden features: out-of-fold PR-AUC on real telemetry rose from .148 to .192.
    trunk: Annotated[tuple[Width, ...], Field(min_length=1)] = (200, 50)
    """Widths of the shared trunk's dense layers (published: 15, 21, 8)."""
    thresholds: Annotated[int, Field(ge=0, le=64)] = 0
    """Steps per feature that the trunk sees beside its value; each member draws where they are (published: none)."""
    generator: Annotated[tuple[Width, ...], Field(min_length=1)] = (30,)
    """Widths of the generator's hidden layers."""
    noise: Width = 10
    """Length of the generator's input noise."""
    # As in the public script for rare KDD99 attacks.
    alpha: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Weight of a weak label; 1 - alpha is the leeway towards 'unknown'."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Dropout in the trunk while training (`corrected` only)."""
    input_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.35
    """Share of a row's F features hidden while training, times F / (F + 40) (`corrected` only)."""
    unlabeled_weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of all that unlabelled and generated rows teach; 0 trains on labels alone (`corrected` only)."""
    prior_weight: Annotated[float, Field(ge=0)] = 3.0
    """Weight of the rarity prior -log(1 - p_rare) on unlabelled rows (`corrected` only)."""
    # With 25 labelled risky players worth .01 PR-AUC, with many nothing (development seeds).
    teacher: Literal["", "small_extra_trees"] = "small_extra_trees"
    """Estimator whose risk of an unlabelled row is the prior's target in the place of 0; empty: none."""

    @property
    def has_unknown(self) -> bool:
        """Whether the supervised head has the 'unknown' output, which the leeway needs."""
        return self.variant in ("full", "without_bad_generator")


class Train(Section):
    """The training of one fold."""

    # 16 and 24 members were no better than 8 (measured).
    members: Annotated[int, Field(ge=1, le=1024)] = 8
    """Networks trained side by side in each fold."""
    families: tuple[Name, ...] = ("small_extra_trees", "small_extra_trees_unlabeled", "small_boosting", "linear")
    """Estimators that each fold trains beside ScarceGAN, for the same model; empty: ScarceGAN alone."""
    iterations: Positive = 1_000
    """Joint updates of discriminator and generator."""
    round_iterations: Positive = 50
    """Iterations inside one call of the compiled program; a metrics row follows each."""
    batch: Annotated[int, Field(ge=4, le=65_536)] = 128
    """Rows of each kind (labelled, unlabelled, generated) per iteration."""
    learning_rate: Rate = 1e-3
    """Adam step of the discriminator (`published`: of its supervised update)."""
    learning_rate_generator: Rate = 1e-3
    """Adam step of the generator (as published: 1e-4)."""
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 1e-3
    """Decoupled weight decay of the discriminator (`corrected` only)."""
    averaging: Annotated[float, Field(ge=0, lt=1)] = 0.8
    """Part of the running average of weights kept at each round; members are scored by it. 0: the latest weights."""
    # Compiling takes 10 to 12 CPU seconds: it pays from about 6,000 iterations (measured).
    xla: bool = False
    """Compile with XLA: pays for long runs of few members."""


class Definition(Section):
    """One business definition: it chooses its own members and threshold and becomes one registered model.

    Without any in the configuration, the four of docs/method.md hold.
    """

    name: Name
    """Name of the business definition."""
    maximise: Literal["recall", "fewest_flagged", "f2"]
    """What the threshold and the choice of members maximise."""
    constraint: Literal["recall", "precision", "flagged"] | None = None
    """The measure that is bound: recall and precision from below, flagged share from above."""
    bound: Share | None = None
    """The bound; for `flagged` the review budget when left out."""

    def _faults(self) -> Iterator[str]:
        if self.constraint in ("recall", "precision") and self.bound is None:
            yield f"definition '{self.name}' has no bound for {self.constraint}: add `bound = 0.8`"
        if self.constraint is None and self.bound is not None:
            yield f"definition '{self.name}' has a bound but no constraint: add `constraint`"
        if self.maximise == "fewest_flagged" and self.constraint != "recall":
            yield f"definition '{self.name}' flags nobody at best: add `constraint = \"recall\"` and a bound"


def headline_of(definitions: Iterable[Definition]) -> str:
    """Return the definition that stands out at first: the first whose bound is the flagged share, else the first."""
    # Moderators can look at so many players and no more: a bound flagged share is what they work by.
    return min(definitions, key=lambda one: one.constraint != "flagged").name


def four_definitions() -> tuple[Definition, ...]:
    """Return the business definitions that hold where the configuration names none."""
    return (
        Definition(name="recall_first", maximise="fewest_flagged", constraint="recall", bound=0.85),
        Definition(name="precision_first", maximise="recall", constraint="precision", bound=0.90),
        Definition(name="review_budget", maximise="recall", constraint="flagged"),
        Definition(name="balanced", maximise="f2"),
    )


class Evaluate(Section):
    """How models are measured on the test players, and beside which rivals."""

    bootstrap: Annotated[int, Field(ge=20, le=10_000)] = 400
    """Bootstrap resamples of players behind each interval."""
    rivals: tuple[Name, ...] = (
        "gradient_boosting",
        "random_forest",
        "extra_trees",
        "extra_trees_unlabeled",
        "logistic_regression",
        "logistic_regression_shrunk",
    )
    """Estimators trained on the same rows for comparison alone; one of your own is a table `[[estimators]]`."""
    subgroup_features: tuple[str, ...] = ()
    """Features whose low, middle and high players are measured apart; empty: activity and tenure, if they are told."""
    attributes: str = ""
    """Table of attributes (age band, region) that are no inputs: models are measured by them alone; empty: none."""
    attribute_columns: Annotated[tuple[str, ...], Field(max_length=4)] = ()
    """Its columns that are attributes; nothing else of it is read but `data.id_column`."""
    smallest_group: Annotated[int, Field(ge=2)] = 20
    """Fewest test players of a group that is shown; smaller ones, and what would give them away, are withheld."""

    def _faults(self) -> Iterator[str]:
        if bool(self.attributes) != bool(self.attribute_columns):
            yield (
                f"expected a table in evaluate.attributes and its columns in evaluate.attribute_columns, got "
                f"'{self.attributes}' and {list(self.attribute_columns)}: name both, or neither"
            )
        if len(set(self.attribute_columns)) < len(self.attribute_columns):
            yield f"expected each of evaluate.attribute_columns once, got {list(self.attribute_columns)}"


class Registry(Section):
    """Where models are registered."""

    kind: Literal["local", "sagemaker"] = "local"
    """The embedded SQLite registry, or SageMaker's Model Registry."""
    path: str = ""
    """Folder of the local registry; empty: `.scarcegan/registry` in the project."""
    group: GroupName = "scarcegan-risky-players"
    """Model package group: at most 63 letters, digits and hyphens."""
    archives: str = ""
    """S3 prefix that keeps archives and decisions; needed by `sagemaker`."""
    image: str = ""
    """URI of the inference image that serves a model; empty: looked up by region (`aws` extra)."""
    worse_challenger: Literal["register", "refuse"] = "register"
    """A model that is worse than its champion is registered and marked, or left out of the release."""
    four_eyes: bool = False
    """Whoever has launched a run cannot approve its models; `--force` does not lift this."""
    approval_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    """Days for which an approval holds, unless `--until` names its last day; 0: without end."""
    grace_days: Annotated[int, Field(ge=0, le=36_500)] = 30
    """Days for which scoring goes on, with a warning, once an approval has expired; then it refuses."""
