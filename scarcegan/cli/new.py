"""`scarcegan new`: make a project of a team's own tables, and try it with a retraining of a minute."""

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from scarcegan import words
from scarcegan.cli.commands import Answer, answers, say
from scarcegan.problems import DataProblem, Problem
from scarcegan.project import flow_file, located
from scarcegan.settings.words_section import Words

if TYPE_CHECKING:
    from scarcegan.starting.guesses import Answers
    from scarcegan.starting.project import Project
    from scarcegan.starting.tables import Table

app = typer.Typer()
LAST_LINES = 15


@answers(app)
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the new project: a new or an empty one.")],
    place: Annotated[
        str, typer.Option("--from", metavar="PATH", help="A table, or a folder or s3:// prefix of tables.")
    ],
    id_column: Annotated[str, typer.Option(help="Column that names each row.")] = "",
    label_column: Annotated[str, typer.Option(help="Column of the one table that says what a row is.")] = "",
    rare: Annotated[str, typer.Option(help="Table or label of the rare rows, those to find.")] = "",
    unlabeled: Annotated[str, typer.Option(help="Table or label of rows of which nothing is known.")] = "",
    test: Annotated[str, typer.Option(help="Table of test rows with their truth, or none.")] = "",
    row: Annotated[str, typer.Option(help="What one row is called, such as card.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Take every guess, ask nothing.")] = False,
) -> Answer:
    """Make a project of your own tables: say what they are, get settings and scripts, and see a small retraining."""
    from scarcegan.starting.checks import mistakes
    from scarcegan.starting.configuration import configuration
    from scarcegan.starting.guesses import Answers
    from scarcegan.starting.project import open_project
    from scarcegan.starting.tables import look, passed_over

    project, tables = _all(lambda: open_project(folder), lambda: look(place))
    if others := passed_over(place):
        say(f"Passed over, being neither parquet nor CSV: {', '.join(others)}")
    told, counts = _answered(tables, Answers(id_column, label_column, rare, unlabeled, test, row), ask=not yes)
    found = mistakes(tables, told, counts)
    if found:
        raise DataProblem("\n".join([*found, "Nothing was written."]))
    say(*_taken(told, counts))
    tree = configuration(project.name, tables, told, counts)
    kept = project.write(tree, located(place, Path.cwd()))
    say(*_written(project, kept, tables, told))
    try:
        seconds = _try(project)
    except (Problem, KeyboardInterrupt) as problem:
        said = Words(**tree.get("words", {})).retell(str(problem))
        raise Problem(
            f"{said or 'Stopped.'}\nThe project in {project.folder} is half made: mend config/retrain.toml "
            "there or the tables, and type the same command again: files that you change stay as they are"
        ) from problem
    project.finish()
    commands = list(_next(folder, tables, told))
    works = f"It works: a small retraining took {words.duration(seconds)}. Next:"
    made = {"folder": project.folder, "answers": told, "trial_seconds": seconds, "next": commands}
    return Answer(made, Text("\n  ".join([works, *commands])))


def _all(*acts: Callable[[], Any]) -> list[Any]:
    """Do several things; what is wrong with any of them is told at once."""
    done, told = [], []
    for act in acts:
        try:
            done.append(act())
        except Problem as problem:
            told.append(str(problem))
    if told:
        raise Problem("\n".join(told))
    return done


def _answered(tables: "Sequence[Table]", given: "Answers", ask: bool) -> "tuple[Answers, dict[str, int]]":
    """Complete the answers: by asking, or by guesses. Also returns the rows of each population."""
    from scarcegan.starting.guesses import QUESTIONS, guess, layout_of, populations_of

    layout, counts, are_counted = layout_of(tables), dict[str, int](), False
    for field, question in QUESTIONS[layout].items():
        if field not in ("id_column", "label_column") and not are_counted:
            counts, are_counted = dict(populations_of(tables, given.label_column)), True
            found = [f"{name} ({words.count(rows)})" for name, rows in counts.items()]
            say(f"Found {', '.join(found) or 'no populations'}")
        if not getattr(given, field):
            guessed = guess(field, tables, given, counts)
            given = replace(given, **{field: _asked(field, question, guessed) if ask else guessed})
    return given, counts


