"""The card that sets runs side by side: which is best, what differs, how they learned, on which data."""

from collections.abc import Mapping
from typing import Any

from metaflow.cards import Markdown, VegaChart

from cards import plain_figures, theme
from scarcegan import words

CURVES = {
    "validation_recall_at_budget": ("Which run finds more at the review budget while it learns?", True),
    "validation_average_precision": ("Which run ranks validation players better while it learns?", False),
}
MOST_DRIFTED = 15
MODERATE, STRONG = 0.1, 0.25


def compare_card(compared: Mapping[str, Any]) -> list[Any]:
    """Build the card of a comparison.

    Args:
        compared: plain data of `scarcegan.history.compare`: runs (the first is what the others are compared with),
            settings, metrics, curves, drift, data, best.
    """
    first, *others = compared["runs"]
    names = words.plural(len(others), "run")
    parts = [
        theme.heading("Which run is best for each business definition?", BEST_READING),
        _best_table(compared),
        *_lead_sentences(compared),
        *([_deltas(compared)] if _changed(compared) else []),
        theme.heading("What differs in the settings?"),
        _settings(compared),
        theme.heading("How did they learn?"),
        *(_curve_chart(compared, series) for series in CURVES if _has_curves(compared, series)),
        theme.heading(f"Were they trained on the same data as {first}?"),
        *_data(compared),
        theme.heading("All metrics", "On test players, with 95 % intervals from resampling them."),
        _metric_table(compared),
    ]
    return theme.page(f"{names} beside {first}", parts)


BEST_READING = (
    "What the definition maximises, on each run's test players. A model whose constraint held on validation data goes "
    "before one whose did not."
)


def _best_table(compared: Mapping[str, Any]) -> Any:
    measured = _measured(compared)
    rows = []
    for run in compared["runs"]:
        cells: list[Any] = []
        for best in compared["best"]:
            row = measured.get((run, best["definition"], best["metric"]))
            text = plain_figures.interval(best["metric"], row) if row else "not evaluated"
            cells.append(Markdown(f"**{text}** (best)") if run == best["run"] else text)
        rows.append([run, *cells])
    headers = [f"{best['definition']}: {words.metric_name(best['metric']).lower()}" for best in compared["best"]]
    return theme.table(["Run", *headers], rows)


def _lead_sentences(compared: Mapping[str, Any]) -> list[Any]:
    """Say how far the best are ahead, and whether folds differ by more than that."""
    lines = []
    for best in compared["best"]:
        if best["runner_up"] is None:
            continue
        lead, spread = (abs(best[key]) for key in ("lead", "spread"))
        told = f"{_points(best['metric'], lead)} ahead of {best['runner_up']}, folds spread by "
        verdict = "beyond the folds' spread" if lead > spread else "level"
        other = "" if best["same_data"] else ", and they were measured on other players"
        lines.append(
            f"- `{best['definition']}`: **{verdict}**. {best['run']} is {told}{_points(best['metric'], spread)}{other}."
        )
    return [Markdown("\n".join(lines))] if lines else []


def _deltas(compared: Mapping[str, Any]) -> VegaChart:
    """Draw every run's difference to the first, model by model, with the spread of both runs' folds."""
    first, *others = compared["runs"]
    rows = [{**row, "name": words.metric_name(row["metric"])} for row in _changed(compared)]
    others = [run for run in others if any(row["run"] == run for row in rows)]
    definitions = list(dict.fromkeys(row["definition"] for row in rows))
    metrics = list(dict.fromkeys(row["name"] for row in rows))
    delta = theme.axis("delta", "difference", scale={"nice": True}, axis={"format": "+.2~f"})
    encoding = {
        "y": {"field": "name", "type": "nominal", "sort": metrics, "title": None, "axis": {"grid": True}},
        "yOffset": {"field": "run", "sort": others},
        "color": {"field": "run", "type": "nominal", "scale": _colors(compared, others), "legend": {"title": None}},
    }
    tooltip = [
        {"field": "run"},
        {"field": "name", "title": "metric"},
        *({"field": key, "format": "+.3"} for key in ("delta", "spread")),
    ]
    spread = {
        "transform": [
            {"calculate": "datum.delta - datum.spread", "as": "low"},
            {"calculate": "datum.delta + datum.spread", "as": "high"},
        ],
        "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.6},
        "encoding": {"x": delta | {"field": "low"}, "x2": {"field": "high"}},
    }
    point = {
        "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
        "encoding": {"x": delta, "tooltip": tooltip},
    }
    alone = dict.fromkeys(("y", "yOffset", "color"))
    line = {"x": {"datum": 0}, **alone}
    zero = {"data": {"values": [{}]}, "mark": {"type": "rule", "strokeDash": [5, 4]}, "encoding": line}
    select = {"input": "select", "options": definitions, "name": "Model: "}
    shown = "review_budget" if "review_budget" in definitions else definitions[0]
    return theme.chart(
        "What changes, beyond what folds differ by?",
        {
            "params": [{"name": "definition", "value": shown, "bind": select}],
            "transform": [{"filter": "datum.definition == definition"}],
            "encoding": encoding,
            "layer": [spread, point, zero],
        },
        reading=[
            f"Difference to {first}; lines: ± the spread of both runs' folds.",
            "A line across zero: do not conclude.",
        ],
        rows=rows,
        height=max(28, 14 * len(others)) * len(metrics),
    )


