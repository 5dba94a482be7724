"""What a reviewer reads before a release is approved, as one self-contained page: the model card, generated."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from cards import plain_figures
from scarcegan import words

AT_THRESHOLD = ("recall", "precision", "flagged_share", "f2", "pr_auc", "recall_at_budget")
RIVALS = ("recall_at_budget", "precision_at_budget", "pr_auc")
METHOD = (
    "model.objective",
    "model.variant",
    "model.trunk",
    "model.thresholds",
    "folds.k",
    "train.members",
    "train.iterations",
    "seed",
)
HARMS = {
    "Harmless players who are flagged": "They may be contacted, watched or limited without cause: a loss of trust, "
    "and moderators' time that players at risk do not get. No measure against a player may follow from the score "
    "alone; a moderator looks at each, and the player can object.",
    "Risky players who are missed": "They get no help in time; harm goes on. A low score is no clearance: other ways "
    "to ask for help and to report a player must stay open, whatever the model says.",
}
LIMITS = (
    "It ranks players for moderators to look at. It diagnoses nobody, and is not made for punishment, credit or "
    "marketing.",
    "It holds for players described by the same features, computed in the same way, from a season like the one it was "
    "trained on. Watch the drift report; retrain when it says so.",
    "The labels of harmless players are weak, and only those risky players count as risky who are known.",
)
STYLE = """:root { color-scheme: light dark; --line: #8886; --soft: #8881; --mark: #1479bd; }
body { font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", Arial, sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1.25rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin-bottom: .25rem; } h2 { font-size: 1.2rem; margin: 2.25rem 0 .5rem; }
p, ul { margin: .5rem 0; } ul { padding-left: 1.25rem; } .about { opacity: .75; }
.lead { border-left: 4px solid var(--mark); background: var(--soft); padding: .75rem 1rem; margin: 1.25rem 0; }
.wide { overflow-x: auto; } table { border-collapse: collapse; margin: .75rem 0; font-size: .9rem;
  font-variant-numeric: tabular-nums; } caption { text-align: left; opacity: .75; padding-bottom: .25rem; }
th, td { padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; } td { overflow-wrap: anywhere; }
@media print { body { max-width: none; margin: 0; font-size: 11px; } h2 { break-after: avoid; } }"""


def review_report(dossier: Mapping[str, Any]) -> str:
    """Write the report of a run.

    Args:
        dossier: plain data: run, created, user, settings (by dotted key), data_report,
            evaluation, release (None before it is registered), cards (SageMaker's model card content by definition),
            versions ([{version, definition, decisions: [{status, who, why, at, forced}]}]).
    """
    evaluation = dossier["evaluation"]
    parts = [
        _lead(evaluation),
        _purpose(dossier["cards"]),
        _data(dossier["data_report"], evaluation),
        _method(dossier),
        _metrics(evaluation),
        _limits(dossier),
        _harms(evaluation),
        _subgroups(evaluation.get("subgroups")),
        _lineage(dossier),
        _approval(dossier["versions"]),
    ]
    title = f"Review of run {dossier['run']}"
    made = f"Made {dossier['created']} by {dossier['user']}; written from the run's own records."
    head = f'<meta charset="utf-8"><title>{title}</title><meta name="viewport" content="width=device-width">'
    body = "\n".join([f'<h1>{title}</h1><p class="about">{escape(made)}</p>', *parts])
    return f'<!doctype html>\n<html lang="en"><head>{head}<style>{STYLE}</style></head><body>\n{body}\n</body></html>\n'


def _lead(evaluation: Mapping[str, Any]) -> str:
    sentences = [verdict["sentence"].replace("`", "") for verdict in evaluation["verdicts"].values()]
    return f'<div class="lead">{_list(sentences)}</div>'


def _purpose(cards: Mapping[str, Any]) -> str:
    uses = [card["intended_uses"] for card in cards.values()]
    return _part("Purpose", _text(uses[0]["purpose_of_model"]) + _list(use["intended_uses"] for use in uses))


def _data(report: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    prevalence = evaluation["prevalence"]
    about = (
        f"{words.count(report['players'])} players with {report['features']} features from source "
        f"'{report['source']}', cut-off {report['cutoff'] or 'not known'}. Share of risky players among all: "
        f"{words.percent(prevalence['value'])} ({prevalence['how']})."
    )
    rows = [[one["name"], words.count(one["pool"]), words.count(one["test"])] for one in report["populations"]]
    tests = [
        f"Test set '{one['name']}': {one['players']:,} players, {one['risky']} risky." for one in report["test_sets"]
    ]
    table = _table(["Population", "To train and select", "Held out"], rows)
    return _part("Data", _text(about) + table + _list([*tests, *report["warnings"]]))


def _method(dossier: Mapping[str, Any]) -> str:
    observed = [card["training_details"]["training_observations"] for card in dossier["cards"].values()]
    told = ", ".join(f"{key} = {dossier['settings'][key]}" for key in METHOD if key in dossier["settings"])
    about = (
        "Semi-supervised GAN for rare classes. Each fold trains its members on the others' players; members, iteration "
        "and threshold are chosen on validation players, never on test players. Intervals are 95 %, from resampling "
        "the test players."
    )
    return _part("Method", _text(about) + _list(dict.fromkeys(observed)) + _text(f"Settings: {told}."))


def _metrics(evaluation: Mapping[str, Any]) -> str:
    return _part("Metrics on test players", "".join(_measured(evaluation, name) for name in evaluation["test_sets"]))


def _measured(evaluation: Mapping[str, Any], test: str) -> str:
    models = {name: model["test"][test] for name, model in evaluation["models"].items()}
    champions = {f"champion of {name} (version {one['version']})": one for name, one in evaluation["champions"].items()}
    models |= {name: one[test] for name, one in champions.items() if test in one}
    rivals = {f"baseline {name}": one[test] for name, one in evaluation["baselines"].items() if test in one}
    spread = [
        [
            name,
            *(
                words.spread("recall", one["mean"], one["std"])
                for one in map(model["fold_spread"].get, AT_THRESHOLD[:4])
            ),
        ]
        for name, model in evaluation["models"].items()
    ]
    return (
        _figures(f"Models at their own thresholds, test set '{test}'", models, AT_THRESHOLD)
        + _figures("Beside baselines trained on the same rows, at the review budget", models | rivals, RIVALS)
        + _table(
            ["Model", *map(words.metric_name, AT_THRESHOLD[:4])], spread, "From fold to fold, on validation players"
        )
    )


def _limits(dossier: Mapping[str, Any]) -> str:
    missed = [name for name, model in dossier["evaluation"]["models"].items() if not model["constraint_met"]]
    own = [f"'{name}' could not meet its constraint on validation players: approve with care." for name in missed]
    return _part("Limits of use", _list([*own, *LIMITS]))


def _harms(evaluation: Mapping[str, Any]) -> str:
    first, share = evaluation["test_sets"][0], evaluation["prevalence"]["value"]
    rows = []
    for name, model in evaluation["models"].items():
        test = model["test"][first]
        flagged, precision, recall = (test[key]["value"] for key in ("flagged_share", "precision", "recall"))
        counts = (flagged, flagged * (1 - precision), share * (1 - recall))
        rows.append([name, *(words.count(10_000 * count) for count in counts)])
    table = _table(["Model", "Flagged", "Flagged, but harmless", "Risky, but missed"], rows, "Of 10,000 players")
    return _part("Harms of mistakes", table + "".join(f"<p><b>{name}.</b> {text}</p>" for name, text in HARMS.items()))


def _subgroups(subgroups: Mapping[str, Any] | None) -> str:
    if not subgroups or not subgroups["features"]:
        return ""
    rows = [
        [
            words.metric_name(feature["feature"]),
            f"{words.number(group['from'])} to {words.number(group['to'])}",
            *(words.count(group[key]) for key in ("players", "risky")),
            *(plain_figures.share_interval(group[key]) for key in ("flagged_share", "recall", "precision")),
        ]
        for feature in subgroups["features"]
        for group in feature["groups"]
    ]
    headers = ["Players by", "From, to", "Players", "Known risky", "Flagged", "Recall", "Precision"]
    return _part("Does it serve all players alike?", _table(headers, rows, f"Model '{subgroups['definition']}'"))


def _lineage(dossier: Mapping[str, Any]) -> str:
    release = dossier["release"] or {"release_id": "not registered", "registry": "", "lineage": {}}
    facts = {"release": release["release_id"], "registry": release["registry"], **release["lineage"]}
    rows = [[words.metric_name(key), str(value)] for key, value in facts.items() if value]
    return _part("Where it comes from", _table(["Fact", "Value"], rows))


def _approval(versions: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [f"{one['version']} ({one['definition']})", _decided(event), event["who"], event["why"], event["at"][:16]]
        for one in versions
        for event in one["decisions"] or [{"status": "waits for a decision", "who": "", "why": "", "at": ""}]
    ]
    table = _table(["Version", "Decision", "By", "Why", "When (UTC)"], rows)
    return _part("Who approved it", table if rows else _text("Nobody: the registry knows no model of this run."))


def _decided(event: Mapping[str, Any]) -> str:
    return event["status"].lower() + (" (forced)" if event.get("forced") else "")


def _figures(caption: str, measured: Mapping[str, Mapping[str, Any]], metrics: Sequence[str]) -> str:
    rows = [
        [name, *(plain_figures.interval(metric, one.get(metric)) for metric in metrics)]
        for name, one in measured.items()
    ]
    return _table(["Model", *map(words.metric_name, metrics)], rows, caption)


def _part(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>{body}"


def _text(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in headers)
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    titled = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<div class="wide"><table>{titled}<tr>{head}</tr>{body}</table></div>'
