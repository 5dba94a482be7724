"""The live card of `train`: how far one fold has come, whether its members are healthy, what they find."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from metaflow.cards import Markdown, ProgressBar, VegaChart

from cards import theme
from cards.charts import Axis, Line, banded_lines
from scarcegan import words
from scarcegan.gan.progress import Progress

# The page holds all data of its charts: more points make it heavier, and no line clearer.
POINTS_SHOWN = 150
MEMBERS_LISTED = 16
NEARLY_ALL = 0.85  # of eight members seven: by luck alone one fold in thirty has as many
LOG_FLOOR = 1e-6
BAND = (10, 50, 90)
BAND_IN_WORDS = "Lines: median of the healthy members; bands: the middle 80 % of them."
MEMBERS_IN_WORDS = (
    "As of the last round: what each finds on validation {rows}, and how its two networks do. A member that is not "
    "healthy now is never selected; nor are the rounds in which it was not healthy, should it recover."
)
OTHER_FAMILIES = "This card shows ScarceGAN's networks. The other families (`train.families`) train after them."
RECOGNISED = "Share of a population's labelled validation {rows} whose most probable class is their own."
CERTAIN = "Near 50 %: it cannot. Near 100 %: it is certain, and the generator has little left to learn from."
PRECISIONS = (
    "Precisions take the share of {rare} {rows} from data.prevalence or, where it is not set,",
    "from the review budget: they compare members and are no claim about {rows}.",
)
SOUND = "Not sound: a jump by orders of magnitude, or a distance that falls to nothing (collapse)."
LOSSES = {
    "discriminator_supervised_loss": "discriminator's supervised loss",
    "discriminator_unsupervised_loss": "discriminator's loss, real or generated",
    "generator_loss": "generator's loss",
}
SHARES = {
    "p_real": "real {rows} judged real",
    "p_fake": "generated {rows} judged generated",
    "unknown_share": "{rows} called unknown",
}
SIZES = {"gradient_norm": "gradient norm", "feature_distance": "distance of real and generated features"}
VALIDATION = {
    "validation_recall_at_budget": "recall at the review budget",
    "validation_precision_at_budget": "precision at the review budget",
    "validation_average_precision": "average precision",
}
CLASS_RECALL = "validation_recall_of_"
FAULTS = {"not_finite": "not finite", "collapsed": "collapsed", "saturated": "saturated"}
# Everything else is a share.
WRITTEN = {"validation_average_precision": words.score, **dict.fromkeys([*LOSSES, *SIZES], words.number)}


def train_card(progress: Progress, fold: int) -> list[Any]:
    """Build the card of one fold's training; called again after every few rounds."""
    alarms = theme.bullets(progress.alarms, words.plural(len(progress.alarms), "alarm"))
    status = [_status(progress), _bar(progress), alarms if progress.alarms else Markdown("**No alarms.**")]
    parts = [*status, Markdown(OTHER_FAMILIES)]
    if progress.iteration and any(progress.healthy):
        parts += _charts(progress)
    if progress.iteration:
        parts += [theme.heading("Members", progress.words.fill(MEMBERS_IN_WORDS)), *_member_tables(progress)]
    return theme.page(f"Fold {fold}", parts)


def _status(progress: Progress) -> Markdown:
    done, total, healthy = _done(progress), progress.iterations, sum(progress.healthy)
    health = f"**{healthy} of {words.plural(progress.members, 'member')} {'is' if healthy == 1 else 'are'} healthy"
    if healthy < progress.members:
        masked = Counter(filter(None, progress.faults[-1])).most_common()
        health += f"; masked: {', '.join(f'{members} {FAULTS[fault]}' for fault, members in masked)}"
    health += ".**"
    if not done:
        return Markdown(f"**Training starts**: {words.count(total)} iterations to go, no metrics yet. {health}")
    if done >= total:
        took = words.duration(progress.seconds[-1])
        return Markdown(f"**Done**: {words.count(done)} iterations in {took}. {health}{_still_improving(progress)}")
    at = f"iteration {words.count(done)} of {words.count(total)} ({words.percent(done / total)})"
    return Markdown(f"**Training**: {at}. {health}")


def _still_improving(progress: Progress) -> str:
    """Say so if nearly all healthy members found more in the last quarter of the rounds than in the one before."""
    found = np.asarray(progress.series["validation_average_precision"], float)[:, np.asarray(progress.healthy, bool)]
    quarter, members = len(found) // 4, found.shape[1]
    if not (quarter and members):
        return ""
    before, last = found[-2 * quarter : -quarter].mean(axis=0), found[-quarter:].mean(axis=0)
    gained = np.count_nonzero(last > before)
    if gained < NEARLY_ALL * members:
        return ""
    mean = f"{words.score(before.mean())} to {words.score(last.mean())} in the mean"
    return (
        f" **Still improving**: in the last quarter of the rounds, {gained} of {words.plural(members, 'member')} had a "
        f"higher average precision on validation {progress.words.rows} than in the quarter before ({mean}): "
        "more `train.iterations` may find more."
    )


