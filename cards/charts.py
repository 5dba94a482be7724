"""The four shapes of every chart on every card: ranked bars, banded lines, points with intervals, heat map.

Each takes small rows and returns a framed chart: the question that it answers as title, and below it how to read it.
A click on the legend sets lines off against the others. Rows that have a `choice` are shown one choice at a time, at
first the first one's; the reader chooses below the chart.
"""

import itertools
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metaflow.cards import VegaChart

from cards import theme

DASHES = {"solid": [1, 0], "dashed": [8, 4], "dotted": [2, 3]}
DECADES = [10.0**power for power in range(-12, 10)]
LOG_SHARES = [lead * 10.0**power for power in range(-6, 1) for lead in (1, 2, 5)]
# A no-break space keeps a number and its % on one line.
PERCENT_LABEL = "replace(datum.label, '%', '\u00a0%')"
SMALL_LABEL = "datum.value < 0.001 ? format(datum.value, '~e') : datum.label"
WHOLE_NAMES: dict[str, Any] = {"labelLimit": 320, "maxExtent": 340}
FLAT, SLANTED = {"labelAngle": 0}, {"labelAngle": -40, "labelOverlap": False}
LETTER = 6.2  # pixels of a letter in a chart, on average
NARROWEST = 680  # pixels that a legend has on a narrow page
# Letters of a line: above a chart on a narrow page, and along an axis.
QUESTION_LETTERS, READING_LETTERS, AXIS_LETTERS = 74, 112, 48
STROKES = {"symbolType": "stroke", "symbolSize": 600, "symbolStrokeWidth": 2.2}  # a legend's symbols of lines
SYMBOL = 46  # pixels of a legend's symbol and the gap after its name
IS_CHOSEN = {"filter": "datum.choice == chosen"}

Spec = dict[str, Any]
Reading = str | Sequence[str]


@dataclass(frozen=True)
class Axis:
    """A scale of numbers; `share` writes percentages, a logarithmic one leaves out what is not positive."""

    title: str | None = None
    share: bool = False
    log: bool = False
    low: float | None = None
    high: float | None = None

    def channel(self, field: str, ticks: int = 6) -> Spec:
        """Describe the Vega-Lite channel that puts a field on this scale."""
        look: Spec = {"labelOverlap": "greedy", "labelSeparation": 8}
        # Vega's own ticks of a logarithmic scale are too many to be read.
        look |= {"values": LOG_SHARES if self.share else DECADES} if self.log else {"tickCount": ticks}
        plain_format = "~s" if ticks < 6 else ",~g" if self.log else ",~f"
        # D3 writes nothing as `0k` beside `10k`, and 0.000001 beside 1e-7.
        written = SMALL_LABEL if self.log else "datum.value ? datum.label : '0'"
        look |= {"format": "~%" if self.share else plain_format, "labelExpr": PERCENT_LABEL if self.share else written}
        ends = {"domainMin": self.low, "domainMax": self.high}
        scale: Spec = {key: end for key, end in ends.items() if end is not None}
        # `nice` would round ends that are given to whole decades.
        scale |= {"type": "log", "nice": not scale} if self.log else {}
        title = _lines(self.title, AXIS_LETTERS)
        return {"field": field, "type": "quantitative", "title": title, "axis": look, "scale": scale}

    def tooltip(self, *fields: str, title: str | None = None) -> list[Spec]:
        """Describe how the pointer's box writes fields of this scale."""
        look = {"format": ".3~p" if self.share else ",.4~r"}
        return [{"field": field, "title": title or field, **look} for field in fields]

    def holds(self, value: float | None) -> bool:
        """Tell whether a value has a place on this scale."""
        return value is not None and math.isfinite(value) and (value > 0 or not self.log)


@dataclass(frozen=True)
class Mark:
    """A figure named at its left, `label` beside it; `low` to `high` is its interval, drawn through a point.

    `limit` is a tick over a bar, `dots` are the single values behind it, ticks beside a point. Marks of one series
    have the colour of its first one; by default the theme's next.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    label: str = ""
    series: str = ""
    color: str = ""
    choice: str = ""
    dots: Sequence[float] = ()


@dataclass(frozen=True)
class Line:
    """A line in lists of equal length, in the band from `low` to `high`, if any, by default in the theme's next colour.

    A faint line stands back until the reader picks it. `panel` names the small chart in which it is a histogram's
    outline, perhaps in several lines; it is empty for one large chart.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    dash: str = "solid"
    color: str = ""
    faint: bool = False
    choice: str = ""
    panel: str = ""


