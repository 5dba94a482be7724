"""The typed settings tree: every key documented once, unknown keys refused with the nearest valid name."""

import hashlib
import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import Field, ValidationError

from scarcegan.problems import SettingsProblem, nearest
from scarcegan.settings.data_sections import (
    Data,
    Features,
    Kdd99,
    Lootbox,
    Populations,
    Scoring,
    Simulated,
    Snapshots,
    Telemetry,
)
from scarcegan.settings.estimators import BUILT_IN, Estimator, estimator_faults, named_estimators
from scarcegan.settings.machine_sections import Deployment, Notify, Prices, Resources
from scarcegan.settings.markers_section import MARKERS, Markers
from scarcegan.settings.model_sections import (
    Definition,
    Evaluate,
    Folds,
    Model,
    Registry,
    Scaling,
    Train,
    four_definitions,
)
from scarcegan.settings.operation_sections import Monitoring, Outcomes, Retention
from scarcegan.settings.section import Section, Share, keys_of
from scarcegan.settings.words_section import USUAL, Words

_ALL: Collection[str] = get_args(Data.model_fields["source"].annotation)
# For which sources of players a section, or a key at the top, shapes the trained models. None: it says where something
# runs or lies, what it costs, how a finished model is measured, or what another flow does.
SHAPING_SOURCES: Mapping[str, Collection[str]] = {
    **dict.fromkeys(("seed", "review_budget", "confidence", "populations", "data", "folds", "scaling"), _ALL),
    **dict.fromkeys(("model", "train", "definitions"), _ALL),
    **{name: (name,) for name in ("simulated", "kdd99", "lootbox")},
    "features": ("simulated", "lootbox"),  # in a snapshot the window is that of FeaturesFlow
    **dict.fromkeys(("telemetry", "snapshots", "scoring", "evaluate", "estimators", "registry", "monitoring"), ()),
    **dict.fromkeys(("outcomes", "retention", "resources", "prices", "deployment", "notify", "words", "markers"), ()),
}
# Keys of [data] that say where the players and their labels lie, and how.
WHERE = {"path", "snapshot", "id_column", "tables", "label_column", "labels", "outcomes"}
# Sections that Metaflow reads before a run has parameters, to decorate the steps.
DECORATING = ("resources", "deployment")
# Not TOML's own error alone: a number may have thousands of digits, a list as many brackets.
_NO_TOML = (ValueError, RecursionError)


