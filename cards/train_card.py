"""The live card of `train`: how far one fold has come, whether its members are well, what they find."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from metaflow.cards import Markdown, ProgressBar, VegaChart

from cards import theme
from scarcegan import words

POINTS_SHOWN = 150
MEMBERS_LISTED = 16
BAND = (10, 90)
LOG_FLOOR = 1e-6
BAND_IN_WORDS = "Line: median of the healthy members; band: the middle 80 % of them."
MEMBERS_IN_WORDS = (
    "As of the last round: what each finds on validation players, and how its two networks play. A member that is not "
    "healthy now is never selected; nor is what it was while it was ill, should it recover."
)

LOSSES = {
    "discriminator_supervised_loss": "discriminator, supervised",
    "discriminator_unsupervised_loss": "discriminator, real or generated",
    "generator_loss": "generator",
}
SHARES = {
    "p_real": "real players judged real",
    "p_fake": "generated players judged generated",
    "unknown_share": "players called unknown",
}
SIZES = {"gradient_norm": "gradient norm", "feature_distance": "distance of real and generated features"}
VALIDATION = {
    "validation_recall_at_budget": "recall at the review budget",
    "validation_precision_at_budget": "precision at the review budget",
    "validation_average_precision": "average precision",
}
CLASS_RECALL = "validation_recall_of_"
FAULTS = {"not_finite": "not finite", "collapsed": "collapsed", "saturated": "saturated"}

# A table's header: the series it shows, and how a value is written.
Columns = Mapping[str, tuple[str, Callable[[float], str]]]


def train_card(history: Mapping[str, Any], fold: int, iterations_total: int) -> list[Any]:
    """Build the card of one fold's training; called again after every few rounds.

    Args:
        history: the artifact `history` of RetrainFlow's train step, so far; empty lists before the first round.
        fold: index of the fold.
        iterations_total: iterations that the training will run.
    """
    healthy = [index for index, is_healthy in enumerate(history["healthy"]) if is_healthy]
    parts = [_status(history, iterations_total), _progress(history, iterations_total), _alarms(history)]
    if len(history["iteration"]) and healthy:
        parts += [
            theme.heading("What the members find"),
            _bands(
                "Does longer training find more risky players?",
                history,
                VALIDATION,
                y=theme.axis("middle", "on validation players", scale={"zero": True}),
            ),
            _bands(
                "Which populations do the members recognise?",
                history,
                _classes(history),
                y=theme.axis("middle", "called by their name (recall)", share=True, scale={"domain": [0, 1]}),
                reading="Share of a population's labelled validation players whose most probable class is their own.",
            ),
            theme.heading("How the two networks do"),
            _bands("Do the losses settle, and do the members agree?", history, LOSSES, y=theme.axis("middle", "loss")),
            _bands(
                "Can the discriminator tell real players from generated ones?",
                history,
                SHARES,
                y=theme.axis("middle", "share", share=True, scale={"domain": [0, 1]}),
                reading="Near 50 %: it cannot. Near 100 %: it is certain; the generator has little left to learn from.",
            ),
            _bands(
                "Are the gradients sane, and does the generator keep moving?",
                history,
                SIZES,
                y=theme.axis("middle", "logarithmic", scale={"type": "log"}),
                reading="Ill: a jump by orders of magnitude, or a distance that falls to nothing (collapse).",
            ),
        ]
    if len(history["iteration"]):
        parts += [theme.heading("Members", MEMBERS_IN_WORDS), *_member_tables(history)]
    return theme.page(f"Fold {fold}", parts)


def _status(history: Mapping[str, Any], total: int) -> Markdown:
    done, members = _done(history), history["members"]
    well = sum(bool(value) for value in history["healthy"])
    health = f"**{well} of {words.plural(members, 'member')} {'is' if well == 1 else 'are'} healthy"
    health += f"; masked: {_masked(history)}.**" if well < members else ".**"
    if not len(history["iteration"]):
        return Markdown(f"**Training starts**: {words.count(total)} iterations to go, no metrics yet. {health}")
    elapsed = history["seconds"][-1]
    if done >= total:
        return Markdown(f"**Done**: {words.count(done)} iterations in {words.duration(elapsed)}. {health}")
    return Markdown(
        f"**Training**: iteration {words.count(done)} of {words.count(total)} ({words.percent(done / total)}). {health}"
    )


def _masked(history: Mapping[str, Any]) -> str:
    """Count the members that are masked now by what ails them: `2 collapsed, 1 not finite`."""
    counts = Counter(fault for fault in history["faults"][-1] if fault)
    return ", ".join(f"{number} {FAULTS[fault]}" for fault, number in counts.most_common())


def _classes(history: Mapping[str, Any]) -> dict[str, str]:
    """List the series of recall per class with the classes' names."""
    return {key: key.removeprefix(CLASS_RECALL) for key in history if key.startswith(CLASS_RECALL)}


def _progress(history: Mapping[str, Any], total: int) -> ProgressBar:
    done = _done(history)
    note = "starting"
    if len(history["seconds"]):
        elapsed = history["seconds"][-1]
        left = _seconds_left(history, total)
        note = f"{words.duration(elapsed)} gone" + (f", about {words.duration(left)} left" if done < total else "")
    return ProgressBar(max=total, value=done, label="Iterations", metadata=note)