def _taken(answers: "Answers", counts: Mapping[str, int]) -> Iterator[str]:
    """Say what the tables or labels are taken for; the settings name only what is not the default."""
    from scarcegan.starting.guesses import assumed_harmless, names_of, negatives_of
    from scarcegan.starting.tables import NO_LABEL, NO_TABLE

    called = names_of(answers, counts)
    taken = {"rare": [answers.rare], "others": negatives_of(answers, counts), "unlabelled": [answers.unlabeled]}
    if answers.label_column and answers.unlabeled == NO_LABEL:
        taken["unlabelled"] = [f"rows without '{answers.label_column}'"]
    taken["test"] = [answers.test] if answers.test not in ("", NO_TABLE) else []
    told = [
        f"{what} {', '.join(name if called.get(name, name) == name else f'{name} ({called[name]})' for name in names)}"
        for what, names in taken.items()
        if any(names)
    ]
    where = f" in '{answers.label_column}'" if answers.label_column else ""
    yield f"Taken{where} for {'; '.join(told)}. Wrong? Options say it otherwise: `scarcegan new --help`."
    if answers.unlabeled in counts and (assumed := assumed_harmless(answers, counts)):
        yield (
            f"No rows are known to be harmless: {words.count(assumed)} of the unlabelled ones, drawn by lot, count as "
            "such (data.assumed_harmless), as nearly all are where the rare ones are rare. Better: give rows that "
            "somebody has looked at a label, or a table, of their own, and make the project of these."
        )


def _asked(field: str, question: str, guessed: str) -> str:
    try:
        answer: str = typer.prompt(question, default=guessed or None, err=True)
    except typer.Abort:
        option = f"--{field.replace('_', '-')}"
        raise Problem(f"expected an answer, got none: give it with {option}, or take every guess with --yes") from None
    return answer.strip()


def _written(project: "Project", kept: "Sequence[str]", tables: "Sequence[Table]", answers: "Answers") -> Iterator[str]:
    from scarcegan.machine import DEFAULT_CONFIG
    from scarcegan.starting.configuration import left_out

    yield f"Wrote {project.folder}. {DEFAULT_CONFIG} says:"
    yield from (f"  {line}" for line in (project.folder / DEFAULT_CONFIG).read_text("utf-8").splitlines() if line)
    if columns := left_out(tables, answers):
        yield (
            "No features, as they are no numbers, not in every table, or called as ids or what labels say: "
            f"{', '.join(columns)}"
        )
    if kept:
        yield f"Left as you have changed them: {', '.join(kept)}"


def _try(project: "Project") -> float:
    """Check the settings as a run does, then retrain on few rows for a minute; return the seconds it took."""
    from scarcegan.preflight import inside_run
    from scarcegan.starting.configuration import TRIAL

    settings, started = project.settings(), time.monotonic()
    flows = ["retrain"]
    if settings.data.source == "snapshot":  # which FeaturesFlow has yet to publish
        flows = ["features", "retrain"]
    else:
        say(*inside_run(settings, {}))
    say("Trying a small retraining, about a minute ...")
    log = project.folder / ".scarcegan" / "trial.log"
    with Console(stderr=True).status("running"), log.open("w") as told:
        for flow in flows:
            command = [sys.executable, str(flow_file(flow)), "run", "--set", TRIAL, "--tag", "trial"]
            done = subprocess.run(command, cwd=project.folder, stdout=told, stderr=subprocess.STDOUT, check=False)  # noqa: S603
            if done.returncode:
                raise Problem(f"{_reason(log.read_text(errors='replace'))}\n(all of it: {log})")
    return time.monotonic() - started


def _reason(printed: str) -> str:
    """Return what a failed run says: the problem of its step, or else its last lines."""
    lines = [re.sub(r"^\S+ \S+ \[\S+ \(pid \d+\)\] ", "", line) for line in printed.splitlines()]
    begin = [number for number, line in enumerate(lines) if re.match(r"\w+ in step \w+:$", line)]
    return "\n".join(lines[begin[0] :][:LAST_LINES] if begin else lines[-LAST_LINES:])


def _next(folder: Path, tables: "Sequence[Table]", answers: "Answers") -> Iterator[str]:
    from scarcegan.starting.configuration import FIRST

    yield f"cd {shlex.quote(str(folder))} && scarcegan run"
    yield "scarcegan models approve 3 --reason 'why'   # or another one of `scarcegan models compare 1 2 3 4`"
    everyone = [table.location for table in tables if answers.label_column or table.name == answers.unlabeled]
    publish = f"scarcegan snapshots publish {shlex.quote(everyone[0])} --name {FIRST} && " if everyone else ""
    yield f"{publish}scarcegan score{f' --snapshot {FIRST}' if everyone else ''}"