class Settings(Section):
    """The whole tree."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 7
    """The one seed; everything random derives from it."""
    review_budget: Share = 0.01
    """Share of players that moderators can look at."""
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.9
    """Confidence with which a threshold keeps its bound on recall or precision, where the labels can promise it."""
    markers: Markers = MARKERS
    """Markers of harm, which group the reasons: patterns of features (`losses_*`, `role:loss`); the first counts."""
    populations: Populations = Populations()
    data: Data = Data()
    simulated: Simulated = Simulated()
    kdd99: Kdd99 = Kdd99()
    lootbox: Lootbox = Lootbox()
    features: Features = Features()
    telemetry: Telemetry = Telemetry()
    snapshots: Snapshots = Snapshots()
    scoring: Scoring = Scoring()
    folds: Folds = Folds()
    scaling: Scaling = Scaling()
    model: Model = Model()
    train: Train = Train()
    definitions: Annotated[tuple[Definition, ...], Field(min_length=1)] = four_definitions()
    evaluate: Evaluate = Evaluate()
    estimators: tuple[Estimator, ...] = ()
    registry: Registry = Registry()
    monitoring: Monitoring = Monitoring()
    outcomes: Outcomes = Outcomes()
    retention: Retention = Retention()
    resources: Resources = Resources()
    prices: Prices = Prices()
    deployment: Deployment = Deployment()
    notify: Notify = Notify()
    words: Words = USUAL

    def _faults(self) -> Iterator[str]:
        names = [definition.name for definition in self.definitions]
        if len(set(names)) < len(names):
            yield f"expected different definition names, got {names}: rename one"
        if self.train.iterations % self.train.round_iterations:
            yield (
                f"train.iterations ({self.train.iterations}) is no multiple of train.round_iterations "
                f"({self.train.round_iterations}): change one"
            )
        yield from estimator_faults([*self.train.families, *self.evaluate.rivals], self.estimators)
        if self.data.source != "snapshot" and self.data.snapshot:
            yield (
                f"data.snapshot names '{self.data.snapshot}', but data.source is '{self.data.source}': "
                "set data.source = 'snapshot' or leave the snapshot out"
            )
        yield from self.data.faults(self.populations)
        if self.train.batch < len(self.populations.classes):
            yield (
                f"train.batch ({self.train.batch}) has no room for each of the {len(self.populations.classes)} "
                "classes: raise it"
            )

    @property
    def own_snapshots(self) -> Snapshots:
        """`snapshots`, with the registry group's own folder where none is named."""
        return self.snapshots.model_copy(update={"folder": self._own(self.snapshots.folder, "snapshots")})

    @property
    def own_scoring(self) -> Scoring:
        """`scoring`, with the registry group's own folder where none is named."""
        return self.scoring.model_copy(update={"folder": self._own(self.scoring.folder, "scores")})

    @property
    def simulated_folder(self) -> str:
        """Folder of the simulated players: `data.path` where that is theirs, never a team's own; empty: the default."""
        return self.data.path if self.data.source == "simulated" else ""

    def _own(self, folder: str, kind: str) -> str:
        return folder or f".scarcegan/{kind}/{self.registry.group}"

    @property
    def families(self) -> dict[str, Estimator]:
        """The estimators that each fold trains beside ScarceGAN, by name."""
        return named_estimators(self.train.families, self.estimators)

    @property
    def rivals(self) -> dict[str, Estimator]:
        """The estimators that are trained for comparison alone, by name."""
        return named_estimators(self.evaluate.rivals, self.estimators)

    @property
    def assumed_share(self) -> float:
        """The share of risky players by which members and families are compared before anybody can estimate it."""
        return self.data.prevalence or self.review_budget

    def fingerprint(self) -> str:
        """Hash what shapes a model made of given players, who have a fingerprint of their own; see `SHAPING_SOURCES`.

        Of `[data]`, where the players lie does not count, nor how their tables are laid out; see `WHERE`. Of the
        estimators those count that are families, the built-in ones too.
        """
        shaping = {name for name in Settings.model_fields if self.data.source in SHAPING_SOURCES[name]}
        tree = self.model_dump(mode="json", include=shaping, exclude={"data": WHERE})
        trained = [*self.families.values(), *([BUILT_IN[self.model.teacher]] if self.model.teacher else [])]
        tree["families"] = [estimator.model_dump(mode="json") for estimator in trained]
        return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:16]


def load(tree: Mapping[str, Any]) -> Settings:
    """Check a tree of plain values and return the settings.

    One SettingsProblem names all unknown keys (with the nearest valid name) and all values out of range.
    """
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        found = error.errors()
        # A list whose entries are all wrong has none left for pydantic, which says so, too.
        wrong = {one["loc"][:-1] for one in found} | {one["loc"][:-2] for one in found}
        told = [one for one in found if one["type"] != "too_short" or one["loc"] not in wrong]
        raise SettingsProblem("\n".join(map(_explain, told))) from None
    # As in `scores = true`, meant to keep them: it would be one day.
    if odd := list(_numbers_out_of_truth(tree, settings.model_dump())):
        raise SettingsProblem("\n".join(f"{key}: expected a number, got {value}" for key, value in odd))
    return settings


