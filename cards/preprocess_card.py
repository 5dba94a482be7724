"""The card of `preprocess`: who is in the snapshot, how players are split, what the features look like."""

from collections.abc import Mapping, Sequence
from typing import Any

from metaflow.cards import Markdown, VegaChart

from cards import theme
from cards.snapshot_part import snapshot_part
from scarcegan import words

SEPARATING_SHOWN = 15
DISTRIBUTIONS_SHOWN = 9
FEATURES_LISTED = 60
SUSPECT_AUC = 0.98


def preprocess_card(data_report: Mapping[str, Any]) -> list[Any]:
    """Build the card of the data report: what needs attention first, then populations, folds and features.

    Args:
        data_report: the artifact `data_report` of RetrainFlow's preprocess step.
    """
    ranked = sorted(data_report["feature_table"], key=lambda row: row["auc"] or 0.0, reverse=True)
    parts = [
        _attention(data_report),
        _headline(data_report),
        theme.heading("Players", _who_is_who(data_report)),
        _population_chart(data_report["populations"]),
        _population_table(data_report),
        _fold_table(data_report["folds"]),
        *snapshot_part(data_report.get("snapshot")),
        theme.heading("Features"),
        _separation_chart(ranked, data_report["suspects"]),
        _distribution_chart(ranked),
        _feature_list(ranked),
    ]
    return theme.page(f"Data: {data_report['source']}", parts)


def _who_is_who(report: Mapping[str, Any]) -> str:
    apart = f"{report['threshold_players']:,} unlabelled players are set apart for the thresholds"
    return f"Training sees the pool, split into folds by player; {apart}; test players are held out."


def _attention(report: Mapping[str, Any]) -> Markdown:
    suspects = [
        f"`{item['feature']}` alone tells risky from unlabelled players (AUC {words.score(item['auc'], 3)}): a likely "
        "leak. Check that it is known at the cut-off, or name it in `data.ignore_columns`."
        for item in report["suspects"]
        if not any(f"'{item['feature']}'" in warning for warning in report["warnings"])
    ]
    notes = [*suspects, *report["warnings"]]
    if not notes:
        return Markdown("**Nothing to worry about**: no suspect features, no warnings.")
    return Markdown(
        f"**{words.plural(len(notes), 'thing')} to look at**\n\n" + "\n".join(f"- {note}" for note in notes)
    )


def _headline(report: Mapping[str, Any]) -> Any:
    tested = sum(test["players"] for test in report["test_sets"])
    risky = sum(test["risky"] for test in report["test_sets"])
    cutoff = f"telemetry before {report['cutoff']}" if report["cutoff"] else "no cut-off date"
    return theme.figures(
        [
            ("Players", words.count(report["players"]), cutoff),
            ("Features", words.count(report["features"]), f"{words.plural(len(report['folds']), 'fold')} by player"),
            ("Test players", words.count(tested), f"{words.count(risky)} of them risky"),
            ("Fingerprint", report["fingerprint"][:8], report["fingerprint"]),
        ]
    )


def _population_chart(populations: Sequence[Mapping[str, Any]]) -> VegaChart:
    rows = [
        {"population": item["name"], "part": part, "players": item[part], "label": words.count(item[part])}
        for item in populations
        for part in ("pool", "test")
        if item[part] > 0  # a logarithmic axis has no place for zero; the table below has
    ]
    names = [item["name"] for item in populations]
    row = {"field": "population", "type": "nominal", "sort": names, "title": None, "axis": {"grid": True}}
    tens = [10**power for power in range(9)]
    encoding = {
        "y": row,
        "yOffset": {"field": "part", "sort": ["pool", "test"]},
        "x": theme.axis("players", "players", scale={"type": "log", "nice": True}, axis={"values": tens}),
    }
    color = {
        "field": "part",
        "scale": {"domain": ["pool", "test"], "range": [theme.BLUE, theme.ORANGE]},
        "legend": {"title": None},
    }
    layers = [
        {"mark": {"type": "point", "filled": True, "size": 110, "opacity": 1}, "encoding": {"color": color}},
        {"mark": {"type": "text", "align": "left", "dx": 10}, "encoding": {"text": {"field": "label"}}},
    ]
    return theme.chart(
        "How many players of each population are there?",
        {"encoding": encoding, "layer": layers},
        reading="Logarithmic: the unlabelled outnumber the labelled many times over.",
        rows=rows,
        height=44 * len(names),
    )


def _population_table(report: Mapping[str, Any]) -> Any:
    rows = [
        [item["name"], words.count(item["pool"]), words.count(item["test"]), words.count(item["pool"] + item["test"])]
        for item in report["populations"]
    ]
    header = ["Population", "Pool", "Test", "Together"]
    quiet = report.get("snapshot", {}).get("quiet_days")
    if quiet:
        header.append(f"Days without play, of {report['snapshot']['window_days']}")
        rows = [[*row, words.number(round(quiet[row[0]], 1)) if row[0] in quiet else words.MISSING] for row in rows]
    return theme.table(header, rows)


