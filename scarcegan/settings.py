"""The typed settings tree: every key documented once, unknown keys refused with the nearest valid name."""

import difflib
import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from scarcegan.problems import SettingsProblem

Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, le=1)]
IsoDate = Annotated[str, AfterValidator(lambda text: text and date.fromisoformat(text).isoformat())]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Populations(_Section):
    negatives: Annotated[tuple[Name, ...], Field(min_length=1)] = ("dormant", "normal", "heavy")
    """Harmless labelled populations; their order is the class index order."""
    rare: Name = "risky"
    """The one rare population; its class index follows the negatives'."""
    unlabeled: Name = "unlabeled"
    """The population without labels."""

    @model_validator(mode="after")
    def _names_differ(self) -> "Populations":
        names = [*self.negatives, self.rare, self.unlabeled, "unknown"]
        if len(set(names)) < len(names):
            raise ValueError(f"expected different population names ('unknown' is taken), got {names}: rename one")
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        """Labelled class names in index order: negatives, then the rare class (unknown follows, unlabelled)."""
        return (*self.negatives, self.rare)


class Data(_Section):
    source: Literal["simulated", "kdd99", "lootbox", "tables", "snapshot"] = "simulated"
    """Where players come from; `tables`: your own five tables, `snapshot`: what FeaturesFlow published."""
    path: str = ""
    """Folder or `s3://` prefix of the input (`snapshot`: its labels table); empty: the source's own default."""
    id_column: str = "player_id"
    """Column that names the player in `tables`."""
    ignore_columns: tuple[str, ...] = ()
    """Columns that are no features (constant ones, for instance)."""
    snapshot: str = ""
    """Name of the snapshot that source `snapshot` reads, below `snapshots.folder`."""
    labels_known_by: IsoDate = ""
    """ISO date: labels known by then are trained on, later ones kept for evaluation; empty: the cut-off."""
    test_share: Share = 0.2
    """Share of players held out for evaluation when the source brings no test set of its own."""
    max_unlabeled: Positive = 200_000
    """Unlabelled players kept for training; more are sampled down to this."""
    prevalence: Share | None = None
    """Share of risky players among all players, if known; otherwise estimated, and said so."""


class Simulated(_Section):
    players: Annotated[int, Field(ge=200)] = 30_000
    """Simulated players."""
    days: Annotated[int, Field(ge=28)] = 90
    """Days of telemetry before the cut-off."""
    risky_share: Share = 0.01
    """Share of truly risky players."""
    labeled_risky: Positive = 80
    """Labelled risky players."""
    labeled_negatives: Positive = 400
    """Labelled players of each negative population."""
    label_noise: Annotated[float, Field(ge=0, lt=0.5)] = 0.05
    """Share of weak labels that are wrong."""
    missing_day_share: Annotated[float, Field(ge=0, lt=0.5)] = 0.03
    """Share of player-days lost on the way."""
    drift: Annotated[float, Field(ge=0, le=1)] = 0.0
    """0: the process stays; 1: habits shift strongly, as a new season would."""


class Kdd99(_Section):
    task: Literal["r2l", "u2r"] = "r2l"
    """The rare attack class."""


class Lootbox(_Section):
    cutoff: Literal["2023-02-12", "2023-03-14", "2023-04-13"] = "2023-04-13"
    """Cut-off date: features see only earlier days."""


class Features(_Section):
    window_days: Annotated[int, Field(ge=28, le=730)] = 60
    """Observation window before the cut-off."""


class RoleNames(_Section):
    activity: str = ""
    """Counter of how much is played; empty: the first counter."""
    intensity: str = ""
    """Counter of how hard, in a unit that grows with activity (stakes, for instance)."""
    night: str = ""
    """Counter of play at night."""
    loss: str = ""
    """Counter of what was lost."""
    win: str = ""
    """Counter of what was won."""
    deposit: str = ""
    """Counter of money paid in."""