def _numbers_out_of_truth(given: Any, read: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield the keys whose numbers were given as true or false, which Python counts as 1 and 0."""
    if isinstance(given, bool) and not isinstance(read, bool):
        yield key, str(given).lower()
    elif isinstance(given, Mapping) and isinstance(read, Mapping):
        for name in (name for name in given if name in read):
            yield from _numbers_out_of_truth(given[name], read[name], f"{key}.{name}".removeprefix("."))
    elif isinstance(given, list | tuple) and isinstance(read, tuple):
        for place, (one, its) in enumerate(zip(given, read, strict=False)):
            yield from _numbers_out_of_truth(one, its, f"{key}.{place}")


def tables_read(tree: Mapping[str, Any]) -> dict[str, str]:
    """Return where a user's own tables lie, by the setting that names each, in a complete tree of plain values.

    It is a configuration or a run's settings; a run of older code may have sections of which less is known.
    """
    data = tree["data"]
    named = {"data.path": data["path"], "telemetry.path": tree["telemetry"]["path"]}
    named |= {"evaluate.attributes": tree["evaluate"].get("attributes")}
    named |= {f"data.tables.{name}": one["path"] for name, one in data.get("tables", {}).items()}
    return {setting: place for setting, place in named.items() if place}


def resolve(tree: Mapping[str, Any], overrides: str | None = None, **chosen: Any) -> Settings:
    """Lay what one run chooses for itself over the configuration and check it all.

    Args:
        tree: the configuration, as `parse` returns it.
        overrides: settings of this run as text, see `parse_overrides`.
        chosen: keys, and dicts of a section's keys, that go before the overrides; None leaves a value as it is.
    """
    return load(_laid_over(_laid_over(tree, parse_overrides(overrides or "")), chosen))


def _laid_over(tree: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in chosen.items() if value is not None}
    for key, value in given.items():
        below = tree.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            given[key] = _laid_over(below, value)
    return {**tree, **given}


def parse_overrides(text: str) -> dict[str, Any]:
    """Read `train.iterations=2000,model.trunk=[100, 50]`, the inside of a TOML inline table, into a tree.

    What is no TOML, or a section of which the steps' decorators are made, is a SettingsProblem.
    """
    try:
        # As one table: its commas, quotes and brackets are TOML's, and so are the types.
        tree = tomllib.loads(f"set = {{{text}}}")["set"]
    except _NO_TOML as error:
        raise SettingsProblem(
            f"expected settings such as --set 'train.iterations=2000,model.objective=\"published\"' (values as in the "
            f"configuration, text in quotes), got {text!r}: {str(error).partition(' (at')[0]}; mend it"
        ) from None
    early = [name for name in DECORATING if name in tree]
    if early:
        raise SettingsProblem(
            f"--set cannot change {' and '.join(f'[{name}]' for name in early)}: Metaflow reads it before a run has "
            "parameters; change it in the configuration file (--config), or choose machines with --with batch:..."
        )
    return dict(tree)


def parse(text: str) -> dict[str, Any]:
    """Read TOML into a checked, complete tree of plain values (for Metaflow's `Config`), or raise a SettingsProblem."""
    # Plain values: Metaflow keeps a Config as JSON.
    return load(tree_of(text)).model_dump(mode="json")


def tree_of(text: str, place: str = "the configuration") -> dict[str, Any]:
    """Read TOML into a tree of plain values, unchecked; a SettingsProblem says what of it, at a place, is none."""
    try:
        # Windows' editors put a byte-order mark in front.
        return tomllib.loads(text.removeprefix("\ufeff"))
    except _NO_TOML as error:
        raise SettingsProblem(f"expected TOML in {place}, got: {error}; mend that line") from None


def text_of(file: Path) -> str:
    """Return the text of a settings file; a SettingsProblem says that it cannot be read, or is no UTF-8."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SettingsProblem(f"expected settings in {file}, got: {error.strerror}; check --config") from error
    except ValueError as error:
        raise SettingsProblem(f"expected UTF-8 in {file}, got: {error}; save it as UTF-8") from error


# Pydantic's messages, as all others are written, with what TOML calls things.
_SAID = (
    ("^Value error, |, unable to (parse|interpret) .*|, got a number with a fractional part", ""),
    ("^(Tuple|List) should have (.*?) after validation, not .*", r"expected a list with \2"),
    ("^Unable to parse input string as an integer, .*", "expected a whole number"),
    ("^Field required", "expected a value, got none"),
    ("^Input should be (?=less|greater)", "expected a number "),
    ("^Input should be ", "expected "),
    ("^String should have ", "expected text with "),
    ("^String should match ", "expected text of the "),
    ("a valid (tuple|list)", "a list"),
    ("a valid integer", "a whole number"),
    ("a valid string", "text"),
    ("a valid boolean", "true or false"),
    ("a valid (dictionary|mapping)( or instance of .*)?", "a table"),
    ("a valid ", "a "),
)


def _explain(item: Any) -> str:
    # Pydantic adds [key] where it refuses a table's key and not its value.
    key = ".".join(str(part) for part in item["loc"] if part != "[key]")
    if item["type"] != "extra_forbidden":
        said = item["msg"]
        for theirs, ours in _SAID:
            said = re.sub(theirs, ours, said)
        told = ", got " in said or not key  # own checks say what they got
        given = item["input"]
        # TOML's other values, such as moments, are shown as they are written there.
        shown = "a table" if isinstance(given, dict) else repr(given) if isinstance(given, str | list) else str(given)
        got = "" if told else f", got {shown}"
        return f"{key or 'settings'}: {said}{got}"
    # Sections as well: a table misspelt is an unknown key at the top.
    known = [one.name for one in keys_of(Settings)] + list(Settings.model_fields)
    return f"unknown key '{key}': {nearest(key, known, 'see config/retrain.toml for the valid ones')}"
