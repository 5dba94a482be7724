"""`scarcegan runs`: list, show and compare the runs of RetrainFlow, and tell the best ones."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import typer
from rich.console import Console, Group, RenderableType
from rich.status import Status
from rich.table import Column, Table
from rich.text import Text

from scarcegan import history, words
from scarcegan.cli.commands import Answer, Run, answers, write_page
from scarcegan.cli.tables import figure, fixed, narrow, pairs, spaced
from scarcegan.history.records import BestRun, Figure, RunFacts, RunsCompared
from scarcegan.problems import HistoryProblem, require_known
from scarcegan.settings import Settings
from scarcegan.settings.words_section import USUAL

app = typer.Typer(
    name="runs",
    no_args_is_help=True,
    help="List, show and compare training runs, and find the best ones.",
    epilog="`scarcegan run` makes a run; its number stands in the first column of `scarcegan runs list`. A run offers "
    "models; `scarcegan models` shows which of them are approved.",
)
NO_RUNS = Text(
    "No runs yet, or none that fit: `scarcegan run` starts one; leave filters out, or go to the project's folder."
)
NOT_EVALUATED = Text("No run that was evaluated: `scarcegan runs list` shows where each stopped.")
_STATES = {"finished": "green", "failed": "red", "unfinished": "yellow"}
_SHOWN = ("recall", "flagged_share", "pr_auc")
_MOST_DRIFTED = 5
# Facts of one run that have a place of their own; all others are listed.
_SHOWN_APART = {"run", "created", "status", "step", "unread"}
_SHOWN_APART |= {"settings", "metrics", "headline", "last_words", "made_of", "seconds", "money"}


@answers(app, "list")
def list_runs(
    tag: Annotated[list[str] | None, typer.Option(help="Only runs with this tag; give several for all.")] = None,
    since: Annotated[str, typer.Option(help="First day in UTC, as in 2026-11-22.")] = "",
    until: Annotated[str, typer.Option(help="Last day in UTC, as in 2026-11-23.")] = "",
    user: Annotated[str, typer.Option(help="Only runs of this user.")] = "",
    status: Annotated[
        Literal["finished", "failed", "unfinished"] | None,
        typer.Option(help="Only runs in this state; an unfinished one goes on, or was ended from outside."),
    ] = None,
    namespace: Annotated[str, typer.Option(help="Only runs in this Metaflow namespace, such as user:ada.")] = "",
    definition: Annotated[
        str, typer.Option(help="Business definition shown; by default the one that bounds the flagged share.")
    ] = "",
) -> Answer:
    """List runs, newest first: where each stopped, how well it does, which settings tell them apart."""
    with _patience():
        found = history.facts_of_runs(tag or (), since, until, user, status or "", namespace or None)
    known = sorted({name for run in found for name in run.metrics})
    require_known("a definition of these runs", definition, known, HistoryProblem)
    return Answer(found, runs_overview(found, definition))


@answers(app)
def show(reference: Run) -> Answer:
    """Show one run: facts, metrics, settings that are not the defaults, and the last words of one that failed.

    With `--json`, all settings.
    """
    facts = history.facts_of_run(reference)
    return Answer(facts, run_facts(facts))


@answers(app)
def compare(
    references: Annotated[list[str], typer.Argument(metavar="RUN...", help="Two runs or more; the first is the base.")],
    html: Annotated[str, typer.Option(metavar="FILE", help="Write the comparison with its charts as one page.")] = "",
) -> Answer:
    """Compare runs with the first one: settings that differ, metrics, learning curves, training data, the best."""
    with _patience():
        found = history.compare(*references).record
    if not html:
        return Answer(found, runs_compared(found))
    from cards.compare_card import compare_card

    return Answer(found, write_page(compare_card(found), "Runs compared", html))


@answers(app)
def best(
    references: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN...", help="Runs to choose from; without any: all, by registry group."),
    ] = None,
) -> Answer:
    """Show the best run for each business definition, and its lead."""
    with _patience():
        found, unread = history.best_runs(references or ())
    return Answer(found, best_by_group(found, unread, bool(references)))


def _patience() -> Status:
    return Console(stderr=True).status("Reading runs ...")  # shown on a terminal alone


def runs_overview(runs: Sequence[RunFacts], definition: str) -> RenderableType:
    """Return one row per run: how it went, how well one model does; then the settings that tell runs apart, and tags.

    The model is that of the definition, if any is named, else the one that stands out in the newest evaluated run.
    """
    if not runs:
        return NO_RUNS
    definition = definition or next((run.headline for run in runs if run.headline), "")
    user = ["user"] if len({run.user for run in runs}) > 1 else []
    columns = [*map(fixed, ("run", "created (UTC)", *user)), Column("status", min_width=10), *map(figure, _SHOWN)]
    rows = []
    for run in runs:
        known = [run.run, words.moment(run.created), *([run.user] if user else [])]
        rows.append([*known, _state(run), *_values(run.metrics.get(definition, {}), _SHOWN)])
    called = runs[0].settings.get("words.rows", USUAL.rows)
    about = Text(
        f"Model '{definition}' on its test {called}, at its threshold." if definition else "No run is evaluated.",
        style="dim",
    )
    unread = _not_read({run.run: run.unread for run in runs})
    return Group(narrow(*columns, rows=rows), about, Text(), _apart(runs), *unread)


def _apart(runs: Sequence[RunFacts]) -> Table:
    """Return the settings that tell the listed runs apart, and the tags; paths tell machines apart, not models."""
    names = dict.fromkeys(key for run in runs for key in run.settings if not key.endswith("path"))
    differing = [key for key in names if len({repr(run.settings[key]) for run in runs if key in run.settings}) > 1]
    rows = []
    for run in runs:
        told = [f"{key} {words.setting(run.settings[key])}" for key in differing if run.settings.get(key) is not None]
        told += [f"resumes {run.origin_run}"] if run.origin_run not in (None, run.run) else []
        rows.append((run.run, "\n".join(filter(None, ["; ".join(told), " ".join(run.tags)]))))
    return narrow("run", "settings that differ, and tags", rows=rows)


def run_facts(run: RunFacts) -> Group:
    """Return what there is to know of one run: facts, last words, metrics by definition, settings of its own."""
    others = {name: fact for name, fact in vars(run).items() if name not in _SHOWN_APART and fact is not None}
    shown = {"created (UTC)": words.moment(run.created), "status": _state(run).plain}
    shown |= {"took": words.duration(run.seconds)} if run.seconds is not None else {}
    shown |= {name: words.setting(fact) for name, fact in others.items()}
    if run.money is not None:
        shown["cost"] = words.money(run.money, run.settings.get("prices.currency", Settings().prices.currency))
    parts: list[RenderableType] = [pairs(f"Run {run.run}", shown)]
    if run.last_words is not None:
        parts += [Text("\nIts last words", style="bold"), Text(run.last_words)]
    parts += _not_read({run.run: run.unread})
    if run.metrics:
        names = list(next(iter(run.metrics.values())))
        rows = ((definition, *_values(measured, names)) for definition, measured in run.metrics.items())
        parts += [Text(), narrow("", *map(figure, names), rows=rows), Text(), pairs("Made of", run.made_of)]
    return Group(*parts, Text(), _own_settings(run.settings))


def _own_settings(settings: Mapping[str, Any]) -> RenderableType:
    """Return the settings that are not the defaults of this code; a key that it does not know is among them."""
    default = history.flat(Settings().model_dump(mode="json"))
    # By their text: 1 is equal to True otherwise.
    own = {key: value for key, value in settings.items() if key not in default or repr(value) != repr(default[key])}
    others = f"{len(settings) - len(own)} settings have their defaults; --json has all."
    shown = pairs("Settings", {key: words.setting(value) for key, value in own.items()})
    return Group(*([shown] if own else []), Text(others, style="dim"))


def _values(measured: Mapping[str, float], names: Sequence[str]) -> list[str]:
    return [words.metric_value(name, measured.get(name)) for name in names]


def runs_compared(compared: RunsCompared) -> Group:
    """Return settings that differ, metrics with their differences, drift of the training data and the best runs."""
    definitions = dict.fromkeys(figure.definition for figure in compared.metrics)
    return Group(
        _by_run(compared, "Settings that differ", compared.settings_in_words)
        if compared.settings
        else Text("All settings are the same."),
        *(part for definition in definitions for part in (Text(), _figures(compared, definition))),
        Text(f"\nTraining data beside those of {compared.runs[0]}, features that moved most", style="bold"),
        *(_drifted(compared, run) for run in compared.runs[1:]),
        Text(),
        best_by_group(compared.best, compared.unread, is_one_group=True),
    )


def best_by_group(best: Sequence[BestRun], unread: Mapping[str, Sequence[str]], is_one_group: bool) -> Group:
    """Return a table of the best runs, for each registry group unless the runs were named; then what was not read."""
    groups = [""] if is_one_group else list(dict.fromkeys(row.group for row in best))
    tables = [_best([row for row in best if group in ("", row.group)], group) for group in groups]
    return Group(*(tables if best else [NOT_EVALUATED]), *_not_read(unread))


def _best(rows: Sequence[BestRun], group: str) -> Table:
    """Return the best run per definition with its lead over the next one, two lines each to fit 80 characters."""
    values = map(fixed, ("value\n[95 %]", "ahead of\nlead ± spread of folds"))
    title = f"Best run for each business definition{group and f' in {group}'}"
    table = narrow(fixed("definition\nbound"), "best run\nby", *values, title=title)
    for row in rows:
        state = row.bound.state if row.bound else words.MISSING
        bound = (state, "red" if state == "missed" else "dim")
        other = ", other data" if row.same_data is False else ""
        lead = f"{row.runner_up}{other}\n{words.difference(row.metric, row.lead, row.spread)}"
        table.add_row(
            Text.assemble(row.definition, "\n", bound),
            Text.assemble(row.run, "\n", (words.metric_name(row.metric), "dim")),
            Text(words.interval(row.metric, row).replace(" [", "\n[")),
            Text(lead if row.runner_up else "no other"),
        )
    return table


def _figures(compared: RunsCompared, definition: str) -> Table:
    made = (compared.made_of.get(run, {}).get(definition, words.MISSING) for run in compared.runs)
    rows: list[list[Any]] = [["made of", *made]]
    for metric in dict.fromkeys(one.metric for one in compared.metrics):
        figures = (compared.figure(run, definition, metric) for run in compared.runs)
        rows.append([spaced(metric), *(_beside(one, compared.runs[0]) for one in figures)])
    return _by_run(compared, f"{definition}: difference to the first run ± spread of the folds", rows)


def _beside(found: Figure | None, first: str) -> Text:
    if found is None:
        return Text(words.MISSING)
    text = Text(words.interval(found.metric, found).replace(" [", "\n["))
    if found.delta is not None and found.run != first:
        is_beyond = found.spread is not None and abs(found.delta) > found.spread
        difference = words.difference(found.metric, found.delta, found.spread)
        text.append(f"\n{difference}", style="bold" if is_beyond else "dim")
    return text


def _drifted(compared: RunsCompared, run: str) -> Text:
    moved = [row for row in compared.drift if row.run == run][:_MOST_DRIFTED]
    names = ", ".join(f"{row.feature} (PSI {words.score(row.psi)})" for row in moved)
    return Text(f"{run}: {'the same data' if compared.has_same_data(run) else names or 'no data to compare'}")


def _by_run(compared: RunsCompared, title: str, rows: Iterable[Iterable[Any]]) -> Table:
    columns = (Column(run, justify="right") for run in compared.runs)
    return narrow("", *columns, title=title, rows=rows)


def _not_read(unread: Mapping[str, Sequence[str]]) -> list[RenderableType]:
    """Say what this code cannot read, and of which runs: after an update it is the same for all before."""
    told = dict.fromkeys(why for reasons in unread.values() for why in reasons)
    of = {why: ", ".join(run for run, reasons in unread.items() if why in reasons) for why in told}
    return [Text(f"\nNot read of run {names}: {why}", style="yellow") for why, names in of.items()]


def _state(run: RunFacts) -> Text:
    where = "" if run.status == "finished" else f" in {run.step}"
    return Text(run.status + where, style=_STATES[run.status])