def _settings(compared: Mapping[str, Any]) -> Any:
    if not compared["settings"]:
        return Markdown("Nothing: all settings are the same.")
    rows = [[row["setting"], *(_told(row[run]) for run in compared["runs"])] for row in compared["settings"]]
    return theme.table(["Setting", *compared["runs"]], rows)


def _curve_chart(compared: Mapping[str, Any], series: str) -> VegaChart:
    question, is_share = CURVES[series]
    groups: dict[tuple[str, int], dict[str, Any]] = {}
    for row in compared["curves"]:
        if row["series"] == series:
            start = {"run": row["run"], "fold": row["fold"], "iteration": [], "median": []}
            group = groups.setdefault((row["run"], row["fold"]), start)
            group["iteration"].append(row["iteration"])
            group["median"].append(row["median"])
    value = theme.axis("median", "recall at the budget" if is_share else "average precision", share=is_share)
    runs = [run for run in compared["runs"] if any(key[0] == run for key in groups)]
    encoding = {
        "x": theme.axis("iteration", "iteration"),
        "color": {"field": "run", "type": "nominal", "scale": _colors(compared, runs), "legend": {"title": None}},
    }
    band = {
        "mark": {"type": "area", "opacity": 0.15},
        "encoding": {"y": value | {"aggregate": "min"}, "y2": {"field": "median", "aggregate": "max"}},
    }
    line = {"mark": {"type": "line", "strokeWidth": 2.5}, "encoding": {"y": value | {"aggregate": "median"}}}
    return theme.chart(
        question,
        {"transform": [{"flatten": ["iteration", "median"]}], "encoding": encoding, "layer": [band, line]},
        reading="Lines: median of the folds, each its members' median; bands: lowest to highest fold.",
        rows=list(groups.values()),
        height=260,
    )


def _data(compared: Mapping[str, Any]) -> list[Any]:
    first, *others = compared["runs"]
    prints = compared["data"]
    lines = [f"- {first}: `{prints[first] or 'no data yet'}`"]
    for run in others:
        same = prints[run] is not None and prints[run] == prints[first]
        lines.append(f"- {run}: `{prints[run] or 'no data yet'}`{', the same' if same else ''}")
    return [Markdown("\n".join(lines)), *([_drift(compared)] if compared["drift"] else [])]


def _drift(compared: Mapping[str, Any]) -> VegaChart:
    moved = sorted(compared["drift"], key=lambda row: -row["psi"])
    features = list(dict.fromkeys(row["feature"] for row in moved))[:MOST_DRIFTED]
    rows = [row for row in moved if row["feature"] in features]
    runs = [run for run in compared["runs"] if any(row["run"] == run for row in rows)]
    encoding = {
        "y": {"field": "feature", "type": "nominal", "sort": features, "title": None, "axis": {"labelLimit": 320}},
        "yOffset": {"field": "run", "sort": runs},
        "x": theme.axis("psi", "population stability index"),
        "color": {"field": "run", "type": "nominal", "scale": _colors(compared, runs), "legend": {"title": None}},
        "tooltip": [
            {"field": "run"},
            {"field": "feature"},
            *({"field": key, "format": ".3"} for key in ("psi", "ks", "median_before", "median_now")),
        ],
    }
    strong = {"x": {"datum": STRONG}, **dict.fromkeys(("y", "yOffset", "color"))}
    limit = {"data": {"values": [{}]}, "mark": {"type": "rule", "strokeDash": [5, 4]}, "encoding": strong}
    return theme.chart(
        "Which features are distributed otherwise?",
        {"layer": [{"mark": {"type": "bar", "opacity": 0.85}, "encoding": encoding}, limit]},
        reading=[
            f"Unlabelled players beside those of {compared['runs'][0]}: the {len(features)} that moved most,",
            f"at least so far; below {MODERATE} stable, above {STRONG} (dashes) another distribution.",
        ],
        rows=rows,
        height=max(22, 12 * len(runs)) * len(features),
    )


def _metric_table(compared: Mapping[str, Any]) -> Any:
    measured, runs = _measured(compared), compared["runs"]
    keys = list(dict.fromkeys((row["definition"], row["metric"]) for row in compared["metrics"]))
    rows = [
        [
            f"{definition}: {words.metric_name(metric)}",
            *(_cell(measured.get((run, definition, metric))) for run in runs),
        ]
        for definition, metric in keys
    ]
    return theme.table(["Model and metric", *runs], rows)


def _cell(row: Mapping[str, Any] | None) -> str:
    return plain_figures.interval(row["metric"], row) if row else words.MISSING


def _points(metric: str, value: float) -> str:
    return words.score(value) if metric in words.SCORES else f"{100 * value:.1f} points"


def _told(value: Any) -> str:
    if value is None:
        return words.MISSING
    return str(value) if not isinstance(value, float) else f"{value:g}"


def _measured(compared: Mapping[str, Any]) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    return {(row["run"], row["definition"], row["metric"]): row for row in compared["metrics"]}


def _changed(compared: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    first = compared["runs"][0]
    return [row for row in compared["metrics"] if row["run"] != first and words.is_number(row["delta"])]


def _has_curves(compared: Mapping[str, Any], series: str) -> bool:
    return any(row["series"] == series for row in compared["curves"])


def _colors(compared: Mapping[str, Any], runs: list[str]) -> dict[str, list[str]]:
    """Give each run the same colour in every chart."""
    everybody = theme.palette(compared["runs"])
    return {"domain": runs, "range": [everybody["range"][compared["runs"].index(run)] for run in runs]}
