"""The configuration of a project: what its tables ask for, and nothing that is the default anyhow."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from scarcegan.data.validation import LABEL_COLUMNS, PLAYER_ID, TRUTH_COLUMN
from scarcegan.settings import Data, Settings, Telemetry
from scarcegan.settings.data_sections import TEST
from scarcegan.starting import guesses
from scarcegan.starting.guesses import Answers
from scarcegan.starting.tables import NO_LABEL, Table

USUAL = Settings()
# The snapshot that a project publishes first, of the rows that it was trained on: later ones are compared with it.
FIRST = "first"
# What `--set` makes of it for a retraining of a minute, which says whether it works and not how well. Its models are
# registered apart.
TRIAL = (
    "data.max_unlabeled=10_000,folds.k=2,train.members=2,train.iterations=100,train.round_iterations=50,"
    "train.families=['small_extra_trees'],evaluate.bootstrap=50,evaluate.rivals=['logistic_regression'],"
    "registry.kind='local',registry.path='.scarcegan/trial'"
)

# What a row may be called that is somebody; all else is something.
PERSONS = ("player", "customer", "client", "user", "member", "person", "patient", "subscriber", "employee", "driver")

Tree = dict[str, dict[str, Any]]


def configuration(name: str, tables: Sequence[Table], answers: Answers, counts: Mapping[str, int]) -> Tree:
    """Return the sections of the settings by name, each with the keys that differ from the defaults."""
    called = guesses.names_of(answers, counts)
    tree: Tree = {"populations": _populations(called, answers, counts)}
    found = guesses.labels_and_telemetry(tables)
    if found:
        tree |= _of_telemetry(*found)
    else:
        tree |= _of_tables(tables, answers, called)
        if assumed := guesses.assumed_harmless(answers, counts):
            tree["data"]["assumed_harmless"] = assumed
        tree["monitoring"] = {"reference": FIRST}  # models that are trained on tables have no snapshot of their own
    group = re.sub(r"[^a-zA-Z0-9]+", "-", name).strip("-")[:63] or "ours"
    tree |= {"registry": {"group": group}, "deployment": {"project": guesses.slug(name)}}
    if answers.row != guesses.ROW:
        tree["words"] = {"row": answers.row} | ({} if answers.row in PERSONS else {"who": "which"})
        if called[answers.rare] != USUAL.words.rare:
            tree["words"] |= {"rare": called[answers.rare].replace("_", " ")}
    return {section: values for section, values in tree.items() if values}


def to_toml(tree: Mapping[str, Any]) -> str:
    """Write sections, and keys at the top, as TOML; tables within sections are inline."""
    lines = [f"{key} = {_value(value)}" for key, value in tree.items() if not isinstance(value, Mapping)]
    for section, values in tree.items():
        if isinstance(values, Mapping):
            lines += ["", f"[{section}]", *(f"{_key(key)} = {_value(value)}" for key, value in values.items())]
    return "\n".join(lines).lstrip("\n") + "\n"


def _populations(called: Mapping[str, str], answers: Answers, counts: Mapping[str, int]) -> dict[str, Any]:
    negatives = [called[name] for name in guesses.negatives_of(answers, counts)]
    negatives = negatives or [guesses.not_named(called[answers.rare])]
    if set(negatives) == set(USUAL.populations.negatives):
        negatives = list(USUAL.populations.negatives)
    given = {"negatives": negatives, "rare": called[answers.rare], "unlabeled": called[answers.unlabeled]}
    usual = _usual(USUAL.populations)
    return {key: value for key, value in given.items() if value != usual[key]}


def _of_tables(tables: Sequence[Table], answers: Answers, called: Mapping[str, str]) -> Tree:
    data: dict[str, Any] = {"source": "tables"}
    apart: dict[str, Any] = {}
    if guesses.layout_of(tables) == "labelled":
        data |= {"path": tables[0].location, "label_column": answers.label_column}
        labels = {ours: label for label, ours in called.items() if label not in (ours, NO_LABEL)}
        data |= {"labels": labels} if labels else {}
    else:
        apart = _apart(tables, answers, called)
        if len(apart) < len(tables):
            data["path"] = tables[0].location.rpartition("/")[0]
    if answers.id_column != Data().id_column:
        data["id_column"] = answers.id_column
    if ignored := left_out(tables, answers):
        data["ignore_columns"] = ignored
    return {"data": data, "data.tables": apart}


def _apart(tables: Sequence[Table], answers: Answers, called: Mapping[str, str]) -> dict[str, Any]:
    """Return the places of tables that are not called as their population, or call their columns otherwise."""
    apart: dict[str, Any] = {}
    for table in tables:
        name = TEST if table.name == answers.test else called[table.name]
        truth = guesses.truth_column(table, tables) if name == TEST else ""
        if truth not in ("", TRUTH_COLUMN):
            apart[name] = {"path": table.location, "columns": {TRUTH_COLUMN: truth}}
        elif table.name != name:
            apart[name] = table.location
    return apart


def left_out(tables: Sequence[Table], answers: Answers) -> list[str]:
    """List the columns that cannot be features: no numbers, not in every table, or called as ids or what labels say.

    Of telemetry none are asked for.
    """
    if guesses.labels_and_telemetry(tables):
        return []
    known = {answers.id_column, answers.label_column, TRUTH_COLUMN}
    known |= {guesses.truth_column(table, tables) for table in tables if table.name == answers.test}
    columns = dict.fromkeys(column for table in tables for column in table.columns if column not in known)
    return [
        column
        for column in columns
        if column in (PLAYER_ID, *LABEL_COLUMNS)
        or not all(column in table.columns and table.is_number(column) for table in tables)
    ]


def _of_telemetry(labels: Table, telemetry: Table) -> Tree:
    """Cut off after the last day; of the usual roles those stay whose counters are there."""
    cutoff = telemetry.day_after_last()
    usual = _usual(Telemetry().roles)
    # All of them: a table of roles stands for the usual one as a whole.
    roles = {role: counter if counter in telemetry.columns else "" for role, counter in usual.items()}
    return {
        "data": {"source": "snapshot", "path": labels.location, "snapshot": f"{USUAL.snapshots.prefix}{cutoff}"},
        "telemetry": {"path": telemetry.location, "cutoffs": [cutoff]},
        "telemetry.roles": roles if roles != usual else {},
    }


def _usual(section: Any) -> dict[str, Any]:
    return dict(section.model_dump(mode="json"))


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)
