"""Runs as tables for the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from scarcegan.cli.tables import minutes, narrow, number, pairs, spaced

NO_RUNS = Text(
    "No runs yet, or none that fit: `make run` starts one; leave filters out, or go to the project's folder."
)
NOT_EVALUATED = Text("No run that was evaluated: `scarcegan runs list` says where each stopped.")
_STATES = {"finished": "green", "failed": "red", "unfinished": "yellow"}
_SHOWN = ("recall", "flagged_share", "pr_auc")
_MOST_DRIFTED = 5
_LONGEST = 28


def runs_overview(rows: Sequence[Mapping[str, Any]], definition: str) -> Group:
    """Return one row per run: how it went and how well one definition's model does; then what tells them apart."""
    table = narrow()
    users = {row["user"] for row in rows}
    for name in ("run", "created", *(["user"] if len(users) > 1 else [])):
        table.add_column(name, no_wrap=True)
    table.add_column("status", min_width=10)
    for name in _SHOWN:
        table.add_column(spaced(name), justify="right", min_width=6)
    for row in rows:
        table.add_row(
            Text(row["run"]),
            Text(minutes(row["created"])),
            *([Text(row["user"])] if len(users) > 1 else []),
            _state(row),
            *(number(row.get(f"metrics.{definition}.{name}")) for name in _SHOWN),
        )
    return Group(table, Text(f"Model '{definition}' on its test players.", style="dim"), *_apart(rows))


def _apart(rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return the settings that tell the listed runs apart, and the tags; paths tell machines apart, not models."""
    names = [key for key in rows[0] if key.startswith("settings.") and not key.endswith("path")]
    differing = [key for key in names if len({repr(row[key]) for row in rows if row[key] is not None}) > 1]
    table = narrow()
    for name in ("run", "settings that differ, and tags"):
        table.add_column(name)
    for row in rows:
        told = [f"{key.partition('.')[2]} {_told(row[key])}" for key in differing if row[key] is not None]
        resumed = [f"resumes {row['origin_run']}"] if row["origin_run"] not in (None, row["run"]) else []
        words = ["; ".join([*told, *resumed]), " ".join(row["tags"])]
        table.add_row(Text(row["run"]), Text("\n".join(filter(None, words))))
    return [Text(), table]


def run_facts(row: Mapping[str, Any]) -> Group:
    """Return everything about one run: facts, metrics by definition, settings, last words."""
    known = {name: value for name, value in row.items() if value is not None} | {"created": minutes(row["created"])}
    told = {name: _told(value) for name, value in known.items() if "." not in name and name != "last_words"}
    settings = {name.partition(".")[2]: _told(value) for name, value in known.items() if name.startswith("settings.")}
    metrics = {name.partition(".")[2]: value for name, value in known.items() if name.startswith("metrics.")}
    words: list[Any] = (
        [Text("\nIts last words", style="bold"), Text(known["last_words"])] if "last_words" in known else []
    )
    grid: list[Any] = [Text(), _metric_grid(metrics)] if metrics else []
    return Group(pairs(f"Run {row['run']}", told), *words, *grid, Text(), pairs("Settings", settings))


def _metric_grid(metrics: dict[str, float]) -> Table:
    table = narrow()
    table.add_column()
    names = list(dict.fromkeys(key.partition(".")[2] for key in metrics))
    for name in names:
        table.add_column(spaced(name), justify="right", min_width=6)
    for definition in dict.fromkeys(key.partition(".")[0] for key in metrics):
        table.add_row(definition, *(number(metrics.get(f"{definition}.{name}")) for name in names))
    return table


def runs_compared(plain: dict[str, Any]) -> Group:
    """Return settings that differ, metrics with deltas and spread, drift and the best, for plain comparison data."""
    parts: list[Any] = [_settings(plain), Text()]
    for definition in dict.fromkeys(row["definition"] for row in plain["metrics"]):
        parts += [_metrics(plain, definition), Text()]
    parts += [_drifted(plain), Text(), best_of_runs(plain["best"])]
    return Group(*parts)


def best_of_groups(rows: list[dict[str, Any]]) -> Group:
    """Return a table of the best runs for each registry group."""
    groups = dict.fromkeys(row["group"] for row in rows)
    return Group(*(best_of_runs([row for row in rows if row["group"] == group], f" in {group}") for group in groups))


def best_of_runs(rows: list[dict[str, Any]], where: str = "") -> Table:
    """Return the best run per definition with its lead over the next one, two lines each to fit 80 characters."""
    table = narrow()
    table.title = Text(f"Best run for each business definition{where}", style="bold")
    for name in ("definition\nbound", "best run\nby", "value\n[95 %]", "ahead of\nlead ± spread of folds"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        lead = "no other" if not row["runner_up"] else f"{row['runner_up']}\n{row['lead']:.3f} ± {row['spread']:.3f}"
        bound = ("met", "dim") if row["constraint_met"] else ("not met", "red")
        table.add_row(
            Text.assemble(row["definition"], "\n", bound),
            Text.assemble(row["run"], "\n", (row["metric"].replace("_", " "), "dim")),
            Text(f"{row['value']:.3f}\n[{row['low']:.3f}, {row['high']:.3f}]"),
            Text(lead + ("" if row["same_data"] in (True, None) else ", other data")),
        )
    return table


def _settings(plain: dict[str, Any]) -> Table | Text:
    if not plain["settings"]:
        return Text("All settings are the same.")
    table = _by_run(plain, "Settings that differ")
    for row in plain["settings"]:
        table.add_row(row["setting"], *(Text(_told(row[run])) for run in plain["runs"]))
    return table


def _metrics(plain: dict[str, Any], definition: str) -> Table:
    table = _by_run(plain, f"{definition}: difference to the first run ± spread of the folds")
    rows = {(row["metric"], row["run"]): row for row in plain["metrics"] if row["definition"] == definition}
    for metric in dict.fromkeys(metric for metric, _ in rows):
        table.add_row(spaced(metric), *(_delta(rows.get((metric, run)), run, plain) for run in plain["runs"]))
    return table


def _delta(row: dict[str, Any] | None, run: str, plain: dict[str, Any]) -> Text:
    text = number(row["value"] if row else None)
    if row and row["delta"] is not None and run != plain["runs"][0]:
        beyond = abs(row["delta"]) > row["spread"]
        text.append(f"\n{row['delta']:+.3f} ± {row['spread']:.3f}", style="bold" if beyond else "dim")
    return text


def _drifted(plain: dict[str, Any]) -> Group:
    lines = []
    first = plain["runs"][0]
    for run in plain["runs"][1:]:
        moved = [row for row in plain["drift"] if row["run"] == run][:_MOST_DRIFTED]
        names = ", ".join(f"{row['feature']} (PSI {row['psi']:.2f})" for row in moved)
        same = plain["data"][run] is not None and plain["data"][run] == plain["data"][first]
        lines.append(Text(f"{run}: {'the same data' if same else names or 'no data to compare'}"))
    return Group(Text(f"Training data beside those of {first}, features that moved most", style="bold"), *lines)


def _by_run(plain: dict[str, Any], title: str) -> Table:
    table = narrow()
    table.title = Text(title, style="bold")
    table.add_column(overflow="fold")
    for run in plain["runs"]:
        table.add_column(run, justify="right", overflow="fold")
    return table


def _state(row: Mapping[str, Any]) -> Text:
    where = "" if row["status"] == "finished" else f" in {row['step']}"
    return Text(row["status"] + where, style=_STATES[row["status"]])


def _told(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