def _fold_table(folds: Sequence[Mapping[str, Any]]) -> Any:
    names = list(folds[0]["train"]) if folds else []
    rows = [
        [
            f"{fold['fold']}",
            *(f"{words.count(fold['train'][name])} / {words.count(fold['validation'][name])}" for name in names),
        ]
        for fold in folds
    ]
    return theme.table(["Fold: training / validation", *names], rows)


def _separation_chart(ranked: Sequence[Mapping[str, Any]], suspects: Sequence[Mapping[str, Any]]) -> VegaChart:
    suspicious = {item["feature"] for item in suspects}
    rows = [
        {
            "feature": row["name"],
            "auc": row["auc"],
            "chance": 0.5,
            "label": words.score(row["auc"]),
            "kind": "likely leak" if row["name"] in suspicious else "feature",
        }
        for row in ranked[:SEPARATING_SHOWN]
    ]
    color = {
        "field": "kind",
        "scale": {"domain": ["feature", "likely leak"], "range": [theme.BLUE, theme.RED]},
        "legend": {"title": None} if suspicious else None,
    }
    encoding = {
        "y": {"field": "feature", "type": "nominal", "sort": None, "title": None},
        "x": theme.axis("auc", "AUC, one feature alone (0.5: none, 1: perfect)", scale={"domain": [0.5, 1]})
        | {"axis": {"format": ".1f", "tickCount": 6}},
    }
    bar = {
        "mark": {"type": "bar", "height": {"band": 0.62}},
        "encoding": {"x2": {"field": "chance"}, "color": color},
    }
    text = {"mark": {"type": "text", "align": "left", "dx": 5}, "encoding": {"text": {"field": "label"}}}
    limit = {
        "mark": {"type": "rule", "strokeDash": [4, 4]},
        "data": {"values": [{"at": SUSPECT_AUC}]},
        "encoding": {"x": {"field": "at", "type": "quantitative"}, "y": None},
    }
    return theme.chart(
        "Which features alone tell risky players from the unlabelled?",
        {"encoding": encoding, "layer": [bar, text, limit]},
        reading=f"Best {len(rows)} of {len(ranked)}. Beyond the dashed line ({SUSPECT_AUC}) it is too good to be true.",
        rows=rows,
        height=22 * len(rows),
    )


def _distribution_chart(ranked: Sequence[Mapping[str, Any]]) -> VegaChart:
    shown = ranked[:DISTRIBUTIONS_SHOWN]
    rows = [row for feature in shown for row in _bins(feature)]
    colors = {"domain": ["unlabelled", "risky"], "range": [theme.BLUE, theme.RED]}
    encoding = {
        "x": theme.axis("low", None, axis={"grid": False, "tickCount": 4, "format": "~s"}),
        "y": theme.axis("share", None, share=True, stack=None, axis={"tickCount": 3}),
        "color": {"field": "players", "type": "nominal", "scale": colors, "legend": {"title": None}},
    }
    everyone = {
        "transform": [{"filter": "datum.players == 'unlabelled'"}],
        "mark": {"type": "bar", "opacity": 0.45, "binSpacing": 0},
        "encoding": {"x": {"field": "low", "bin": "binned", "type": "quantitative"}, "x2": {"field": "high"}},
    }
    risky = {
        "transform": [{"filter": "datum.players == 'risky'"}],
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
    }
    spec = {
        "facet": {"field": "feature", "title": None, "sort": [feature["name"] for feature in shown]},
        "columns": 3,
        "spacing": {"row": 26, "column": 18},
        "resolve": {"scale": {"x": "independent", "y": "independent"}},
        "spec": {"width": 180, "height": 90, "encoding": encoding, "layer": [everyone, risky]},
    }
    return theme.chart(
        "Where do risky players differ from the unlabelled?",
        spec,
        reading="Share of players per bin of the raw value; the features that separate best.",
        rows=rows,
    )


def _bins(feature: Mapping[str, Any]) -> list[dict[str, Any]]:
    histogram = feature["histogram"]
    edges, risky = histogram["edges"], histogram["rare"]
    bars = zip(edges[:-1], edges[1:], histogram["unlabeled"], strict=True)
    steps = zip(edges, [*risky, risky[-1]], strict=True)  # the last step ends at the last edge
    return [
        *(
            {"feature": feature["name"], "players": "unlabelled", "low": low, "high": high, "share": share}
            for low, high, share in bars
        ),
        *({"feature": feature["name"], "players": "risky", "low": edge, "share": share} for edge, share in steps),
    ]


def _feature_list(ranked: Sequence[Mapping[str, Any]]) -> Any:
    rows = [
        [
            row["name"],
            words.score(row["auc"]),
            words.percent(row["zero_share"]),
            *(words.number(row[key]) for key in ("mean", "p50", "p99", "max")),
        ]
        for row in ranked[:FEATURES_LISTED]
    ]
    more = len(ranked) - len(rows)
    if more > 0:
        rows.append([f"and {more} more", *[""] * 6])
    return theme.table(["Feature", "AUC alone", "Zero", "Mean", "Median", "99th percentile", "Largest"], rows)