class Telemetry(_Section):
    path: str = ""
    """Parquet or CSV, a file or a folder of parts, local or `s3://`, $VARIABLES allowed; empty: simulated."""
    counters: tuple[str, ...] = ()
    """Columns to read as counters; empty: all but player_id and date."""
    cutoffs: Annotated[tuple[IsoDate, ...], Field(min_length=1)] = ("2026-01-01",)
    """ISO dates: one snapshot for each, of the days before it."""
    shards: Annotated[int, Field(ge=1, le=10_000)] = 4
    """Parts of a snapshot, by a hash of the player id; each is one task and must fit into its memory."""
    feature_set: Literal["catalogue", "prophet50"] = "catalogue"
    """All features, or only the published fifty columns' meaning, for teams that migrate."""
    roles: RoleNames = RoleNames(
        activity="sessions", intensity="bets", night="night_minutes", loss="losses", deposit="deposits"
    )
    """What the counters stand for; a role left empty leaves its features out."""


class Snapshots(_Section):
    folder: str = ""
    """Where snapshots are, local or `s3://`; empty: `.scarcegan/snapshots` in the project."""
    prefix: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)] = "players-"
    """Begins a snapshot's name; its cut-off date follows."""
    feature_group: str = ""
    """SageMaker feature group that also receives each snapshot (offline store); empty: none."""
    feature_group_role: str = ""
    """ARN of the role with which SageMaker writes the offline store; needed to create the feature group."""


class Folds(_Section):
    k: Annotated[int, Field(ge=2, le=50)] = 5
    """Stratified folds by player; one training task each."""


class Scaling(_Section):
    kind: Literal["quantile_normal", "log_minmax"] = "quantile_normal"
    """How raw features become network inputs; fitted on each fold's training rows."""
    knots: Annotated[int, Field(ge=4, le=4096)] = 128
    """Quantile knots per feature of `quantile_normal`."""
    clip: Annotated[float, Field(gt=0)] = 3.0
    """Scaled values of `quantile_normal` stay within plus and minus this."""