@dataclass(frozen=True)
class Rule:
    """An upright dashed rule with a few words beside it."""

    at: float
    label: str = ""
    choice: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a heat map: `shade` is its share of its row; `panel` names its small chart."""

    row: str
    column: str
    shade: float
    label: str
    panel: str


def ranked_bars(
    question: str, reading: Reading, axis: Axis, marks: Sequence[Mark], rules: Sequence[Rule] = ()
) -> VegaChart:
    """Draw a bar for each mark, in the order given; those of one name lie together."""
    place, color, height = _by_name(marks, alone=24, together=14)
    value = place | {"x": axis.channel("value")}
    bar = {"x2": {"datum": axis.low or 0}, "color": color, "tooltip": [_text("name"), *axis.tooltip("value", "limit")]}
    limit = {"type": "tick", "thickness": 2, "color": theme.INK}
    layers = [
        _layer({"type": "bar", "height": {"band": 0.66}}, value | bar),
        _layer({"type": "text", "align": "left", "dx": 5}, value | {"text": _text("label")}),
        *_if_any(marks, "limit", _layer(limit, place | {"x": axis.channel("limit")})),
        *_rules(rules, axis),
    ]
    rows = [vars(mark) for mark in marks if axis.holds(mark.value)]
    return _frame(question, reading, {"layer": layers, "height": height}, rows)


def points(question: str, reading: Reading, axis: Axis, marks: Sequence[Mark], rules: Sequence[Rule] = ()) -> VegaChart:
    """Draw a point for each mark with its interval; those of one name lie together."""
    place, color, height = _by_name(marks, alone=30, together=15)
    value = place | {"x": axis.channel("value")}
    tinted = place | {"color": color}
    shape = {"shape": color | {"scale": {"domain": color["scale"]["domain"]}}}
    tip = {"tooltip": [_text("name"), *axis.tooltip("value", "low", "high")]}
    ends = tinted | {"x": axis.channel("low"), "x2": {"field": "high"}}
    tick = {"type": "tick", "thickness": 1.5, "size": 10, "opacity": 0.7}
    layers = [
        *_if_any(marks, "low", _layer({"type": "rule", "strokeWidth": 2}, ends)),
        *_if_any(marks, "dots", _layer(tick, tinted | {"x": axis.channel("dots")}, {"flatten": ["dots"]})),
        _layer({"type": "point", "filled": True, "size": 85, "opacity": 1}, tinted | value | shape | tip),
        _layer({"type": "text", "align": "left", "dx": 10}, value | {"text": _text("label")}),
        *_rules(rules, axis),
    ]
    rows = [vars(mark) for mark in marks if axis.holds(mark.value)]
    return _frame(question, reading, _choice(marks) | {"layer": layers, "height": height}, rows)


def banded_lines(
    question: str, reading: Reading, x: Axis, y: Axis, lines: Sequence[Line], rules: Sequence[Rule] = ()
) -> VegaChart:
    """Draw lines in their bands in one large chart, or histograms in a small one for each panel."""
    panels = [name for name in _names(lines, "panel") if name]
    ticks = 3 if panels else 6
    shape = {"interpolate": "step-after" if panels else "linear"}
    color = _color(lines, "name")
    if color["legend"]:
        color["legend"] |= STROKES
    # Of one field and with one legend, so that Vega-Lite draws the dashes there, too.
    dashes = [DASHES[next(line.dash for line in lines if line.name == name)] for name in color["scale"]["domain"]]
    dash = color | {"scale": color["scale"] | {"range": dashes}}
    sides = {"x": x.channel("x", ticks), "color": color}
    middle = sides | {"y": y.channel("y", ticks)}
    band = sides | {"y": y.channel("low", ticks), "y2": {"field": "high"}}
    tip = [_text("name"), *x.tooltip("x", title=x.title), *y.tooltip("y", title=y.title), *y.tooltip("low", "high")]
    line = _layer({"type": "line", "strokeWidth": 2.2, **shape}, middle | {"strokeDash": dash})
    picked = [] if panels else [{"filter": {"param": "picked"}}]  # Vega-Lite cannot pick by the legend in small charts
    if picked:
        line["encoding"]["opacity"] = {"condition": {"param": "picked", "value": 1}, "value": 0.3}
        line["params"] = [_picked(lines)]
    layers = [
        *_if_any(lines, "low", _layer({"type": "area", "opacity": 0.2, **shape}, band, *picked)),
        line,
        # Invisible points hold the tooltip: a thin line is hard to point at.
        _layer({"type": "point", "size": 60, "opacity": 0}, middle | {"tooltip": tip}),
        *_rules(rules, x),
    ]
    spec = _choice(lines)
    # A line's row has lists, which keeps the card small; Vega makes a row of each point.
    spec["transform"] = [*spec["transform"], {"flatten": ["x", "y", "low", "high"]}]
    spec |= _panels(layers, panels, 3, 185, 90, "independent") if panels else {"layer": layers, "height": theme.HEIGHT}
    return _frame(question, reading, spec, [_on_scale(line, x, y) for line in lines])


def heat_map(question: str, reading: Reading, row_title: str, column_title: str, cells: Sequence[Cell]) -> VegaChart:
    """Draw cells that are stronger the larger their share of their row, in a small chart for each panel."""
    rows, columns = _names(cells, "row"), _names(cells, "column")
    # A cell has room for its number; names too long to stand side by side are slanted, and small charts one by one.
    width = max(260, 48 * len(columns))
    fits = _widest(columns) <= width / len(columns)
    place = {
        "x": _text("column")
        | {"sort": columns, "title": column_title, "axis": WHOLE_NAMES | (FLAT if fits else SLANTED)},
        "y": _text("row") | {"sort": rows, "title": row_title, "axis": WHOLE_NAMES},
    }
    scale = {"domain": [0, 1], "range": [f"{theme.BLUE}00", f"{theme.BLUE}99"]}
    shade = {"field": "shade", "type": "quantitative", "scale": scale, "legend": None}
    layers = [
        _layer({"type": "rect", "stroke": theme.RULE, "strokeWidth": 0.5}, place | {"color": shade}),
        _layer({"type": "text"}, place | {"text": _text("label")}),
    ]
    beside = 2 if fits and width == 260 else 1
    spec = _panels(layers, _names(cells, "panel"), beside, width, 36 * len(rows), "shared")
    return _frame(question, reading, spec, [vars(cell) for cell in cells])


def plain(value: Any) -> Any:
    """Make values safe to inline: floats rounded to five digits, NaN and infinities null, tuples lists.

    A single NaN would leave the whole card blank: browsers refuse it in JSON.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.5g}") if math.isfinite(value) else None
    return value


