"""The common look of the cards: colours, sizes, and the parts that are no charts.

Cards are read on white and on dark pages: charts have no background of their own, text and rules are a grey of
middle contrast on both, and series differ in hue, lightness and dash (Okabe and Ito's colour-blind safe palette).
"""

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeVar

from metaflow.cards import Markdown, Table, ValueBox
from metaflow.plugins.cards.card_modules.basic import BlankCard, SectionComponent

FONT = "Roboto, -apple-system, Segoe UI, Helvetica Neue, DejaVu Sans, Arial, sans-serif"
INK, RULE = "#6b7280", "#9ca3af"
BLUE, ORANGE, GREEN, PURPLE = "#1479bd", "#e08a00", "#009e73", "#b85c9e"
RED, SKY = "#d55e00", "#4aa3df"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, RED, SKY)
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
HEIGHT = 300
# Population stability indices, as credit scoring reads them: below is stable, above another distribution.
STABLE_PSI, OTHER_PSI = 0.1, 0.25
WEB_FONT = re.compile(r'@import\s*"https://fonts\.googleapis\.com[^"]*";')  # Metaflow's template asks for Roboto
OPENS_TAG = re.compile(r"<(?=[A-Za-z/!?])")
LONG_NAME = re.compile(r"\S{20,}")
CODE = re.compile("`([^`]+)`")
BAND = re.compile(r"(?<![\w/.-])(\d{4}-\d\d-\d\d|\d{1,3}-\d{1,3})(?![\w/-])")  # a date, an age band
INSIDE_FIGURE = re.compile(r"(?<=[≤≥/]) (?=\d)|(?<=\d) (?=%|(?:/|of) \d)|(?<=\d of) (?=\d)|(?<=,) (?=[^\[\]]*\])")
Row = TypeVar("Row")

# Metaflow's page has no room for a style sheet, but its Markdown lets one through. Without the first rule every chart
# of container width is 0 pixels wide: vega-embed's root shrinks to fit (vega-embed #476, mended in #1554, not bundled).
STYLE = """<style>
.mf-card .vega-embed { display: block; width: 100%; margin: 1.5rem 0; overflow-x: auto; }
.mf-card .vega-embed .role-title-text text, .mf-card .vega-embed .mark-text.role-mark text { fill: var(--black); }
.mf-card .vega-embed .role-axis-label text, .mf-card .vega-embed .role-axis-title text,
.mf-card .vega-embed .role-legend-label text, .mf-card .vega-embed .role-title-subtitle text { fill: var(--dk-grey); }
.mf-card main h1 { font-size: 1.6rem; margin: 0 0 1rem; }
.mf-card main h2 { font-size: 1.2rem; margin: 2.5rem 0 0.5rem; }
.mf-card main h3 { font-size: 1.05rem; margin: 0.75rem 0; }
.mf-card main ul { padding-left: 1.2rem; margin: 0.5rem 0 1rem; }
.mf-card main pre { background: var(--lt-grey); padding: 0.8rem 1rem; border-radius: 5px; overflow-x: auto; }
.mf-card table { font-variant-numeric: tabular-nums; }
.mf-card td { padding: 0.4rem 0.75rem; }
.mf-card th { padding: 0.4rem 0.75rem; vertical-align: bottom; white-space: normal; }
.mf-card td:first-child, .mf-card th:first-child, .mf-card td:nth-child(2):last-child { text-align: left; }
.mf-card th:nth-child(2):last-child { text-align: left; }
.mf-card td:nth-child(2):last-child { overflow-wrap: anywhere; }
.mf-card .sectionItems { display: block; }
.mf-card div.container:has(> .inner progress) { padding: 0.8rem 1rem; background: var(--lt-lt-grey); margin: 1rem 0; }
.mf-card div.container:has(> .inner progress) .inner { max-width: none; }
.mf-card div.container:has(> .inner progress) .details { font: inherit; color: var(--black); }
.mf-card .tableContainer { margin: 1.25rem 0; }
.mf-card td:has(.value-box) { background: none; padding: 0 0.75rem 0 0; flex: 1 1 auto; display: flex; }
.mf-card tr:has(.value-box) { display: flex; }
.mf-card table .value-box.value-box { flex: 1; align-items: flex-start; text-align: left; padding: 0.9rem 1rem;
  background: var(--bg) !important; border-color: var(--grey) !important; }
.mf-card .value-box .value-box-title { font-size: 0.75rem; color: var(--dk-grey); }
.mf-card .value-box .value-box-value { color: var(--black); }
.mf-card .value-box .value-box-subtitle { font-size: 0.8rem; margin: 0; color: var(--dk-grey); }
.mf-card .vega-bindings { font-size: 13px; margin-top: 0.5rem; }
.mf-card details.fold { border-top: 1px solid var(--grey); padding: 0.7rem 0; }
.mf-card details.fold summary { cursor: pointer; font-weight: 600; font-size: 1.05rem; }
.mf-card details.fold:not([open]) + section { height: 0; overflow: hidden; visibility: hidden; }
.mf-card details.fold + section > .heading { display: none; }
.mf-card details.fold[open] + section { padding-bottom: 1.5rem; }
@media (max-width: 1000px) {
  .mf-card td, .mf-card th { padding: 0.35rem 0.4rem; font-size: 0.85rem; }
  .mf-card th { font-size: 0.78rem; }
  .mf-card td:has(.value-box) { padding: 0 0.4rem 0 0; }
  .mf-card table .value-box { padding: 0.6rem 0.7rem; }
  .mf-card .value-box .value-box-value { font-size: 1.4rem; }
}
@media print {
  .mf-card details.fold:not([open]) + section { height: auto; overflow: visible; visibility: visible; }
  .mf-card .vega-embed { overflow: visible; break-inside: avoid; }
  .mf-card .vega-embed svg { max-width: 100%; height: auto; }
  .mf-card .vega-bindings { display: none; }
  .mf-card main h2, .mf-card main h3 { break-after: avoid; }
  .mf-card tr { break-inside: avoid; }
}
@media (prefers-color-scheme: dark) {
  :root { color-scheme: dark; --bg: #16181d; --white: #16181d; --black: #e5e7eb; --dk-grey: #a3a9b5; --grey: #ffffff30;
    --lt-grey: #262a31; --lt-lt-grey: #1e2127; }
  .mf-card .logoContainer { filter: invert(1) hue-rotate(180deg); }
}
</style>"""