class Model(_Section):
    objective: Literal["corrected", "published"] = "corrected"
    """Losses: as corrected here, or as the published code computes them."""
    variant: Literal["full", "without_leeway", "without_bad_generator", "vanilla"] = "full"
    """The published ablations; `vanilla` is the plain SSGAN."""
    trunk: Annotated[tuple[Positive, ...], Field(min_length=1)] = (200, 50)
    """Widths of the shared trunk's dense layers (published: 15, 21, 8)."""
    generator: Annotated[tuple[Positive, ...], Field(min_length=1)] = (30,)
    """Widths of the generator's hidden layers."""
    noise: Positive = 10
    """Length of the generator's input noise."""
    alpha: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Weight of a weak label; 1 - alpha is the leeway towards 'unknown'."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Dropout in the trunk while training (`corrected` only)."""
    input_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """Share of a row's features hidden while training (`corrected` only)."""
    unlabeled_weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of all that unlabelled and generated rows teach; 0 trains on labels alone (`corrected` only)."""
    prior_weight: Annotated[float, Field(ge=0)] = 3.0
    """Weight of the rarity prior -log(1 - p_rare) on unlabelled rows (`corrected` only)."""

    @property
    def has_unknown(self) -> bool:
        """Whether the supervised head has the 'unknown' output, which the leeway needs."""
        return self.variant in ("full", "without_bad_generator")


class Train(_Section):
    members: Annotated[int, Field(ge=1, le=1024)] = 8
    """Networks trained side by side in each fold."""
    iterations: Positive = 1_000
    """Joint updates of discriminator and generator."""
    round_iterations: Positive = 50
    """Iterations inside one call of the compiled program; a metrics row follows each."""
    checkpoint_rounds: Positive = 4
    """Rounds between two checkpoints."""
    batch: Annotated[int, Field(ge=4)] = 128
    """Rows of each kind (labelled, unlabelled, generated) per iteration."""
    learning_rate: Rate = 1e-3
    """Adam step of the discriminator (`published`: of its supervised update)."""
    learning_rate_unsupervised: Rate = 1e-4
    """Adam step of the real-or-generated updates, which only `published` takes apart."""
    learning_rate_generator: Rate = 1e-3
    """Adam step of the generator (as published: 1e-4)."""
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 1e-3
    """Decoupled weight decay of the discriminator (`corrected` only)."""
    averaging: Annotated[float, Field(ge=0, lt=1)] = 0.8
    """Part of the running average of weights kept at each round; members are scored by it. 0: the latest weights."""
    burn_in: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """First share of the training whose weights are never selected."""
    xla: bool = False
    """Compile with XLA: pays for long runs of few members."""


class Definition(_Section):
    name: Name
    """Name of the business definition."""
    maximise: Literal["recall", "fewest_flagged", "f2"]
    """What the threshold and the choice of members maximise."""
    constraint: Literal["recall", "precision", "flagged"] | None = None
    """The measure that is bound: recall and precision from below, flagged share from above."""
    bound: Share | None = None
    """The bound; for `flagged` the review budget when left out."""

    @model_validator(mode="after")
    def _is_bound(self) -> "Definition":
        if self.constraint in ("recall", "precision") and self.bound is None:
            raise ValueError(f"definition '{self.name}' has no bound for {self.constraint}: add `bound = 0.8`")
        if self.constraint is None and self.bound is not None:
            raise ValueError(f"definition '{self.name}' has a bound but no constraint: add `constraint`")
        if self.maximise == "fewest_flagged" and self.constraint != "recall":
            raise ValueError(
                f"definition '{self.name}' flags nobody at best: add `constraint = \"recall\"` and a bound"
            )
        return self


def _four_definitions() -> tuple[Definition, ...]:
    return (
        Definition(name="recall_first", maximise="fewest_flagged", constraint="recall", bound=0.85),
        Definition(name="precision_first", maximise="recall", constraint="precision", bound=0.90),
        Definition(name="review_budget", maximise="recall", constraint="flagged"),
        Definition(name="balanced", maximise="f2"),
    )


Baseline = Literal["gradient_boosting", "random_forest", "extra_trees", "logistic_regression"]


class Evaluate(_Section):
    bootstrap: Annotated[int, Field(ge=20, le=10_000)] = 400
    """Bootstrap resamples of players behind each interval."""
    baselines: tuple[Baseline, ...] = (
        "gradient_boosting",
        "random_forest",
        "extra_trees",
        "logistic_regression",
    )
    """Rivals trained on the same rows."""


class Registry(_Section):
    kind: Literal["local", "sagemaker"] = "local"
    """The embedded SQLite registry, or SageMaker's Model Registry."""
    path: str = ""
    """Folder of the local registry; empty: `.scarcegan/registry` in the project."""
    group: Annotated[str, Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")] = "scarcegan-risky-players"
    """Model package group."""
    archives: str = ""
    """S3 prefix that keeps archives and decisions; needed by `sagemaker`."""
    image: str = ""
    """URI of the inference image that serves a model; empty: looked up by region (`aws` extra)."""
    worse_challenger: Literal["register", "refuse"] = "register"
    """A model that is worse than its champion is registered and marked, or left out of the release."""


class StepResources(_Section):
    cpu: Positive = 1
    """Virtual CPUs."""
    memory_mb: Annotated[int, Field(ge=512)] = 4_096
    """Memory in MB."""


class TrainResources(StepResources):
    gpu: Annotated[int, Field(ge=0, le=8)] = 1
    """GPUs of one fold's training job on AWS Batch; a laptop run needs none."""
    cpu: Positive = 4
    """Virtual CPUs."""
    memory_mb: Annotated[int, Field(ge=512)] = 15_000
    """Memory in MB."""


class Resources(_Section):
    small: StepResources = StepResources()
    """start, select, register, end; publish."""
    preprocess: StepResources = StepResources(cpu=2, memory_mb=16_000)
    """preprocess and evaluate; start and extract of FeaturesFlow."""
    train: TrainResources = TrainResources()
    """train."""


class Settings(_Section):
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 7
    """The one seed; everything random derives from it."""
    review_budget: Share = 0.01
    """Share of players that moderators can look at."""
    populations: Populations = Populations()
    data: Data = Data()
    simulated: Simulated = Simulated()
    kdd99: Kdd99 = Kdd99()
    lootbox: Lootbox = Lootbox()
    features: Features = Features()
    telemetry: Telemetry = Telemetry()
    snapshots: Snapshots = Snapshots()
    folds: Folds = Folds()
    scaling: Scaling = Scaling()
    model: Model = Model()
    train: Train = Train()
    definitions: Annotated[tuple[Definition, ...], Field(min_length=1)] = _four_definitions()
    evaluate: Evaluate = Evaluate()
    registry: Registry = Registry()
    resources: Resources = Resources()

    @model_validator(mode="after")
    def _hangs_together(self) -> "Settings":
        names = [definition.name for definition in self.definitions]
        if len(set(names)) < len(names):
            raise ValueError(f"expected different definition names, got {names}: rename one")
        if self.train.iterations % self.train.round_iterations:
            raise ValueError(
                f"train.iterations ({self.train.iterations}) is no multiple of train.round_iterations "
                f"({self.train.round_iterations}): change one"
            )
        return self

    def fingerprint(self) -> str:
        """Hash everything that shapes a model; where it runs and where it is registered does not count."""
        shaping = self.model_dump(mode="json", exclude={"resources", "registry", "evaluate", "telemetry", "snapshots"})
        return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()[:16]


def load(tree: Mapping[str, Any]) -> Settings:
    """Check a tree of plain values and return the settings.

    Raises:
        SettingsProblem: unknown keys (with the nearest valid name) and values out of range, all of them at once.
    """
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        lines = [_explain(item) for item in error.errors()]
        raise SettingsProblem("\n".join(lines)) from None


def resolve(
    tree: Mapping[str, Any], seed: int | None = None, data_path: str | None = None, snapshot: str | None = None
) -> Settings:
    """Lay what one retraining chooses for itself over the configuration and check the whole again."""
    return load(
        _laid_over(tree, {} if seed is None else {"seed": seed}, data={"path": data_path, "snapshot": snapshot})
    )


def resolve_features(tree: Mapping[str, Any], path: str | None = None, cutoff: str | None = None) -> Settings:
    """Lay what one run of FeaturesFlow chooses for itself over the configuration and check the whole again."""
    return load(_laid_over(tree, {}, telemetry={"path": path, "cutoffs": cutoff and [cutoff]}))


def _laid_over(tree: Mapping[str, Any], top: Mapping[str, Any], **sections: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tree with other values at its top and in its sections; None leaves a value as it is."""
    chosen = {**tree, **top}
    for name, values in sections.items():
        given = {key: value for key, value in values.items() if value is not None}
        if given:
            chosen[name] = {**chosen.get(name, {}), **given}
    return chosen


def parse(text: str) -> dict[str, Any]:
    """Read TOML into a checked, complete tree of plain values (Metaflow's `Config` parser).

    Raises:
        SettingsProblem: the text is not TOML, or `load` refuses it.
    """
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsProblem(f"the configuration is not valid TOML: {error}; mend that line") from None
    return load(tree).model_dump(mode="json")


def documented_keys(section: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield every dotted key with its one-line documentation, in the tree's order."""
    for name, field in section.model_fields.items():
        inner = _section_of(field.annotation)
        if inner is None or field.description:
            yield prefix + name, field.description or ""
        if inner is not None:
            yield from documented_keys(inner, f"{prefix}{name}.")


def _explain(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] != "extra_forbidden":
        got = f", got {item['input']!r}" if not isinstance(item["input"], dict) else ""
        return f"{key or 'settings'}: {item['msg'].removeprefix('Value error, ')}{got if key else ''}"
    known = [name for name, _ in documented_keys()] + list(Settings.model_fields)
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else "see config/retrain.toml for the valid ones"
    return f"unknown key '{key}': {hint}"


def _section_of(annotation: Any) -> type[BaseModel] | None:
    if get_origin(annotation) is tuple:
        annotation = get_args(annotation)[0]
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