def _bar(progress: Progress) -> ProgressBar:
    done, total = _done(progress), progress.iterations
    left = f", about {words.duration(seconds_left(progress))} left" if 0 < done < total else ""
    note = f"{words.duration(progress.seconds[-1])} gone{left}" if done else "starting"
    return ProgressBar(max=total, value=done, label="Iterations", metadata=note)


def _done(progress: Progress) -> int:
    return progress.iteration[-1] if progress.iteration else 0


def seconds_left(progress: Progress) -> float:
    """Extrapolate from the rounds after the first, which pays for compilation."""
    starts = list(zip(progress.iteration, progress.seconds, strict=True))
    first, second = starts[0] if len(starts) > 1 else (0, 0.0)
    last, now = starts[-1]
    return (progress.iterations - last) * (now - second) / max(last - first, 1)


def _charts(progress: Progress) -> list[Any]:
    classes, recall = _classes(progress), Axis("recognised (recall)", share=True, low=0, high=1)
    found = Axis(progress.words.fill("on validation {rows}"))
    share, size = Axis("share", share=True, low=0, high=1), Axis("logarithmic", log=True)
    return [
        theme.heading("What the members find"),
        _bands("Does longer training find more {rare} {rows}?", progress, VALIDATION, found, *PRECISIONS),
        _bands("Which populations do the members recognise?", progress, classes, recall, RECOGNISED),
        theme.heading("How the two networks do"),
        _bands("Do the losses settle, and do the members agree?", progress, LOSSES, Axis("loss")),
        _bands("Can the discriminator tell real {rows} from generated ones?", progress, SHARES, share, CERTAIN),
        _bands("Are the gradients sound, and does the generator keep moving?", progress, SIZES, size, SOUND),
    ]


def _bands(question: str, progress: Progress, series: Mapping[str, str], axis: Axis, *reading: str) -> VegaChart:
    """Draw the healthy members of each series as a median line in a band, at 150 rounds at most."""
    rounds, healthy = len(progress.iteration), np.asarray(progress.healthy, bool)
    shown = np.unique(np.linspace(0, rounds - 1, min(POINTS_SHOWN, rounds)).round().astype(int))
    iterations = [progress.iteration[at] for at in shown]
    floor = LOG_FLOOR if axis.log else -np.inf  # a logarithmic axis has no place for zero
    lines, fill = [], progress.words.fill
    for key, name in series.items():
        values = np.maximum(np.asarray(progress.series[key], float)[shown][:, healthy], floor)
        low, middle, high = np.percentile(values, BAND, axis=1).tolist()
        lines.append(Line(fill(name), iterations, middle, low, high))
    told = [*map(fill, reading), BAND_IN_WORDS]
    return banded_lines(fill(question), told, Axis("iteration"), axis, lines)


def _classes(progress: Progress) -> dict[str, str]:
    """List the series of recall by class with the classes' names."""
    return {key: key.removeprefix(CLASS_RECALL) for key in progress.series if key.startswith(CLASS_RECALL)}


def _member_tables(progress: Progress) -> list[Any]:
    """List the members as of the last round, the masked first, then the best: what they find, and how they do."""
    found = np.nan_to_num(progress.series["validation_recall_at_budget"][-1])
    # Unhealthy members first: the list is cut, and they must not be missed.
    order = sorted(range(progress.members), key=lambda member: (progress.healthy[member], -found[member]))
    shown, rest = order[:MEMBERS_LISTED], order[MEMBERS_LISTED:]
    classes = {key: f"recall of {name}" for key, name in _classes(progress).items()}
    finds, does = VALIDATION | classes, LOSSES | SHARES | SIZES
    states = {"State": lambda member: FAULTS.get(progress.faults[-1][member], "healthy")}
    # On a narrow page the second table has no room for the states.
    columns = {"Member": str} | states | _columns(progress, finds), {"Member": str} | _columns(progress, does)
    parts: list[Any] = [theme.listing(shown, one) for one in columns]
    if rest:
        healthy = sum(progress.healthy[member] for member in rest)
        told = "all" if healthy == len(rest) else healthy
        parts.append(Markdown(f"Not listed: {words.plural(len(rest), 'more member')}, {told} of them healthy."))
    return parts


def _columns(progress: Progress, series: Mapping[str, str]) -> dict[str, Callable[[int], str]]:
    def column(key: str) -> Callable[[int], str]:
        return lambda member: WRITTEN.get(key, words.percent)(progress.series[key][-1][member])

    return {progress.words.fill(name).capitalize(): column(key) for key, name in series.items()}