def _frame(question: str, reading: Reading, spec: Spec, rows: list[Spec]) -> VegaChart:
    told = [reading] if isinstance(reading, str) else reading
    lines = [line for one in told for line in textwrap.wrap(one, READING_LETTERS)]
    title = {"text": _lines(question, QUESTION_LETTERS), "subtitle": lines if len(lines) > 1 else reading}
    look: Spec = {"$schema": theme.SCHEMA, "background": "transparent", "config": theme.CONFIG, "title": title}
    return VegaChart(plain(look | spec | {"data": {"values": rows}}))


def _lines(text: str | None, letters: int) -> str | list[str] | None:
    """Break a text that is too long for one line."""
    return textwrap.wrap(text, letters) if text and len(text) > letters else text


def _layer(mark: Spec, encoding: Spec, *transform: Spec) -> Spec:
    return {"mark": mark, "encoding": encoding, "transform": list(transform)}


def _if_any(rows: Iterable[Any], field: str, layer: Spec) -> list[Spec]:
    """Return a layer only where there is something to draw: Vega complains of a scale without values."""
    return [layer] if any(getattr(row, field) not in (None, ()) for row in rows) else []


def _panels(layers: list[Spec], names: list[str], columns: int, width: int, height: int, scales: str) -> Spec:
    return {
        "width": None,  # Metaflow would set "container", which small charts do not know
        # A name may have more lines than one.
        "facet": {"field": "panel", "title": None, "sort": names, "header": {"labelExpr": "split(datum.label, '\\n')"}},
        "columns": columns,
        "spacing": 26,
        "resolve": {"scale": {"x": scales, "y": scales}},
        "spec": {"width": width, "height": height, "layer": layers},
    }


