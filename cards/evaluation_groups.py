"""Quality by attributes that are no inputs, such as an age band or a region: what two cards show of it."""

from collections.abc import Sequence
from typing import Any

from metaflow.cards import Markdown

from cards import evaluation_parts, theme
from cards.theme import Part
from scarcegan import words
from scarcegan.evaluation.figures import AttributeGroup, AttributeGroups, AttributeTable
from scarcegan.evaluation.records import Evaluation
from scarcegan.settings.words_section import Words

MEASURES = ("recall", "precision", "flagged_share")
CROSSED_SHOWN = 25


def groups_part(evaluation: Evaluation) -> list[Part]:
    """Build the part on groups by attributes; none where no table of attributes was configured."""
    found, their = evaluation.attribute_groups, evaluation.words
    if found is None:
        return []
    about = (
        f"`{found.definition}` at its one threshold, {words.number(found.threshold)}, on `{found.test_set}`. The "
        f"attributes are no inputs: they were joined by id for this measurement alone, and 'unknown' are {their.rows} "
        f"without one. Groups of fewer than {found.smallest} {their.rows} are withheld, and others from which those "
        "could be computed. Intervals are 95 % (Wilson; of differences to all others Newcombe). "
        f"{words.plural(found.compared, 'difference')} were looked at, so that about "
        f"{words.count(0.05 * found.compared)} would stand out by chance: clear are those that Fisher's test and "
        "Holm's correction leave at 5 % for all of them together."
    )
    single = [table for table in found.tables if len(table.attributes) == 1]
    ordered = sorted(found.tables, key=lambda table: len(table.attributes))
    recalls = (
        (_named(table.attributes, group), group.recall, words.feature_name(*table.attributes))
        for table in single
        for group in table.shown
    )
    contents = [
        _clear(found),
        *evaluation_parts.overlooked(f"Whose {their.rare_rows} does the model overlook?", evaluation, recalls),
        *(one for table in ordered for one in _shown(table, their, found.smallest)),
    ]
    return [Part(f"Does it serve groups of {their.rows} alike, by attributes that it never sees?", about, contents)]


def _clear(found: AttributeGroups) -> Markdown:
    told = [
        f"**{_named(table.attributes, group)}**: {words.feature_name(measure)} "
        f"{words.points(to.value, to.low, to.high)} beside all others"
        for table in found.tables
        for group in table.shown
        for measure, to in group.to_rest.items()
        if to.is_clear
    ]
    if not told:
        return Markdown("**No difference is clear.** Wide intervals leave room for some: that is no proof of equality.")
    return theme.bullets(told, f"{words.plural(len(told), 'difference')} beyond chance")


def _named(attributes: Sequence[str], group: AttributeGroup) -> str:
    pairs = zip(attributes, group.values, strict=True)
    return ", ".join(f"{words.feature_name(name)} {value}" for name, value in pairs)


def _shown(table: AttributeTable, their: Words, smallest: int) -> list[Any]:
    """Show the groups of a table with their differences to all others: of crossings the largest, in that order."""
    title = Markdown(f"### By {' and '.join(map(words.feature_name, table.attributes))}")
    # Of single attributes all are shown, in the order of the chart: bands of age stay in theirs.
    ranked = sorted(table.shown, key=lambda group: -(group.players or 0))[:CROSSED_SHOWN]
    listed = table.shown if len(table.attributes) == 1 else ranked
    headers = ["Group", *map(their.fill, ("{Rows}", "{Rare}"))]
    headers += [f"{words.feature_name(name).capitalize()}; points to all others" for name in MEASURES]
    rows = [
        [" · ".join(group.values), words.count(group.players), words.count(group.risky)]
        + [_beside_others(group, name) for name in MEASURES]
        for group in listed
    ]
    notes = []
    if withheld := len(table.groups) - len(table.shown):
        notes.append(
            f"{words.plural(withheld, 'group')} withheld: too small, or telling of one of fewer than {smallest}."
        )
    if smaller := len(table.shown) - len(listed):
        notes.append(f"{smaller} smaller ones are in the artifact `evaluation`.")
    return [title, *([theme.table(headers, rows)] if rows else []), *([Markdown(" ".join(notes))] if notes else [])]


def _beside_others(group: AttributeGroup, measure: str) -> str:
    """Write a group's share, and its difference to all others: 46 % [29, 65]; −20.5 [−43.7, +6.6], clear."""
    told, to = words.interval(measure, getattr(group, measure)), group.to_rest.get(measure)
    if to is None:
        return told
    difference = words.points(to.value, to.low, to.high).removesuffix(f"{words.GAP}points").replace(" ", words.GAP)
    return f"{told}; {difference}{', clear' if to.is_clear else ''}"