def _done(history: Mapping[str, Any]) -> int:
    return int(history["iteration"][-1]) if len(history["iteration"]) else 0


def _seconds_left(history: Mapping[str, Any], total: int) -> float:
    """Extrapolate from the rounds after the first, which pays for compilation."""
    iteration, seconds = history["iteration"], history["seconds"]
    first = 0 if len(iteration) > 1 else None
    steps = iteration[-1] - (iteration[first] if first is not None else 0)
    spent = seconds[-1] - (seconds[first] if first is not None else 0.0)
    return float((total - _done(history)) * spent / max(steps, 1))


def _alarms(history: Mapping[str, Any]) -> Markdown:
    alarms = history["alarms"]
    if not alarms:
        return Markdown("**No alarms.**")
    return Markdown(f"**{words.plural(len(alarms), 'alarm')}**\n\n" + "\n".join(f"- {alarm}" for alarm in alarms))


def _bands(
    question: str,
    history: Mapping[str, Any],
    series: Mapping[str, str],
    *,
    y: Mapping[str, Any],
    reading: str = "",
) -> VegaChart:
    """Draw the healthy members of each series as a median line in a band."""
    rows = [row for key, name in series.items() for row in _summary(history, key, name)]
    shared_y = {"scale": y.get("scale", {"zero": False}), "title": y["title"], "axis": y["axis"]}
    encoding = {
        "x": theme.axis("iteration", "iteration", scale={"nice": False}),
        "color": {
            "field": "series",
            "type": "nominal",
            "scale": theme.palette(list(series.values())),
            "legend": {"title": None},
        },
    }
    ends = {"y": {"field": "low", "type": "quantitative", **shared_y}, "y2": {"field": "high"}}
    middle = {"y": {"field": "middle", "type": "quantitative", **shared_y}}
    tooltip = [
        {"field": "series", "title": "series"},
        {"field": "iteration", "format": ","},
        *({"field": key, "format": ".3~f"} for key in ("middle", "low", "high")),
    ]
    layers = [
        {"mark": {"type": "area", "opacity": 0.22}, "encoding": ends},
        {"mark": {"type": "line", "strokeWidth": 2}, "encoding": middle},
        {"mark": {"type": "point", "size": 60, "opacity": 0}, "encoding": middle | {"tooltip": tooltip}},
    ]
    lines = [reading, BAND_IN_WORDS] if reading else BAND_IN_WORDS
    return theme.chart(question, {"encoding": encoding, "layer": layers}, reading=lines, rows=rows, height=240)


def _summary(history: Mapping[str, Any], key: str, name: str) -> list[dict[str, Any]]:
    """Reduce a series [rounds, members] to at most 150 rows: median and band over the healthy members."""
    healthy = np.asarray(history["healthy"], bool)
    values = np.asarray(history[key], float)[:, healthy]
    picked = np.unique(np.linspace(0, len(values) - 1, min(POINTS_SHOWN, len(values))).round().astype(int))
    if key in SIZES:
        values = np.maximum(values, LOG_FLOOR)  # a logarithmic axis has no place for zero
    low, middle, high = np.percentile(values[picked], [BAND[0], 50, BAND[1]], axis=1)
    return [
        {"series": name, "iteration": int(history["iteration"][at]), "low": a, "middle": b, "high": c}
        for at, a, b, c in zip(picked, low.tolist(), middle.tolist(), high.tolist(), strict=True)
    ]


def _member_tables(history: Mapping[str, Any]) -> list[Any]:
    """List the members as of the last round, the masked first, then the best: what they find, and how they play."""
    found = history["validation_recall_at_budget"][-1]
    order = sorted(range(history["members"]), key=lambda member: (history["healthy"][member], -_or_zero(found[member])))
    classes = _classes(history)
    finds: Columns = {
        "Recall at budget": ("validation_recall_at_budget", words.percent),
        "Precision there": ("validation_precision_at_budget", words.percent),
        "Average precision": ("validation_average_precision", words.score),
        **{f"Recall of {name}": (key, words.percent) for key, name in classes.items()},
    }
    plays: Columns = {
        "Loss, supervised": ("discriminator_supervised_loss", words.number),
        "Loss, real or not": ("discriminator_unsupervised_loss", words.number),
        "Loss, generator": ("generator_loss", words.number),
        "p(real)": ("p_real", words.percent),
        "p(fake)": ("p_fake", words.percent),
        "Feature distance": ("feature_distance", words.number),
        "Gradient norm": ("gradient_norm", words.number),
    }
    shown = order[:MEMBERS_LISTED]
    parts: list[Any] = [_member_table(history, shown, finds), _member_table(history, shown, plays)]
    if len(order) > MEMBERS_LISTED:
        parts.append(Markdown(f"{len(order) - MEMBERS_LISTED} more healthy members are not listed."))
    return parts


def _member_table(history: Mapping[str, Any], members: Sequence[int], columns: Columns) -> Any:
    rows = [
        [
            str(member),
            FAULTS.get(history["faults"][-1][member], "healthy"),
            *(write(history[key][-1][member]) for key, write in columns.values()),
        ]
        for member in members
    ]
    return theme.table(["Member", "State", *columns], rows)


def _or_zero(value: float) -> float:
    return value if words.is_number(value) else 0.0