def _by_name(marks: Sequence[Mark], *, alone: int, together: int) -> tuple[Spec, Spec, int]:
    """Return place, colour and the chart's height: a row for each name, in it perhaps several series."""
    names, series = _names(marks, "name"), _names(marks, "series")
    # One choice is shown at a time.
    choices = [[mark for mark in marks if mark.choice == choice] for choice in _names(marks, "choice")]
    rows = max((len(_names(shown, "name")) for shown in choices), default=0)
    place: Spec = {"y": _text("name") | {"sort": names, "title": None, "axis": dict(WHOLE_NAMES)}}
    if len({(mark.name, mark.choice) for mark in marks}) == len(marks):
        return place, _color(marks, "series"), alone * rows
    place["y"]["axis"]["grid"] = True
    place["yOffset"] = {"field": "series", "sort": series}
    return place, _color(marks, "series"), max(alone, together * len(series)) * rows


def _legend_columns(names: Sequence[str]) -> int:
    """Return how many columns of names a narrow page has room for."""
    for columns in range(4 if len(names) < 5 else 3, 1, -1):
        if sum(_widest(names[at::columns]) + SYMBOL for at in range(columns)) <= NARROWEST:
            return columns
    return 1


def _widest(names: Iterable[str]) -> float:
    """Return the pixels that the longest name takes."""
    return LETTER * max(map(len, names), default=0)


def _text(field: str) -> Spec:
    return {"field": field, "type": "nominal"}


def _names(rows: Iterable[Any], field: str) -> list[str]:
    return list(dict.fromkeys(getattr(row, field) for row in rows))


def _color(rows: Sequence[Any], field: str) -> Spec:
    names = _names(rows, field)
    # Reversed, so that the first row of a series sets its colour.
    own = {getattr(row, field): row.color for row in reversed(rows)}
    # Beyond six series colours repeat.
    colors = [own[name] or color for name, color in zip(names, itertools.cycle(theme.SERIES), strict=False)]
    legend = {"title": None, "columns": _legend_columns(names)} if len(names) > 1 else None
    return _text(field) | {"scale": {"domain": names, "range": colors}, "legend": legend}


def _rules(rules: Sequence[Rule], axis: Axis) -> list[Spec]:
    """Return the layer of the rules; none without any. Those with a choice are shown with it."""
    if not rules:
        return []
    at = {"x": axis.channel("at")}
    words = {"type": "text", "align": "left", "dx": 6, "baseline": "top"}
    layers = [
        _layer({"type": "rule", "strokeDash": [5, 4]}, at),
        _layer(words, at | {"text": _text("label"), "y": {"value": 2}}),
    ]
    shown = [vars(rule) for rule in rules if axis.holds(rule.at)]
    return [{"data": {"values": shown}, "layer": layers, "transform": [IS_CHOSEN] if rules[0].choice else []}]


def _choice(rows: Iterable[Any]) -> Spec:
    options = [name for name in _names(rows, "choice") if name]
    if not options:
        return {"transform": []}
    select = {"input": "select", "options": options, "name": "Model: "}
    return {"params": [{"name": "chosen", "value": options[0], "bind": select}], "transform": [IS_CHOSEN]}


def _picked(lines: Sequence[Line]) -> Spec:
    """Let the legend pick lines; at first all are picked but the faint ones."""
    pick: Spec = {"name": "picked", "select": {"type": "point", "fields": ["name"]}, "bind": "legend"}
    faint = any(line.faint for line in lines)
    return pick | ({"value": [{"name": line.name} for line in lines if not line.faint]} if faint else {})


def _on_scale(line: Line, x: Axis, y: Axis) -> Spec:
    """Return a line's row without the places that its axes do not have."""
    kept = [at for at, (a, b) in enumerate(zip(line.x, line.y, strict=True)) if x.holds(a) and y.holds(b)]
    lists = {key: getattr(line, key) for key in ("x", "y", "low", "high")}
    return vars(line) | {key: [values[at] for at in kept] if values else [] for key, values in lists.items()}
