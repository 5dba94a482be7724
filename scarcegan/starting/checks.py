"""What stands against a project of these tables, all of it at once: what was expected, what was got, what to type."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from scarcegan.data.validation import TRUTH_COLUMN
from scarcegan.problems import DataProblem
from scarcegan.settings.data_sections import TEST
from scarcegan.starting import guesses
from scarcegan.starting.configuration import left_out
from scarcegan.starting.guesses import Answers
from scarcegan.starting.tables import NO_TABLE, Table

_LABELS = ("player_id", "population", "since", "source")
_TELEMETRY = ("player_id", "date")


def mistakes(tables: Sequence[Table], answers: Answers, counts: Mapping[str, int]) -> list[str]:
    """List everything for which no project can be made."""
    layout = guesses.layout_of(tables)
    if layout == "telemetry":
        return [*_telemetry(tables), *_populations(answers, counts, layout)]
    found = [*_id_column(tables, answers.id_column)]
    if layout == "labelled":
        found += _label_column(tables[0], answers.label_column, counts)
    if answers.id_column:
        found += _features(tables, answers)
    if layout == "tables" or counts:
        found += [*_populations(answers, counts, layout), *_test(tables, answers.test)]
    return found


def _id_column(tables: Sequence[Table], column: str) -> Iterator[str]:
    if not column:
        yield (
            "expected a column that names each row, of text or whole numbers, no two rows alike, and the same in all "
            f"tables, got none among {_columns(tables)}: add it, or name it with --id-column"
        )
        return
    lacking = [table for table in tables if column not in table.columns]
    if lacking:
        yield (
            f"expected id column '{column}' in every table, got none in {[table.name for table in lacking]} with "
            f"columns {_columns(lacking)}: rename it there, or name another one with --id-column"
        )
    twice = [table.name for table in tables if column in table.columns and not table.can_name_rows(column)]
    if twice:
        yield (
            f"expected text or whole numbers in id column '{column}', each once and none missing, got others in "
            f"{twice}: mend these tables, or name another column with --id-column"
        )


def _features(tables: Sequence[Table], answers: Answers) -> Iterator[str]:
    shared = set[str].intersection(*(set(table.columns) for table in tables))
    if not shared - {answers.id_column, answers.label_column, TRUTH_COLUMN, *left_out(tables, answers)}:
        named = ", ".join(f"{_few(table.columns)} of '{table.name}'" for table in tables)
        yield (
            f"expected features, columns of numbers that are in every table, got none among {named}: add them, or call "
            "them alike"
        )


def _label_column(table: Table, column: str, counts: Mapping[str, int]) -> Iterator[str]:
    if column not in table.columns:
        named = f" '{column}'" if column else ""
        yield (
            "expected one table for each population in a folder, or one table with a column of labels (a few words, or "
            f"1 and 0), got one table with columns {_few(table.columns)} and no such column{named}: name it with "
            "--label-column"
        )
    elif len(counts) > guesses.MOST_CLASSES:
        yield (
            f"expected at most {guesses.MOST_CLASSES} labels in column '{column}', got {len(counts):,}: name another "
            "one with --label-column"
        )
    elif TEST in counts and TRUTH_COLUMN not in table.columns:
        yield (
            f"expected a column '{TRUTH_COLUMN}' (0 or 1) for the rows labelled '{TEST}', got none among "
            f"{_few(table.columns)}: add it, or label these rows otherwise, for test rows to be held out"
        )


def _populations(answers: Answers, counts: Mapping[str, int], layout: str) -> Iterator[str]:
    what = "tables" if layout == "tables" else "labels"
    chosen = {"--rare": answers.rare} | ({"--unlabeled": answers.unlabeled} if layout != "telemetry" else {})
    for option, name in chosen.items():
        if name not in counts:
            yield f"expected one of the {what} {list(counts)} for {option}, got '{name}': name one with {option}"
    if answers.rare == answers.unlabeled:
        yield f"expected two {what} for --rare and --unlabeled, got '{answers.rare}' for both: name another one"
    negatives = guesses.negatives_of(answers, counts)
    if not negatives and layout == "telemetry":  # of tables some unlabelled rows are taken for harmless
        yield f"expected labels of harmless rows beside the rare ones, got {list(counts)} alone: add at least one"
    labelled = [*negatives, answers.rare]
    if layout == "telemetry":  # whose labels are not renamed
        if odd := [name for name in dict.fromkeys(labelled) if guesses.slug(name) != name]:
            yield (
                f"expected labels of small letters, digits and _, a letter first, such as '{guesses.USUAL.rare}', got "
                f"{odd}: write such words into the table"
            )
        return
    called = guesses.names_of(answers, counts)
    alike = Counter(called[name] for name in {*labelled, answers.unlabeled} if name in called)
    if twice := [name for name in counts if alike[called[name]] > 1]:
        yield f"expected {what} that differ in letters or digits, got {twice}: write them otherwise"


def _test(tables: Sequence[Table], name: str) -> Iterator[str]:
    if name in ("", NO_TABLE):
        return
    found = [table for table in tables if table.name == name]
    if not found:
        known = [one.name for one in tables]
        yield f"expected one of the tables {known} for --test, got '{name}': name one, or {NO_TABLE}"
    elif not guesses.truth_column(found[0], tables):
        yield (
            f"expected a column '{TRUTH_COLUMN}' (0 or 1) in '{name}', or one column that no other table has, got "
            f"{_few(found[0].columns)}: add it, or let test rows be held out with --test {NO_TABLE}"
        )


def _telemetry(tables: Sequence[Table]) -> Iterator[str]:
    found = guesses.labels_and_telemetry(tables)
    for table, needed in zip(found or (), (_LABELS, _TELEMETRY), strict=True):
        columns = [*table.columns, *["date"] * table.has_days]
        missing = [column for column in needed if column not in columns]
        if missing:
            yield (
                f"expected columns {list(needed)} in '{table.name}', got no {missing} among {_few(table.columns)}: "
                "rename or add them"
            )
        elif needed is _TELEMETRY:
            try:
                table.day_after_last()
            except DataProblem as problem:
                yield str(problem)


def _columns(tables: Sequence[Table]) -> str:
    return _few(list(dict.fromkeys(column for table in tables for column in table.columns)))


def _few(names: Sequence[str]) -> str:
    """Write a list of names, of a long one the beginning."""
    return f"{list(names)}" if len(names) <= 12 else f"{list(names[:12])} and {len(names) - 12} more"