CONFIG: dict[str, Any] = {
    "font": FONT,
    "view": {"stroke": None},
    "padding": {"left": 5, "right": 8, "top": 5, "bottom": 8},
    "title": {
        "anchor": "start", "frame": "bounds", "fontSize": 15, "fontWeight": 600, "color": INK,
        "subtitleFontSize": 12, "subtitleColor": INK, "subtitlePadding": 5, "offset": 14, "limit": 0,
    },
    "axis": {
        "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": 400, "labelColor": INK, "titleColor": INK,
        "gridColor": RULE, "gridOpacity": 0.3, "domainColor": RULE, "tickColor": RULE, "titlePadding": 8,
        "labelLimit": 220,
    },
    "legend": {
        "orient": "bottom", "labelFontSize": 12, "labelColor": INK, "titleColor": INK, "symbolStrokeWidth": 3,
        "symbolSize": 150, "symbolOpacity": 1, "unselectedOpacity": 0.75,
        "labelLimit": 300, "columnPadding": 18, "offset": 14,
    },
    "header": {"labelFontSize": 11, "labelColor": INK, "labelFontWeight": 600, "labelAnchor": "start",
               "labelLimit": 215},
    "text": {"color": INK, "fontSize": 12}, "rule": {"color": INK},
}  # fmt: skip


class Part(NamedTuple):
    """A part of a card: what it is about, perhaps a note, and its components."""

    title: str
    note: str
    contents: Sequence[Any]

    def shown(self) -> list[Any]:
        """Show it below its heading."""
        return [heading(self.title, self.note), *self.contents]

    def folded(self) -> list[Any]:
        """Show the title alone, until a reader clicks it; on paper all is shown.

        Metaflow's components hold no others but a section, and its page has no folds: the style sheet makes one of a
        section that follows a `details`. It keeps its width while it is closed, as charts take theirs from it at once.
        """
        title = CODE.sub(r"<code>\1</code>", html.escape(self.title))
        summary = f'<details class="fold"><summary>{title}</summary></details>'
        note = [Markdown(self.note)] if self.note else []
        return [Markdown(summary), SectionComponent(contents=[*note, *self.contents])]


def page(title: str, parts: Sequence[Any]) -> list[Any]:
    """Open a card: its style, its title, then its parts in order."""
    return [Markdown(STYLE), Markdown(f"# {title}"), *parts]


def html_page(components: Sequence[Any], title: str) -> str:
    """Render components as a card of these flows does; without the web font, so that it needs no network."""
    card = BlankCard(options={"title": title})
    section = SectionComponent(contents=[item.render() for item in components]).render()
    rendered: str = card.render(SimpleNamespace(pathspec=title), components=[section])
    return WEB_FONT.sub("", rendered)


def figures(*boxes: tuple[str, str, str]) -> Table:
    """Set the headline numbers side by side: (title, value, note) each."""
    shown = [(name, unbroken(value), unbroken(note) or None) for name, value, note in boxes]
    return Table([[ValueBox(title=name, value=value, subtitle=note) for name, value, note in shown]])


def heading(text: str, note: str = "") -> Markdown:
    """Open a part of the card; the note says what it is about."""
    return Markdown(f"## {text}" + (f"\n\n{note}" if note else ""))


def bullets(items: Iterable[str], lead: str = "") -> Markdown:
    """List sentences, perhaps below a lead; markup that comes with the data stays text."""
    # Escaped everywhere, the sign of "<= 1 %" would be lost.
    listed = OPENS_TAG.sub(r"\\<", "\n".join(f"- {item}" for item in items))
    return Markdown(f"**{lead}**\n\n{listed}" if lead else listed)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Build a static table of words and formatted numbers; no line breaks between a number and its %."""
    # A long name may break after each of its words, so that many columns fit.
    headers = [LONG_NAME.sub(lambda name: name[0].replace("_", "_\N{ZERO WIDTH SPACE}"), one) for one in headers]
    written: list[list[Any]] = [
        [unbroken(cell) if isinstance(cell, str) else cell for cell in row] for row in (headers, *rows)
    ]
    return Table(written[1:], headers=written[0], disable_updates=True)


def unbroken(text: str) -> str:
    """Keep a number and its %, the two ends of an interval, and a date on one line."""
    whole = BAND.sub(lambda found: found[0].replace("-", "\N{NON-BREAKING HYPHEN}"), text)
    return INSIDE_FIGURE.sub("\N{NO-BREAK SPACE}", whole)


def listing(rows: Iterable[Row], columns: Mapping[str, Callable[[Row], str]]) -> Table:
    """Build a table with a line for each row; a column is its header and what writes a row's cell."""
    return table(list(columns), [[write(row) for write in columns.values()] for row in rows])


def facts(*named: tuple[str, str]) -> Table:
    """List facts by name; those without a value are left out."""
    return table(["Fact", "Value"], [[name, value] for name, value in named if value])
