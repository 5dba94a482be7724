"""What a team's tables are: who is who is guessed from names and numbers of rows, and a person may say otherwise."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from scarcegan.data.places import label_text
from scarcegan.data.validation import TRUTH_COLUMN
from scarcegan.data.values import is_text
from scarcegan.records import Record
from scarcegan.settings import Populations
from scarcegan.settings.data_sections import TEST
from scarcegan.settings.words_section import Words
from scarcegan.starting.tables import NO_LABEL, NO_TABLE, Table

Layout = Literal["tables", "labelled", "telemetry"]
# What is asked of each layout, in this order, by the field of Answers that it fills.
QUESTIONS: Mapping[Layout, Mapping[str, str]] = {
    "tables": {
        "id_column": "Which column names each row?",
        "rare": "Which table has the rare rows, those to find?",
        "unlabeled": "Which table has the rows of which nothing is known?",
        "test": "Which table has test rows and their truth? (none: some are held out)",
        "row": "What is one row called?",
    },
    "labelled": {
        "id_column": "Which column names each row?",
        "label_column": "Which column says what a row is?",
        "rare": "Which label do the rare rows have, those to find?",
        "unlabeled": "Which label do rows have of which nothing is known?",
        "row": "What is one row called?",
    },
    "telemetry": {"rare": "Which population is the rare one, the one to find?", "row": "What is one row called?"},
}
# Beginnings of names.
_TROUBLE = ("problem", "bad", "fail", "fault", "defect", "default")
_RARE = ("risk", "rare", "fraud", "positiv", "anomal", "attack", "abus", "churn", "cheat", *_TROUBLE)
_UNLABELED = ("unlabel", "unknown", "pool", "other", "all", "rest", "every")
_TEST = ("test", "holdout", "hold_out", "eval")
_LABEL = ("label", "population", "class", "target")
_KIND = ("segment", "status", "outcome", "kind", "type")  # of a row, or of something else about it
_ROWS = ("account", "customer", "user", "player", "client", "member", "card")
_ID = ("id", "uuid", "key", *_ROWS, "number")
MOST_CLASSES = 20
MOST_ASSUMED = 1_000  # as many harmless rows as a model of a few dozen rare ones learns from
# Labels that say of a row whether it is one of the rare, in small letters; -1 beside them marks the unlabelled.
_YES_NO = (("1", "0"), ("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"))
_MINUS_ONE = "-1"
MOST_LETTERS = 40  # of a name in the settings
ROW = Words().row
USUAL = Populations()


class Answers(Record):
    """What the tables are; an empty answer is not known yet.

    Populations are called as their tables, or as their labels; `test` may be `none`, `unlabeled` may be `no label`.
    """

    id_column: str = ""
    label_column: str = ""
    rare: str = ""
    unlabeled: str = ""
    test: str = ""
    row: str = ""


def layout_of(tables: Sequence[Table]) -> Layout:
    """Tell how the tables are laid out."""
    if labels_and_telemetry(tables):
        return "telemetry"
    return "labelled" if len(tables) == 1 else "tables"


def labels_and_telemetry(tables: Sequence[Table]) -> tuple[Table, Table] | None:
    """Return the labels and the telemetry where the tables are these two."""
    labels = [table for table in tables if "population" in table.columns]
    telemetry = [table for table in tables if table.has_days and table not in labels]
    return (labels[0], telemetry[0]) if len(tables) == len(labels) + len(telemetry) == 2 and telemetry else None


def guess(field: str, tables: Sequence[Table], known: Answers, counts: Mapping[str, int]) -> str:
    """Guess one answer from the others and the rows of each population; empty where nothing tells it."""
    if field == "id_column":
        return _id_column(tables)
    if field == "label_column":
        return _label_column(tables[0], known.id_column)
    if field == "test":
        return _test(tables, counts) or NO_TABLE
    if field == "unlabeled":
        return _unlabeled({name: counts[name] for name in counts if name not in (known.rare, _test(tables, counts))})
    if field == "rare":
        known_apart = (_test(tables, counts), NO_LABEL if layout_of(tables) == "telemetry" else _unlabeled(counts))
        left = {name: counts[name] for name in counts if name not in known_apart}
        yes = yes_and_no(counts) if layout_of(tables) == "labelled" else None
        # More than half of all rows are not rare: 1 may say that all is well.
        is_yes = yes is not None and 2 * counts[yes[0]] <= sum(counts.values())
        found = yes[0] if yes and is_yes else _named(left, _RARE)
        return found or min(left, key=lambda name: left[name], default="")
    # As the column of ids says it: card_id, customer.
    return next((row for row in _ROWS if re.match(rf"{row}([^a-z]|$)", known.id_column.lower())), ROW)


def populations_of(tables: Sequence[Table], label_column: str) -> Mapping[str, int]:
    """Count the rows of each population: those of its table, or those with its label."""
    found = labels_and_telemetry(tables)
    if found:
        return found[0].values("population")
    if len(tables) > 1:
        return {table.name: table.rows() for table in tables}
    return tables[0].values(label_column) if label_column in tables[0].columns else {}


def slug(name: str) -> str:
    """Return a name as settings take it: small letters without accents, digits and _, a letter first."""
    written = re.sub(r"[^a-z0-9]+", "_", ascii_of(name)).strip("_")
    return (written if re.match(r"[a-z]", written) else f"p_{written}")[:MOST_LETTERS].rstrip("_")


def ascii_of(name: str) -> str:
    """Return a name in small ASCII letters without accents; letters of other scripts are left out."""
    return unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()


def yes_and_no(counts: Iterable[str]) -> tuple[str, str] | None:
    """Return the labels of rare and of other rows where labels only say whether a row is one of the rare."""
    labels = {name.lower(): name for name in counts if name not in (NO_LABEL, _MINUS_ONE)}
    return next(((labels[yes], labels[no]) for yes, no in _YES_NO if labels.keys() == {yes, no}), None)


def names_of(answers: Answers, counts: Iterable[str]) -> dict[str, str]:
    """Return what the settings call each population: as its table or label, in letters that they take.

    Of labels that are numbers, or say yes and no, the name of their column tells what they mean.
    """
    called, column = {name: slug(name) for name in counts}, slug(answers.label_column or "population")
    # In another script than Latin a name has no letter that settings take: a number stands for it.
    foreign = [name for name in called if not re.search("[a-z0-9]", ascii_of(name))]
    called |= {name: f"{column}_{at}" for at, name in enumerate(foreign, 1)}
    if answers.label_column:
        called |= {name: f"{column}_{name}" for name in called if name.isascii() and name.isdigit()}
        asked = re.sub(r"^(is|has|was)_", "", column)
        is_general = asked in ("y", "p") or asked.startswith((*_LABEL, *_KIND))
        asked = USUAL.rare if is_general else asked
        if answer := yes_and_no(called):
            # A column called `ok` says what 0 means, not ok; one called `label` does not.
            yes, no = reversed(answer) if is_general and answers.rare == answer[1] else answer
            called |= {yes: asked, no: not_named(asked)}
            called |= {_MINUS_ONE: USUAL.unlabeled} if _MINUS_ONE in called else {}
        elif answers.rare == _MINUS_ONE:
            called[_MINUS_ONE] = asked if is_general else not_named(asked)
    # Settings keep two names for themselves; rows without a label have none, and those that say no are then unlabelled.
    kept = (None, "unknown", TEST)
    if answers.unlabeled in (NO_LABEL, *(yes_and_no(called) or ())) or called.get(answers.unlabeled) in kept:
        called[answers.unlabeled] = USUAL.unlabeled
    return called


def not_named(name: str) -> str:
    """Return the name of the rows that are not what a population is called."""
    return name.removeprefix("not_") if name.startswith("not_") else f"not_{name}"[:MOST_LETTERS]


def negatives_of(answers: Answers, counts: Iterable[str]) -> list[str]:
    """Return the harmless populations: all but the rare one, the unlabelled ones and the test rows."""
    others = [answers.rare, answers.unlabeled, answers.test, NO_LABEL, TEST, USUAL.unlabeled]
    others += [_MINUS_ONE] * (yes_and_no(counts) is not None)
    return [name for name in counts if name not in others]


def assumed_harmless(answers: Answers, counts: Mapping[str, int]) -> int:
    """Return how many unlabelled rows are taken for harmless: a third of them at most, none where some are labelled."""
    return 0 if negatives_of(answers, counts) else min(MOST_ASSUMED, counts[answers.unlabeled] // 3)


def truth_column(test: Table, tables: Sequence[Table]) -> str:
    """Return the column of a test table that has its truth: the one that only it has; empty where many may be it."""
    if TRUTH_COLUMN in test.columns:
        return TRUTH_COLUMN
    elsewhere = {column for table in tables if table is not test for column in table.columns}
    own = [column for column in test.columns if column not in elsewhere]
    return own[0] if len(own) == 1 else ""


def _id_column(tables: Sequence[Table]) -> str:
    """Guess the column, of all tables, whose values differ from row to row, and from table to table."""
    shared = [column for column in tables[0].columns if all(column in table.columns for table in tables)]
    able = [column for column in shared if all(table.can_name_rows(column) for table in tables)]
    # Row numbers begin anew in every table.
    able = [column for column in able if max(_ids(tables, column).values()) == 1]
    return _named(able, _ID, anywhere=True) or (able[0] if able else "")


def _ids(tables: Sequence[Table], column: str) -> Counter[str]:
    return Counter(str(value) for table in tables for value in table.first_ids(column).to_pylist())


def _label_column(table: Table, id_column: str) -> str:
    """Guess the column of a few words, or of 0 and 1, by its name; else the first of words or the only of 0 and 1.

    Among the names is that of the rare rows, where the column says yes and no of them, or one word and nothing. It
    goes before a name such as `type`, unless that column has a word for the rare rows among its own.
    """
    words = [name for name in table.columns if is_text(table.head[name].type) or table.is_number(name)]
    few = [name for name in words if name != id_column and len(table.head[name].unique()) <= MOST_CLASSES]
    values = {name: set(label_text(table.head[name]).unique().to_pylist()) for name in few}
    worded = [name for name in few if len(values[name]) > 1 and not table.is_number(name)]
    flags = [name for name in few if table.is_number(name) and yes_and_no(values[name] - {""})]
    rare = [name for name in few if yes_and_no(own := values[name] - {""}) or (name in worded and len(own) == 1)]
    telling = [name for name in worded if _named(values[name], _RARE)]
    named = (
        next((name for name in rare if name.lower() == "y"), "")
        or _named([*worded, *flags], _LABEL)
        or _named(telling, _KIND)
        or _named(rare, [*_RARE, *(f"is{between}{word}" for word in _RARE for between in ("_", ""))])
        or _named([*worded, *flags], _KIND)
    )
    # Where the first rows have no label, the name alone tells.
    return named or next(iter(worded), flags[0] if len(flags) == 1 else _named(few, (*_LABEL, *_KIND)))


def _test(tables: Sequence[Table], counts: Mapping[str, int]) -> str:
    by_column = [table.name for table in tables if TRUTH_COLUMN in table.columns and table.name in counts]
    return by_column[0] if by_column else _named(counts, _TEST)


def _unlabeled(counts: Mapping[str, int]) -> str:
    # Beside one other label alone, -1 may also be what the rare rows have.
    for none in (NO_LABEL, *[_MINUS_ONE] * (len(counts) > 2)):
        if none in counts:
            return none
    return _named(counts, _UNLABELED) or max(counts, key=lambda name: counts[name], default="")


def _named(names: Iterable[str], words: Sequence[str], anywhere: bool = False) -> str:
    """Return the name that begins (or goes on) with one of the words, the earlier words first; empty for none."""
    names = list(names)
    for word in words:
        for name in names:
            low = name.lower()
            if low.startswith(word) or (anywhere and low.endswith(word)):
                return name
    return ""
